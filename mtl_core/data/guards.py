"""What is checked before a file is read: that it is there, not empty, not huge, and carries no macros."""
import zipfile
from pathlib import Path

import pandas as pd

from mtl_core.errors import DataError, Problem

MAX_BYTES = 50 * 2**20
MAX_UNPACKED_BYTES = 500 * 2**20


def check_file(path: Path) -> list[Problem]:
    """Problems that are visible without opening the file."""
    if not path.is_file():
        return [Problem(path.name, None, None, "a file", "no such file")]
    size = path.stat().st_size
    if size == 0:
        return [Problem(path.name, None, None, "a table with a header", "an empty file")]
    if size > MAX_BYTES:
        limit = f"at most {MAX_BYTES / 2**20:.0f} MB"
        return [Problem(path.name, None, None, limit, f"{size / 2**20:.0f} MB (not read)")]
    return []


def check_workbook(path: Path) -> list[Problem]:
    """Problems of an XLSX that are visible from its table of contents."""
    problems = check_file(path)
    if problems:
        return problems
    if not zipfile.is_zipfile(path):
        return [Problem(path.name, None, None, "an XLSX workbook", "a file that is not a zip archive")]
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if any(Path(member.filename).name.lower() == "vbaproject.bin" for member in members):
        return [Problem(path.name, None, None, "a workbook without macros", "one with vbaProject.bin (not opened)")]
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES:
        limit = f"at most {MAX_UNPACKED_BYTES / 2**20:.0f} MB unpacked"
        return [Problem(path.name, None, None, limit, f"{unpacked / 2**20:.0f} MB (not opened)")]
    return []


def read_text_table(path: Path) -> pd.DataFrame:
    """A CSV as text cells, blanks as "". Raises DataError when it is missing, empty, too large or not a CSV."""
    problems = check_file(path)
    if problems:
        raise DataError(problems)
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError([Problem(path.name, None, None, "a UTF-8 CSV with a header", str(error))]) from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes surplus cells at the left for an index
        raise DataError([Problem(path.name, 2, None, f"{len(frame.columns)} cells, as in the header", "more of them")])
    if frame.empty:
        raise DataError([Problem(path.name, None, None, "at least one row below the header", "none")])
    return frame
