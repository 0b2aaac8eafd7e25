"""Files to take away: a template to fill in, and the rejected rows with their reasons."""
import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from mtl_core.errors import ConfigError
from mtl_core.intake.convert import Intake

ROW, REASON = "row", "reason"
_WIDE = """name,composition,process,hardness_hv,yield_strength_mpa,pitting_potential_mv_sce,temperature_c,chloride_m,ph,\
scan_rate_mv_s,doi,year
Alloy 1,Al0.5CoCrFeNi,cast,247,,,,,,,10.1000/example,2024
Alloy 2,Fe-18Cr-10Ni-2Mo wt%,annealed,155 ± 5,230,> 800,25,0.6,7,0.167,,
"""
_LONG = """name,composition,process,property,value,unit,temperature_c,chloride_m,ph,scan_rate_mv_s,doi,year
Alloy 1,Al0.5CoCrFeNi,cast,hardness,247,HV,,,,,10.1000/example,2024
Alloy 2,Fe-18Cr-10Ni-2Mo wt%,annealed,hardness,155 ± 5,HV,,,,,,
Alloy 2,Fe-18Cr-10Ni-2Mo wt%,annealed,pitting_potential,> 800,mV vs SCE,25,0.6,7,0.167,,
"""
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[-+]?[\d.,]+([eE][-+]?\d+)?%?")


def template_csv(form: Literal["wide", "long"] = "wide") -> str:
    """A CSV to fill in, with examples: "wide", a column per property, or "long", one row per measurement."""
    if form not in ("wide", "long"):
        raise ConfigError(f"expected the form 'wide' or 'long', got {form!r}")
    return _WIDE if form == "wide" else _LONG


def bad_rows_csv(intake: Intake) -> str:
    """The rejected rows as they came, with their number in the file and all reasons; they can be mended and uploaded again.

    Cells are divided as in the file itself, and by commas when it was a workbook.
    """
    reasons = defaultdict(list)
    for problem in intake.problems:
        place = f"{problem.column}: " if problem.column else ""
        reasons[problem.row].append(f"{place}expected {problem.expected}, got {problem.came}")
    rows = dict(zip(intake.sheet.numbers, intake.sheet.rows, strict=True))
    return _written(intake.sheet.delimiter or ",", [(*intake.sheet.headers, ROW, REASON),
                     *((*rows[number], str(number), "; ".join(reasons[number])) for number in intake.bad_rows)])


def _written(delimiter: str, rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(cell: str) -> str:
    """The cell, behind an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
