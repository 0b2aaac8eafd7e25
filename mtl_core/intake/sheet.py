"""From an uploaded file to text cells under one header. Nothing is executed: formulas give their stored result or themselves."""
import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from mtl_core.data.guards import MAX_BYTES, check_archive
from mtl_core.errors import DataError, Problem
from mtl_core.intake.meanings import is_unit, recognise

MAX_ROWS, MAX_COLUMNS, MAX_CELL = 50_000, 300, 32_767
MAX_NAME = 80
HEADER_WITHIN = 30  # rows; above the header stand titles, dates and names
_OTHER_FILES = {b"\xd0\xcf\x11\xe0": "an old .xls workbook, or one with a password", b"%PDF": "a PDF", b"\x89PNG": "a picture",
                b"\xff\xd8\xff": "a picture", b"{\\rtf": "an RTF text", b"PAR1": "a Parquet file", b"\x1f\x8b": "a gzip archive",
                b"SQLite format 3": "a database", b"\x89HDF": "an HDF5 file"}
_DELIMITERS = ",;\t|"

Record = tuple[int, list[str]]
"""A row number, as a spreadsheet counts, and its cells."""


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
    _check_kind(content, place)
    if content[:2] == b"PK":
        return _read_workbook(place, content, sheet)
    text, notes = _decoded(content, place)
    records, delimiter = _records(text, place)
    return _framed(place, records, notes, delimiter=delimiter)


def _check_kind(content: bytes, place: str) -> None:
    if not content.strip():
        raise _refusal(place, "a table with a header", "an empty file")
    if len(content) > MAX_BYTES:
        raise _refusal(place, f"at most {MAX_BYTES / 2**20:.0f} MB", f"{len(content) / 2**20:.0f} MB (not read)")
    for start, kind in _OTHER_FILES.items():
        if content.startswith(start):
            raise _refusal(place, "a CSV or an XLSX workbook", f"{kind}; save it as CSV or XLSX")


def _refusal(place: str, expected: str, came: str, row: int | None = None, column: str | None = None) -> DataError:
    return DataError([Problem(place, row, column, expected, came)])


def _decoded(content: bytes, place: str) -> tuple[str, tuple[str, ...]]:
    try:
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return content.decode("utf-16"), ("The text is UTF-16.",)
        if b"\0" in content:
            raise _refusal(place, "a CSV or an XLSX workbook", "a file that holds NUL bytes: it is no text")
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), ("The text is not UTF-8; it was read as Windows-1252. Check °, µ and ± in the preview.",)
    except UnicodeDecodeError as error:
        came = f"bytes that are no text in UTF-8, UTF-16 or Windows-1252 (at byte {error.start:,})"
        raise _refusal(place, "a CSV in UTF-8", came) from error


def _records(text: str, place: str) -> tuple[list[Record], str]:
    """The rows of a CSV and its delimiter: the one that divides most rows into equally many cells."""
    said = re.match(r"sep=(.)\r?\n", text)
    if said:  # Excel's own first line, which it does not show
        return _split(text[said.end():], said[1], place), said[1]
    sample = "\n".join(text.splitlines()[:200])
    best = max(_DELIMITERS, key=lambda mark: _regularity(_split(sample, mark, place)))
    return _split(text, best, place), best


def _regularity(records: Sequence[Record]) -> int:
    widths = [len(cells) for _, cells in records if len(cells) > 1]
    return max((widths.count(width) * (width - 1) for width in set(widths)), default=0)


def _split(text: str, delimiter: str, place: str) -> list[Record]:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return list(_limited(enumerate(reader, start=1), place))
    except csv.Error as error:
        raise _refusal(place, "a CSV", f"text that cannot be divided into cells ({error})") from error


def _limited(rows: Iterable[tuple[int, Sequence[object]]], place: str) -> Iterator[Record]:
    """Rows that hold something, as clean text; raises when they are too many, too wide or too long to be a table."""
    kept = 0
    for number, cells in rows:
        texts = [_clean(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            continue
        kept += 1
        if kept > MAX_ROWS + HEADER_WITHIN:
            raise _refusal(place, f"at most {MAX_ROWS:,} rows", "more; divide the file")
        if len(texts) > MAX_COLUMNS:
            raise _refusal(place, f"at most {MAX_COLUMNS} columns", f"{len(texts):,}", number)
        if any(len(text) > MAX_CELL for text in texts):
            raise _refusal(place, f"cells of at most {MAX_CELL:,} characters", f"one of {max(map(len, texts)):,}", number)
        yield number, texts


def _clean(cell: object) -> str:
    text = str(cell)
    if not text.isprintable():
        text = " ".join("".join(mark if mark.isprintable() or mark.isspace() else "" for mark in text).split())
    text = text.strip()
    # The mark that spreadsheets (and our own file of rejected rows) put before text that would otherwise be a formula.
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@") else text


def _read_workbook(place: str, content: bytes, wanted: str | None) -> Sheet:
    if problems := check_archive(io.BytesIO(content), place):
        raise DataError(problems)
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of features that do not matter to a reader of cells
            stored = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            formulas = load_workbook(io.BytesIO(content), read_only=True) if _has_formulas(content) else None
            return _chosen_sheet(place, stored, formulas, wanted)
    except DataError:
        raise
    except Exception as error:  # openpyxl raises whatever its parser stumbles over in a damaged file
        raise _refusal(place, "an XLSX workbook", f"a damaged one ({type(error).__name__}); open and save it again") from error


def _has_formulas(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return any(b"<f" in archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/"))


def _chosen_sheet(place, stored, formulas, wanted) -> Sheet:
    """The sheet with this title; without one, the first that holds a table with more than a single row."""
    titles = tuple(page.title for page in stored.worksheets)
    if wanted is not None and wanted not in titles:
        raise _refusal(place, f"a sheet out of {', '.join(titles)}", repr(wanted))
    for title in (wanted,) if wanted else titles:
        records = list(_limited(_cells(stored[title], formulas[title] if formulas else None), place))
        if len(records) > 1 or title == titles[-1] or wanted:
            return _framed(place, records, (), sheets=titles, title=title)
    raise _refusal(place, "a sheet with a table", "none")


def _cells(page, formulas) -> Iterator[tuple[int, list[str]]]:
    page.reset_dimensions()  # a wrong one would hide cells, a huge one would make millions
    rows = page.iter_rows()
    if formulas is None:
        yield from ((number, [_text(cell) for cell in row]) for number, row in enumerate(rows, start=1))
        return
    formulas.reset_dimensions()
    for number, (row, sources) in enumerate(zip(rows, formulas.iter_rows(), strict=False), start=1):
        texts = [_text(cell) for cell in row] + [""] * (len(sources) - len(row))
        yield number, [text or _formula(source.value) for text, source in zip(texts, sources, strict=False)]


def _text(cell) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    is_per_cent = isinstance(cell.number_format, str) and "%" in cell.number_format
    return f"{value * 100:.15g}%" if is_per_cent else f"{value:.15g}"


def _formula(value: object) -> str:
    """A formula whose result was never stored, so that its row says so instead of looking blank."""
    return value if isinstance(value, str) and value.startswith("=") else ""


def _framed(place: str, records: list[Record], notes: tuple[str, ...], **about) -> Sheet:
    """Find the header and cut or fill every row to its width."""
    if not records:
        raise _refusal(place, "a table with a header", "no filled cell")
    start = _header_index(records, place)
    above = records[start - 1][1] if start and records[start - 1][0] == records[start][0] - 1 else []
    width = max(len(records[start][1]), max((len(cells) for _, cells in records[start + 1:start + 4]), default=0) if above else 0)
    titles, body = _titles(_filled(records[start][1], width), above, width), records[start + 1:]
    if body and _is_unit_row(body[0][1]):
        titles = [f"{title} [{unit}]" if unit else title for title, unit in zip(titles, _filled(body[0][1], width), strict=True)]
        body = body[1:]
    if not body or len(body) > MAX_ROWS:
        raise _refusal(place, f"1 to {MAX_ROWS:,} rows below the header", f"{len(body):,}")
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
        raise _refusal(place, "a header that names the columns", "only numbers", records[wide][0])
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
