"""What each row is made of, in at.%, and the labels of its alloy."""
import re
from dataclasses import dataclass

import numpy as np

from mtl_core.chemistry.composition import SUM_TOLERANCE, Composition, to_at
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data.readings import Value
from mtl_core.errors import CompositionError
from mtl_core.intake.cells import is_absent, read_cell
from mtl_core.intake.labels import family_of, phases_of, process_of
from mtl_core.intake.mapping import ELEMENT, Column, alloy_columns, with_points
from mtl_core.intake.reader import Reader, converted
from mtl_core.intake.units import WEIGHT

MOST = 1e6
BALANCE = re.compile(r"(bal|rest|remainder|rem)\w*\.?", re.IGNORECASE)
GRADE = re.compile(
    r"(?:(?:aisi|sus|astm|uns|en|din|type|grade|alloy|inconel|incoloy|hastelloy|monel|nitronic|w\.?-?nr\.?)[\s-]*)?"
    r"(?:[SNRCK]?\d{3,5}[A-Z]{0,3}\d?|1\.\d{4}|[CBGX]-?\d{1,3}|X\d+[A-Z][A-Za-z]+[\d-]+|AL-?6XN|254\s?SMO)", re.IGNORECASE)


@dataclass(frozen=True)
class Alloys:
    """n rows: at [n, E] in at.% of `symbols`, NaN where a composition could not be read; labels [n] of each row's alloy, and its
    processing as written."""

    symbols: tuple[str, ...]
    at: np.ndarray
    not_reported: list[str]
    upper_bound: list[str]
    names: list[str]
    written: list[str]
    process: list[str | None]
    phases: list[str | None]
    family: list[str | None]


def read_alloys(reader: Reader) -> Alloys:
    """The alloys of all rows; complaints go to the reader."""
    above = _row_above(reader)
    symbols, at, not_reported, upper_bound = (_from_amounts if reader.mapping.elements else _from_texts)(reader, above)
    texts = {meaning: reader.texts(meaning) for meaning in ("name", "process", "phases")}
    labels = {meaning: [cells[index] for index in above] for meaning, cells in texts.items()}
    listed = [[" ".join(_by_number(words)) for words in state] for state in (not_reported, upper_bound)]
    return Alloys(
        symbols, at, *listed, labels["name"], labels["process"], [process_of(text) for text in labels["process"]],
        [phases_of(text) for text in labels["phases"]], [family_of(row, symbols) for row in at])


def _row_above(reader: Reader) -> list[int]:
    """For each row the one that says its alloy: itself, or the last above whose alloy columns are filled."""
    columns = [reader.sheet.column(column.name) for column in alloy_columns(reader.mapping)]
    filled = [any(not is_absent(cells[row]) for cells in columns) for row in range(len(reader))]
    source, last = [], 0
    for row, is_filled in enumerate(filled):
        last = row if is_filled or not reader.mapping.is_filled_down else last
        source.append(last)
    return source


def _by_number(symbols) -> list[str]:
    return sorted(symbols, key=SYMBOLS.index)


def _from_amounts(reader: Reader, above: list[int]):
    columns = reader.mapping.elements
    symbols = tuple(_by_number(column.meaning.removeprefix(ELEMENT) for column in columns))
    amounts = np.zeros((len(reader), len(symbols)))
    not_reported, upper_bound = ([[] for _ in range(len(reader))] for _ in range(2))
    is_balance = np.zeros_like(amounts, bool)
    for column in columns:
        symbol = column.meaning.removeprefix(ELEMENT)
        index = symbols.index(symbol)
        cells = reader.each(column, lambda text, column=column: _amount(text, column, reader.mapping.decimal))
        for row, source in enumerate(above):
            if cells[source] is None:
                not_reported[row].append(symbol)
                continue
            amounts[row, index], state = cells[source]
            is_balance[row, index] = state == "balance"
            upper_bound[row] += [symbol] if state == "<" else []
    is_ratio = columns[0].unit == "at. ratio"
    at = _closed(reader, amounts, is_balance, is_ratio=is_ratio)
    is_known = np.isfinite(at).all(axis=1)
    if columns[0].unit in WEIGHT and is_known.any():
        at[is_known] = to_at(at[is_known], symbols)
    return symbols, at.round(6), not_reported, upper_bound


def _amount(text: str, column: Column, decimal: str) -> tuple[float, str] | None:
    """(amount, "", "<" or "balance"); None = not reported."""
    if BALANCE.fullmatch(text):
        return 0.0, "balance"
    value = converted(read_cell(text, decimal), "content", column.measure)
    if value is None:
        return None
    amount, state = _middle(value)
    if amount is None or not 0 <= amount <= MOST:
        raise ValueError("an amount of at least 0 (and below a million), 'bal', or a bound such as <0.003")
    return amount, state


def _middle(value: Value) -> tuple[float | None, str]:
    if value.number is not None:
        return value.number, ""
    if value.bound == "<":
        return value.high, "<"
    return (None, "") if value.bound == ">" else ((value.low + value.high) / 2, "")


def _closed(reader: Reader, amounts: np.ndarray, is_balance: np.ndarray, *, is_ratio: bool) -> np.ndarray:
    """Per cent that add up to 100, NaN in rows that do not within the tolerance; the balance takes up the rest."""
    total, n_balances = amounts.sum(axis=1), is_balance.sum(axis=1)
    rest = np.where((n_balances == 1) & ~is_ratio, 100.0 - total, 0.0)
    closed = amounts + is_balance * rest[:, None]
    unread = {problem.row for problem in reader.problems}
    for row in range(len(reader)):
        expected = _complaint(total[row], n_balances[row], is_ratio=is_ratio)
        if expected:
            closed[row] = np.nan
            if reader.sheet.numbers[row] not in unread:
                reader.complain(row, None, expected, f"{total[row]:.6g}" if total[row] else "no amount")
    sums = closed.sum(axis=1, keepdims=True)
    return 100.0 * closed / np.where(sums > 0, sums, np.nan)


def _complaint(total: float, n_balances: int, *, is_ratio: bool) -> str:
    """What was expected of the amounts of one alloy; "" when they are in order."""
    if total <= 0 and not n_balances:
        return "a composition"
    if n_balances > 1 or (is_ratio and n_balances):
        return "at most one element as the balance, and per cent for the others"
    if n_balances and total >= 100:
        return "amounts below 100 % beside the balance"
    if not is_ratio and not n_balances and abs(total - 100) > SUM_TOLERANCE:
        return f"amounts that add up to 100 ± {SUM_TOLERANCE:g} %"
    return ""


def _from_texts(reader: Reader, above: list[int]):
    column = reader.column("composition")
    basis = {"at.%": "at", "wt.%": "wt"}.get(column.unit)
    decimal = reader.mapping.decimal
    found = reader.each(column, lambda text: None if is_absent(text) else _composition(with_points(text, decimal), basis))
    chosen = [found[source] for source in above]
    complained = {problem.row for problem in reader.problems}
    for row, composition in enumerate(chosen):
        if composition is None and reader.sheet.numbers[row] not in complained:
            reader.complain(row, column, "a composition", "a blank cell")
    symbols = tuple(_by_number({symbol for one in chosen if one for symbol in one.at}))
    at = np.array([[one.at.get(symbol, 0.0) for symbol in symbols] if one else [np.nan] * len(symbols) for one in chosen])
    nobody: list[list[str]] = [[] for _ in chosen]
    return symbols, at.reshape(len(chosen), len(symbols)).round(6), nobody, nobody


def _composition(text: str, basis: str | None) -> Composition:
    if GRADE.fullmatch(text.strip()):
        raise ValueError("a composition; this is a grade name, not a composition: write its analysis")
    try:
        return Composition.from_text(text)
    except CompositionError as error:
        if basis is None:
            raise ValueError(_clause(error)) from error
    try:
        return Composition.from_text(text, basis=basis)
    except CompositionError as error:
        raise ValueError(_clause(error)) from error


def _clause(error: CompositionError) -> str:
    return f"a composition ({str(error).removeprefix('expected ')})"
