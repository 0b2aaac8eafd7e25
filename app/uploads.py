"""The border for files and pasted lists: text cells out, or one error that names every problem."""
import io
import tempfile
import zipfile
from pathlib import Path

import pandas as pd

from mtl_core.data.guards import check_workbook, read_text_table
from mtl_core.errors import DataError, Problem

MAX_ROWS = 5000
COMPOSITION = "composition"
AMOUNTS = ("at_", "wt_")


def read_list(text: str) -> pd.DataFrame:
    """Pasted lines, one alloy each; with a header line that names columns they are read as CSV."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0].lower().startswith((COMPOSITION, *AMOUNTS)):
        return read_upload("pasted list", "\n".join(lines).encode())
    return _checked(pd.DataFrame({COMPOSITION: lines}), "pasted list")


def read_upload(name: str, content: bytes) -> pd.DataFrame:
    """A CSV or the first sheet of an XLSX. What the file is called is not trusted, what it contains is looked at."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(name).name or "upload")
        path.write_bytes(content)
        is_workbook = content[:2] == b"PK"
        return _checked(_read_workbook(path, content) if is_workbook else read_text_table(path), path.name)


def _read_workbook(path: Path, content: bytes) -> pd.DataFrame:
    try:
        if problems := check_workbook(path):
            raise DataError(problems)
        return pd.read_excel(io.BytesIO(content), dtype=str, keep_default_na=False, nrows=MAX_ROWS + 1)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise DataError([Problem(path.name, None, None, "an XLSX workbook", "a damaged file")]) from error


def _checked(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    columns = [str(column).strip() for column in frame.columns]
    problems = []
    if not 0 < len(frame) <= MAX_ROWS:
        problems.append(Problem(name, None, None, f"1 to {MAX_ROWS:,} alloys", "more" if len(frame) else "none"))
    if len(set(columns)) != len(columns):
        problems.append(Problem(name, 1, None, "each column name once", ", ".join(columns)))
    if COMPOSITION not in columns and not any(column.startswith(AMOUNTS) for column in columns):
        problems.append(Problem(name, 1, COMPOSITION, "a column 'composition', or columns such as at_Fe or wt_Fe",
                                ", ".join(columns[:8])))
    if problems:
        raise DataError(problems)
    return frame.set_axis(columns, axis="columns")
