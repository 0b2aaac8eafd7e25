"""Beside the networks, for each task and part: a Gaussian process, smooth where readings are few, and a ridge regression.

Of scaled features x, and of a task's values in units of their spread on the part (Rasmussen & Williams 2006, ch. 2, 4 and 5):

    k(x, x') = a² m(r) + Σ b² x x' + 1      r² = Σ (x − x')² / l²      m(r) = (1 + √3 r) exp(−√3 r)
    process  = Σᵢ k(x, xᵢ) αᵢ               α  = (K + p² P + s² I)⁻¹ y
    mean(x)  = process + v d exp(−(d / c)²)     d = ridge − process
    var(x)   = k(x, x) − |Qᵀ k|²                 Q = U Λ^(−½), of the largest eigenvalues Λ of K + p² P + s² I

m is the Matérn kernel 3/2. Each feature has a length l of its own, so that what does not matter fades; b is one number for the
composition and one for the conditions. P is 1 between rows of one paper: what a laboratory's readings have in common is not all
the alloys' doing, and a paper of ninety rows does not know ninety times as much as one of a single row (a random effect; Laird &
Ware 1982, Biometrics 38, 963). ln a, ln l, ln b and ln s maximise the marginal likelihood times a Gaussian prior, since there are
as many lengths as features; p stays fixed, because a free one explains the alloys by their papers. v² has the least squared error
on training rows, each predicted without its group (stacking; Wolpert 1992, Neural Networks 5, 241): what the split never divides
is left out, so that the line counts for more where one has to extrapolate. Its root is taken since the lengths have seen what is
left out, and the process looks better there than it is; a line that earns nothing still gets nothing. Far from all that was
measured a line goes anywhere: what contradicts the process by several spreads counts less and less (the weight of Dennis & Welsch
1978, Commun. Stat. B 7, 345). var is what the process does not know of its own mean, for a paper that it has not seen; all
eigenvalues would give the posterior variance itself, of which the small ones tell next to nothing. Only exact values are learnt
from.
"""
import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from scipy.linalg import eigh, lapack
from scipy.optimize import minimize
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits

from mtl_core.data.folds import SPLITS, split_groups
from mtl_core.ensemble.kernels import N_DIRECTIONS, Kernels
from mtl_core.ensemble.parts import Part
from mtl_core.errors import StoppedError
from mtl_core.features.preparation import Preparation, mapped, stacked
from mtl_core.features.scaling import Scaler

PRIOR_LENGTH, PRIOR_SCALE, PRIOR_SLOPE, PRIOR_NOISE = 6.0, 0.8, 0.5, 0.4
PAPER = 0.2  # p, in units of the target's spread
APART = 3.0  # c, in the same units
DOUBT = 1.0  # precision of the prior of each logarithm
FARTHEST = 4.0  # of a logarithm from its prior's centre
N_ITERATIONS, TOLERANCE = 15, 1e-3
JITTER = 1e-8
SMALLEST_MOVE = 1e-6  # of a scaled column; below, it is rounding
RIDGES = np.geomspace(0.1, 1e4, 12)

Share = Callable[[np.ndarray, np.ndarray], float]


def earned_share(of_process: np.ndarray, of_ridge: np.ndarray) -> float:
    """v, with v² of the smallest Σ ((1 − v²) e + v² e')², from errors e, e' [n] on rows left out."""
    apart = of_process - of_ridge
    return float(np.sqrt(np.clip(of_process @ apart / max(apart @ apart, 1e-12), 0.0, 1.0)))


def fit(observations: pd.DataFrame, values: np.ndarray, y: np.ndarray, task: np.ndarray, visible: np.ndarray,
        is_condition: np.ndarray, parts: Sequence[Part], preparation: Preparation, *, effect: float = PAPER,
        share: Share = earned_share, apart: float = APART, should_stop: Callable[[], bool] = lambda: False) -> Kernels:
    """One of each a part and task.

    observations: n rows with what they are grouped by; values: their unscaled features [n, F]; y: targets in units of the spread
    on each part [D, n], NaN where not exact; task: of each row [n]; visible: columns that each task looks at [T, F];
    is_condition [F]: columns with the second b. effect: p; share: v from the errors of both on rows left out;
    apart: c. should_stop: asked before each fit. Raises StoppedError when it should stop.
    """
    kinds = [part.split if part.split in SPLITS else "reference" for part in parts]
    group = {kind: pd.factorize(split_groups(observations, kind))[0] for kind in {*kinds, "reference"}}
    jobs = [(part, index) for part in range(len(parts)) for index in range(len(visible))]

    def one(part, index):
        if should_stop():
            raise StoppedError("stopped after the last epoch; resumed, it does again only what follows the training")
        rows = np.flatnonzero(parts[part].is_training & (task == index) & np.isfinite(y[part]))
        scaler = Scaler.fit(values[rows] if len(rows) else values[:1] * np.nan, preparation)
        x = scaler.transform(values[rows]) * visible[index]
        numbers = _fit_one(x, y[part, rows].astype(float), group["reference"][rows], group[kinds[part]][rows], is_condition,
                           effect, share, apart)
        return scaler, rows, numbers

    with threadpool_limits(1):  # the same digits whatever the machine, and two fits at a time rather than two threads for each
        found = Parallel(n_jobs=-1, prefer="threads")(delayed(one)(*job) for job in jobs)
    shape, weights = (len(parts), len(visible)), np.zeros((len(jobs), len(task)), np.float32)
    directions = np.zeros((len(parts), len(task), N_DIRECTIONS), np.float16)
    for (part, _), of_job, (_, rows, (*_, alpha, along)) in zip(jobs, weights, found, strict=True):
        of_job[rows] = alpha
        directions[part, rows, :along.shape[1]] = along
    numbers = [np.array(several, np.float32) for several in list(zip(*(numbers for _, _, numbers in found), strict=True))[:-2]]
    return Kernels(values.astype(np.float32), task, mapped(stacked([scaler for scaler, _, _ in found]), _reshaped(shape)),
                   *map(_reshaped(shape), [*numbers, weights]), directions)


def _reshaped(shape):
    return lambda array: array.reshape(*shape, *array.shape[1:])


def seconds_to_fit(n_rows: int, n_features: int, n_fits: int) -> float:
    """Seconds that so many fits of n_rows rows each will take when nothing else runs, from one step of a search."""
    rng = np.random.default_rng(0)
    process = _Process(rng.standard_normal((n_rows, n_features)), rng.standard_normal(n_rows), np.arange(n_rows),
                       np.zeros(n_features, int))
    with threadpool_limits(1):
        process.loss(process.prior)
        start = time.process_time()
        process.loss(process.prior)
    return (time.process_time() - start) * 1.3 * N_ITERATIONS * n_fits / cpu_count()


def _fit_one(x, y, paper, group, is_condition, effect, share, apart):
    """Of one part and task, in the order of `kernels.NUMBERS`: a, 1 / l [F], coefficient [F] and offset of the ridge, b [F], s,
    v, c, the penalty of the ridge, α, and Q. Where nothing differs, the process is the mean of the values."""
    inverse_length, coefficient, slope = np.zeros((3, x.shape[1]))
    moves = np.ptp(x, axis=0) > SMALLEST_MOVE if len(x) else np.zeros(x.shape[1], bool)
    if not moves.any() or np.ptp(y) == 0:
        return 0.0, inverse_length, coefficient, 0.0, slope, 1.0, 0.0, apart, 1.0, y / max(len(y), 1), np.zeros((len(y), 0))
    process = _Process(x[:, moves], y, paper, is_condition[moves].astype(int), effect)
    line = RidgeCV(RIDGES).fit(x[:, moves], y)
    scale, inverse_length[moves], slope[moves], noise, inverse, weights = process.optimised()
    v = share(_left_out_of_process(inverse, weights, group), _left_out_of_ridge(x[:, moves], y, line.alpha_, group))
    coefficient[moves] = line.coef_
    return scale, inverse_length, coefficient, line.intercept_, slope, noise, v, apart, line.alpha_, weights, _directions(inverse)


def _directions(inverse):
    """Q [n, R] from the inverse, whose smallest eigenvalues are those."""
    values, vectors = eigh(inverse, subset_by_index=(0, min(N_DIRECTIONS, len(inverse)) - 1))
    return vectors * np.sqrt(values)


def _left_out_of_process(inverse, weights, group):
    """y less what the other groups say of it, and of its paper where they know that, [n]: (K⁻¹)_gg⁻¹ α_g (ibid., eq. 5.12, for
    groups instead of rows)."""
    errors = np.empty(len(weights))
    for rows in _rows_of(group):
        errors[rows] = np.linalg.solve(inverse[np.ix_(rows, rows)], weights[rows])
    return errors


def _left_out_of_ridge(x, y, penalty, group):
    """The same: (I − H_gg)⁻¹ (y − H y)_g with the hat matrix H; the intercept is not penalised."""
    ones = np.column_stack([np.ones(len(x)), x])
    penalties = np.diag([1e-9, *np.full(x.shape[1], penalty)])
    hat = ones @ np.linalg.solve(ones.T @ ones + penalties, ones.T)
    left, errors = y - hat @ y, np.empty(len(y))
    for rows in _rows_of(group):
        errors[rows] = np.linalg.solve(np.eye(len(rows)) - hat[np.ix_(rows, rows)], left[rows])
    return errors


def _rows_of(group):
    return pd.Series(range(len(group))).groupby(group).indices.values()


class _Process:
    """The posterior of the logarithms θ = (ln a, ln l [F], ln b [2], ln s), and its gradient, all by products of matrices."""

    def __init__(self, x, y, paper, block, effect=PAPER):
        self.x, self.y, self.block = x, y, block
        self.same_paper = effect**2 * (paper[:, None] == paper)
        counts = np.maximum(np.bincount(block, minlength=2), 1)
        self.prior = np.log(np.concatenate([[PRIOR_SCALE], np.full(x.shape[1], PRIOR_LENGTH),
                                            PRIOR_SLOPE / np.sqrt(counts), [PRIOR_NOISE]]))

    def optimised(self):
        """a, 1 / l, b, s, (K + p² P + s² I)⁻¹ and α."""
        bounds = [(at - FARTHEST, at + FARTHEST) for at in self.prior]
        found = minimize(self.loss, self.prior, jac=True, method="L-BFGS-B", bounds=bounds,
                         options={"maxiter": N_ITERATIONS, "ftol": TOLERANCE})
        numbers = self._numbers(found.x)
        inverse = _inverse(self._cholesky(found.x)[0])
        return *numbers, inverse, inverse @ self.y

    def loss(self, theta):
        """−ln posterior and its gradient; ∂ ln likelihood / ∂θ = −½ tr(W ∂K/∂θ) with W = K⁻¹ − α αᵀ (ibid., eq. 5.9)."""
        scale, inverse_length, slope, noise = self._numbers(theta)
        lower, curved, decay = self._cholesky(theta)
        inverse = _inverse(lower)
        weights = inverse @ self.y
        w = inverse - np.outer(weights, weights)
        value = 0.5 * self.y @ weights + np.log(np.diag(lower)).sum()
        by_square = w * (-1.5 * scale**2 * decay)  # ½ tr(W ∂K/∂r²), doubled
        by_length = -2.0 * inverse_length**2 * (by_square.sum(axis=1) @ self.x**2 - (self.x * (by_square @ self.x)).sum(axis=0))
        by_slope = np.bincount(self.block, (self.x * (w @ self.x)).sum(axis=0) * slope**2, minlength=2)
        gradient = np.concatenate([[(w * curved).sum()], by_length, by_slope, [noise**2 * np.trace(w)]])
        step = theta - self.prior
        return value + 0.5 * DOUBT * step @ step, gradient + DOUBT * step

    def _numbers(self, theta):
        numbers = np.exp(theta)
        return numbers[0], 1.0 / numbers[1:-3], numbers[-3:-1][self.block], numbers[-1]

    def _cholesky(self, theta):
        """Lower factor of K + s² I; the curved part of K, and e^(−√3 r)."""
        scale, inverse_length, slope, noise = self._numbers(theta)
        near, sloped = self.x * inverse_length, self.x * slope
        square = (near**2).sum(axis=1)
        distance = np.maximum(square[:, None] + square - 2.0 * near @ near.T, 0.0)
        np.fill_diagonal(distance, 0.0)
        root = np.sqrt(3.0 * distance)
        decay = np.exp(-root)
        curved = scale**2 * (1.0 + root) * decay
        covariance = curved + sloped @ sloped.T + self.same_paper + 1.0
        covariance[np.diag_indices(len(covariance))] += noise**2 + JITTER
        return np.linalg.cholesky(covariance), curved, decay


def _inverse(lower):
    """Of a covariance, from its lower factor."""
    half = lapack.dpotri(lower, lower=1)[0]
    return np.tril(half) + np.tril(half, -1).T
