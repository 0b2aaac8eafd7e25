"""Do the bands hold what they say? Bands of single readings, and the share inside them at every level."""
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from mtl_core.tasks import TASKS
from mtl_core.uncertainty.conformal import cross_fitted_factors, pooled, scores

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
COLUMNS = ("low", "high", "mean", "std")


def banded(out_of_fold: pd.DataFrame, *, level: float = 0.9) -> pd.DataFrame:
    """One row a measurement, task and split: what is known of it, and the band that other groups' residuals gave it.

    out_of_fold: see `metrics.out_of_fold`. Columns: measurement_id, task, split, family, reference_group, low, high, mean (of all
    members that never saw the row), std, lower, upper (mean of the fold seeds), is_inside. In the task's learning unit.
    """
    rows = pooled(out_of_fold)
    rows = rows.assign(factor=_factors(rows, level))
    found = rows.groupby(["measurement_id", "task", "split"], sort=False, as_index=False).agg(
        {name: "first" for name in ("family", "reference_group", *COLUMNS)} | {"factor": "mean"})
    half = found.pop("factor") * found["std"]
    lowest, highest = (found["task"].map(side) for side in _bounds(found["task"].unique()))
    found = found.assign(lower=np.maximum(found["mean"] - half, lowest), upper=np.minimum(found["mean"] + half, highest))
    return found.assign(is_inside=(found["low"] <= found["upper"]) & (found["high"] >= found["lower"]))


def _bounds(tasks: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """What no band leaves, in the learning unit."""
    lowest = {key: -np.inf if TASKS[key].lower is None else float(TASKS[key].to_learning(TASKS[key].lower)) for key in tasks}
    highest = {key: np.inf if TASKS[key].upper is None else float(TASKS[key].to_learning(TASKS[key].upper)) for key in tasks}
    return lowest, highest


def reliability(out_of_fold: pd.DataFrame, *, levels: Sequence[float] = LEVELS) -> pd.DataFrame:
    """Share of exact values inside bands of each level. Columns: task, split, level, calibrated (cross-fitted, so that a band
    comes from other groups' residuals), own (mean ± z std of a normal distribution, before calibration)."""
    rows = pooled(out_of_fold)
    is_exact = (rows["low"] == rows["high"]).to_numpy()
    reached, by_split = scores(*(rows[name].to_numpy(float) for name in COLUMNS)), rows[["task", "split"]][is_exact]
    tables = []
    for level in levels:
        z = NormalDist().inv_cdf(0.5 + level / 2)
        inside = by_split.assign(level=level, calibrated=(reached <= _factors(rows, level))[is_exact],
                                 own=(reached <= z)[is_exact])
        tables.append(inside.groupby(["task", "split", "level"], sort=False, as_index=False).mean())
    return pd.concat(tables, ignore_index=True)


def _factors(rows: pd.DataFrame, level: float) -> np.ndarray:
    """Half-width of each row's band in units of its std, [n]."""
    factors = np.empty(len(rows))
    for positions in rows.reset_index(drop=True).groupby(["task", "split", "fold_seed"]).indices.values():
        part = rows.iloc[positions]
        factors[positions] = cross_fitted_factors(part, part, level)
    return factors
