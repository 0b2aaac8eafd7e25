"""One sheet with its mapping while it is being read: cells by meaning, and a list that every complaint goes to."""
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from mtl_core.data.readings import Value
from mtl_core.errors import Problem
from mtl_core.intake.cells import EXPECTED, Cell, read_cell
from mtl_core.intake.mapping import Column, Mapping
from mtl_core.intake.sheet import Sheet
from mtl_core.intake.units import Unit, find_units

SHOWN = 60  # characters of a cell that a complaint repeats


@dataclass(frozen=True)
class Reader:
    """Positions count the rows of the sheet from 0; problems name them as a spreadsheet does."""

    sheet: Sheet
    mapping: Mapping
    problems: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sheet.rows)

    def complain(self, position: int, column: Column | None, expected: str, came: str) -> None:
        """Note what is wrong with one cell, or with a row as a whole."""
        name = column.name if column else None
        self.problems.append(Problem(self.sheet.name, self.sheet.numbers[position], name, expected, clipped(came)))

    def column(self, meaning: str) -> Column | None:
        """The column with this meaning."""
        return self.mapping.column(meaning)

    def texts(self, meaning: str) -> list[str]:
        """The cells of the column with this meaning; blanks where there is no such column."""
        column = self.column(meaning)
        return self.sheet.column(column.name) if column else [""] * len(self)

    def each(self, column: Column, read: Callable[[str], object]) -> list:
        """`read` of every cell, each distinct text once; None, and a complaint, where it raises ValueError."""
        found: dict[str, object] = {}
        wrong: dict[str, str] = {}
        answers = []
        for position, text in enumerate(self.sheet.column(column.name)):
            if text not in found:
                try:
                    found[text] = read(text)
                except ValueError as error:
                    found[text], wrong[text] = None, str(error)
            if text in wrong:
                self.complain(position, column, wrong[text], repr(text[:SHOWN]))
            answers.append(found[text])
        return answers

    def value(self, text: str, column: Column) -> Value | None:
        """What stands in one cell of a column, in the unit of the tables; raises ValueError where it cannot be read."""
        return converted(read_cell(text, self.mapping.decimal), column.quantity, column.measure)

    def values(self, meaning: str) -> list[Value | None]:
        """The values of a column in the unit of the tables."""
        column = self.column(meaning)
        if column is None:
            return [None] * len(self)
        return self.each(column, lambda text: self.value(text, column))

    def numbers(self, meaning: str) -> list[float | None]:
        """Single numbers of a column in the unit of the tables."""
        column = self.column(meaning)
        if column is None:
            return [None] * len(self)
        return self.each(column, lambda text: single(self.value(text, column)))


def clipped(text: str) -> str:
    """As much of a text as a complaint repeats."""
    return text if len(text) <= 3 * SHOWN else text[:3 * SHOWN] + "…"


def single(value: Value | None) -> float | None:
    """The number of a value; raises ValueError for a bound or a range."""
    if value is not None and value.number is None:
        raise ValueError("a single number")
    return None if value is None else value.number


def converted(cell: Cell | None, quantity: str, unit: Unit | None) -> Value | None:
    """The value of a cell in the unit of the tables; the unit that a cell adds itself goes before that of its column."""
    if cell is None:
        return None
    unit = _stated(cell.unit, quantity, unit) if cell.unit else unit
    if unit is None:
        return cell.value
    ends = (None if end is None else _within_reach(unit, end) for end in (cell.value.number, cell.value.low, cell.value.high))
    return Value(*ends, cell.value.bound)


def _within_reach(unit: Unit, number: float) -> float:
    try:
        found = unit.convert(number)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise ValueError("a number of a size that can be")
    return found


def _stated(text: str, quantity: str, unit: Unit | None) -> Unit:
    found = {one.key: one for one in find_units(quantity, text)}
    if unit is not None and unit.key in found:
        return unit
    if len(found) != 1:
        raise ValueError(f"{EXPECTED}{f', in {unit.key}' if unit else ' without a unit'}")
    (other,) = found.values()
    if other.convert is None:
        raise ValueError(f"{EXPECTED}, in a unit that can be converted; {other.key} is {other.source}")
    return other
