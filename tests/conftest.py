"""Settings of every test."""
import os

from hypothesis import settings

# Set before anything imports TensorFlow: its start-up notes are no part of a test's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# The same examples every time, and no time limit for one: the machine may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
