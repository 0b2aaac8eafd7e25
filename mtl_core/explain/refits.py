"""Leaving out a row, or a paper, of what a Gaussian process and the ridge beside it learnt from: refits in closed form.

Lengths, scales, the noise, the penalty and the share v of the ridge stay as they are; notation as in `ensemble.kernel_fit`. With
W = (K + p² P + s² I)⁻¹, α = W y, and rows g left out,
    α₋g − α = −W[·, g] (W[g, g])⁻¹ α[g]                    Rasmussen & Williams 2006, eq. 5.12, for groups instead of rows
and of the ridge with inputs X (a one behind them), H = X A⁻¹ Xᵀ and A = XᵀX + penalty
    β₋g − β = −A⁻¹ Xᵀ[·, g] (1 − H[g, g])⁻¹ (y − H y)[g]
"""
from dataclasses import dataclass

import numpy as np

from mtl_core.ensemble.kernel_fit import JITTER, PAPER
from mtl_core.ensemble.kernels import Kernels
from mtl_core.explain.leaving_out import with_one
from mtl_core.features.preparation import mapped
from mtl_core.features.scaling import Scaler

UNPENALISED = 1e-9  # of the intercept


@dataclass(frozen=True, eq=False)
class Refits:
    """Of one part and task, without each of its l rows and G papers in turn.

    scaler, columns: of unscaled features [F], and those that count [F']; near: features of the rows over the lengths [l, F'];
    inverse_length: [F']; share, apart: v, c. alpha: a² α [l]; curved: a² times the changes of α [l, l + G], in half precision,
    which costs 1 % of them; process, ridge: what is linear in the process, and the ridge, with their changes behind them
    [F' + 1, 1 + l + G].
    """

    scaler: Scaler
    columns: np.ndarray
    near: np.ndarray
    inverse_length: np.ndarray
    share: float
    apart: float
    alpha: np.ndarray
    curved: np.ndarray
    process: np.ndarray
    ridge: np.ndarray

    def changes(self, values: np.ndarray) -> np.ndarray:
        """Of the answers to unscaled features [B, F]: [B, l + G], in units of the target's spread."""
        x = self.scaler.transform(values)[:, self.columns]
        matern, inputs = _matern(x * self.inverse_length, self.near), with_one(x)
        process, ridge = inputs @ self.process, inputs @ self.ridge
        process[:, 0] += matern @ self.alpha
        process[:, 1:] += matern @ self.curved.astype(np.float32)
        before = self._answer(process[:, :1], ridge[:, :1])
        return self._answer(process[:, :1] + process[:, 1:], ridge[:, :1] + ridge[:, 1:]) - before

    def _answer(self, process, ridge):
        difference = ridge - process
        return process + self.share * difference * np.exp(-(difference / self.apart) ** 2)

    @property
    def nbytes(self) -> int:
        """Of what it keeps."""
        return sum(array.nbytes for array in (self.near, self.curved, self.process, self.ridge))


def refits_without(kernels: Kernels, part: int, task: int, values: np.ndarray, y: np.ndarray, paper: np.ndarray,
                   n_papers: int) -> Refits:
    """values: unscaled features of the rows learnt from [l, F]; y: what was learnt, in units of its spread [l]; paper: of each
    row, 0 … G − 1 [l]; one without rows changes nothing."""
    scaler = mapped(kernels.features, lambda array: array[part, task])
    columns = np.flatnonzero(kernels.inverse_length[part, task] != 0)
    scale, noise, v, apart, penalty = (float(getattr(kernels, name)[part, task])
                                       for name in ("scale", "noise", "line", "apart", "penalty"))
    inverse_length, slope = (getattr(kernels, name)[part, task, columns].astype(float) for name in ("inverse_length", "slope"))
    x = scaler.transform(values)[:, columns]
    near, sloped = x * inverse_length, x * slope
    covariance = scale**2 * _matern(near, near) + sloped @ sloped.T + PAPER**2 * (paper[:, None] == paper) + 1.0
    inverse = np.linalg.inv(covariance + (noise**2 + JITTER) * np.eye(len(x)))
    steps = -_without(inverse, inverse, inverse @ y, paper, n_papers)
    inputs = with_one(x)
    solved = np.linalg.solve(inputs.T @ inputs + np.diag([*np.full(len(columns), penalty), UNPENALISED]), inputs.T)
    hat = inputs @ solved
    of_ridge = -_without(solved, np.eye(len(x)) - hat, y - hat @ y, paper, n_papers)
    alpha, beta = inverse @ y, solved @ y
    weights = np.column_stack([alpha, steps])
    process = np.concatenate([slope[:, None] ** 2 * (x.T @ weights), weights.sum(axis=0, keepdims=True)])
    return Refits(scaler, columns, near.astype(np.float32), inverse_length.astype(np.float32), v, apart,
                  (scale**2 * alpha).astype(np.float32), (scale**2 * steps).astype(np.float16), process.astype(np.float32),
                  np.column_stack([beta, of_ridge]).astype(np.float32))


def _without(back: np.ndarray, own: np.ndarray, left: np.ndarray, paper: np.ndarray, n_papers: int) -> np.ndarray:
    """back[·, g] own[g, g]⁻¹ left[g] of each row and each paper g, [·, l + G]; back: [·, l], own: [l, l], left: [l]."""
    of_rows, of_papers = back * (left / np.diagonal(own)), np.zeros((len(back), n_papers))
    order = np.argsort(paper, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(paper[order])) + 1):
        of_papers[:, paper[rows[0]]] = back[:, rows] @ np.linalg.solve(own[np.ix_(rows, rows)], left[rows])
    return np.hstack([of_rows, of_papers])


def _matern(near, other):
    """m of features over the lengths, [B, l]."""
    square = (near**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2.0 * near @ other.T
    root = np.sqrt(3.0 * np.maximum(square, 0.0))
    return (1.0 + root) * np.exp(-root)
