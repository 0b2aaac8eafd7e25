"""Speed and memory, measured in one process beside the reference they are compared with."""
