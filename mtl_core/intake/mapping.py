"""How the columns of a sheet are understood: proposed from headers and cells, asked where something is open, kept as JSON."""
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from mtl_core.chemistry.composition import Composition
from mtl_core.errors import CompositionError
from mtl_core.intake.meanings import ELECTROCHEMICAL, ELEMENT, MEANINGS, PROPERTIES, SCHEMA_UNITS, element_of, recognise
from mtl_core.intake.sheet import Sheet
from mtl_core.intake.units import ADVICE, Unit, find_units, unit_of, units_of

CONTENTS = ("wt.%", "at.%", "at. ratio", "wt. ppm", "wt. fraction")
SAMPLE = 60  # cells of a column that are looked at
_ALLOY = ("composition", "name", "process", "phases", ELEMENT)


class Column(BaseModel):
    """One column of the sheet. meaning: a key of MEANINGS, "" = not used; unit: a key of its units, "" = none or not yet said.

    likely: the units that its header leaves open, when it names some of them only.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    meaning: str = ""
    unit: str = ""
    likely: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.meaning and self.meaning not in MEANINGS:
            raise ValueError(f"expected a meaning out of {', '.join(MEANINGS)}, got {self.meaning!r}")
        if self.unit and self.unit not in units_of(self.quantity):
            raise ValueError(f"expected a unit of {self.meaning or 'an unused column'} out of {list(units_of(self.quantity))}, "
                             f"got {self.unit!r}")
        return self

    @property
    def quantity(self) -> str:
        """What its units measure; "" where there are none."""
        return MEANINGS[self.meaning].quantity if self.meaning else ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The units to choose from: those that the header leaves open, or all."""
        return self.likely or self.choices_of_all

    @property
    def choices_of_all(self) -> tuple[str, ...]:
        """All units of its quantity."""
        return CONTENTS if self.quantity == "content" else units_of(self.quantity)

    @property
    def measure(self) -> Unit | None:
        """The unit with its conversion; None when there is none or it is not yet said."""
        return unit_of(self.quantity, self.unit) if self.unit else None


@dataclass(frozen=True)
class Question:
    """What has to be said before the sheet can be read: a unit for `columns`, out of `choices`."""

    columns: tuple[str, ...]
    text: str
    choices: tuple[str, ...]


class Mapping(BaseModel):
    """The columns of a sheet in their order. decimal: the decimal sign; is_filled_down: a row whose alloy columns are all blank
    means the alloy of the row above, as below a merged cell."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[Column, ...]
    decimal: Literal[".", ","] = "."
    is_filled_down: bool = False

    def with_meaning(self, name: str, meaning: str) -> Self:
        """Another meaning for one column; its unit is then found again from its name."""
        return self._changed((name,), lambda column: _column(column.name, meaning))

    def with_unit(self, names: Iterable[str], unit: str) -> Self:
        """A unit for some columns."""
        return self._changed(tuple(names), lambda column: column.model_copy(update={"unit": unit}))

    def _changed(self, names, change) -> Self:
        columns = [change(column) if column.name in names else column for column in self.columns]
        return type(self).model_validate(self.model_dump() | {"columns": [column.model_dump() for column in columns]})

    def column(self, meaning: str) -> Column | None:
        """The first column with this meaning."""
        return next((column for column in self.columns if column.meaning == meaning), None)

    @property
    def left_out(self) -> tuple[str, ...]:
        """One sentence for each unused column with a unit that no constant converts, such as HRC."""
        names = [column.name for column in self.columns if not column.meaning]
        refused = [(name, refused_unit(name, recognise(name))) for name in names]
        return tuple(f"{name} is not used: {unit.key} is {unit.source.removesuffix(ADVICE)}." for name, unit in refused if unit)

    @property
    def elements(self) -> tuple[Column, ...]:
        """The columns of amounts."""
        return tuple(column for column in self.columns if column.meaning.startswith(ELEMENT))

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is still open; empty when the sheet can be read."""
        open_columns = [column for column in self.columns if column.quantity and not column.unit]
        amounts = tuple(column.name for column in open_columns if column.meaning.startswith(ELEMENT))
        of_elements = [Question(amounts, f"What do the amounts of {_listed(amounts)} mean?", CONTENTS)] if amounts else []
        return (*of_elements, *(Question((column.name,), _question(column), column.choices) for column in open_columns
                                if column.name not in amounts))


def _listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _question(column: Column) -> str:
    if column.quantity == "basis":
        return f"Some compositions in {column.name!r} give per cent without saying of what. Are they at.% or wt.%?"
    if any("Ag/AgCl" in unit for unit in column.likely) and len(column.likely) <= 5:
        return f"Which KCl does the Ag/AgCl electrode of {column.name!r} hold? Its potential depends on it by 90 mV."
    if column.likely and "ppm" in column.likely[0]:
        return f"Is {column.name!r} the amount of chloride ions or of sodium chloride?"
    return f"In which unit is {column.name!r}?"


def propose_mapping(sheet: Sheet) -> Mapping:
    """The most likely reading of a sheet; what its headers do not say is left open and asked by `questions`."""
    decimal = _decimal(sheet)
    cells = {header: [with_points(cell, decimal) for cell in _sample(sheet.column(header))] for header in sheet.headers}
    meanings = _in_context([recognise(header) for header in sheet.headers], cells)
    columns = [_column(header, meaning, cells[header]) for header, meaning in zip(sheet.headers, meanings, strict=True)]
    return Mapping(columns=tuple(columns), decimal=decimal)


def _decimal(sheet: Sheet) -> str:
    """"," where numbers such as 18,5 are the rule, or cells that might be either stand between semicolons."""
    cells = [cell for row in sheet.rows[:400] for cell in row]
    number = r"[<>]?\s*-?\d+,\d+" if sheet.delimiter == "," else r"[<>]?\s*-?\d+,\d+|.*[A-Z][a-z]?\d+,\d.*"  # Al0,5CoCrFeNi
    commas = sum(bool(re.fullmatch(number, cell)) for cell in cells)
    thousands = sum(bool(re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", cell)) for cell in cells)
    points = sum(bool(re.fullmatch(r"[<>]?\s*-?\d+\.\d+", cell)) for cell in cells)
    sure = commas - thousands
    return "," if commas > points and (sure or sheet.delimiter == ";") else "."


def with_points(text: str, decimal: str) -> str:
    """The text with a point as its decimal sign."""
    return re.sub(r"(?<=\d),(?=\d)", ".", text) if decimal == "," else text


def _in_context(meanings: list[str], cells: dict[str, list[str]]) -> list[str]:
    """Settle what single headers cannot: a lone ± belongs to the column before it, an alloy may be a name or a composition."""
    settled, last = [], ""
    has_value = "value" in meanings and "property" in meanings
    is_stated = "composition" in meanings or sum(meaning.startswith(ELEMENT) for meaning in meanings) > 1
    for header, meaning in zip(cells, meanings, strict=True):
        if meaning.startswith(":"):
            meaning = last + meaning if last else ""
        elif meaning.partition(":")[0] in (*PROPERTIES, "value"):
            last = "" if refused_unit(header, meaning) else meaning.partition(":")[0]
        elif meaning == "composition" or (meaning == "name" and not is_stated):
            meaning = "composition" if _are_compositions(cells[header]) else "name"
        elif meaning.startswith(ELEMENT) and not _are_amounts(header, cells[header]):
            meaning = ""
        if meaning.partition(":")[0] in ("property", "value", "unit", "bound") and not has_value:
            meaning = ""
        settled.append(meaning)
    return _once(settled, tuple(cells))


def _once(meanings: list[str], headers: Sequence[str]) -> list[str]:
    """The first column of each meaning, one that can be converted where there is one; a composition beside columns of amounts is
    a name at most."""
    refused = [refused_unit(*pair) is not None for pair in zip(headers, meanings, strict=True)]
    usable = {meaning for meaning, is_refused in zip(meanings, refused, strict=True) if not is_refused}
    meanings = ["" if is_refused and meaning.partition(":")[0] in usable else meaning
                for meaning, is_refused in zip(meanings, refused, strict=True)]
    if sum(meaning.startswith(ELEMENT) for meaning in meanings) > 1:
        is_named = "name" in meanings
        meanings = [("" if is_named else "name") if meaning == "composition" else meaning for meaning in meanings]
    return [meaning if meanings.index(meaning) == index else "" for index, meaning in enumerate(meanings)]


def _sample(cells: Iterable[str]) -> list[str]:
    return [cell for cell in cells if cell][:SAMPLE]


def _are_amounts(header: str, cells: Sequence[str]) -> bool:
    """Whether a column under an element's symbol holds amounts, and not, say, potentials in V or temperatures in C."""
    numbers = [float(cell) for cell in _sample(cells) if re.fullmatch(r"-?\d+(\.\d+)?", cell)]
    odd = sum(not 0 <= number <= 100 for number in numbers)
    return bool(find_units("content", _beside_symbol(header, ELEMENT))) or 2 * odd <= len(numbers)


def _are_compositions(cells: Sequence[str]) -> bool:
    sample = _sample(cells)
    return sum(_reads(cell, None) or _reads(cell, "wt") for cell in sample) > len(sample) / 2


def _reads(text: str, basis: str | None) -> bool:
    try:
        return bool(Composition.from_text(text, basis=basis))
    except CompositionError:
        return False


def _column(name: str, meaning: str, cells: Sequence[str] = ()) -> Column:
    plain = Column(name=name, meaning=meaning)
    if not plain.quantity:
        return plain
    if name.strip().lower() == meaning and meaning in SCHEMA_UNITS:
        return plain.model_copy(update={"unit": SCHEMA_UNITS[meaning]})
    if plain.quantity == "basis":
        return plain.model_copy(update=_basis(name, cells))
    found = tuple(unit.key for unit in find_units(plain.quantity, _beside_symbol(name, meaning)))
    return plain.model_copy(update={"unit": found[0]} if len(found) == 1 else {"likely": found})


def refused_unit(header: str, meaning: str) -> Unit | None:
    """The unit that a header names where no constant converts it; None where it names none, or one that can be converted."""
    found = find_units(MEANINGS[meaning].quantity, header) if meaning in MEANINGS else ()
    return found[0] if len(found) == 1 and found[0].convert is None else None


def _beside_symbol(name: str, meaning: str) -> str:
    """The header without the element's own symbol, which may look like a unit."""
    symbol = element_of(name) if meaning.startswith(ELEMENT) else ""
    return name.replace(symbol, " ", 1) if symbol else name


def _basis(name: str, cells: Sequence[str]) -> dict[str, object]:
    said = find_units("basis", name)
    if len(said) == 1:
        return {"unit": said[0].key}
    needs_basis = any(not _reads(cell, None) and _reads(cell, "wt") for cell in _sample(cells))
    return {"likely": ("at.%", "wt.%")} if needs_basis else {"unit": "as written"}


def is_electrochemical(mapping: Mapping) -> bool:
    """Whether some column holds a property that is measured in a solution."""
    return any(column.meaning.partition(":")[0] in ELECTROCHEMICAL for column in mapping.columns)


def alloy_columns(mapping: Mapping) -> tuple[Column, ...]:
    """The columns that say which alloy a row is about."""
    return tuple(column for column in mapping.columns if column.meaning.startswith(_ALLOY))
