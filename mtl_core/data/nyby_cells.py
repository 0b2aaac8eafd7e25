"""Cells of one Nyby sheet: where each column stands under one or two header rows, and what its texts mean."""
import math
import re
from dataclasses import dataclass

from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data.readings import Electrolyte, Material, Value
from mtl_core.data.solution import parse_solution, settle_chloride
from mtl_core.errors import Problem

SOURCE = "nyby2021"
NB_TA = "Nb+Ta"
SUM_TOLERANCE = 2.0
FAMILIES = {"Fe Alloy": "Fe", "Al Alloy": "Al", "NiCrMo Alloy": "Ni", "HEA": "HEA"}

_PARTS = {"Avg.": "value", "Max": "high", "Min": "low", "SE (±)": "error"}
_TITLES = {"temperature": r"Test Temp", "solution": r"Test Solution", "chloride": r"\[Cl-\]", "ph": r"pH",
           "scan_rate": r"Scan Rate", "phases": r"Microstructures", "reference": r"Reference",
           "family": r"Material class"}
_REQUIRED = ("solution", "reference", "family")
_ABSENT = ("", "NA", "None")
_PHASES = (("FCC", r"\bFCC\b|austenit"), ("BCC", r"\bBCC\b|ferrit"), ("B2", r"\bB2\b|Ordered BCC"), ("Sigma", r"sigma"),
           ("Borides", r"boride"), ("Amorphous", r"amorphous"), ("Nanocrystalline", r"nanocrystalline"))


@dataclass(frozen=True)
class Columns:
    """Indices into a row; parts: "value" and, where the sheet has them, "low", "high", "error".

    header: everything that stands above the value.
    """

    elements: dict[str, int]
    header: str
    parts: dict[str, int]
    others: dict[str, int]


@dataclass(frozen=True)
class Cells:
    """One row with its columns; every problem goes to the shared list `problems`."""

    row: tuple
    columns: Columns
    place: str
    line: int
    problems: list[Problem]

    def text(self, name: str) -> str:
        """The text of a column; "" when it is blank, not reported or not in this sheet."""
        index = self.columns.others.get(name)
        cell = "" if index is None or self.row[index] is None else str(self.row[index])
        cell = cell.strip().strip("\u202c\ufeff")
        return "" if cell in _ABSENT else cell

    def part(self, name: str) -> str:
        """The text of the value, or of its "low", "high" or "error"; "" when there is none."""
        index = self.columns.parts.get(name)
        text = "" if index is None or self.row[index] is None else str(self.row[index]).strip()
        return "" if text in _ABSENT else text

    def number(self, name: str, *, is_text_absent: bool = False) -> float | None:
        """The number of a column; None = not reported. Text is a problem, unless it counts as not reported."""
        text = self.text(name)
        number = _float(text)
        if text and number is None and not is_text_absent:
            self.complain(name, "a number or 'NA'", repr(text))
        return number

    def complain(self, name: str, expected: str, came: str) -> None:
        self.problems.append(Problem(self.place, self.line, name, expected, came))


def find_columns(header: list[tuple], title: str, units: str, place: str) -> tuple[Columns | None, list[Problem]]:
    """Columns by their titles, under one header row or two, in any order.

    A sub-title (Avg., Max, Min, SE) belongs to the nearest title on its left.
    """
    titles = _titles(header)
    elements = {text: index for index, texts in enumerate(titles) for text in texts[1:] if text in (*SYMBOLS, NB_TA)}
    own = [index for index, texts in enumerate(titles) if re.match(title, texts[0])]
    others = {name: index for name, pattern in _TITLES.items() for index, texts in reversed(list(enumerate(titles)))
              if any(re.match(pattern, text) for text in texts[1:])}
    missing = [name for name in _REQUIRED if name not in others]
    missing += [f"the elements (found {len(elements)})"] * (len(elements) < 2) + [title] * (not own)
    if missing:
        return None, [Problem(place, 1, name, "this column", "no such column") for name in missing]
    text = " ".join(part for part in titles[own[0]] if part)
    if not re.search(units, text):
        return None, [Problem(place, 1, titles[own[0]][0], f"a header with the unit {units}", repr(text))]
    parts = {_PARTS.get(titles[index][-1], "value"): index for index in own}
    return Columns(elements, text, parts, others), []


def _titles(header: list[tuple]) -> list[tuple[str, ...]]:
    """Per column: the group title it belongs to, then its own texts from top to bottom."""
    titles, group = [], ""
    for cells in zip(*header, strict=True):
        own = tuple(str(cell).strip() for cell in cells if cell is not None)
        is_part = bool(own) and own[-1] in _PARTS
        group = group if is_part and len(own) == 1 else (own[0] if own else "")
        titles.append((group, *own))
    return titles


def read_value(cells: Cells, key: str, scale: float) -> tuple[Value | None, tuple[str, ...]]:
    """The measured value with the names of the rules that read it; None when the cell is blank or 'NA'."""
    low, middle, high = (cells.part(part) for part in ("low", "value", "high"))
    if middle == "Transpassive":
        return Value(bound=">"), ("transpassive",)
    for text, bound in ((middle, ">"), (high, "<")):
        if text.startswith(bound) and (limit := _float(text[1:])) is not None:
            return (Value(low=scale * limit, bound=">") if bound == ">" else Value(high=limit, bound="<")), ()
    numbers = [_number_or_complaint(cells, text, key) for text in (low, middle, high)]
    return _exact_or_range(*(None if number is None else scale * number for number in numbers), cells, key)


def _exact_or_range(low: float | None, middle: float | None, high: float | None, cells: Cells, key: str,
                    ) -> tuple[Value | None, tuple[str, ...]]:
    flags = ()
    if None not in (low, high) and low > high:
        low, high, flags = high, low, ("range-swapped",)
    if middle is not None and "error" in cells.columns.parts:
        return _with_error(middle, _number_or_complaint(cells, cells.part("error"), key), key)
    if middle is None and low is not None and low == high:
        return Value(low), flags
    if middle is None and None in (low, high):
        return None, flags
    return Value(middle, low, high), flags


def _with_error(middle: float, error: float | None, key: str) -> tuple[Value, tuple[str, ...]]:
    """One standard error to both sides; that of a current stands in µA/cm² (rule `standard-error-unit`)."""
    if error is None:
        return Value(middle), ()
    flags = ("standard-error-unit",) if key == "corrosion_current" else ()
    error = 1e-6 * error if flags else error
    if flags and error > middle:
        return Value(middle), flags
    return Value(middle, middle - error, middle + error), flags


def _number_or_complaint(cells: Cells, text: str, key: str) -> float | None:
    number = _float(text)
    if text and number is None:
        cells.complain(key, "a number, 'NA', 'Transpassive', '>x' or '<x'", repr(text))
    return number


def read_material(cells: Cells) -> tuple[Material, tuple[str, ...]]:
    """The alloy in wt.%: 'NA' = not reported, '0' = stated, '<x' = at most x, 'a-b' = the middle."""
    amounts, not_reported, upper_bound, flags = {}, [], [], []
    for symbol, index in cells.columns.elements.items():
        text = str(cells.row[index] if cells.row[index] is not None else "NA").strip()
        if text in _ABSENT:
            not_reported.append(symbol)
        elif (amount := _amount(text)) is None:
            cells.complain(symbol, "wt.% of at least 0, 'NA', '<x' or 'a-b'", repr(text))
        else:
            amounts[symbol] = amount
            upper_bound += [symbol] * text.startswith("<")
            flags += ["composition-range"] * ("-" in text and _float(text) is None)
    flags += _book_nb_ta(amounts, not_reported)
    if abs(sum(amounts.values()) - 100) > SUM_TOLERANCE:
        cells.complain("composition", f"wt.% that add up to 100 ± {SUM_TOLERANCE:g}", f"{sum(amounts.values()):.6g}")
    return Material(
        source=SOURCE, basis="wt", amounts=tuple((symbol, amount) for symbol, amount in amounts.items() if amount > 0),
        not_reported=tuple(not_reported), upper_bound=tuple(upper_bound), phases=_phases(cells.text("phases")),
        family=FAMILIES.get(cells.text("family"))), tuple(flags)


def _book_nb_ta(amounts: dict[str, float], not_reported: list[str]) -> list[str]:
    """Rules `nb-plus-ta` and `balance-corrected`, in place; the names of those that applied."""
    if NB_TA in not_reported:
        not_reported[:] = [symbol for symbol in not_reported if symbol not in (NB_TA, "Nb")] + ["Nb", "Ta"]
    both = amounts.pop(NB_TA, 0.0)
    if both == 0.0:
        return []
    amounts["Nb"] = amounts.get("Nb", 0.0) + both
    not_reported[:] = [symbol for symbol in not_reported if symbol != "Nb"] + ["Ta"]
    excess = sum(amounts.values()) - 100.0
    if excess <= SUM_TOLERANCE:
        return ["nb-plus-ta"]
    amounts[max(amounts, key=amounts.get)] -= excess
    return ["nb-plus-ta", "balance-corrected"]


def _amount(text: str) -> float | None:
    span = re.fullmatch(r"([\d.]+)\s*-\s*([\d.]+)", text)
    number = (float(span[1]) + float(span[2])) / 2 if span else _float(text.removeprefix("<"))
    return number if number is not None and number >= 0 else None


def read_electrolyte(cells: Cells) -> tuple[Electrolyte, tuple[str, ...]]:
    """Temperature, ions, pH and scan rate; a scan rate in words ("steady state") counts as not reported."""
    solution = settle_chloride(parse_solution(cells.text("solution")), cells.number("chloride"))
    ph = cells.number("ph")
    return Electrolyte(
        temperature_c=cells.number("temperature"), chloride_m=solution.chloride_m, bromide_m=solution.bromide_m,
        sulphate_m=solution.sulphate_m, perchlorate_m=solution.perchlorate_m, acid_m=solution.acid_m,
        ph=solution.ph if ph is None else ph, scan_rate_mv_s=cells.number("scan_rate", is_text_absent=True),
    ), solution.flags


def _phases(text: str) -> str | None:
    found = [phase for phase, pattern in _PHASES if re.search(pattern, text, re.IGNORECASE)]
    return "+".join(found) or None


def _float(text: str) -> float | None:
    """A finite number, also when written "1.70 E -7"; None otherwise."""
    try:
        number = float(re.sub(r"\s+", "", text))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
