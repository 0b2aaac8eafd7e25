"""What the network sees: descriptors, the feature table, scaling and a map of the alloys."""
