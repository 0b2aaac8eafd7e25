"""Columns that were made from what they are to predict, and transforms that were fitted with the rows they are tested on."""
from collections.abc import Callable, Mapping, Sequence

import joblib
import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeRegressor

from mtl_core.data.noise import learning_values
from mtl_core.data.tables import AlloyTable
from mtl_core.ensemble.parts import Part
from mtl_core.features.preparation import TargetTransform, arrays_of
from mtl_core.features.scaling import Scaler
from mtl_core.tasks import TASKS
from mtl_core.validation.leakage import Leak

SAME_ORDER = 0.95  # rank correlation with the target that nothing known before the measurement reaches
OTHER_PROPERTY = 0.99  # the same with another measured property
EXPLAINS = 0.8  # R² out of fold of one column alone; the whole model reaches less on new papers
FEWEST, FEWEST_VALUES = 20, 8  # rows that report a column, and different values among them
CLOSE = 1e-5  # relative: what is stored is single precision

Fit = Callable[[np.ndarray, np.ndarray, Part], object]  # features [n, F], targets [n], part → whatever was fitted


def derived_columns(observations: pd.DataFrame, values: np.ndarray, columns: Sequence[str], parts: Sequence[Part], *,
                    table: AlloyTable | None = None) -> tuple[Leak, ...]:
    """Columns that follow from a target: in its order, explaining it all alone on the folds of `parts`, or in the order of
    another property of the same alloys in `table`. One Leak a task, its evidence naming what was found; n: columns looked at.

    A column is only looked at among the exact rows that report it. What follows from a target by way of other test rows (the mean
    of a paper, say) is a transform fitted outside the fold; see `fitted_outside`.
    """
    found = []
    for task in observations["task"].unique():
        rows = ((observations["task"] == task) & observations["value"].notna()).to_numpy()
        y = TASKS[task].to_learning(observations["value"].to_numpy(float))
        others = _other_properties(observations, table, task)
        of_column = [_suspicion(name, column, y, rows, parts, others) for name, column in zip(columns, values.T, strict=True)]
        told = [sentence for sentence in of_column if sentence]
        words = " ".join(told) or f"none of {len(columns)} columns follows from it, or from another measured property."
        found.append(Leak("target-derived column", task, "", len(columns), len(told), words, is_forbidden=True))
    return tuple(found)


def _other_properties(observations: pd.DataFrame, table: AlloyTable | None, task: str) -> dict[str, np.ndarray]:
    """property → its mean over the readings of each row's alloy, [n], NaN where it has none."""
    if table is None:
        return {}
    readings = table.measurements.assign(y=learning_values(table.measurements))
    of_alloy = readings.groupby(["property", "alloy_id"])["y"].mean()
    return {key: observations["alloy_id"].map(of_alloy[key]).to_numpy(float)
            for key in of_alloy.index.unique("property") if key != task}


def _suspicion(name, column, y, rows, parts, others) -> str:
    """What is wrong with a column, in a sentence; empty where nothing is."""
    if (order := _same_order(column, y, rows)) >= SAME_ORDER:
        return f"{name} puts the target in order (rank correlation {order:.3f})."
    if (r2 := _alone(column, y, rows, parts)) >= EXPLAINS:
        return f"{name} alone explains the target (R² {r2:.2f} out of fold)."
    for key, other in others.items():
        if (order := _same_order(column, other, rows)) >= OTHER_PROPERTY:
            return f"{name} is in the order of {TASKS[key].label.lower()} (rank correlation {order:.3f})."
    return ""


def _same_order(column, y, rows) -> float:
    """|Spearman's ρ| over the rows that have both; 0 where they are too few to tell."""
    rows = rows & np.isfinite(column) & np.isfinite(y)
    if rows.sum() < FEWEST or min(len(np.unique(column[rows])), len(np.unique(y[rows]))) < FEWEST_VALUES:
        return 0.0
    return abs(float(spearmanr(column[rows], y[rows]).statistic))


def _alone(column, y, rows, parts) -> float:
    """Pooled R² of a tree on this column alone, where its order need not be that of the target."""
    rows = rows & np.isfinite(column)
    if rows.sum() < FEWEST or len(np.unique(column[rows])) < FEWEST_VALUES:
        return 0.0
    y_true, y_pred = [], []
    for part in parts:
        learnt, tested = rows & part.is_training, rows & part.is_test
        if learnt.any() and tested.any():
            tree = DecisionTreeRegressor(min_samples_leaf=5).fit(column[learnt, None], y[learnt])
            y_true.append(y[tested])
            y_pred.append(tree.predict(column[tested, None]))
    return float(r2_score(np.concatenate(y_true), np.concatenate(y_pred))) if sum(map(len, y_true)) >= FEWEST else 0.0


def fitted_outside(fits: Mapping[str, Fit], values: np.ndarray, y: np.ndarray, parts: Sequence[Part]) -> tuple[Leak, ...]:
    """Steps that change with the rows they are tested on, by trying: the test rows of a part get other features and targets, and
    what is fitted must stay the same to the last bit.

    fits: name of a step → its fit, which is handed everything and must look at the part's training rows only; what it returns may
    be anything that numbers and their containers make up. One Leak a step; n: parts.
    """
    found = []
    for name, fit in fits.items():
        moved = [part for part in parts
                 if joblib.hash(fit(values, y, part)) != joblib.hash(fit(*_changed(values, y, part), part))]
        found.append(_transform_leak(name, parts, moved, "changes when its test rows do",
                                     "stays the same to the last bit when its test rows are changed"))
    return tuple(found)


def _changed(values, y, part):
    """Copies in which nothing of the test rows is as it was, not even what is missing."""
    rows = part.is_test
    others = np.where(np.isnan(values[rows]), 1e3, 1e3 - 7.0 * values[rows])
    values, y = values.copy(), y.copy()
    values[rows], y[rows] = others, np.where(np.isnan(y[rows]), 1e4, 1e4 - 3.0 * y[rows])
    return values, y


def given_outside(given: Mapping[str, Sequence[Scaler | TargetTransform]], fits: Mapping[str, Fit], values: np.ndarray,
                  y: np.ndarray, parts: Sequence[Part]) -> tuple[Leak, ...]:
    """Whether what a model was really given, one `Scaler` or `TargetTransform` a part, is what its training rows alone give.

    given, fits: by the name of the step; see `fitted_outside`.
    """
    found = []
    for name, steps in given.items():
        honest = [fits[name](values, y, part) for part in parts]
        other = [part for part, step, own in zip(parts, steps, honest, strict=True) if not _is_close(step, own)]
        found.append(_transform_leak(name, parts, other, "is not what the training rows of the part give",
                                     "is what the training rows of the part give"))
    return tuple(found)


def _is_close(one, other) -> bool:
    ours, theirs = arrays_of(one), arrays_of(other)
    return ours.keys() == theirs.keys() and all(
        np.allclose(ours[name], theirs[name], rtol=CLOSE, atol=CLOSE * max(1.0, np.abs(theirs[name]).max())) for name in ours)


def _transform_leak(name, parts, wrong, how, instead):
    words = f"{how}, in fold {wrong[0].fold} by {wrong[0].split}" if wrong else f"{instead}: {len(parts)} of {len(parts)} folds"
    return Leak("fitted outside the fold", "", "", len(parts), len(wrong), f"{name} {words}.", is_forbidden=True)
