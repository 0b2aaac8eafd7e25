"""How the gradients of several tasks become one step, where they share a network.

    sum            of all rows of a batch: a task counts as much as it has rows
    uncertainty    each task is divided by a variance that is learnt with it (Kendall, Gal & Cipolla 2018, arXiv 1705.07115)
    pcgrad         where two tasks pull the shared layers apart, each loses what it has against the other (Yu et al. 2020,
                   arXiv 2001.06782)

Axes: member M · row of a batch B · task T.
"""
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from mtl_core.ensemble.network import LOG_SCALE_RANGE

DOUBT = "log_variance"  # of each task, learnt beside the parameters [M, T]
SHARED = "trunk"  # how the names of the parameters begin that all tasks share
# The least that the loss can be, of an exact reading that is met exactly with the smallest noise; see `losses`.
LEAST = {"logistic": LOG_SCALE_RANGE[0] + 2.0 * np.log(2.0), "gaussian": LOG_SCALE_RANGE[0] + 0.5 * np.log(2.0 * np.pi)}


def weighted(loss: tf.Tensor, of_task: tf.Tensor, log_variance: tf.Tensor, likelihood: str) -> tf.Tensor:
    """Sum over members of the mean of (ℓ − ℓ₀) / σ² + ln σ² over the rows, σ² being that of the row's task.

    loss: ℓ [M, B]; of_task: one-hot [M, B, T]; log_variance: ln σ² [M, T]. ℓ₀ is the least that ℓ can be: of a loss below zero
    no σ² would be small enough.
    """
    doubt = tf.reduce_sum(log_variance[:, None] * of_task, axis=-1)
    return tf.reduce_sum(tf.reduce_mean((loss - LEAST[likelihood]) * tf.exp(-doubt) + doubt, axis=1))


def projected(found: Sequence[Mapping[str, tf.Tensor]], seed: tuple[tf.Tensor | int, tf.Tensor | int]) -> dict[str, tf.Tensor]:
    """Sum over tasks of their gradients by name, [M, …] each, those of shared layers projected member by member:

        g_i ← g_i − (g_i · g_j / |g_j|²) g_j    for each other task j, in random order, as long as g_i · g_j < 0
    """
    names = [name for name in found[0] if name.startswith(SHARED)]
    flat = tf.stack([tf.concat([_rows(of_task[name]) for name in names], axis=1) for of_task in found])  # [T, M, P]
    order = tf.argsort(tf.random.stateless_uniform((len(found),), seed))
    summed = tf.add_n([_without_conflict(flat, task, order) for task in range(len(found))])
    pieces = tf.split(summed, [_rows(found[0][name]).shape[1] for name in names], axis=1)
    shared = {name: tf.reshape(piece, found[0][name].shape) for name, piece in zip(names, pieces, strict=True)}
    return {name: shared[name] if name in shared else tf.add_n([of_task[name] for of_task in found]) for name in found[0]}


def _rows(gradient):
    return tf.reshape(gradient, (gradient.shape[0], -1))


def _without_conflict(flat, task, order):
    """One task's gradient [M, P] without what it has against the others."""
    mine = flat[task]
    for position in range(flat.shape[0]):
        other = tf.gather(flat, order[position])
        against = tf.minimum(tf.reduce_sum(mine * other, axis=1, keepdims=True), 0.0)
        share = against / tf.maximum(tf.reduce_sum(other ** 2, axis=1, keepdims=True), 1e-12)
        mine -= tf.where(order[position] == task, 0.0, share) * other
    return mine
