"""From cells to the report: each model on each rung, with intervals over papers and paired with ours on the same rows."""
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mtl_core.data.tables import AlloyTable
from mtl_core.fingerprints import folds_sha256
from mtl_core.validation.config import OURS
from mtl_core.validation.report import Estimate, Noise, PartFacts, RungFacts, Score
from mtl_core.validation.rungs import RUNGS, RungName, RungPart

TESTED = ["measurement_id", "task", "fold_seed", "fold"]  # on the rung "element" a row is tested once an element
LOCKED = "locked folds"
OPTIMISTIC = ("The settings of the default networks were chosen by hand on these very rows, some thirty variants, before the "
              "division was fixed; those of the Gaussian processes beside them on other divisions of the same rows, and this one "
              "has been looked at four times since. Their scores are a little optimistic; the baselines were not tuned.")


def scores_of(rung: RungName, cells: Mapping[str, pd.DataFrame], tasks: Sequence[str]) -> list[Score]:
    """Every model on every task of one rung that has two different exact values to tell apart. cells: model → its out-of-fold
    table."""
    exact = {model: _exact(cell) for model, cell in cells.items()}
    return [_score(rung, task, model, rows[rows["task"] == task], exact.get(OURS))
            for task in tasks for model, rows in exact.items() if rows.loc[rows["task"] == task, "low"].nunique() > 1]


def _exact(cell: pd.DataFrame) -> pd.DataFrame:
    return cell[cell["low"] == cell["high"]] if "high" in cell else cell


def _score(rung, task, model, rows, ours) -> Score:
    from mtl_core.uncertainty.comparison import accuracies

    found = {name: _estimate(*numbers) for name, numbers in accuracies(rows).items()}
    difference = None if ours is None or model == OURS else _difference(rows, ours)
    return Score(task=task, rung=rung, model=model, n=round(len(rows) / rows["fold_seed"].nunique()),
                 n_papers=rows["reference_group"].nunique(), difference=difference, **found)


def _difference(rows, ours) -> Estimate | None:
    from mtl_core.uncertainty.comparison import r2_difference

    pairs = rows.merge(ours[[*TESTED, "mean"]], on=TESTED, suffixes=("_before", "_after"), validate="1:1")
    return _estimate(*r2_difference(pairs)) if len(pairs) else None


def _estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, **{name: side for name, side in (("low", low), ("high", high)) if np.isfinite(side)})


def rung_facts(rung: RungName, parts: Sequence[RungPart], observations: pd.DataFrame, cells: Mapping[str, pd.DataFrame], *,
               lock: str, origin: str, members: int) -> RungFacts:
    """What a rung is, and how large its parts are."""
    sha256 = folds_sha256(fold_table(parts, observations))
    return RungFacts(**RUNGS[rung]._asdict(), folds_sha256=sha256, lock=lock, origin=origin, members=members,
                     parts=tuple(_part_facts(part, observations["task"], cells) for part in parts))


def fold_table(parts: Sequence[RungPart], observations: pd.DataFrame) -> pd.DataFrame:
    """One row a tested row of each part: split (the rung), fold_seed, fold, measurement_id."""
    ids = observations["measurement_id"].to_numpy()
    return pd.concat([pd.DataFrame({"split": part.split, "fold_seed": part.fold_seed, "fold": part.fold,
                                    "measurement_id": ids[part.is_test]}) for part in parts], ignore_index=True)


def _part_facts(part, task, cells):
    counts = {name: task[rows].value_counts().sort_index().to_dict()
              for name, rows in (("n_training", part.is_training), ("n_test", part.is_test))}
    return PartFacts(name=part.name, fold_seed=part.fold_seed, fold=part.fold, **counts,
                     mae=_errors(part, cells) if part.name else {})


def _errors(part, cells) -> dict[str, dict[str, float]]:
    """task → model → mean absolute error of the exact rows of a part."""
    found: dict[str, dict[str, float]] = {}
    for model, cell in cells.items():
        rows = _exact(cell[(cell["fold_seed"] == part.fold_seed) & (cell["fold"] == part.fold)])
        for key, error in (rows["low"] - rows["mean"]).abs().groupby(rows["task"]).mean().items():
            found.setdefault(key, {})[model] = float(error)
    return found


def noise_of(table: AlloyTable, tasks: Sequence[str]) -> dict[str, dict[str, Noise]]:
    """task → what counts as the same → scatter of repeats, see `repeat_noise`."""
    from mtl_core.data.noise import repeat_noise

    found: dict[str, dict[str, Noise]] = {task: {} for task in tasks}
    for row in repeat_noise(table).to_dict("records"):
        if row["property"] in found:
            numbers = {name: row[name] if np.isfinite(row[name]) else None for name in ("r2_ceiling", "sd")}
            found[row["property"]][row["same"]] = Noise(
                **numbers, **{name: row[name] for name in ("n_groups", "n_rows", "note")})
    return found


def lock_words(rung: RungName, sha256: str, of: Mapping[str, object], locked: Mapping) -> str:
    """"locked folds", or in what they differ from the locked ones. of: data_sha256, tasks, n_folds, n_fold_seeds and seed of the
    folds at hand; locked: what assets/folds.json says, the same names and "rungs"."""
    differing = [name.replace("_", " ") for name, value in of.items() if locked.get(name) != value]
    if differing:
        return f"Not the locked folds: other {', '.join(differing).replace('data sha256', 'data')}."
    if locked["rungs"].get(rung) is None:
        return "No locked folds for this rung."
    if locked["rungs"][rung] == sha256:
        return LOCKED
    return f"Not the locked folds: the same data and settings give {sha256[:12]}, expected {locked['rungs'][rung][:12]}."
