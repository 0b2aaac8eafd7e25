"""All alloys as points with one colour each. Pure pandas."""
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtl_core.chemistry.composition import Composition
from mtl_core.data.tables import AlloyTable
from mtl_core.tasks import TASKS

LABELS = {"family": "Family", "process": "Processing", "source": "Database"}
UNKNOWN = "not reported"


@dataclass(frozen=True)
class Points:
    """One row an alloy: ids, what the hover says, and values to colour by (numbers with NaN, or words)."""

    ids: np.ndarray
    texts: np.ndarray
    values: np.ndarray

    @property
    def is_continuous(self) -> bool:
        return self.values.dtype.kind == "f"


def color_choices(table: AlloyTable) -> dict[str, str]:
    """What the map can be coloured by: key → label, properties with data first."""
    measured = set(table.measurements["property"])
    return {task.key: task.label for task in TASKS.values() if task.key in measured} | LABELS


def points_by(table: AlloyTable, color: str) -> Points:
    """All alloys of the table, coloured by a property (median of its exact values) or by a label."""
    alloys = table.alloys
    if color in LABELS:
        values = alloys[color].fillna("").replace("", UNKNOWN).to_numpy(str)
    else:
        values = alloys["alloy_id"].map(_medians(table)[color]).to_numpy(float)
    return Points(alloys["alloy_id"].to_numpy(str), _texts(table), values)


def _medians(table: AlloyTable) -> pd.DataFrame:
    return table.measurements.pivot_table(index="alloy_id", columns="property", values="value", aggfunc="median")


def _texts(table: AlloyTable) -> np.ndarray:
    """Formula, then each measured property with its unit."""
    at = table.alloys[[f"at_{symbol}" for symbol in table.elements]].to_numpy(float)
    medians = _medians(table).reindex(table.alloys["alloy_id"])
    facts = [_facts(row) for row in medians.to_dict("records")]
    formulas = [Composition.from_array(row, table.elements, normalise=True).formula(digits=1) for row in at]
    return np.array([f"<b>{formula}</b>{fact}" for formula, fact in zip(formulas, facts, strict=True)])


def _facts(medians: dict[str, float]) -> str:
    return "".join(f"<br>{TASKS[key].label}: {value:.4g} {TASKS[key].unit}"
                   for key, value in medians.items() if value == value)


def counts_table(counts: dict[str, dict[str, int]]) -> pd.DataFrame:
    """`mtl_core.data.summary` as a table for readers: one row a property."""
    labels = {"n": "rows", "n_alloys": "alloys", "n_references": "papers", "n_censored": "bounds", "n_default": "trained on"}
    frame = pd.DataFrame(counts).T.rename(columns=labels)[list(labels.values())]
    return frame.rename(index={key: task.label for key, task in TASKS.items()})
