"""Measurements to doubt: rules that look at all readings, and a sentence of evidence for each thing they find.

A finding is a reason to open the paper. Where the evidence shows which reading is wrong, the suggestion is "exclude"; where it
only shows that readings disagree, or that a model is surprised, it is "keep".
"""
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mtl_core.chemistry.composition import Composition
from mtl_core.data.contradictions import conflicts, hardness_against_strength
from mtl_core.data.copies import entered_twice
from mtl_core.data.findings import SUSPECT_RULES, Finding, said
from mtl_core.data.noise import readings, repeat_std
from mtl_core.data.oddities import above_oxygen_line, implausible_compositions, lone_outliers, wrong_quantities
from mtl_core.data.schema import AT
from mtl_core.data.tables import AlloyTable
from mtl_core.errors import ConfigError
from mtl_core.tasks import TASKS

__all__ = ["COLUMNS", "SUSPECT_RULES", "find_suspects", "large_residuals"]

COLUMNS = ("suspect_id", "rule", "property", "measurement_ids", "alloy", "evidence", "severity", "dois", "suggestion",
           "is_excluded")
PURE = 99.0  # at.% from which an alloy counts as a pure metal
KNOWN_LEAST = " Nearly a pure metal: doubt the models first."


def find_suspects(table: AlloyTable, *, out_of_fold: pd.DataFrame | None = None, k: float = 3.0) -> pd.DataFrame:
    """One row a finding: first those that default training would use, the worst at the top.

    suspect_id (rule and measurement ids), rule (a key of SUSPECT_RULES), property, measurement_ids (the one to act on last),
    alloy (formula in at.%), evidence, severity (1 at the threshold of the rule, 2 twice as far, 3 certain), dois, suggestion,
    is_excluded (default training leaves the one to act on out already).
    out_of_fold: as `pipeline.read_out_of_fold` gives it; without it there is no "large-residual". Raises ConfigError for k ≤ 0.
    """
    if not k > 0:
        raise ConfigError(f"expected k above 0, got {k:g}")
    rows = readings(table)
    used = rows[~rows["is_excluded"]]
    scatter = repeat_std(used)
    found = [*wrong_quantities(rows), *implausible_compositions(rows), *entered_twice(rows), *lone_outliers(rows, k),
             *hardness_against_strength(used), *above_oxygen_line(used, scatter, k), *conflicts(used, scatter, k),
             *(() if out_of_fold is None else _surprises(rows, out_of_fold, k))]
    by_id = rows.set_index("measurement_id")
    frame = pd.DataFrame([_row(finding, by_id, table.elements) for finding in found], columns=COLUMNS)
    return frame.sort_values(["is_excluded", "severity", "suspect_id"], ascending=[True, False, True], ignore_index=True)


def _row(finding: Finding, by_id: pd.DataFrame, elements: tuple[str, ...]) -> dict:
    last = by_id.loc[finding.ids[-1]]
    at = last[[AT + symbol for symbol in elements]].to_numpy(float)
    return {"suspect_id": f"{finding.rule}:{'+'.join(finding.ids)}", "rule": finding.rule, "property": last["property"],
            "measurement_ids": finding.ids, "alloy": Composition.from_array(at, elements, normalise=True).formula(digits=1),
            "evidence": finding.evidence, "severity": round(float(finding.severity), 3),
            "dois": tuple(dict.fromkeys(doi for doi in by_id.loc[list(finding.ids[::-1]), "doi"] if doi)),
            "suggestion": finding.suggestion, "is_excluded": bool(last["is_excluded"])}


def _surprises(rows: pd.DataFrame, out_of_fold: pd.DataFrame, k: float) -> Iterator[Finding]:
    """One finding for all readings of an alloy in a paper, as one cause most likely explains them; the worst is the last.

    Half as severe for a pure metal, which a model of alloys knows least.
    """
    amounts = [name for name in rows if name.startswith(AT)]
    known = large_residuals(out_of_fold, k)[["measurement_id", "mean", "std", "score"]]
    found = rows.merge(known, on="measurement_id").sort_values("score")
    for _, group in found.groupby(["property", "alloy_id", "reference_id"], sort=False):
        worst, unit = group.iloc[-1], TASKS[group["property"].iloc[0]].learning_unit
        others = f"; likewise {len(group) - 1} more on that alloy in that paper" if len(group) > 1 else ""
        evidence = (f"{said(worst)}, where models that never saw the paper predict {worst['mean']:.3g} ± {worst['std']:.3g} "
                    f"{unit}: {worst['score']:.1f} calibrated standard deviations off{others}.")
        is_pure = worst[amounts].max() >= PURE
        yield Finding("large-residual", tuple(group["measurement_id"]), evidence + (KNOWN_LEAST if is_pure else ""),
                      worst["score"] / k * (0.5 if is_pure else 1.0))


def large_residuals(out_of_fold: pd.DataFrame, k: float) -> pd.DataFrame:
    """Rows whose prediction, out of fold by paper, misses the value (or its censoring interval) by more than k std.

    The prediction is the mean over the fold seeds, its variance by the law of total variance. The spread of the members alone is
    too small, so the std of each task is scaled until 68 % of its rows lie within one. Columns: task, measurement_id, low, high,
    mean, std (learning unit), score (residual / std).
    """
    rows = out_of_fold[out_of_fold["split"] == "reference"]
    by_row = rows.assign(variance=rows["std"] ** 2).groupby(["task", "measurement_id"], sort=False)
    found = by_row[["low", "high", "mean", "variance"]].mean()
    std = np.sqrt(found.pop("variance") + by_row["mean"].var(ddof=0))
    score = np.maximum(0.0, np.maximum(found["low"] - found["mean"], found["mean"] - found["high"])) / std
    factor = score.groupby("task").transform(lambda scores: scores.quantile(0.68))
    return found.assign(std=factor * std, score=score / factor)[score / factor > k].reset_index()
