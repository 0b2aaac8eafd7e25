"""What out-of-fold predictions are worth: accuracy on exact rows, coverage and width of the bands, by task and split.

All figures are in the task's learning unit, pooled over the rows of one fold seed and then averaged over the fold seeds. Accuracy
is that of one fold seed's members; bands are those of all members that never saw the row, as in the deployed ensemble.
"""
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.ensemble.parts import Part
from mtl_core.tasks import TASKS, with_values
from mtl_core.uncertainty.conformal import cross_fitted_factors, pooled, scores
from mtl_core.uncertainty.decomposition import decompose

LEVELS = (0.68, 0.9, 0.95)
SMALLEST_FAMILY = 20  # exact rows; an R² of fewer says nothing


def out_of_fold(ensemble: Ensemble, parts: Sequence[Part], observations: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    """Each row predicted only by the members that never saw its group, once a split and fold seed.

    Columns: measurement_id, task, reference_group, family, split, fold_seed, fold, low, high, mean, std (learning unit).
    """
    tables = []
    for position, part in enumerate(parts):
        members = ensemble.select(ensemble.part_of_member == position)
        for key in with_values(ensemble.config.tasks):
            rows = part.is_test & (observations["task"] == key).to_numpy()
            if rows.any():
                tables.append(_held_out(members, part, key, observations[rows], values[rows]))
    return pd.concat(tables, ignore_index=True)


def _held_out(members, part, key, rows, values):
    moments = decompose(*members.predict_members(values, key))
    return rows[["measurement_id", "task", "reference_group", "family"]].assign(
        split=part.split, fold_seed=part.fold_seed, fold=part.fold, mean=moments.mean, std=moments.std,
        **{side: TASKS[key].to_learning(rows[side]) for side in ("low", "high")})


def evaluate(table: pd.DataFrame, *, levels: Iterable[float] = LEVELS) -> dict:
    """task → split → n, n_censored, r2, mae, rmse, coverage, width, class_mean_r2, families, censored: see the keys' makers."""
    return {task: {split: _evaluate_split(rows, tuple(levels)) for split, rows in of_task.groupby("split", sort=False)}
            for task, of_task in table.groupby("task", sort=False)}


def _evaluate_split(rows, levels):
    exact = rows[rows["low"] == rows["high"]]
    of_seed = [seed_rows for _, seed_rows in exact.groupby("fold_seed")]
    return {
        "n": len(of_seed[0]), "n_censored": int((rows["low"] != rows["high"]).sum() / len(of_seed)), "n_fold_seeds": len(of_seed),
        **mean_accuracy(exact),
        "r2_of_fold_seed": [accuracy(part["low"], part["mean"])["r2"] for part in of_seed],
        "class_mean_r2": _mean({"r2": r2_score(part["low"], class_mean(part))} for part in of_seed)["r2"],
        **banded(rows, rows, levels),
        "families": {name: _within(part) for name, part in exact.groupby("family")
                     if len(part) / len(of_seed) >= SMALLEST_FAMILY},
        "censored": _censored(rows, levels),
    }


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float]:
    """Pooled R², MAE and RMSE of exact values."""
    return {"r2": float(r2_score(y_true, y_pred)), "mae": float(mean_absolute_error(y_true, y_pred)),
            "rmse": float(root_mean_squared_error(y_true, y_pred))}


def mean_accuracy(rows: pd.DataFrame) -> dict[str, float]:
    """`accuracy` of exact rows in each fold seed, then the mean of the fold seeds."""
    return _mean(accuracy(part["low"], part["mean"]) for _, part in rows.groupby("fold_seed"))


def class_mean(rows: pd.DataFrame) -> np.ndarray:
    """The mean of the same alloy family in the other folds, [n]: what a model that knows nothing else would say."""
    means = np.empty(len(rows))
    for fold, positions in rows.reset_index(drop=True).groupby("fold").indices.items():
        others = rows[rows["fold"] != fold]
        by_family = others.groupby("family")["low"].mean()
        means[positions] = rows["family"].iloc[positions].map(by_family).fillna(others["low"].mean())
    return means


def banded(calibration_rows: pd.DataFrame, tested_rows: pd.DataFrame, levels: Sequence[float]) -> dict:
    """Cross-fitted coverage of exact rows and mean width of the bands, by level; of all members that never saw a row."""
    calibration_rows, tested_rows = pooled(calibration_rows), pooled(tested_rows)
    found = {"coverage": {}, "width": {}}
    for level in levels:
        of_seed = [_band(calibration_rows[calibration_rows["fold_seed"] == seed], part, level)
                   for seed, part in tested_rows[tested_rows["low"] == tested_rows["high"]].groupby("fold_seed")]
        found["coverage"][str(level)], found["width"][str(level)] = np.mean(of_seed, axis=0).tolist()
    return found


def _band(calibration_rows, rows, level):
    factor = cross_fitted_factors(calibration_rows, rows, level)
    reached = scores(*(rows[name].to_numpy(float) for name in ("low", "high", "mean", "std"))) <= factor
    return reached.mean(), (2 * factor * rows["std"]).mean()


def transfer(table: pd.DataFrame, *, level: float = 0.9) -> dict:
    """task → split calibrated on → split tested on → coverage at `level`: honest only on the diagonal."""
    matrix = {}
    for task, rows in table.groupby("task", sort=False):
        by_split = dict(iter(rows.groupby("split", sort=False)))
        matrix[task] = {one: {other: banded(by_split[one], by_split[other], (level,))["coverage"][str(level)]
                              for other in by_split} for one in by_split}
    return matrix


def _within(rows):
    """Accuracy inside one family, where the differences between families earn nothing."""
    return {"n": int(len(rows) / rows["fold_seed"].nunique()), **mean_accuracy(rows)}


def _censored(rows, levels):
    """Of the censored rows: the share that the band reaches, and their concordance with the exact ones."""
    if (rows["low"] == rows["high"]).all():
        return None
    rows, shares = pooled(rows), {}
    for level in levels:
        of_seed = []
        for seed, part in rows[rows["low"] != rows["high"]].groupby("fold_seed"):
            factor = cross_fitted_factors(rows[rows["fold_seed"] == seed], part, level)
            of_seed.append((scores(*(part[name].to_numpy(float) for name in ("low", "high", "mean", "std"))) <= factor).mean())
        shares[str(level)] = float(np.mean(of_seed))
    ordered = [share for _, part in rows.groupby("fold_seed") if (share := concordance(part)) is not None]
    return {"coverage": shares, "concordance": float(np.mean(ordered)) if ordered else None}


def concordance(rows: pd.DataFrame) -> float | None:
    """Share of (right-censored, exact) pairs, exact value below the bound, that the means put in the right order.

    Harrell's C restricted to pairs with a censored side (Harrell et al. 1982, JAMA 247, 2543); None without pairs.
    """
    exact, censored = rows[rows["low"] == rows["high"]], rows[np.isinf(rows["high"])]
    is_pair = censored["low"].to_numpy()[:, None] > exact["low"].to_numpy()
    above = censored["mean"].to_numpy()[:, None] > exact["mean"].to_numpy()
    return float(above[is_pair].mean()) if is_pair.any() else None


def _mean(dicts):
    return pd.DataFrame(list(dicts)).mean().to_dict()
