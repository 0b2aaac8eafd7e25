"""Reader of Nyby et al. 2021: electrochemical metrics of corrosion-resistant alloys, one XLSX sheet a quantity.

Source: Sci. Data 8, 58 (2021), doi 10.1038/s41597-021-00840-y, CC BY 4.0.
"""
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mtl_core.data.guards import check_workbook
from mtl_core.data.nyby_cells import Cells, find_columns, read_electrolyte, read_material, read_value
from mtl_core.data.readings import Reading
from mtl_core.errors import DataError, Problem

if TYPE_CHECKING:
    import openpyxl

FILE = "nyby2021_cra_database.xlsx"


@dataclass(frozen=True)
class Quantity:
    """One measured quantity of one sheet: its property, how its header starts, and the units a header may name."""

    sheet: str
    property: str
    title: str
    units: str


_HEA = "HEAs_Ecorr, icorr, ipass, Rate"
QUANTITIES = (
    Quantity("Pitting Potential", "pitting_potential", r"Epit", r"V"),
    Quantity("Repassivation Potential", "repassivation_potential", r"Ave\. Erp", r"V"),
    Quantity("Crevice Corrosion Potential", "crevice_potential", r"Ecrev", r"V"),
    Quantity("Pitting Temp", "pitting_temperature", r"Tpit", r"[o°]C"),
    Quantity("Crevice Corrosion Temp", "crevice_temperature", r"Tcrev", r"[o°]C"),
    Quantity(_HEA, "corrosion_potential", r"ECORR", r"V"),
    Quantity(_HEA, "corrosion_current", r"iCORR", r"A/cm2"),
    Quantity(_HEA, "passive_current", r"iPASS", r"A/cm2"),
)


def read_nyby(path: Path) -> tuple[list[Reading], pd.DataFrame]:
    """All readings, and the references (reference_id, doi, year). Raises DataError with every problem of the file."""
    problems = check_workbook(path)
    if problems:
        raise DataError(problems)
    import openpyxl
    book = openpyxl.load_workbook(path, data_only=True)
    readings, references = [], _references(book, path.name, problems)
    for quantity in QUANTITIES:
        if quantity.sheet in book.sheetnames:
            rows = list(book[quantity.sheet].iter_rows(values_only=True))
            readings += _sheet_readings(rows, quantity, path.name, problems)
        else:
            problems.append(Problem(path.name, None, None, f"a sheet {quantity.sheet!r}", ", ".join(book.sheetnames)))
    known = set(references.get("reference_id", ()))
    lost = sorted({reading.reference for reading in readings} - known)
    problems += [Problem(path.name, None, None, f"{name} on the sheet References", "no such number") for name in lost]
    if problems:
        raise DataError(list(dict.fromkeys(problems)))  # one alloy is read once a quantity
    return readings, references


def _sheet_readings(rows: list[tuple], quantity: Quantity, file: str, problems: list[Problem]) -> list[Reading]:
    place = f"{file} › {quantity.sheet}"
    first = next((index for index, row in enumerate(rows) if isinstance(row[0], int | float)), None)
    if first is None:
        problems.append(Problem(place, None, None, "numbered rows below the header", "none"))
        return []
    columns, wrong = find_columns(rows[:first], quantity.title, quantity.units, place)
    problems += wrong
    if wrong:
        return []
    numbered = [(line, row) for line, row in enumerate(rows, start=1) if isinstance(row[0], int | float)]
    values = [row[columns.parts["value"]] for _, row in numbered]
    scale, header_flags = potential_scale(columns.header, values) if quantity.units == "V" else (1.0, ())
    found = (_reading(Cells(row, columns, place, line, problems), quantity, scale) for line, row in numbered)
    return [replace(reading, flags=reading.flags + header_flags) for reading in found if reading is not None]


def _reading(cells: Cells, quantity: Quantity, scale: float) -> Reading | None:
    value, value_flags = read_value(cells, quantity.property, scale)
    if value is None:
        return None
    material, material_flags = read_material(cells)
    electrolyte, solution_flags = read_electrolyte(cells)
    reference = cells.number("reference")
    if reference is None:
        cells.complain("reference", "the number of a paper", "a blank cell")
        return None
    return Reading(
        property=quantity.property, value=value, material=material, reference=f"nyby-{reference:.0f}",
        row=int(cells.row[0]), electrolyte=electrolyte, flags=(*value_flags, *material_flags, *solution_flags),
        detail="|".join(map(str, cells.row[1:])))


def potential_scale(header: str, values: list) -> tuple[float, tuple[str, ...]]:
    """mV for one unit of the column, and the flag when the header is overruled (rule `header-unit`).

    Potentials of corrosion lie within a few volts of each other, so a column headed V whose typical magnitude exceeds
    10 holds millivolts.
    """
    if "mV" in header:
        return 1.0, ()
    typical = pd.Series([abs(value) for value in values if isinstance(value, int | float)], dtype=float).median()
    return (1.0, ("header-unit",)) if typical > 10 else (1000.0, ())


def _references(book: "openpyxl.Workbook", file: str, problems: list[Problem]) -> pd.DataFrame:
    if "References" not in book.sheetnames:
        problems.append(Problem(file, None, None, "a sheet 'References'", ", ".join(book.sheetnames)))
        return pd.DataFrame()
    rows = [row[:3] for row in book["References"].iter_rows(values_only=True) if isinstance(row[0], int | float)]
    return pd.DataFrame([{"reference_id": f"nyby-{number:.0f}", "doi": _doi(doi), "year": _year(str(citation))}
                         for number, citation, doi in rows])


def _doi(text: object) -> str:
    match = re.search(r"10\.\S+", str(text))
    return match[0] if match else ""


def _year(citation: str) -> int | None:
    """The year in brackets, else the last number that can be a year."""
    years = re.findall(r"\(((?:19|20)\d\d)\)", citation) or re.findall(r"\b((?:19|20)\d\d)\b", citation)
    return int(years[-1]) if years else None
