"""What a map of pairs owes to corners of the prediction: where a score reaches the end of its scale, ±CLIP, and moves no further.

Networks and Gaussian processes scale a feature v by the rows they were fitted on, so each part has such places of its own. There
the slope of the answer by v jumps, by [∂f/∂v], and its curvature is an impulse that no node of an integral sees:
    ∂²f/∂u_i∂u_j = [∂f/∂v] a_i a_j δ(v − v_c) + …,        a = ∂v/∂u
with u the coordinates, from 0 at the baseline to 1. The straight path meets it at the place t, where dv/dt = Σ_k a_k, and
    Γ_ij = −ln t · t · [∂f/∂v] a_i a_j / |Σ_k a_k|        is what it adds to the integral of −ln t · t · ∂²f/∂u_i∂u_j.
Columns of conditions are not looked at, nor the scales of networks of another task that told these what to expect.

Axes: place on a grid g · part D · member M · group N · column of the composition F.
"""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mtl_core.explain.attribution import _ElementPath
from mtl_core.explain.groups import Groups
from mtl_core.features.preparation import mapped
from mtl_core.features.scaling import CLIP, Scaler
from mtl_core.features.table import featurize

GRID = 200  # steps between which a score is taken to move straight
SIDE = 1e-3  # of a score, by which a corner is looked at from both sides
STEP = 1e-4  # of a coordinate, for the slopes of the featuriser


@dataclass(frozen=True, eq=False)
class Corner:
    """column: whose score it is; place: t of each part [D], NaN where it has none; limit, unit: the value there, and of a score
    of 1, [D] each."""

    column: int
    place: np.ndarray
    limit: np.ndarray
    unit: np.ndarray


def corners(scaler: Scaler, values: np.ndarray, columns: np.ndarray) -> Iterator[Corner]:
    """Those of some columns on a path with the unscaled features [g, F] at even places from 0 to 1; scaler: arrays [D, …].

    Where a score leaves its scale more than once, each time is a corner of its own.
    """
    for limit in _limits(scaler):
        for column in columns:
            value, bound = values[:, column], limit[:, column]
            is_above = value > bound[:, None]
            crosses = is_above[:, 1:] != is_above[:, :-1]
            while crosses.any():
                before, parts = crosses.argmax(axis=1), np.arange(len(crosses))
                step = np.where(crosses.any(axis=1), value[before + 1] - value[before], np.nan)
                yield Corner(column, (before + (bound - value[before]) / step) / (len(value) - 1), bound, scaler.scale[:, column])
                crosses[parts, before] = False


def corner_cells(path: _ElementPath, groups: Groups, at: np.ndarray) -> np.ndarray:
    """What the corners of a path add to Γ, [M, N, N] in the learning unit; at: at.% [2, E], those of the alloy first."""
    spec, part = path.ensemble.spec, path.ensemble.part_of_member
    difference = at[0] - at[1]
    moves = groups.holds(spec.symbols) * difference
    along = _composed(path, at[1] + np.linspace(0.0, 1.0, GRID + 1)[:, None] * difference)
    columns = np.flatnonzero(spec.visible(path.task)[:spec.n_of_composition] * (np.ptp(along, axis=0) > 0))
    cells = np.zeros((len(part), len(moves), len(moves)))
    for scaler in _scalers(path):
        for corner in corners(scaler, along, columns):
            has_one = np.isfinite(corner.place)
            t = np.where(has_one, corner.place, 0.5)
            amounts, step = at[1] + t[:, None] * difference, np.minimum(STEP, 0.05 * np.minimum(t, 1.0 - t))[:, None, None]
            ahead, behind = (_composed(path, amounts[:, None] + sign * step * moves)[..., corner.column] for sign in (1, -1))
            slopes = (ahead - behind) / (2 * step[..., 0])
            weight = np.where(has_one, -np.log(t) * t / np.abs(slopes.sum(axis=1)), 0.0)
            jump = _jump(path, corner, _composed(path, amounts), t)
            cells += np.einsum("m,mi,mj->mij", jump * weight[part], slopes[part], slopes[part])
    return cells


def _scalers(path) -> list[Scaler]:
    """What scales the features of the path's task: for its networks, and for its Gaussian processes."""
    kernels, index = path.ensemble.processes(path.task.key)
    found = [path.ensemble.scaler(path.task.key)]
    return found if kernels is None else [*found, mapped(kernels.features, lambda array: array[:, index])]


def _limits(scaler) -> tuple[np.ndarray, np.ndarray]:
    """Below and above which values a score does not move, [D, F] each."""
    low, high = scaler.mean - CLIP * scaler.scale, scaler.mean + CLIP * scaler.scale
    return (low, high) if scaler.low is None else (np.maximum(low, scaler.low), np.minimum(high, scaler.high))


def _composed(path, amounts):
    """The unscaled columns that follow from at.%, [..., E] → [..., F]."""
    spec = path.ensemble.spec
    values = featurize(amounts.reshape(-1, amounts.shape[-1]), {"not_reported": path.unstated}, spec).values
    return values[:, :spec.n_of_composition].reshape(*amounts.shape[:-1], -1)


def _jump(path, corner, composed, t):
    """[∂f/∂v] of each member [M]: the slope where v is larger minus where it is smaller; composed: the columns at t [D, F]."""
    part, n_elements = path.ensemble.part_of_member, len(path.ensemble.spec.symbols)
    sides = np.stack([composed, composed])
    sides[..., corner.column] = corner.limit + np.array([[SIDE], [-SIDE]]) * corner.unit
    end, start = path.ends[:2, :, n_elements:]
    context = (start + t[part, None] * (end - start)).reshape(len(part), path.n_draws, -1)
    composed = np.repeat(sides[:, part, None], path.n_draws, axis=2)
    values = tf.constant(np.concatenate([composed, np.stack([context, context])], axis=-1), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(path._members(values, alike=True))
    above, below = tape.gradient(total, values).numpy()[..., corner.column].sum(axis=-1)
    return above - below
