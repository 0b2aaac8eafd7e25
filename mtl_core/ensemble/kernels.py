"""What Gaussian processes and ridge regressions say beside the networks, once `kernel_fit` has fitted them; formulas there."""
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from mtl_core.features.preparation import Preparation, arrays_of, mapped
from mtl_core.features.scaling import Scaler

SMALLEST_SQUARE = 1e-10  # where a root would have no slope
N_DIRECTIONS = 96  # R, out of some 600: all of them would be six times as much to keep and to multiply


@dataclass(frozen=True, eq=False)
class Kernels:
    """What was fitted on D parts for T tasks, of n rows.

    values: unscaled features of the rows [n, F]; task: of each row [n]; features: what scales them, arrays [D, T, …];
    scale: a [D, T]; inverse_length, slope: 1 / l and b [D, T, F]; weights: α [D, T, n], 0 for rows that were not learnt from;
    coefficient, offset: of the ridge [D, T, F], [D, T]; line, apart: v and c [D, T]. To fit them again without some
    rows: noise: s [D, T]; penalty: of the ridge [D, T]. directions: Q of the rows, those of each task [D, n, R].
    """

    values: np.ndarray
    task: np.ndarray
    features: Scaler
    scale: np.ndarray
    inverse_length: np.ndarray
    coefficient: np.ndarray
    offset: np.ndarray
    slope: np.ndarray
    noise: np.ndarray
    line: np.ndarray
    apart: np.ndarray
    penalty: np.ndarray
    weights: np.ndarray
    directions: np.ndarray

    def select(self, parts: np.ndarray) -> "Kernels":
        """Those of some parts only."""
        own = {name: getattr(self, name)[parts] for name in NUMBERS}
        return Kernels(self.values, self.task, mapped(self.features, lambda array: array[parts]), **own)

    def untrained(self) -> "Kernels":
        """The same before they have seen a value: all that they say is 0."""
        return replace(self, **{name: np.zeros_like(getattr(self, name)) for name in FROM_VALUES})

    def of_task(self, task: int) -> tuple[Scaler, np.ndarray, dict[str, np.ndarray]]:
        """Of one task: what scales its features, arrays [D, …]; the columns of them that count for some part [F']; and what
        `kernel_mean` takes, of those columns and of the rows that count for some part."""
        scaler, columns, rows, x = self._seen(task)
        shrink, slope, ridge = (array[:, task][:, columns]
                                for array in (np.sqrt(3.0) * self.inverse_length, self.slope, self.coefficient))
        alpha = self.weights[:, task][:, rows]
        learnt, weights = x * shrink[:, None], (self.scale[:, task, None] ** 2 * alpha)[..., None]
        square, one = (learnt**2).sum(axis=-1, keepdims=True), np.ones_like(learnt[..., :1])
        return scaler, columns, {
            "shrink": shrink, "rows": np.concatenate([-2.0 * learnt, one, square], axis=-1),
            "weighed": np.concatenate([weights * learnt, weights], axis=-1), "weights": weights,
            "lines": np.stack([slope**2 * (alpha[:, None] @ x)[:, 0], ridge], axis=-1),
            "offsets": np.stack([alpha.sum(axis=-1), self.offset[:, task]], axis=-1), "share": self.line[:, task],
            "apart": self.apart[:, task]}

    def doubts_of_task(self, task: int) -> dict[str, np.ndarray]:
        """What `kernel_variance` takes beside some of that."""
        _, columns, rows, x = self._seen(task)
        slope, scale, q = self.slope[:, task][:, columns], self.scale[:, task], self.directions[:, rows].astype(np.float32)
        lines = (slope**2)[..., None] * (x.swapaxes(1, 2) @ q)
        return {"curved": scale[:, None, None] ** 2 * q, "slope": slope, "scale": scale,
                "lines": np.concatenate([lines, q.sum(axis=1, keepdims=True)], axis=1)}

    def _seen(self, task):
        """The first two of `of_task`, the rows that count for some part [n], and those columns of their scores [D, n', F']."""
        rows = (self.task == task) & (self.weights[:, task] != 0).any(axis=0)
        columns = np.flatnonzero((self.inverse_length[:, task] != 0).any(axis=0) | (self.coefficient[:, task] != 0).any(axis=0))
        scaler = mapped(self.features, lambda array: np.expand_dims(array[:, task], 1) if array.ndim == 3 else array[:, task])
        return scaler, columns, rows, scaler.transform(self.values[rows][None])[..., columns]

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name."""
        own = {name: getattr(self, name) for name in ("values", "task", *NUMBERS)}
        return own | {f"feature_{name}": value for name, value in arrays_of(self.features).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Kernels":
        """The inverse of `arrays`."""
        scaler = {name.removeprefix("feature_"): value for name, value in arrays.items() if name.startswith("feature_")}
        return cls(features=Scaler(**scaler), **{name: arrays[name] for name in ("values", "task", *NUMBERS)})


NUMBERS = ("scale", "inverse_length", "coefficient", "offset", "slope", "noise", "line", "apart", "penalty", "weights",
           "directions")
FROM_VALUES = ("weights", "coefficient", "offset", "directions")


def shapes(n_parts: int, n_tasks: int, n_rows: int, n_features: int, preparation: Preparation) -> dict[str, tuple[int, ...]]:
    """The shape of each of `Kernels.arrays`."""
    each, scaler = (n_parts, n_tasks), arrays_of(Scaler.fit(np.zeros((1, n_features)), preparation))
    return {"values": (n_rows, n_features), "task": (n_rows,), "weights": (*each, n_rows),
            "directions": (n_parts, n_rows, N_DIRECTIONS),
            **dict.fromkeys(("scale", "offset", "noise", "line", "apart", "penalty"), each),
            **dict.fromkeys(("inverse_length", "coefficient", "slope"), (*each, n_features)),
            **{f"feature_{name}": (*each, *value.shape) for name, value in scaler.items()}}


def kernel_mean(x: tf.Tensor, *, shrink: tf.Tensor, rows: tf.Tensor, weighed: tf.Tensor, weights: tf.Tensor, lines: tf.Tensor,
                offsets: tf.Tensor, share: tf.Tensor, apart: tf.Tensor) -> tf.Tensor:
    """Means [D, B] in units of the target's spread, of scaled features x [D, B, F].

    shrink: √3 / l [D, F]; rows: z = √3 x / l of those learnt from, as −2 z, 1, |z|² [D, n, F + 2], whose product is 3 r²;
    weights: those of `Kernels` times a² [D, n, 1]; weighed: weights times z, 1 [D, n, F + 1]; lines, offsets: what is linear in
    the process, and the ridge [D, F, 2], [D, 2]; share, apart: v and c [D].
    """
    root = _root(x * shrink[:, None], rows)
    linear = x @ lines + offsets[:, None]
    process = ((1.0 + root) * tf.exp(-root) @ weights)[..., 0] + linear[..., 0]
    difference = linear[..., 1] - process
    return process + share[:, None] * difference * _belief(difference, apart)


def kernel_variance(x: tf.Tensor, *, shrink: tf.Tensor, rows: tf.Tensor, curved: tf.Tensor, slope: tf.Tensor, lines: tf.Tensor,
                    scale: tf.Tensor) -> tf.Tensor:
    """What the processes do not know of their own means, [D, B] in units of the squared spread: k(x, x) − |Qᵀ k(x)|².

    x, shrink, rows: as for `kernel_mean`; curved: a² Q [D, n, R]; slope: b [D, F]; lines: what Q makes of the linear part of k
    and, behind it, of its constant [D, F + 1, R]; scale: a [D].
    """
    root = _root(x * shrink[:, None], rows)
    known = (1.0 + root) * tf.exp(-root) @ curved + tf.concat([x, tf.ones_like(x[..., :1])], axis=-1) @ lines
    prior = scale[:, None] ** 2 + tf.reduce_sum((x * slope[:, None]) ** 2, axis=-1) + 1.0
    return tf.maximum(prior - tf.reduce_sum(known**2, axis=-1), 0.0)


def mean_and_slope(x: tf.Tensor, *, shrink: tf.Tensor, rows: tf.Tensor, weighed: tf.Tensor, weights: tf.Tensor, lines: tf.Tensor,
                   offsets: tf.Tensor, share: tf.Tensor, apart: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The same, and their slopes by x [D, B, F]; with z as there, ∂m/∂z = −exp(−√3 r) (z − zᵢ)."""
    near = x * shrink[:, None]
    root = _root(near, rows)
    decay = tf.exp(-root)
    pull, linear = decay @ weighed, x @ lines + offsets[:, None]
    process = pull[..., -1] + (root * decay @ weights)[..., 0] + linear[..., 0]
    by_x = lines[:, None, :, 0] - (near * pull[..., -1:] - pull[..., :-1]) * shrink[:, None]
    difference = linear[..., 1] - process
    heard = share[:, None] * _belief(difference, apart)
    follows = heard * (1.0 - 2.0 * (difference / apart[:, None]) ** 2)
    return process + heard * difference, by_x + follows[..., None] * (lines[:, None, :, 1] - by_x)


def _belief(difference, apart):
    """What counts of so much contradiction."""
    return tf.exp(-(difference / apart[:, None]) ** 2)


def _root(near, rows):
    """√3 r [D, B, n]."""
    own = tf.concat([near, tf.reduce_sum(near**2, axis=-1, keepdims=True), tf.ones_like(near[..., :1])], axis=-1)
    return tf.sqrt(tf.maximum(tf.matmul(own, rows, transpose_b=True), SMALLEST_SQUARE))
