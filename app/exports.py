"""What is on screen as files: the same numbers, with the alloy, the conditions and the level beside them."""
import json
from collections.abc import Sequence

import pandas as pd

from app.results import Result, as_record
from app.selection import Selection
from mtl_core.intake.files import harmless


def as_json(selection: Selection, results: Sequence[Result]) -> str:
    """One object: alloy, conditions, level, then each task by key; results have the keys of the command line's JSON."""
    asked = {"alloy_at": selection.composition.at, "conditions": selection.conditions.model_dump(),
             "level": selection.level}
    return json.dumps(asked | {result.task.key: as_record(result) for result in results}, indent=1, ensure_ascii=False)


def as_csv(selection: Selection, results: Sequence[Result]) -> str:
    """One row a task."""
    formula = selection.composition.formula(selection.basis, digits=4)
    asked = {"composition": formula} | selection.conditions.model_dump()
    rows = [asked | {"property": result.task.key} | as_record(result) for result in results]
    return pd.DataFrame(rows).to_csv(index=False)


def table_csv(table: pd.DataFrame) -> str:
    """Any table; text that a spreadsheet would take for a formula stands behind an apostrophe."""
    guarded = table.map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
    return guarded.to_csv(index=False, float_format="%.6g", lineterminator="\n")
