"""Does the domain separate? Whether the alloys it calls far are those whose predictions are wrong.

The domain of each fold is fitted on the training rows of its part; a domain that knew the tested rows would find them all near.
"""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mtl_core.data.schema import AT
from mtl_core.ensemble.parts import Part
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions
from mtl_core.uncertainty.comparison import resampled_papers
from mtl_core.uncertainty.conformal import pooled
from mtl_core.uncertainty.domain import Domain

WORST = 0.25  # share of the rows whose errors count as large


def domain_scores(observations: pd.DataFrame, parts: Sequence[Part], symbols: Sequence[str]) -> pd.DataFrame:
    """How far each tested row lies from the training rows of its part.

    Columns: measurement_id, task, split, fold_seed, distance (at.% to the nearest alloy), score (distance / limit of the domain),
    is_inside (no element, pair, condition or distance lies outside), reason (why it does; empty inside).
    """
    tables = []
    for part in parts:
        learnt = observations[part.is_training]
        for task in observations["task"].unique():
            rows = observations[part.is_test & (observations["task"] == task).to_numpy()]
            if len(rows) and (learnt["task"] == task).any():
                found = _scored(Domain.fit(learnt, TASKS[task], tuple(symbols)), rows)
                tables.append(found.assign(split=part.split, fold_seed=part.fold_seed))
    return pd.concat(tables, ignore_index=True)


def _scored(domain: Domain, rows: pd.DataFrame) -> pd.DataFrame:
    at = rows[[AT + symbol for symbol in domain.symbols]].to_numpy(float)
    given = rows[list(Conditions.model_fields)].astype(object).where(lambda cells: cells.notna() & (cells != ""), None)
    conditions = [Conditions.model_construct(**row) for row in given.to_dict("records")]  # as measured, however extreme
    reasons = domain.reasons(at, [()] * len(at), conditions)
    return rows[["measurement_id", "task"]].assign(
        distance=domain.distances(at), score=domain.scores(at), is_inside=[not reason for reason in reasons], reason=reasons)


def separation(out_of_fold: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """One row a task, split and what is asked to separate: "domain score", "outside" (the verdict) and "std" of the networks.

    out_of_fold: of a run; scores: of `domain_scores` on the same folds. Exact rows, errors of all members that never saw the row.
    Columns: task, split, by, n (tests), n_outside, auroc of "the absolute error is in the worst quarter" with auroc_low and
    auroc_high, and, with by "outside", ratio of the mean absolute errors outside / inside with ratio_low and ratio_high.
    Intervals: 95 % over papers, with the quarter as it is in all rows. NaN where one side is empty.
    """
    rows = pooled(out_of_fold)
    rows = rows[rows["low"] == rows["high"]].merge(scores, on=["measurement_id", "task", "split", "fold_seed"], validate="1:1")
    rows = rows.assign(error=(rows["low"] - rows["mean"]).abs(), outside=~rows["is_inside"])
    return pd.DataFrame([found for (task, split), part in rows.groupby(["task", "split"], sort=False)
                         for found in _separated(part, task, split)])


class _Papers(NamedTuple):
    """How often each row counts: once, [1, n], and in each resample of papers, [b, n]."""

    once: np.ndarray
    drawn: np.ndarray

    def estimate(self, statistic, name):
        """Value and 95 % percentile interval of statistic(weights [b, n]) → [b]."""
        value, found = statistic(self.once)[0], statistic(self.drawn)
        known = found[np.isfinite(found)]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
        return {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}


def _separated(rows, task, split):
    error, outside = rows["error"].to_numpy(), rows["outside"].to_numpy()
    is_worst = error > np.quantile(error, 1.0 - WORST)
    papers = _Papers(np.ones((1, len(rows))), resampled_papers(rows["reference_group"]))
    asked = {"domain score": rows["score"].to_numpy(), "outside": outside.astype(float), "std": rows["std"].to_numpy()}
    about = {"task": task, "split": split, "n": len(rows), "n_outside": int(outside.sum())}
    for by, score in asked.items():
        found = about | {"by": by} | papers.estimate(lambda weights, score=score: auroc(score, is_worst, weights), "auroc")
        if by == "outside":
            found |= papers.estimate(lambda weights: _ratio(error, outside, weights), "ratio")
        yield found


def auroc(score: np.ndarray, is_positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve, [b]: how often a positive row has the larger score, ties half (Hanley & McNeil 1982, Radiology
    143, 29).

    score, is_positive: [n]; weights: [b, n], how often each row counts. NaN where one of the classes is empty.
    """
    _, level = np.unique(score, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.flatnonzero(np.diff(level[order], prepend=-1))
    positive, negative = (np.add.reduceat((weights * chosen)[:, order], starts, axis=1) for chosen in (is_positive, ~is_positive))
    below = np.cumsum(negative, axis=1) - 0.5 * negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.divide((positive * below).sum(axis=1), pairs, where=pairs > 0, out=np.full(len(weights), np.nan))


def _ratio(error, outside, weights):
    """Mean absolute error outside / inside, [b]."""
    sides = outside.astype(float), (~outside).astype(float)
    (far, n_far), (near, n_near) = ((weights @ (side * error), weights @ side) for side in sides)
    is_known = (n_far > 0) & (near > 0)
    return np.divide(far * n_near, near * n_far, where=is_known, out=np.full(len(weights), np.nan))
