"""The vectorised sparse multi-task ensemble: specification, network, training, checkpoint."""
