"""What is checked before a file is read: that it is there, not empty, not huge, and carries no macros."""
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from mtl_core.errors import DataError, Problem

MAX_BYTES = 50 * 2**20
MAX_UNPACKED_BYTES = 500 * 2**20
DECLARATIONS_WITHIN = 2000  # bytes; an XML file declares its entities, which can multiply without end, before anything else


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
    return check_file(path) or check_archive(path, path.name)


def check_archive(file: Path | BinaryIO, name: str) -> list[Problem]:
    """The same for an open file, which is called `name` in what is said about it."""
    def refused(expected: str, came: str) -> list[Problem]:
        return [Problem(name, None, None, expected, came)]

    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            declares = any(b"<!" in archive.open(member).read(DECLARATIONS_WITHIN) for member in members if _is_xml(member))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        is_zip = zipfile.is_zipfile(file)
        return refused("an XLSX workbook", "a damaged or encrypted one" if is_zip else "a file that is not a zip archive")
    names = {member.filename.lower() for member in members}
    if any(member.endswith("vbaproject.bin") for member in names):
        return refused("a workbook without macros", "one with vbaProject.bin (not opened)")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES:
        limit = f"at most {MAX_UNPACKED_BYTES / 2**20:.0f} MB unpacked"
        return refused(limit, f"{unpacked / 2**20:.0f} MB (not opened)")
    if declares:
        return refused("a workbook without XML declarations of its own", "one with them (not opened)")
    return [] if "xl/workbook.xml" in names else refused("an XLSX workbook", "another kind of zip archive")


def _is_xml(member: zipfile.ZipInfo) -> bool:
    return member.filename.lower().endswith((".xml", ".rels"))


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
