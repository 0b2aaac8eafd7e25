"""Reader of Borg et al. 2020: mechanical properties of multi-principal-element alloys, one CSV row a test.

Source: Sci. Data 7, 430 (2020), doi 10.1038/s41597-020-00768-9, CC BY 4.0.
"""
import re
from pathlib import Path

import pandas as pd

from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data.guards import read_text_table
from mtl_core.data.readings import Electrolyte, Material, Reading, Value
from mtl_core.errors import DataError, Problem
from mtl_core.types import PROCESSES

FILE = "borg2020_mpea_dataset.csv"
SOURCE = "borg2020"

PROPERTIES = {
    "PROPERTY: HV": "hardness",
    "PROPERTY: YS (MPa)": "yield_strength",
    "PROPERTY: UTS (MPa)": "ultimate_strength",
    "PROPERTY: Elongation (%)": "elongation",
}
REFERENCE, FORMULA, DOI, YEAR = "IDENTIFIER: Reference ID", "FORMULA", "REFERENCE: doi", "REFERENCE: year"
TEMPERATURE, TEST = "PROPERTY: Test temperature ($^\\circ$C)", "PROPERTY: Type of test"
PROCESS, PHASES = "PROPERTY: Processing method", "PROPERTY: Microstructure"
GRAIN = "PROPERTY: grain size ($\\mu$m)"
COLUMNS = (REFERENCE, FORMULA, DOI, YEAR, TEMPERATURE, TEST, PROCESS, PHASES, GRAIN, *PROPERTIES)
TESTS = {"C": "compression", "T": "tension", "": None}

_TERM = re.compile(r"([A-Z][a-z]?)(\d*\.?\d+)")


def read_borg(path: Path) -> tuple[list[Reading], pd.DataFrame]:
    """All readings, and the references (reference_id, doi, year). Raises DataError with every problem of the file."""
    frame = read_text_table(path)
    problems = [Problem(path.name, 1, name, "this column", "no such column") for name in COLUMNS if name not in frame]
    if problems:
        raise DataError(problems)
    rows = [(number, cells) for number, cells in enumerate(frame.to_dict("records"), start=2)]
    for number, cells in rows:
        problems += [Problem(path.name, number, *rest) for rest in _row_problems(cells)]
    if problems:
        raise DataError(problems)
    return [reading for number, cells in rows for reading in _row_readings(cells, number)], _references(frame)


def _row_problems(cells: dict[str, str]) -> list[tuple[str, str, str]]:
    """(column, expected, came) of each thing wrong in one row."""
    numbers = {**dict.fromkeys(PROPERTIES, (0.0, "a number of at least 0")), TEMPERATURE: (-273.15, "a number in °C")}
    wrong = [(name, expected, repr(cells[name])) for name, (least, expected) in numbers.items()
             if not _is_number(cells[name], least)]
    wrong += [(name, f"one of {', '.join(allowed)} or a blank", repr(cells[name]))
              for name, allowed in ((TEST, ("C", "T")), (PROCESS, PROCESSES)) if cells[name] not in ("", *allowed)]
    wrong += [(name, "a value", "a blank cell") for name in (REFERENCE, DOI) if not cells[name]]
    return wrong + _formula_problems(cells[FORMULA])


def _formula_problems(formula: str) -> list[tuple[str, str, str]]:
    terms = [_TERM.fullmatch(word) for word in formula.split()]
    if not terms or not all(terms):
        return [(FORMULA, "atomic ratios such as 'Al0.25 Co1 Fe1'", repr(formula))]
    return [(FORMULA, "elements with data", term[1]) for term in terms if term[1] not in SYMBOLS]


def _is_number(text: str, least: float) -> bool:
    """Whether a cell is blank or a finite number of at least `least`."""
    try:
        return text == "" or least <= float(text) < float("inf")
    except ValueError:
        return False


def _row_readings(cells: dict[str, str], number: int) -> list[Reading]:
    amounts = tuple((symbol, float(ratio)) for symbol, ratio in _TERM.findall(cells[FORMULA]))
    material = Material(source=SOURCE, basis="at", amounts=amounts, process=cells[PROCESS] or None,
                        phases=cells[PHASES] or None, family="HEA")
    temperature = float(cells[TEMPERATURE]) if cells[TEMPERATURE] else None
    return [Reading(
        property=key, value=Value(float(cells[column])), material=material, reference=f"borg-{cells[REFERENCE]}",
        row=number, electrolyte=Electrolyte(temperature_c=temperature), test_type=TESTS[cells[TEST]],
        detail=_detail(cells),
    ) for column, key in PROPERTIES.items() if cells[column]]


def _detail(cells: dict[str, str]) -> str:
    return "|".join(cells[name] for name in (GRAIN, *PROPERTIES))


def _references(frame: pd.DataFrame) -> pd.DataFrame:
    papers = frame.drop_duplicates(REFERENCE)
    return pd.DataFrame({"reference_id": "borg-" + papers[REFERENCE], "doi": papers[DOI].str.strip(),
                         "year": pd.to_numeric(papers[YEAR], errors="coerce")})
