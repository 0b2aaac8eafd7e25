"""From a sheet and its mapping to the three tables, with every problem named by row and column."""
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtl_core.data.build import flag_conditions
from mtl_core.data.schema import AT, AlloyRow, MeasurementRow, ReferenceRow, columns_of, row_problems
from mtl_core.data.tables import AlloyTable
from mtl_core.errors import DataError, Problem
from mtl_core.intake.alloys import Alloys, read_alloys
from mtl_core.intake.labels import process_notes
from mtl_core.intake.mapping import Mapping, is_electrochemical
from mtl_core.intake.meanings import PARTS, PROPERTIES
from mtl_core.intake.papers import OWN, distinct, paper_notes, read_papers, read_references, slug
from mtl_core.intake.reader import Reader
from mtl_core.intake.readings import Readings, conditions_for, read_conditions, read_long, read_wide
from mtl_core.intake.sheet import Sheet
from mtl_core.intake.units import OF_TABLES, WEIGHT
from mtl_core.tasks import TASKS

_SOME_IDS = {"measurement_id": "m", "alloy_id": "a", "reference_id": "r"}  # given after all rows have been read
_TEXT = frozenset(("not_reported", "upper_bound", "process", "phases", "family", "source", "unit", "bound", "test_type",
                   "source_rows", "flags", "doi", "property", "group", "alloy_id", "measurement_id", "reference_id"))


@dataclass(frozen=True)
class Intake:
    """What became of a sheet.

    table: the good rows, None when there is none; problems: all, by row; good_rows, bad_rows: their numbers in the file;
    notes: how columns were understood, one sentence each; processing: as written, by row.
    """

    sheet: Sheet
    table: AlloyTable | None
    problems: tuple[Problem, ...]
    good_rows: tuple[int, ...]
    bad_rows: tuple[int, ...]
    notes: tuple[str, ...]
    processing: dict[int, str]


def convert(sheet: Sheet, mapping: Mapping) -> Intake:
    """Read all rows. A row with any problem is left out of the table as a whole.

    Raises DataError when no row could be read: a question is open, a unit cannot be converted, or a needed column is missing.
    """
    if problems := obstacles(sheet, mapping):
        raise DataError(problems)
    reader = Reader(sheet, mapping)
    for position in (position for position, number in enumerate(sheet.numbers) if number in sheet.surplus):
        width = sheet.surplus[sheet.numbers[position]]
        reader.complain(position, None, f"{len(sheet.headers)} cells, as in the header",
                        f"{width} (a decimal comma between commas? put the cell in quotes)")
    alloys, conditions, papers = read_alloys(reader), read_conditions(reader), read_papers(reader)
    is_long = mapping.column("property") is not None
    readings = (read_long if is_long else read_wide)(reader)
    _complain_of_nothing(reader, readings)
    measured = _measurements(reader, readings, conditions, is_long=is_long)
    bad = {problem.row for problem in reader.problems}
    good = [row for row, number in enumerate(sheet.numbers) if number not in bad]
    table = _tables(sheet, alloys, measured, papers, good) if good else None
    problems = sorted(reader.problems, key=lambda problem: problem.row)
    notes = (*_notes(reader), *process_notes(alloys.written, good), *paper_notes(papers, good), *_slips_of_unit(reader))
    return Intake(sheet, table, tuple(problems), tuple(sheet.numbers[row] for row in good),
                  tuple(number for number in sheet.numbers if number in bad), notes,
                  dict(zip(sheet.numbers, alloys.written, strict=True)))


def obstacles(sheet: Sheet, mapping: Mapping) -> list[Problem]:
    """What keeps every row from being read; empty when `convert` can read the sheet."""
    used = [column.meaning for column in mapping.columns if column.meaning]
    if tuple(column.name for column in mapping.columns) != sheet.headers:
        return [Problem(sheet.name, None, None, "a mapping of this sheet's columns", "one of another sheet")]
    found = [Problem(sheet.name, None, ", ".join(question.columns)[:120], f"an answer: {question.text}", "none")
             for question in mapping.questions]
    found += [Problem(sheet.name, None, column.name, "a unit that can be converted", f"{column.unit}: {column.measure.source}")
              for column in mapping.columns if column.measure and column.measure.convert is None]
    found += [Problem(sheet.name, None, None, "one column of each meaning", f"{meaning} twice") for meaning in sorted(set(used))
              if used.count(meaning) > 1]
    if "composition" not in used and not mapping.elements:
        found.append(Problem(sheet.name, None, None, "a column with the composition, or one column per element",
                             "none: choose the composition column"))
    if len({_basis_of(column.unit) for column in mapping.elements if column.unit}) > 1:
        found.append(Problem(sheet.name, None, None, "all amounts in wt.%, all in at.%, or all as ratios", "a mixture"))
    if not {key + part for key in PROPERTIES for part in PARTS} & set(used) and not {"property", "value"} <= set(used):
        found.append(Problem(sheet.name, None, None, f"a column with a property such as {TASKS['hardness'].label}",
                             "none: choose the column that holds it"))
    return found


def _basis_of(unit: str) -> str:
    return "wt" if unit in WEIGHT else unit


def _complain_of_nothing(reader: Reader, readings: Readings) -> None:
    complained = {problem.row for problem in reader.problems}
    for row, found in enumerate(readings):
        if not found and reader.sheet.numbers[row] not in complained:
            reader.complain(row, None, "at least one measured value", "only blank cells")


def _measurements(reader: Reader, readings: Readings, conditions: list[dict], *, is_long: bool) -> list[list[dict]]:
    """Cells of measurements.csv for each row of the sheet, without ids; what the schema refuses becomes a problem of the row."""
    in_solution = is_electrochemical(reader.mapping)
    measured = [[_cells(reading, conditions[row], in_solution=in_solution, is_long=is_long) for reading in found]
                for row, found in enumerate(readings)]
    for row, found in enumerate(measured):
        complaints = {(_column_of(reader, problem.column, cells["property"], is_long=is_long), problem.expected, problem.came)
                      for cells in found for problem in row_problems(cells | _SOME_IDS, row, reader.sheet.name, MeasurementRow)}
        for column, expected, came in sorted(complaints, key=str):  # a pH out of range once, not for each property
            reader.complain(row, column, expected, came)
    return measured


def _cells(reading: dict, conditions: dict, *, in_solution: bool, is_long: bool) -> dict[str, object]:
    key = reading["property"]
    stated = {name: value for name, value in reading.items() if value is not None}
    return stated | {"unit": TASKS[key].unit} | conditions_for(key, conditions, in_solution=in_solution, is_long=is_long)


def _column_of(reader: Reader, name: str | None, key: str, *, is_long: bool):
    if name is None or name.startswith("value"):
        return reader.column("value" if is_long else key) or reader.column(f"{key}:low")
    return reader.column(name) or reader.column("solution")


def _tables(sheet: Sheet, alloys: Alloys, measured: list[list[dict]], papers: list[dict], good: list[int]) -> AlloyTable:
    alloy_ids, frame = _alloys(alloys, good)
    reference_ids, rows_of_papers = read_references(papers, good)
    references = _frame(rows_of_papers, columns_of(ReferenceRow))
    rows = []
    seen: dict[str, int] = {}
    for row, alloy_id, reference_id in zip(good, alloy_ids, reference_ids, strict=True):
        for cells in measured[row]:
            base = f"{alloy_id}-{cells['property']}"
            seen[base] = seen.get(base, 0) + 1
            name = base if seen[base] == 1 else f"{base}-{seen[base]}"
            rows.append(cells | {"measurement_id": name, "alloy_id": alloy_id, "reference_id": reference_id,
                                 "source_rows": str(sheet.numbers[row])})
    measurements = _frame(rows, columns_of(MeasurementRow))
    flagged = flag_conditions(measurements.assign(flags=[()] * len(measurements)))
    return AlloyTable(frame, flagged.assign(flags=flagged["flags"].map(" ".join)), references)


def _alloys(alloys: Alloys, good: list[int]) -> tuple[list[str], pd.DataFrame]:
    """An id for each good row, the same for rows of one alloy with one name, and the table of the alloys."""
    ids: dict[tuple, str] = {}
    taken: set[str] = set()
    rows, first, of_row = [], [], []
    for row in good:
        labels = {name: getattr(alloys, name)[row] for name in ("not_reported", "upper_bound", "process", "phases", "family")}
        key = (alloys.names[row], *labels.values(), alloys.at[row].tobytes())
        if key not in ids:
            ids[key] = distinct(slug(alloys.names[row]) or f"A{len(ids) + 1:04d}", taken)
            rows.append({"alloy_id": ids[key], **labels, "source": OWN})
            first.append(row)
        of_row.append(ids[key])
    at = pd.DataFrame(alloys.at[first], columns=[AT + symbol for symbol in alloys.symbols])
    return of_row, pd.concat([_frame(rows, columns_of(AlloyRow)), at[at.columns[(at > 0).any()]]], axis=1)


def _frame(rows: Iterable[dict], columns: tuple[str, ...]) -> pd.DataFrame:
    """Text blanks as "", numbers as floats, as `read_tables` gives them."""
    frame = pd.DataFrame(list(rows)).reindex(columns=columns)
    return frame.assign(**{name: frame[name].fillna("").astype(str) if name in _TEXT else frame[name].astype(float)
                           for name in columns})


def _notes(reader: Reader) -> tuple[str, ...]:
    """How the columns were understood, where that is more than taking a number."""
    notes = [f"{column.name}: {column.unit}. {column.measure.source}." for column in reader.mapping.columns
             if column.unit not in ("", *OF_TABLES) and column.measure.source]
    if reader.mapping.elements:
        notes.append("A blank amount counts as not reported, a 0 as measured.")
    if reader.column("temperature_c") and is_electrochemical(reader.mapping) and not reader.column("property"):
        notes.append("The temperature is that of the test in solution; hardness and strength are taken at room temperature.")
    return (*reader.sheet.notes, *reader.mapping.left_out, *notes)


def _slips_of_unit(reader: Reader) -> list[str]:
    """Columns whose values look as if another unit were meant."""
    notes = []
    for column in reader.mapping.columns:
        sizes = [abs(float(cell)) for cell in reader.sheet.column(column.name) if re.fullmatch(r"-?\d+(\.\d+)?", cell)]
        typical = float(np.median(sizes)) if sizes else np.nan
        if column.unit.startswith("mV") and column.quantity == "potential" and max(sizes, default=9) < 5:
            notes.append(f"{column.name}: all values lie below 5 mV. Are they volts?")
        if column.quantity == "temperature" and column.unit == "°C" and typical > 250 and column.meaning == "temperature_c":
            notes.append(f"{column.name}: half of the values lie above 250 °C. Are they kelvin?")
    return notes
