"""What Gaussian processes and ridge regressions say beside the networks, once `kernel_fit` has fitted them; formulas there."""
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mtl_core.features.preparation import Preparation, arrays_of, mapped
from mtl_core.features.scaling import Scaler

SMALLEST_SQUARE = 1e-10  # where a root would have no slope


@dataclass(frozen=True, eq=False)
class Kernels:
    """What was fitted on D parts for T tasks, of n rows.

    values: unscaled features of the rows [n, F]; task: of each row [n]; features: what scales them, arrays [D, T, …];
    scale: a [D, T]; inverse_length: 1 / l [D, T, F]; coefficient, offset: of all that is linear [D, T, F], [D, T];
    weights: (1 − v) α [D, T, n], 0 for rows that were not learnt from.
    """

    values: np.ndarray
    task: np.ndarray
    features: Scaler
    scale: np.ndarray
    inverse_length: np.ndarray
    coefficient: np.ndarray
    offset: np.ndarray
    weights: np.ndarray

    def select(self, parts: np.ndarray) -> "Kernels":
        """Those of some parts only."""
        own = {name: getattr(self, name)[parts] for name in NUMBERS}
        return Kernels(self.values, self.task, mapped(self.features, lambda array: array[parts]), **own)

    def of_task(self, task: int) -> tuple[np.ndarray, Scaler, dict[str, np.ndarray]]:
        """Unscaled features [n, F] of the rows of one task; what scales them, and its numbers, arrays [D, …]."""
        rows = self.task == task
        numbers = {name: getattr(self, name)[:, task] for name in NUMBERS}
        return (self.values[rows], mapped(self.features, lambda array: array[:, task]),
                numbers | {"weights": numbers["weights"][:, rows]})

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name."""
        own = {name: getattr(self, name) for name in ("values", "task", *NUMBERS)}
        return own | {f"feature_{name}": value for name, value in arrays_of(self.features).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Kernels":
        """The inverse of `arrays`."""
        scaler = {name.removeprefix("feature_"): value for name, value in arrays.items() if name.startswith("feature_")}
        return cls(features=Scaler(**scaler), **{name: arrays[name] for name in ("values", "task", *NUMBERS)})


NUMBERS = ("scale", "inverse_length", "coefficient", "offset", "weights")


def shapes(n_parts: int, n_tasks: int, n_rows: int, n_features: int, preparation: Preparation) -> dict[str, tuple[int, ...]]:
    """The shape of each of `Kernels.arrays`."""
    each, scaler = (n_parts, n_tasks), arrays_of(Scaler.fit(np.zeros((1, n_features)), preparation))
    return {"values": (n_rows, n_features), "task": (n_rows,), "scale": each, "offset": each, "weights": (*each, n_rows),
            "inverse_length": (*each, n_features), "coefficient": (*each, n_features),
            **{f"feature_{name}": (*each, *value.shape) for name, value in scaler.items()}}


def kernel_mean(x: tf.Tensor, learnt: tf.Tensor, scale: tf.Tensor, inverse_length: tf.Tensor, coefficient: tf.Tensor,
                offset: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Means [D, B] in units of the target's spread, of scaled features x [D, B, F].

    learnt: scaled features of the rows [D, n, F]; the others as in `Kernels`, of one task.
    """
    near, near_learnt = x * inverse_length[:, None], learnt * inverse_length[:, None]
    square = (tf.reduce_sum(near**2, -1)[..., None] + tf.reduce_sum(near_learnt**2, -1)[:, None]
              - 2.0 * tf.matmul(near, near_learnt, transpose_b=True))
    root = tf.sqrt(3.0 * tf.maximum(square, SMALLEST_SQUARE))
    curved = tf.linalg.matvec((1.0 + root) * tf.exp(-root), weights) * scale[:, None] ** 2
    return curved + tf.linalg.matvec(x, coefficient) + offset[:, None]
