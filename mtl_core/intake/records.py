"""Rows of clean text from the bytes of a CSV or a workbook. Nothing is executed: a formula gives its stored result or itself."""
import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence

from mtl_core.data.guards import MAX_BYTES, check_archive
from mtl_core.errors import DataError, Problem

MAX_ROWS, MAX_COLUMNS, MAX_CELL = 50_000, 300, 32_767
HEADER_WITHIN = 30  # rows; above the header stand titles, dates and names
_OTHER_FILES = {b"\xd0\xcf\x11\xe0": "an old .xls workbook, or one with a password", b"%PDF": "a PDF", b"\x89PNG": "a picture",
                b"\xff\xd8\xff": "a picture", b"{\\rtf": "an RTF text", b"PAR1": "a Parquet file", b"\x1f\x8b": "a gzip archive",
                b"SQLite format 3": "a database", b"\x89HDF": "an HDF5 file"}
_DELIMITERS = ",;\t|"

Record = tuple[int, list[str]]
"""A row number, as a spreadsheet counts, and its cells."""


def check_kind(content: bytes, place: str) -> None:
    """Raise DataError for what is empty, huge, or known to be something else."""
    if not content.strip():
        raise refusal(place, "a table with a header", "an empty file")
    if len(content) > MAX_BYTES:
        raise refusal(place, f"at most {MAX_BYTES / 2**20:.0f} MB", f"{len(content) / 2**20:.0f} MB (not read)")
    for start, kind in _OTHER_FILES.items():
        if content.startswith(start):
            raise refusal(place, "a CSV or an XLSX workbook", f"{kind}; save it as CSV or XLSX")


def refusal(place: str, expected: str, came: str, row: int | None = None, column: str | None = None) -> DataError:
    """The error for a file that cannot be read, or for one place in it."""
    return DataError([Problem(place, row, column, expected, came)])


def decoded(content: bytes, place: str) -> tuple[str, tuple[str, ...]]:
    """The text, and a note where its encoding was guessed."""
    try:
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return content.decode("utf-16"), ("The text is UTF-16.",)
        if b"\0" in content:
            raise refusal(place, "a CSV or an XLSX workbook", "a file that holds NUL bytes: it is no text")
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), ("The text is not UTF-8; it was read as Windows-1252. Check °, µ and ± in the preview.",)
    except UnicodeDecodeError as error:
        came = f"bytes that are no text in UTF-8, UTF-16 or Windows-1252 (at byte {error.start:,})"
        raise refusal(place, "a CSV in UTF-8", came) from error


def csv_records(text: str, place: str) -> tuple[list[Record], str]:
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
        raise refusal(place, "a CSV", f"text that cannot be divided into cells ({error})") from error


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
            raise refusal(place, f"at most {MAX_ROWS:,} rows", "more; divide the file")
        if len(texts) > MAX_COLUMNS:
            raise refusal(place, f"at most {MAX_COLUMNS} columns", f"{len(texts):,}", number)
        if any(len(text) > MAX_CELL for text in texts):
            raise refusal(place, f"cells of at most {MAX_CELL:,} characters", f"one of {max(map(len, texts)):,}", number)
        yield number, texts


def _clean(cell: object) -> str:
    text = str(cell)
    if not text.isprintable():
        text = " ".join("".join(mark if mark.isprintable() or mark.isspace() else "" for mark in text).split())
    text = text.strip()
    # The mark that spreadsheets (and our own file of rejected rows) put before text that would otherwise be a formula.
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@") else text


def workbook_records(content: bytes, place: str, wanted: str | None) -> tuple[list[Record], str, tuple[str, ...]]:
    """The rows of one sheet, its title, and the titles of all: the wanted sheet, or the first with more than a single row."""
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
        raise refusal(place, "an XLSX workbook", f"a damaged one ({type(error).__name__}); open and save it again") from error


def _has_formulas(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return any(b"<f" in archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/"))


def _chosen_sheet(place, stored, formulas, wanted) -> tuple[list[Record], str, tuple[str, ...]]:
    titles = tuple(page.title for page in stored.worksheets)
    if wanted is not None and wanted not in titles:
        raise refusal(place, f"a sheet out of {', '.join(titles)}", repr(wanted))
    for title in (wanted,) if wanted else titles:
        records = list(_limited(_cells(stored[title], formulas[title] if formulas else None), place))
        if len(records) > 1 or title == titles[-1] or wanted:
            return records, title, titles
    raise refusal(place, "a sheet with a table", "none")


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
