"""From an uploaded file to text cells under one header."""
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from mtl_core.intake.meanings import is_unit, recognise
from mtl_core.intake.records import HEADER_WITHIN, MAX_ROWS, Record, check_kind, csv_records, decoded, refusal, workbook_records

MAX_NAME = 80


@dataclass(frozen=True)
class Sheet:
    """Text cells under one header.

    headers: made distinct, with the unit of a row of units below or the title of a row above in brackets; numbers: the row of
    each of `rows` in the file; surplus: row number → count of cells, where there are more of them than headers; notes: what was
    done to read it; sheets: titles of all worksheets; title: the one that was read, "" for a CSV.
    """

    name: str
    headers: tuple[str, ...]
    numbers: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    surplus: dict[int, int]
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    title: str = ""
    delimiter: str = ""

    def column(self, header: str) -> list[str]:
        """The cells of one column, from top to bottom."""
        index = self.headers.index(header)
        return [row[index] for row in self.rows]


def read_file(name: str, content: bytes, sheet: str | None = None) -> Sheet:
    """A CSV (comma, semicolon, tab or |; UTF-8, UTF-16 or Windows-1252) or a sheet of an XLSX, by default its first with a table.

    What the file is called decides nothing. Raises DataError that says what is wrong with it.
    """
    place = PurePath(name.replace("\\", "/")).name[:MAX_NAME] or "upload"
    check_kind(content, place)
    if content[:2] == b"PK":
        records, title, titles = workbook_records(content, place, sheet)
        return _framed(place, records, (), sheets=titles, title=title)
    text, notes = decoded(content, place)
    records, delimiter = csv_records(text, place)
    return _framed(place, records, notes, delimiter=delimiter)


def _framed(place: str, records: list[Record], notes: tuple[str, ...], **about) -> Sheet:
    """Find the header and cut or fill every row to its width."""
    if not records:
        raise refusal(place, "a table with a header", "no filled cell")
    start = _header_index(records, place)
    above = records[start - 1][1] if start and records[start - 1][0] == records[start][0] - 1 else []
    width = max(len(records[start][1]), max((len(cells) for _, cells in records[start + 1:start + 4]), default=0) if above else 0)
    titles, body = _titles(_filled(records[start][1], width), above, width), records[start + 1:]
    if body and _is_unit_row(body[0][1]):
        titles = [f"{title} [{unit}]" if unit else title for title, unit in zip(titles, _filled(body[0][1], width), strict=True)]
        body = body[1:]
    if not body or len(body) > MAX_ROWS:
        raise refusal(place, f"1 to {MAX_ROWS:,} rows below the header", f"{len(body):,}")
    skipped = (f"The header is row {records[start][0]}; what stands above it was left out.",) if start else ()
    return Sheet(place, tuple(_distinct(titles)), tuple(number for number, _ in body),
                 tuple(tuple(_filled(cells, width)) for _, cells in body),
                 {number: len(cells) for number, cells in body if len(cells) > width}, notes + skipped, **about)


def _header_index(records: Sequence[Record], place: str) -> int:
    """The row in which most cells are headers that mean something; where none does, the first with two filled cells."""
    first = [cells for _, cells in records[:HEADER_WITHIN]]
    known = [sum(bool(recognise(cell)) for cell in cells) for cells in first]
    if max(known):
        return known.index(max(known))
    wide = next((index for index, cells in enumerate(first) if sum(map(bool, cells)) > 1), 0)
    if all(_is_number(cell) for cell in first[wide] if cell):
        raise refusal(place, "a header that names the columns", "only numbers", records[wide][0])
    return wide


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?[\d.,]+(e[-+]?\d+)?%?", text, re.IGNORECASE) is not None


def _is_unit_row(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell and cell != "-"]
    return bool(filled) and not any(map(_is_number, filled)) and all(map(is_unit, filled))


def _titles(own: list[str], above: list[str], width: int) -> list[str]:
    """Headers, completed by the titles of a row above that spans several of them ("Composition, wt.%" over Fe, Cr, Ni)."""
    if sum(map(bool, above)) == 0:
        return own
    spanning, group = [], ""
    for cell in _filled(above, width):
        group = cell or group
        spanning.append(group)
    return [_completed(title, group, alone) for title, group, alone in zip(own, spanning, _filled(above, width), strict=True)]


def _completed(title: str, group: str, directly_above: str) -> str:
    if not title:
        return directly_above
    meaning = recognise(title)
    if meaning.startswith("element:"):
        return f"{title} [{group}]" if is_unit(group) else title
    if meaning[:1] in ("", ":") and recognise(f"{group} {title}"):
        return f"{group} {title}"
    return title


def _filled(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


def _distinct(titles: Iterable[str]) -> list[str]:
    """A name for each column that is its own: unnamed columns by their letter, repeated names with a count."""
    seen: set[str] = set()
    names = []
    for index, title in enumerate(titles):
        base = title[:MAX_NAME] or f"column {_letter(index)}"
        name, count = base, 1
        while name in seen:
            count += 1
            name = f"{base} ({count})"
        seen.add(name)
        names.append(name)
    return names


def _letter(index: int) -> str:
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)
