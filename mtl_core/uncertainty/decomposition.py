"""Members and masks → one mean, and where its uncertainty comes from.

Law of total variance over member m, dropout mask k and draw s of the conditions that were not reported:
    Var y = E[σ²]  (aleatoric)  +  E_s Var_mk[μ] + E[δ²]  (epistemic)  +  Var_s E_mk[μ]  (unreported conditions)
with δ² the variance of what a member's Gaussian process does not know of its own mean (Kendall & Gal 2017, arXiv 1703.04977, for
the first two terms).
"""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """mean and the three variances, each [n], in the learning unit of the task."""

    mean: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray
    unreported: np.ndarray

    @property
    def std(self) -> np.ndarray:
        """Square root of the total variance, [n]."""
        return np.sqrt(self.aleatoric + self.epistemic + self.unreported)


def decompose(mean: np.ndarray, noise_std: np.ndarray, doubt: np.ndarray, *, n_draws: int = 1) -> Moments:
    """From what members answer, see `Ensemble.predict_members`, [M, K, n × n_draws] with the draws of one alloy side by side, to
    moments [n]."""
    mean, variance, own = (a.reshape(*a.shape[:2], -1, n_draws)
                           for a in (mean, noise_std.astype(float) ** 2, doubt.astype(float) ** 2))
    of_draw = mean.mean(axis=(0, 1), dtype=float)  # [n, n_draws]
    return Moments(
        mean=of_draw.mean(axis=-1), aleatoric=variance.mean(axis=(0, 1, 3)),
        epistemic=mean.var(axis=(0, 1), dtype=float).mean(axis=-1) + own.mean(axis=(0, 1, 3)), unreported=of_draw.var(axis=-1))
