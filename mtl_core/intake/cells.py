"""What stands in one cell: a number, a bound, a range, a number with its scatter, or nothing that was reported."""
import math
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from mtl_core.data.readings import Value

EXPECTED = "a number, a bound such as > 800, a range such as 30-45, or 450 ± 20"
ABSENT = frozenset((
    "", "-", "–", "—", "--", "---", "/", "?", "*", ".", "…", "x", "n/a", "na", "n.a.", "n. a.", "nan", "#n/a", "none", "null",
    "nil", "nd", "n.d.", "n.m.", "nm", "nr", "n.r.", "not reported", "not measured", "not determined", "not tested", "not given",
    "unknown", "tbd", "missing", "<na>"))
_DIGITS = r"(?:\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?|\d[\d,.]*|[.,]\d+)"
_NUMBER = rf"[-+]?{_DIGITS}(?:\s?(?:e\s?|[x×*·]\s?10\s?\^?\s?)[-+]?\s?\d{{1,3}})?"
_UNIT = r"(?:\s*([^\W\d_][^<>±=]{0,39}|[°%µ([][^<>±=]{0,39}))?"
_PLAIN = re.compile(rf"(?:~|≈|ca\.?|about|approx\.?)?\s*({_NUMBER}){_UNIT}")
_BOUND = re.compile(rf"(<=?|>=?|≤|≥|less than|more than|at least|at most|up to)\s*({_NUMBER}){_UNIT}")
_RANGE = re.compile(rf"({_NUMBER})\s*(?:-|~|to|bis|\.{{2,3}}|…)\s*({_NUMBER}){_UNIT}")
_SCATTER = re.compile(rf"({_NUMBER})\s*(?:±|\+\s?/?\s?-)\s*({_NUMBER}){_UNIT}")
_UPPER = ("<", "<=", "≤", "less than", "at most", "up to")
_SIMPLE = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")


@dataclass(frozen=True)
class Cell:
    """A value in the unit of its column, or in the one that the cell itself adds ("" = none)."""

    value: Value
    unit: str = ""


def is_absent(text: str) -> bool:
    """Whether a cell says that nothing was reported."""
    return text.strip().lower() in ABSENT


def read_cell(text: str, decimal: str = ".") -> Cell | None:
    """The value in a cell; None when it is blank or says that nothing was reported.

    decimal: "." or ",". Raises ValueError whose text says what was expected, and why this is none where that is not plain.
    """
    if is_absent(text):
        return None
    if decimal == "." and _SIMPLE.fullmatch(text):
        return Cell(Value(_finite(float(text))))
    _complain_of_spreadsheets(text)
    said = _folded(text)
    if match := _RANGE.fullmatch(said):
        low, high = _number(match[1], decimal), _number(match[2], decimal)
        if low > high:
            raise ValueError(f"{EXPECTED}, the lower end first")
        return Cell(Value(low) if low == high else Value(low=low, high=high), (match[3] or "").strip())
    if match := _PLAIN.fullmatch(said):
        return Cell(Value(_number(match[1], decimal)), (match[2] or "").strip())
    if match := _BOUND.fullmatch(said):
        limit = _number(match[2], decimal)
        return Cell(Value(high=limit, bound="<") if match[1] in _UPPER else Value(low=limit, bound=">"), (match[3] or "").strip())
    if match := _SCATTER.fullmatch(said):
        middle, scatter = _number(match[1], decimal), abs(_number(match[2], decimal))
        return Cell(Value(middle, middle - scatter, middle + scatter), (match[3] or "").strip())
    raise ValueError(EXPECTED)


def read_number(text: str, decimal: str = ".") -> float | None:
    """A single number, for what has no bounds, such as pH or a year; raises ValueError for anything else."""
    cell = read_cell(text, decimal)
    if cell is None:
        return None
    if cell.value.number is None or cell.value.low is not None:
        raise ValueError("a single number")
    return cell.value.number


def _complain_of_spreadsheets(text: str) -> None:
    if re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?|\d\d:\d\d:\d\d", text):
        raise ValueError(f"{EXPECTED}; a spreadsheet has turned this into a date, so format the column as text and type it again")
    if text.startswith("="):
        raise ValueError("a number; this formula has no stored result, so open the file in a spreadsheet and save it")
    if text.startswith("#"):
        raise ValueError("a number; this is the error of a formula")


def _folded(text: str) -> str:
    """Lower case with one kind of dash and blank; a raised digit is an exponent after 10, part of a unit, or a footnote."""
    powers = re.sub(r"10([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda match: "10^" + unicodedata.normalize("NFKC", match[1]), text)
    if any(_is_raised(mark) and not re.match(r"[a-z⁻]", before, re.IGNORECASE) for before, mark in pairwise(" " + powers)):
        raise ValueError(f"{EXPECTED}, without the raised mark of a footnote")
    return re.sub(r"[‐‑‒–—−]", "-", unicodedata.normalize("NFKC", powers)).strip().rstrip("*†‡§").rstrip().lower()


def _is_raised(mark: str) -> bool:
    """Whether a character would turn into a digit without being one, such as ² or ①."""
    return not mark.isdecimal() and any(map(str.isdecimal, unicodedata.normalize("NFKC", mark)))


def _number(text: str, decimal: str) -> float:
    digits = re.sub(r"[\s']", "", text)
    digits = re.sub(r"[x×*·]10\^?", "e", digits)
    mantissa, mark, exponent = digits.partition("e")
    written = _with_point(mantissa, decimal)
    if not re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)", written):
        raise ValueError(EXPECTED)
    return _finite(float(written + mark + exponent))


def _with_point(text: str, decimal: str) -> str:
    """Decimal point and no thousands mark; a sign that can only be the decimal one counts as that whatever the file's rule."""
    sign, digits = (text[0], text[1:]) if text[:1] in "+-" else ("", text)
    other = "," if decimal == "." else "."
    if digits.count(other) and (digits.count(decimal) or digits.count(other) > 1):
        digits = _without_thousands(digits, other, decimal)
    elif re.fullmatch(rf"[1-9]\d{{0,2}}\{other}\d{{3}}", digits):
        if decimal == ",":
            raise ValueError(f"{EXPECTED}; {text} may be {digits.replace('.', '')} or {digits}")
        digits = digits.replace(",", "")
    return sign + digits.replace(other, ".").replace(decimal, ".")


def _without_thousands(digits: str, other: str, decimal: str) -> str:
    if not re.fullmatch(rf"\d{{1,3}}(\{other}\d{{3}})+(\{decimal}\d*)?", digits):
        raise ValueError(EXPECTED)
    return digits.replace(other, "")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("a finite number")
    return number
