"""Bands from out-of-fold residuals: half-width = q × std, q an empirical quantile of |y − mean| / std.

Split-conformal normalised scores (Lei et al. 2018, J. Am. Stat. Assoc. 113, 1094; cross-fitted as in Barber et al. 2021,
Ann. Stat. 49, 486). Measurements of one paper are not exchangeable with another's, so the share of *new papers'* readings
inside a band is empirical and nothing more: scores come from by-reference folds, and the number of papers limits the level.
"""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtl_core.errors import ConfigError

LEVEL_RANGE = (0.5, 0.95)


def scores(low: np.ndarray, high: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """The q from which on mean ± q × std reaches what is known of y: its value, or its censoring interval."""
    return np.maximum(0.0, np.maximum(low - mean, mean - high)) / std


def quantile(values: np.ndarray, level: float) -> float:
    """The ⌈(n + 1) level⌉-th smallest score; the largest where n is too small for the level."""
    rank = min(int(np.ceil((len(values) + 1) * level)), len(values))
    return float(np.partition(values, rank - 1)[rank - 1])


def check_level(level: float) -> float:
    """The level itself; raises ConfigError outside 50-95 %."""
    lowest, highest = LEVEL_RANGE
    if not lowest <= level <= highest:
        raise ConfigError(f"expected a level between {lowest:g} and {highest:g} (a share, 0.9 for 90 %), got {level!r}")
    return level


def pooled(out_of_fold: pd.DataFrame) -> pd.DataFrame:
    """The same rows with `mean` and `std` over all members that never saw them, those of every fold seed together.

    The deployed ensemble answers with members of all fold seeds at once. Their disagreement belongs to its std, and so it
    must to the std that the scores are divided by. Law of total variance, over fold seeds of equal size.
    """
    of_row = out_of_fold.assign(variance=out_of_fold["std"] ** 2).groupby(["task", "split", "measurement_id"], sort=False)
    variance = of_row["variance"].transform("mean") + of_row["mean"].transform("var", ddof=0)
    return out_of_fold.assign(mean=of_row["mean"].transform("mean"), std=np.sqrt(variance))


@dataclass(frozen=True)
class Calibration:
    """Sorted scores of exact by-reference out-of-fold rows, and the number of independent papers, by task."""

    scores: Mapping[str, np.ndarray]
    n_papers: Mapping[str, int]

    @classmethod
    def fit(cls, out_of_fold: pd.DataFrame, *, split: str = "reference") -> "Calibration":
        """From the out-of-fold table of a run; censored rows only bound their score and are left out."""
        rows = out_of_fold[(out_of_fold["split"] == split) & (out_of_fold["low"] == out_of_fold["high"])]
        rows = pooled(rows).drop_duplicates(["task", "measurement_id"])
        by_task = dict(iter(rows.groupby("task")))
        return cls({task: np.sort(scores(*_columns(part))) for task, part in by_task.items()},
                   {task: part["reference_group"].nunique() for task, part in by_task.items()})

    def factor(self, task: str, level: float) -> float:
        """q for a level between 0.5 and 0.95; raises ConfigError for another level or a task without scores."""
        if not len(self.scores.get(task, ())):
            raise ConfigError(f"expected a task with exact out-of-fold values, got {task!r}: its bands cannot be calibrated")
        return quantile(self.scores[task], check_level(level))

    def supports(self, task: str, level: float) -> bool:
        """Whether there are enough papers: with n of them no level above n / (n + 1) can be told apart from 1."""
        n_papers = self.n_papers.get(task, 0)
        return level <= n_papers / (n_papers + 1)


def cross_fitted_factors(calibration_rows: pd.DataFrame, tested_rows: pd.DataFrame, level: float) -> np.ndarray:
    """q for each tested row, [n], from calibration rows outside that row's fold; see `outside_folds`."""
    factors = np.empty(len(tested_rows))
    for positions, others in outside_folds(calibration_rows, tested_rows):
        factors[positions] = quantile(others, level)
    return factors


def outside_folds(calibration_rows: pd.DataFrame, tested_rows: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each fold: the positions of its tested rows, and the scores of the exact calibration rows outside it.

    Both tables are rows of one task and one fold seed, out of fold, with `measurement_id, fold, low, high, mean, std`; they
    may come from different splits. When both are by reference, the scores are those of other papers.
    """
    exact = calibration_rows[calibration_rows["low"] == calibration_rows["high"]]
    score = scores(*_columns(exact))
    for fold, positions in tested_rows.reset_index(drop=True).groupby("fold").indices.items():
        held_out = tested_rows["measurement_id"].to_numpy()[positions]
        others = score[~exact["measurement_id"].isin(held_out).to_numpy()]
        if not len(others):
            raise ConfigError(f"expected exact values outside fold {fold} to calibrate on, got none")
        yield positions, others


def _columns(rows: pd.DataFrame) -> tuple[np.ndarray, ...]:
    return tuple(rows[name].to_numpy(float) for name in ("low", "high", "mean", "std"))
