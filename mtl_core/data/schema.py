"""What a row of each table must look like, and the sentence for each way in which it does not."""
import math
import re
from collections.abc import Iterator
from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data.rules import FLAG_NAMES
from mtl_core.errors import Problem
from mtl_core.tasks import PROPERTIES

AT = "at_"
SUM_TOLERANCE = 2.0


def _words(text: object) -> object:
    return tuple(text.split()) if isinstance(text, str) else text


def _one_of(allowed: frozenset[str], kind: str):
    def check(text: object) -> tuple[str, ...]:
        unknown = [word for word in _words(text) if word not in allowed]
        if unknown:
            raise ValueError(f"only {kind}, unlike {' '.join(unknown)}")
        return _words(text)
    return BeforeValidator(check)


Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")]
Symbols = Annotated[tuple[str, ...], _one_of(frozenset(SYMBOLS), "symbols of elements with data")]
Flags = Annotated[tuple[str, ...], _one_of(FLAG_NAMES, "names of rules")]
Amount = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AlloyRow(_Row):
    """A row of alloys.csv; `at` holds the columns at_<El>, in at.%."""

    alloy_id: Identifier
    at: dict[str, Amount]
    not_reported: Symbols = ()
    upper_bound: Symbols = ()
    process: Literal["CAST", "WROUGHT", "ANNEAL", "POWDER", "OTHER"] | None = None
    phases: str | None = None
    family: str | None = None
    source: str

    @model_validator(mode="after")
    def _adds_up(self) -> "AlloyRow":
        total = math.fsum(self.at.values())
        if abs(total - 100.0) > SUM_TOLERANCE:
            raise ValueError(f"at.% that add up to 100 ± {SUM_TOLERANCE:g}, unlike {total:.6g}")
        return self


class MeasurementRow(_Row):
    """A row of measurements.csv. Bound "=" with a value is exact, "=" with a range only is interval-censored,
    ">" has its bound in value_low and "<" in value_high."""

    measurement_id: Identifier
    alloy_id: Identifier
    property: Literal[tuple(PROPERTIES)]
    value: Number | None = None
    value_low: Number | None = None
    value_high: Number | None = None
    unit: str
    bound: Literal["=", ">", "<"]
    temperature_c: Annotated[Number, Field(ge=-273.15)] | None = None
    chloride_m: Amount | None = None
    bromide_m: Amount | None = None
    sulphate_m: Amount | None = None
    perchlorate_m: Amount | None = None
    acid_m: Amount | None = None
    ph: Annotated[Number, Field(ge=-2.0, le=16.0)] | None = None
    scan_rate_mv_s: Annotated[Number, Field(gt=0.0)] | None = None
    test_type: Literal["tension", "compression"] | None = None
    reference_id: Identifier
    source_rows: str | None = None
    flags: Flags = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> "MeasurementRow":
        for complaint in _complaints(self):
            raise ValueError(complaint)
        return self


class ReferenceRow(_Row):
    """A row of references.csv; papers with one `group` printed one another's readings."""

    reference_id: Identifier
    doi: Annotated[str, Field(pattern=r"^10\.\S+$")] | None = None
    year: Annotated[int, Field(ge=1900, le=2100)] | None = None
    group: Identifier


def _complaints(row: MeasurementRow) -> Iterator[str]:
    task = PROPERTIES[row.property]
    if row.unit != task.unit:
        yield f"the unit {task.unit!r} for {row.property}, unlike {row.unit!r}"
    low, value, high = row.value_low, row.value, row.value_high
    needs = {"=": value is not None or None not in (low, high), ">": value is None and low is not None and high is None,
             "<": value is None and high is not None and low is None}
    if not needs[row.bound]:
        yield (f"'=' with value or with value_low and value_high, '>' with value_low alone, '<' with value_high alone, "
               f"unlike {row.bound!r} with value {value}, low {low}, high {high}")
    stated = [number for number in (low, value, high) if number is not None]
    if stated != sorted(stated):
        yield f"value_low ≤ value ≤ value_high, unlike {stated}"
    if task.lower is not None and any(number < task.lower for number in stated):
        yield f"{row.property} of at least {task.lower:g} {task.unit}, unlike {min(stated):g}"


TABLES: dict[str, tuple[type[_Row], str]] = {
    "alloys.csv": (AlloyRow, "alloy_id"),
    "measurements.csv": (MeasurementRow, "measurement_id"),
    "references.csv": (ReferenceRow, "reference_id"),
}


def columns_of(model: type[_Row]) -> tuple[str, ...]:
    """The column names of a table, without the at_<El> of alloys."""
    return tuple(name for name in model.model_fields if name != "at")


def find_problems(frame: pd.DataFrame, file: str) -> list[Problem]:
    """Everything wrong inside one table of text cells; row numbers count the header as row 1."""
    model, key = TABLES[file]
    problems = _header_problems(frame, file, model)
    missing = {problem.column for problem in problems}
    for row, cells in enumerate(frame.to_dict("records"), start=2):
        problems += [problem for problem in row_problems(cells, row, file, model) if problem.column not in missing]
    return problems + ([] if key in missing else _duplicates(frame[key], file))


def _header_problems(frame: pd.DataFrame, file: str, model: type[_Row]) -> list[Problem]:
    missing = [Problem(file, 1, name, "this column", "no such column")
               for name in columns_of(model) if name not in frame]
    if "at" not in model.model_fields:
        return missing
    elements = [name for name in frame.columns if name.startswith(AT)]
    if not elements:
        missing.append(Problem(file, 1, "at_Fe", "columns at_<element> in at.%", "none"))
    return missing + [Problem(file, 1, name, "at_ and the symbol of an element with data", name.removeprefix(AT))
                      for name in elements if name.removeprefix(AT) not in SYMBOLS]


def row_problems(cells: dict[str, object], row: int, file: str, model: type[_Row]) -> list[Problem]:
    """Everything wrong inside one row of a table, given as column → cell; blank cells count as not stated."""
    try:
        model.model_validate(_nested(cells) if "at" in model.model_fields else _stated(cells))
    except ValidationError as error:
        return [_problem(detail, row, file) for detail in error.errors(include_url=False)]
    return []


def _stated(cells: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in cells.items() if str(text).strip() != ""}


def _nested(cells: dict[str, str]) -> dict[str, object]:
    at = {name.removeprefix(AT): text for name, text in cells.items() if name.startswith(AT)}
    return {**_stated({name: text for name, text in cells.items() if not name.startswith(AT)}), "at": at}


def _problem(detail: dict, row: int, file: str) -> Problem:
    place = [str(part) for part in detail["loc"]]
    column = (AT + place[1] if place[0] == "at" and len(place) > 1 else place[0]) if place else None
    if detail["type"] == "missing":
        return Problem(file, row, column, "a value", "a blank cell")
    expected = re.sub(r"^(Value error, |Input should be |String should )", "", detail["msg"])
    if not place or ", unlike " in expected:
        expected, _, came = expected.partition(", unlike ")
        return Problem(file, row, column, expected, came)
    return Problem(file, row, column, expected, repr(detail["input"]))


def _duplicates(keys: pd.Series, file: str) -> list[Problem]:
    again = keys[keys.duplicated()]
    return [Problem(file, int(index) + 2, keys.name, "an id that is used once", repr(name))
            for index, name in again.items()]
