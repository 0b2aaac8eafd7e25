"""From the two published workbooks to the three tables: read, convert, merge, flag, number."""
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from mtl_core.chemistry.composition import to_at
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data import borg, nyby, nyby_cells
from mtl_core.data.merges import (
    add_flag,
    cross_paper,
    double_entries,
    hardness_at_room_temperature,
    natural,
    re_entries,
)
from mtl_core.data.noise import learning_values
from mtl_core.data.oddities import compound_element, has_no_halide, stands_alone
from mtl_core.data.potentials import oxygen_line_mv_sce
from mtl_core.data.readings import Reading
from mtl_core.data.rules import DEFAULT_EXCLUDED, MECHANICAL, ROOM_TEMPERATURE_C
from mtl_core.data.schema import AT
from mtl_core.data.tables import MEASUREMENT_COLUMNS, AlloyTable
from mtl_core.errors import DataError
from mtl_core.tasks import PROPERTIES

LETTERS = {borg.SOURCE: "B", nyby_cells.SOURCE: "N"}
LONE = 3.0  # times the scatter of repeats
_LABELS = ["not_reported", "upper_bound", "process", "phases", "family", "source"]


def build_tables(source_dir: Path | str, *, merge_copies: bool = True) -> AlloyTable:
    """The tables from a folder with both workbooks; without merging, copies stay in as the sources hold them.

    Raises DataError with all problems of both.
    """
    readings, papers = _read_sources(Path(source_dir))
    frame = hardness_at_room_temperature(_tidy(readings))
    elements, groups = [name for name in frame if name.startswith(AT)], {name: name for name in frame["reference_id"]}
    if merge_copies:
        frame, groups = cross_paper(re_entries(double_entries(frame)))
    frame = _number(_flagged(_bounded(frame)), elements)
    alloys = frame.drop_duplicates("alloy_id")[["alloy_id", *elements, *_LABELS]]
    measurements = frame[list(MEASUREMENT_COLUMNS)]
    return AlloyTable(*(_sorted(table) for table in (alloys, measurements, _references(papers, groups))))


def _read_sources(folder: Path) -> tuple[list[Reading], pd.DataFrame]:
    readings, papers, problems = [], [], []
    for module, read in ((borg, borg.read_borg), (nyby, nyby.read_nyby)):
        try:
            found, references = read(folder / module.FILE)
        except DataError as error:
            problems += error.problems
        else:
            readings += found
            papers.append(references)
    if problems:
        raise DataError(problems)
    return readings, pd.concat(papers, ignore_index=True)


def _tidy(readings: list[Reading]) -> pd.DataFrame:
    """One row a reading: at_<El> in at.%, `composition` as a comparable text, value, conditions, labels."""
    at = _compositions(readings)
    frame = pd.DataFrame([{
        "property": r.property, "unit": PROPERTIES[r.property].unit, "value": r.value.number, "value_low": r.value.low,
        "value_high": r.value.high, "bound": r.value.bound, **asdict(r.electrolyte), "test_type": r.test_type,
        "reference_id": r.reference, "row": r.row, "source_rows": str(r.row), "flags": r.flags, "detail": r.detail,
        "process": r.material.process, "phases": r.material.phases, "family": r.material.family,
        "source": r.material.source, "not_reported": " ".join(_by_number(r.material.not_reported)),
        "upper_bound": " ".join(_by_number(r.material.upper_bound)),
    } for r in readings])
    largest = at.idxmax(axis=1).str.removeprefix(AT)
    composition = at.round(2).astype(str).agg(" ".join, axis=1)
    labels = {"family": frame["family"].fillna(largest), "composition": composition, "y": learning_values(frame)}
    return pd.concat([frame.assign(**labels), at], axis=1)


def _compositions(readings: list[Reading]) -> pd.DataFrame:
    """at_<El> of every reading, closed to 100, for the elements that occur."""
    amounts = pd.DataFrame([dict(r.material.amounts) for r in readings]).fillna(0.0)
    symbols = [symbol for symbol in SYMBOLS if symbol in amounts]
    values = amounts[symbols].to_numpy()
    is_weight = np.array([r.material.basis == "wt" for r in readings])[:, None]
    ratios = 100.0 * values / values.sum(axis=1, keepdims=True)
    at = np.where(is_weight, to_at(values, symbols), ratios).round(6)
    return pd.DataFrame(at, columns=[AT + symbol for symbol in symbols])


def _by_number(symbols: tuple[str, ...]) -> list[str]:
    return sorted(symbols, key=SYMBOLS.index)


def _bounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Rule `transpassive`: the oxygen evolution line, in whole mV, as the lower bound."""
    is_transpassive = frame["flags"].map(lambda flags: "transpassive" in flags)
    line = np.round(oxygen_line_mv_sce(frame["temperature_c"].fillna(25.0), frame["ph"].fillna(7.0)))
    return frame.assign(value_low=frame["value_low"].where(~is_transpassive, line))


def flag_conditions(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the flags that depend on the conditions of a measurement; `flags` holds tuples of names."""
    cold, hot = ROOM_TEMPERATURE_C
    is_mechanical, is_halide_free = frame["property"].isin(MECHANICAL), has_no_halide(frame)
    tensile = frame["property"].isin(("ultimate_strength", "elongation"))
    for flag, where in {
        "elevated-temperature": is_mechanical & (frame["temperature_c"] > hot),
        "cryogenic": is_mechanical & (frame["temperature_c"] < cold),
        "compression-test": tensile & (frame["test_type"] == "compression"),
        "halide-free-acid": is_halide_free & (frame["acid_m"] > 0),
        "perchlorate": is_halide_free & (frame["perchlorate_m"] > 0),
    }.items():
        frame = add_flag(frame, where, flag)
    return frame


def _flagged(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the flags of excluded rows: by their conditions, or because a value stands alone or a composition cannot be."""
    frame = flag_conditions(frame)
    is_default = frame["flags"].map(set(DEFAULT_EXCLUDED).isdisjoint)
    is_lone = (stands_alone(frame[is_default]) > LONE).reindex(frame.index, fill_value=False)
    return add_flag(frame, is_lone | (compound_element(frame) != ""), "suspect")


def _number(frame: pd.DataFrame, elements: list[str]) -> pd.DataFrame:
    """Ids by first appearance: alloy B0001 / N0001, its measurements B0001-hardness, B0001-hardness-2, …"""
    number = frame.groupby([*elements, *_LABELS], dropna=False, sort=False).ngroup()
    first = frame.assign(number=number).groupby("source")["number"].transform("min")
    alloy = frame["source"].map(LETTERS) + (number - first + 1).map("{:04d}".format)
    again = frame.groupby([alloy, "property"]).cumcount() + 1
    name = alloy + "-" + frame["property"] + again.map(lambda count: f"-{count}" if count > 1 else "")
    return frame.assign(alloy_id=alloy, measurement_id=name, flags=frame["flags"].map(" ".join))


def _references(papers: pd.DataFrame, groups: dict[str, str]) -> pd.DataFrame:
    """The papers that kept a reading; those with one DOI in both sources share a group as well."""
    used = papers[papers["reference_id"].isin(groups)]
    group = used["reference_id"].map(groups)
    by_doi = group.where(used["doi"] == "", group.groupby(used["doi"]).transform(lambda g: min(g, key=natural)))
    renamed = dict(zip(group, by_doi, strict=True))
    return used.assign(group=group.map(renamed))


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    """By id, text blanks as "", as `read_tables` gives it."""
    key = frame.columns[0] if frame.columns[0].endswith("_id") else "reference_id"
    text = frame.select_dtypes(object).columns
    return frame.sort_values(key).fillna(dict.fromkeys(text, "")).reset_index(drop=True)
