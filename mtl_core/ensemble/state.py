"""A training under way, kept in one file of arrays, so that it goes on after whatever ended its process."""
import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from mtl_core.errors import CheckpointError
from mtl_core.files import read_arrays, write_arrays

SAVE_SECONDS = 10.0  # from one save to the next, and so much longer that saving takes
SHARE = 0.01  # of the time, at most


def fingerprint(rows: object, *settings: object) -> str:
    """SHA-256 of all that the numbers of a training follow from: its arrays, settings and seed, and TensorFlow's version."""
    digest = hashlib.sha256(repr((tf.__version__, settings)).encode())
    for name, array in vars(rows).items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


class StateFile:
    """Where the training with a fingerprint is kept; without a path, nowhere."""

    def __init__(self, path: Path | None, training: str):
        self.path, self.training, self._due = path, training, time.monotonic() + SAVE_SECONDS

    def read(self) -> dict[str, np.ndarray]:
        """What was written last, by name; empty where nothing was. Raises CheckpointError when it is damaged or foreign."""
        if self.path is None or not self.path.exists():
            return {}
        arrays = read_arrays(self.path)
        if arrays.pop("training", None) != self.training:
            raise CheckpointError(f"{self.path}: expected the state of this training, got that of one with other data, "
                                  "settings or version of TensorFlow; start a new run")
        return arrays

    def is_due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() >= self._due

    def write(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep the arrays instead of those that were written before, by rename."""
        if self.path is None:
            return
        start = time.monotonic()
        write_arrays(self.path, {"training": np.array(self.training), **arrays}, compressed=False)
        end = time.monotonic()
        self._due = end + max(SAVE_SECONDS, (end - start) / SHARE)
