"""Settings of every test."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Set before anything imports TensorFlow: its start-up notes are no part of a test's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# The same examples every time, and no time limit for one: the machine may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def predictor():
    """The predictor that the project ships."""
    from mtl_core.pipeline import load_predictor

    return load_predictor()


@pytest.fixture(scope="session")
def smoke_environment(tmp_path_factory):
    """Environment of a process whose runs go to a folder of their own."""
    return os.environ | {"ALLOYSCOPE_RUNS": str(tmp_path_factory.mktemp("runs"))}


@pytest.fixture(scope="session")
def smoke_training(smoke_environment, tmp_path_factory):
    """What `train --preset smoke --json` says, run once, from a working folder that is not the repository."""
    done = subprocess.run([sys.executable, "-m", "mtl_core", "train", "--preset", "smoke", "--json"], env=smoke_environment,
                          cwd=tmp_path_factory.mktemp("elsewhere"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def smoke_run(smoke_training, smoke_environment):
    """Folder of the run that `smoke_training` made."""
    return Path(smoke_environment["ALLOYSCOPE_RUNS"]) / smoke_training["run"]
