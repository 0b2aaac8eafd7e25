"""The three tables that the project carries, read with every problem named, and written byte for byte the same."""
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data.guards import read_text_table
from mtl_core.data.schema import AT, TABLES, AlloyRow, MeasurementRow, columns_of, find_problems
from mtl_core.errors import DataError, Problem
from mtl_core.settings import DATA_DIR

_NUMBERS = ("value", "value_low", "value_high", "temperature_c", "chloride_m", "bromide_m", "sulphate_m",
            "perchlorate_m", "acid_m", "ph", "scan_rate_mv_s", "year")
_PARENTS = (("measurements.csv", "alloy_id", "alloys.csv"), ("measurements.csv", "reference_id", "references.csv"))


@dataclass(frozen=True)
class AlloyTable:
    """Facts. alloys: alloy_id, at_<El> in at.%, states and labels; measurements; references. Numbers are floats with
    NaN = not reported, text has "" = not reported. Treat the frames as read-only."""

    alloys: pd.DataFrame
    measurements: pd.DataFrame
    references: pd.DataFrame

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the three tables as `write_tables` writes them."""
        return hashlib.sha256("".join(self.texts().values()).encode()).hexdigest()

    @property
    def elements(self) -> tuple[str, ...]:
        """Symbols of the at_<El> columns, in their order."""
        return tuple(name.removeprefix(AT) for name in self.alloys if name.startswith(AT))

    def texts(self) -> dict[str, str]:
        """File name → content."""
        frames = (self.alloys, self.measurements, self.references)
        return {file: _to_csv(frame, file) for file, frame in zip(TABLES, frames, strict=True)}


def read_tables(folder: Path | str = DATA_DIR) -> AlloyTable:
    """The tables of a folder. Raises DataError that lists all problems of all three files."""
    frames, problems = _load(Path(folder))
    if problems:
        raise DataError(problems)
    return AlloyTable(*(_typed(frames[file]) for file in TABLES))


def check_tables(folder: Path | str = DATA_DIR) -> tuple[Problem, ...]:
    """All problems of the three tables in a folder; none when `read_tables` would accept them."""
    return tuple(_load(Path(folder))[1])


def write_tables(table: AlloyTable, folder: Path | str = DATA_DIR) -> None:
    """Write the three tables; the same tables give the same bytes on every machine."""
    for file, text in table.texts().items():
        (Path(folder) / file).write_bytes(text.encode())


def _load(folder: Path) -> tuple[dict[str, pd.DataFrame], list[Problem]]:
    frames, problems = {}, []
    for file in TABLES:
        try:
            frames[file] = read_text_table(folder / file)
        except DataError as error:
            problems += error.problems
        else:
            problems += find_problems(frames[file], file)
    return frames, problems + _dangling(frames)


def _dangling(frames: dict[str, pd.DataFrame]) -> list[Problem]:
    problems = []
    for file, key, parent in _PARENTS:
        if key not in frames.get(file, ()) or key not in frames.get(parent, ()):
            continue
        ids = frames[file][key]
        lost = ids[~ids.isin(frames[parent][key]) & (ids != "")]
        problems += [Problem(file, int(row) + 2, key, f"an id of {parent}", repr(name)) for row, name in lost.items()]
    return problems


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = [name for name in frame if name in _NUMBERS or name.startswith(AT)]
    return frame.assign(**{name: pd.to_numeric(frame[name].replace("", None)).astype(float) for name in numbers})


def _to_csv(frame: pd.DataFrame, file: str) -> str:
    model, key = TABLES[file]
    columns = list(columns_of(model))
    if model is AlloyRow:
        columns[1:1] = [AT + symbol for symbol in SYMBOLS if AT + symbol in frame]
    ordered = frame.sort_values(key, kind="stable")[columns]
    number_columns = [name for name in columns if name in _NUMBERS or name.startswith(AT)]
    texts = ordered.assign(**{name: ordered[name].map(_number) for name in number_columns})
    return texts.to_csv(index=False, lineterminator="\n")


def _number(value: float) -> str:
    """Eight significant digits without trailing zeros; blank for not reported."""
    return "" if pd.isna(value) else format(float(value), ".8g")


MEASUREMENT_COLUMNS = columns_of(MeasurementRow)
