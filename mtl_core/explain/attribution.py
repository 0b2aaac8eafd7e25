"""Which elements push a prediction away from a baseline alloy's, by all their routes.

The path runs in composition space, from the baseline to the alloy, under the alloy's own processing and conditions; the
featuriser is differentiated along it, so that one bar holds an element's own column and its part in every descriptor:
    φ_e = (a_e − b_e) ∫₀¹ ∂f/∂a_e (b + t (a − b)) dt                  Sundararajan, Taly & Yan 2017, arXiv 1703.01365
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.experimental import numpy as tnp

from mtl_core.chemistry.composition import Composition
from mtl_core.explain.path_explainer import integrated_gradients
from mtl_core.features.table import featurize
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

N_STEPS = 200
N_NODES = 24  # Gauss-Legendre nodes of the member-by-member integral


@dataclass(frozen=True, eq=False)
class Attribution:
    """Bars of one task in its physical unit.

    elements: those that differ from the baseline; values: [E], path-explain on the ensemble's mean; spread: [E], standard
    deviation of the same integral over members; is_stable: [E] bool, whether nine members in ten agree on the sign;
    gap: prediction − baseline prediction − sum of values, what the numerical integral misses.
    """

    task: TaskSpec
    elements: tuple[str, ...]
    values: np.ndarray
    spread: np.ndarray
    is_stable: np.ndarray
    baseline: float
    prediction: float

    @property
    def gap(self) -> float:
        return self.prediction - self.baseline - float(self.values.sum())


def attribute(predictor: Predictor, composition: Composition, conditions: Conditions, task: TaskSpec, *,
              baseline: Composition, n_steps: int = N_STEPS) -> Attribution:
    """Explain one prediction by elements. Masks, members and stand-ins for unreported conditions are the prediction's own."""
    start, end = predictor.at_matrix([baseline, composition])
    function = _MeanOf(predictor, task, conditions, end)
    values = integrated_gradients(function, end[None], start, n_steps=n_steps)[0]
    of_members = function.member_attributions(start, end)
    differs = np.flatnonzero(np.abs(end - start) > 1e-6)
    predictions = function(tf.constant(np.stack([start, end]), tf.float32)).numpy().astype(float)
    agreement = np.maximum((of_members > 0).mean(axis=0), (of_members < 0).mean(axis=0))
    return Attribution(task, tuple(predictor.ensemble.spec.symbols[i] for i in differs), values[differs].astype(float),
                       of_members.std(axis=0)[differs], agreement[differs] >= 0.9, *predictions)


class _MeanOf:
    """The ensemble's mean of one task as a differentiable function of at.% [n, E] → [n], in the task's unit."""

    def __init__(self, predictor: Predictor, task: TaskSpec, conditions: Conditions, at: np.ndarray):
        self.predictor, self.task = predictor, task
        self.columns, self.n_draws = predictor.context(task, at[None], [conditions])

    def __call__(self, at: tf.Tensor) -> tf.Tensor:
        """[n] means; path-explain calls this and takes its gradient."""
        answer = self.predictor.ensemble.mean_tensor(self._values(at), self.task.key)  # [M, K, n × draws]
        mean = tf.reduce_mean(tf.reshape(answer, (*answer.shape[:2], at.shape[0], self.n_draws)), axis=(0, 1, 3))
        return self._physical(mean)

    def member_attributions(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """The path integral of each member [M, E]: one gradient over the member axis, at Gauss-Legendre nodes."""
        n_members = self.predictor.n_members
        nodes, weights = np.polynomial.legendre.leggauss(N_NODES)
        path = start + 0.5 * (nodes[:, None] + 1.0) * (end - start)
        at = tf.constant(np.tile(path, (n_members, 1)), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(at)
            values = tf.reshape(self._values(at), (n_members, 1, N_NODES * self.n_draws, -1))
            answer = self.predictor.ensemble.mean_tensor(values, self.task.key)
            by_node = tf.reduce_mean(tf.reshape(answer, (*answer.shape[:2], N_NODES, self.n_draws)), axis=(1, 3))
            total = tf.reduce_sum(self._physical(by_node))
        gradient = tape.gradient(total, at).numpy().reshape(n_members, N_NODES, -1)
        return (end - start) * np.einsum("q,mqe->me", 0.5 * weights, gradient)

    def _values(self, at: tf.Tensor) -> tf.Tensor:
        """Unscaled features [n × draws, F]."""
        columns = {name: _tiled(value, at.shape[0]) for name, value in self.columns.items()}
        repeated = tf.repeat(tf.cast(at, tf.float64), self.n_draws, axis=0)
        return tf.cast(featurize(repeated, columns, self.predictor.ensemble.spec, xp=tnp).values, tf.float32)

    def _physical(self, mean: tf.Tensor) -> tf.Tensor:
        return tf.pow(10.0, mean) if self.task.transform == "log10" else mean


def _tiled(draws: Sequence, n: int) -> np.ndarray:
    return np.tile(np.asarray(draws, dtype=object), n)
