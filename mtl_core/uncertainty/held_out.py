"""How a training stands on the rows that its members do not learn from, quickly enough to be asked while it goes on."""
from collections.abc import Sequence

import numpy as np
import pandas as pd

from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.ensemble.parts import Part
from mtl_core.tasks import TASKS
from mtl_core.uncertainty.decomposition import decompose

Z_90 = 1.645  # half-width of a 90 % band in standard deviations, before anything is calibrated


class HeldOut:
    """The rows that each part holds out, side by side, so that all members answer theirs at once.

    The numbers are those of `metrics.out_of_fold` but for rounding: there each part is asked alone.
    parts, observations, values: as for `metrics.out_of_fold`.
    """

    def __init__(self, parts: Sequence[Part], observations: pd.DataFrame, values: np.ndarray, tasks: Sequence[str]):
        self._rows = {task: rows for task in tasks if (rows := _Rows(task, parts, observations, values)).is_there.any()}

    def table(self, ensemble: Ensemble) -> pd.DataFrame:
        """Columns: measurement_id, task, reference_group, split, fold_seed, low, high, mean, std (learning unit)."""
        return pd.concat([rows.answered(ensemble) for rows in self._rows.values()], ignore_index=True)

    def scores(self, ensemble: Ensemble) -> dict[str, dict[str, dict[str, float | None]]]:
        """task → split → r2 (pooled, mean of the fold seeds) and coverage (share inside the networks' own 90 % band, before
        calibration) of the exact rows; None where the networks say nothing finite."""
        table = self.table(ensemble)
        exact, found = table[table["low"] == table["high"]], {}
        for (task, split), rows in exact.groupby(["task", "split"], sort=False):
            r2 = np.mean([_r2(part["low"].to_numpy(), part["mean"].to_numpy()) for _, part in rows.groupby("fold_seed")])
            inside = ((rows["low"] - rows["mean"]).abs() <= Z_90 * rows["std"]).mean()
            is_finite = np.isfinite(r2)
            found.setdefault(task, {})[split] = {"r2": round(float(r2), 4) if is_finite else None,
                                                 "coverage": round(float(inside), 4) if is_finite else None}
        return found


class _Rows:
    """Rows of one task, those of each part in a row of an array that is as wide as the largest, [D, H]."""

    def __init__(self, task, parts, observations, values):
        chosen = [np.flatnonzero(part.is_test & (observations["task"] == task).to_numpy()) for part in parts]
        self.task, width = task, max(map(len, chosen))
        self.is_there = np.arange(width) < np.array([len(rows) for rows in chosen])[:, None]
        index = np.zeros(self.is_there.shape, int)
        index[self.is_there] = np.concatenate(chosen)
        self.values = values[index].astype(np.float32)
        part = np.nonzero(self.is_there)[0]
        self.known = observations.iloc[index[self.is_there]][["measurement_id", "task", "reference_group", "low", "high"]].assign(
            split=np.array([one.split for one in parts])[part], fold_seed=np.array([one.fold_seed for one in parts])[part])
        self.known[["low", "high"]] = TASKS[task].to_learning(self.known[["low", "high"]])

    def answered(self, ensemble):
        answers = ensemble.predict_own(self.values[ensemble.part_of_member], self.task)
        moments = decompose(*(self._side_by_side(ensemble, answer) for answer in answers))
        return self.known.assign(mean=moments.mean, std=moments.std)

    def _side_by_side(self, ensemble, answer):
        """From [M, K, H] to [members of a part, K, rows of all parts]."""
        n_parts, width = self.is_there.shape
        of_part = answer.reshape(n_parts, -1, ensemble.n_masks, width).transpose(1, 2, 0, 3)
        return of_part[..., self.is_there]


def _r2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    return 1.0 - float(np.sum((y_true - y_pred) ** 2) / np.sum((y_true - y_true.mean()) ** 2))
