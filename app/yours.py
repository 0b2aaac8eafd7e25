"""A file of the visitor arranged for reading: what its columns hold, what is wrong, and what would be kept. Pure pandas."""
import re
from collections.abc import Sequence
from itertools import islice
from string import punctuation

import pandas as pd

from app.desk import value_of
from app.evidence import circumstances
from app.figures.style import written
from mtl_core.chemistry.composition import Composition
from mtl_core.data.datasets import DatasetInfo
from mtl_core.errors import Problem
from mtl_core.intake import Intake
from mtl_core.intake.meanings import ELEMENT, MEANINGS
from mtl_core.intake.sheet import Sheet
from mtl_core.tasks import TASKS

EXAMPLES, SHOWN = 3, 200
NOT_USED = "not used"
JOINER = "\u2060"  # a word joiner: invisible, and an address that holds one is no link


def examples(sheet: Sheet, header: str) -> str:
    """The first different cells of a column."""
    filled = dict.fromkeys(cell[:24] for cell in sheet.column(header) if cell)
    return "  ·  ".join(islice(filled, EXAMPLES)) or "(blank)"


def meaning_label(key: str) -> str:
    """How a meaning is called on screen; amounts of elements are chosen together, and not one by one."""
    return MEANINGS[key].label if key else NOT_USED


def single_meanings() -> tuple[str, ...]:
    """What one column can mean, but for the amounts of elements."""
    return ("", *(key for key in MEANINGS if not key.startswith(ELEMENT)))


def problem_lines(problems: Sequence[Problem]) -> pd.DataFrame:
    """One line a problem: where, what was expected, what came."""
    return pd.DataFrame([{"Row": problem.row, "Column": problem.column or "", "Got": problem.came, "Expected": problem.expected}
                         for problem in problems]).astype({"Row": "Int64"})


def preview(intake: Intake) -> pd.DataFrame:
    """The first measurements as they would be kept, in the units of the tables, with the processing also as it was written."""
    table = intake.table
    rows = table.measurements.head(SHOWN).merge(table.alloys, on="alloy_id", how="left").merge(
        table.references, on="reference_id", how="left")
    at = rows[[f"at_{symbol}" for symbol in table.elements]].to_numpy(float)
    records = rows.to_dict("records")
    return pd.DataFrame({
        "Row": rows["source_rows"].astype(int), "Alloy (at.%)": [_formula(row, table.elements) for row in at],
        "Property": [TASKS[key].label for key in rows["property"]],
        "Value": [f"{value_of(row)}{_scatter(row)} {row['unit']}" for row in records],
        "Conditions": [circumstances(row | {"source": "published"}) for row in records],
        "Processing": rows["process"], "as written": [intake.processing[int(number)] for number in rows["source_rows"]],
        "Paper": rows["doi"].where(rows["doi"] != "", rows["reference_id"]), "Year": rows["year"].astype("Int64"),
        "Left out of training by": rows["flags"]})


def plain(text: str) -> str:
    """Text of a file that a message shows as it is: nothing in it is taken for markup or for a link."""
    escaped = re.sub(rf"([{re.escape(punctuation)}])", r"\\\1", text)
    return re.sub(r"(?<=\w)(?=\\[@:])|(?<=www)(?=\\\.)", JOINER, escaped, flags=re.IGNORECASE)


def _scatter(row: dict) -> str:
    """" (151 to 159)" behind a value with both ends stated."""
    is_stated = all(row[name] == row[name] for name in ("value", "value_low", "value_high"))
    return f" ({written(row['value_low'])} to {written(row['value_high'])})" if is_stated else ""


def _formula(at: Sequence[float], symbols: tuple[str, ...]) -> str:
    return Composition.from_array(at, symbols, normalise=True).formula(digits=1)


def dataset_line(info: DatasetInfo) -> str:
    """"mylab@2 · 12 alloys · 30 measurements · from lab.xlsx · 22 November 2026, 03:10 UTC"."""
    source = [f"from {info.about['file']}"] if info.about.get("file") else []
    counts = [f"{info.n_alloys:,} alloys", f"{info.n_measurements:,} measurements"]
    return " · ".join([info.id, *counts, *source, f"{info.made:%d %B %Y, %H:%M} UTC"])
