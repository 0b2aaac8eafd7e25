"""Search for a better configuration: space, study, what to try next, and the surrogate that says why."""
