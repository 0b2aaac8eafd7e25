"""Scores of features: capped, centred, scaled, filled in; fitted on the training part of a fold only."""
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from mtl_core.features.mixture import Array
from mtl_core.features.preparation import DEFAULT_PREPARATION, Preparation

CLIP = 5.0  # a rare element has huge standard scores; unclipped they make networks diverge
GAUSSIAN_IQR = 1.349  # interquartile range of a standard Gaussian
RIDGE = 10.0  # penalty of the regressions that fill in; about what leave-one-out prefers for pH, temperature and scan rate


@dataclass(frozen=True, eq=False)
class Scaler:
    """What was fitted on training rows, [F] each unless said; further axes may stand in front, as one for the member.

    mean, scale: centre and unit of each column; a column without variance (or without values) has scale 1.
    low, high: what values are capped at. fill: the score that stands for a missing one, 0 where None. weights: [F, F], what
    the other columns' scores add to it.
    """

    mean: Array
    scale: Array
    low: Array | None = None
    high: Array | None = None
    fill: Array | None = None
    weights: Array | None = None

    @classmethod
    def fit(cls, values: np.ndarray, preparation: Preparation = DEFAULT_PREPARATION) -> "Scaler":
        """From training rows [n, F]; NaN (not reported) is left out of everything that is fitted."""
        values = np.where(np.isfinite(values).any(axis=0), values, 0.0)
        low, high = _caps(values, preparation.cap) if preparation.cap else (None, None)
        capped = np.clip(values, low, high) if preparation.cap else values
        center, spread = _MOMENTS[preparation.scaling](capped)
        scaler = cls(center, np.where(spread > 1e-12 * np.maximum(1.0, np.abs(center)), spread, 1.0), low, high)
        if preparation.fill == "model":
            fill, weights = _regressions(scaler.transform(values), np.isnan(values))
            return replace(scaler, fill=fill, weights=weights)
        if (preparation.scaling, preparation.fill) == ("standard", "mean"):
            return scaler
        stand_in = (np.nanmean if preparation.fill == "mean" else np.nanmedian)(capped, axis=0)
        return replace(scaler, fill=(stand_in - scaler.mean) / scaler.scale)

    def transform(self, values: Array, xp: ModuleType = np) -> Array:
        """Scores [..., F], clipped at ±CLIP; a NaN becomes what stands for it (its mask column tells)."""
        if self.low is not None:
            values = xp.clip(values, self.low, self.high)
        scores = xp.clip((values - self.mean) / self.scale, -CLIP, CLIP)
        is_missing = xp.isnan(scores)
        known = xp.where(is_missing, xp.zeros_like(scores), scores)
        if self.fill is None:
            return known
        stand_in = self.fill if self.weights is None else self.fill + xp.matmul(known, self.weights)
        return xp.where(is_missing, xp.clip(stand_in, -CLIP, CLIP), scores)


def _caps(values: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The quantiles `share` and 1 − `share` of each column's values other than zero, [F] each; zero itself stays.

    An absent element is not a small amount of it: with the zeros counted in, a rare element would be capped to nothing.
    """
    is_zero = values == 0.0
    others = np.where(is_zero & (np.nan_to_num(values) != 0.0).any(axis=0), np.nan, values)
    low, high = np.nanquantile(others, [share, 1.0 - share], axis=0)
    has_zero = is_zero.any(axis=0)
    return np.where(has_zero, np.minimum(low, 0.0), low), np.where(has_zero, np.maximum(high, 0.0), high)


def _mean_and_deviation(values):
    known = np.isfinite(values)
    count = known.sum(axis=0)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    return mean, np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count)


def _middle_and_half_range(values):
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    return (low + high) / 2, (high - low) / 2


def _median_and_quartiles(values):
    """Where the quartiles coincide, as for an element that three alloys in four lack, the standard deviation is the unit."""
    lower, median, upper = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
    return median, np.where(upper > lower, (upper - lower) / GAUSSIAN_IQR, _mean_and_deviation(values)[1])


_MOMENTS = {"standard": _mean_and_deviation, "min-max": _middle_and_half_range, "robust": _median_and_quartiles}


def _regressions(scores: np.ndarray, is_missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intercepts [F] and weights [F, F] by which the columns that are never missing fill in each of the others.

    Where a row's task does not look, its value counts as missing too. What is never missing is therefore seen by every task, and
    nothing reaches a task by this way round.
    """
    complete = ~is_missing.any(axis=0) & (np.ptp(scores, axis=0) > 0)
    fill, weights = np.zeros(scores.shape[1]), np.zeros((scores.shape[1],) * 2)
    for column in np.flatnonzero(is_missing.any(axis=0)):
        known = ~is_missing[:, column]
        x, y = scores[known][:, complete], scores[known, column]
        x_mean, y_mean = x.mean(axis=0), y.mean()
        centred = x - x_mean
        weight = np.linalg.solve(centred.T @ centred + RIDGE * np.eye(x.shape[1]), centred.T @ (y - y_mean))
        fill[column], weights[complete, column] = y_mean - x_mean @ weight, weight
    return fill, weights
