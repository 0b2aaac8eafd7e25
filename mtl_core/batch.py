"""Many alloys from a table of text cells: the rows that can be read are predicted, the others say why not."""
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from pydantic import ValidationError

from mtl_core.chemistry.composition import Basis, Composition
from mtl_core.errors import CompositionError, DataError, Problem, in_words
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

COMPOSITION = "composition"
BASES = ("at", "wt")
CHUNK = 500  # alloys at once, so that memory does not grow with the table
PARTS = ("mean", "std", "lower", "upper", "in_domain")
NOT_REPORTED = ("", "nan", "na", "n/a", "none", "not reported")


def predict_table(predictor: Predictor, rows: pd.DataFrame, *, default: Conditions, level: float = 0.9,
                  basis: Basis | None = None, name: str = "table",
                  progress: Callable[[int], None] | None = None) -> pd.DataFrame:
    """The input's rows and columns, in order, with `<task>_mean, _std, _lower, _upper, _in_domain` and `error` added.

    rows: text cells; `composition` (formula or per-cent text), or columns `at_Fe …` or `wt_Fe …`; optional columns named
    as the fields of Conditions. A missing column means `default`, an empty cell means not reported.
    basis: what per cent means in a `composition` that does not say; progress: called with the number of alloys just done.
    Raises DataError for a table without any composition column.
    """
    _check_columns(rows, name)
    read = [_read(row, default, basis, predictor) for row in rows.to_dict("records")]
    good = [position for position, (_, _, error) in enumerate(read) if not error]
    answers = {f"{task.key}_{part}": np.full(len(rows), np.nan, object) for task in predictor.tasks
               for part in PARTS}
    for start in range(0, len(good), CHUNK):
        chunk = good[start:start + CHUNK]
        prediction = predictor.predict([read[row][0] for row in chunk], [read[row][1] for row in chunk], level=level)
        for column, key in enumerate(prediction.tasks):
            for part in PARTS:
                answers[f"{key}_{part}"][chunk] = getattr(prediction, part)[:, column]
        for found in predictor.predict_classes([read[row][0] for row in chunk], [read[row][1] for row in chunk]):
            for name, chances in zip(found.classes, found.probabilities.T, strict=True):
                answers.setdefault(f"{found.task}_{name}", np.full(len(rows), np.nan, object))[chunk] = chances
        if progress:
            progress(len(chunk))
    kinds = {name: "boolean" if name.endswith("in_domain") else float for name in answers}
    typed = {name: pd.Series(values, rows.index).where(pd.notna(values), None).astype(kinds[name])
             for name, values in answers.items()}
    return rows.assign(**typed, error=[error for _, _, error in read])


def _check_columns(rows, name):
    if COMPOSITION in rows or any(_amounts(rows.columns)):
        return
    raise DataError([Problem(name, 1, None, f"a column {COMPOSITION!r}, or element columns such as at_Fe or wt_Fe",
                             ", ".join(map(str, rows.columns)))])


def _amounts(columns):
    """Columns of amounts by basis: at_Fe, at_Cr …, wt_Fe …"""
    return tuple([column for column in columns if str(column).startswith(f"{basis}_")] for basis in BASES)


def _read(row: Mapping, default: Conditions, basis: Basis | None,
          predictor: Predictor) -> tuple[Composition | None, Conditions | None, str]:
    """Composition, conditions and an empty error; or neither, and what is wrong in one sentence."""
    try:
        composition = _composition(row, basis)
        predictor.at_matrix([composition])  # refuses an alloy of elements that it knows nothing about
        return composition, _conditions(row, default), ""
    except ValidationError as error:
        return None, None, in_words(error)
    except CompositionError as error:
        return None, None, str(error)


def _composition(row, basis):
    text = str(row.get(COMPOSITION, "")).strip()
    if text.lower() not in NOT_REPORTED:
        return Composition.from_text(text, basis=basis)
    given = [{column: row[column] for column in columns if str(row[column]).strip().lower() not in NOT_REPORTED}
             for columns in _amounts(row)]
    filled = [(basis, cells) for basis, cells in zip(BASES, given, strict=True) if cells]
    if len(filled) != 1:
        raise CompositionError(f"expected a composition, or amounts in either at_ or wt_ columns, got {len(filled)} of these")
    (stated, cells), = filled
    try:
        amounts = {column.removeprefix(f"{stated}_"): float(cell) for column, cell in cells.items()}
    except ValueError as error:
        raise CompositionError(f"expected numbers in the {stated}_ columns: {error}") from error
    return Composition.from_mapping(amounts, basis=stated)


def _conditions(row, default):
    given = {name: _cell(row[name]) for name in Conditions.model_fields if name in row}
    if isinstance(given.get("process"), str):
        given["process"] = given["process"].upper()
    return Conditions.model_validate(default.model_dump() | given)


def _cell(cell):
    text = str(cell).strip()
    return None if text.lower() in NOT_REPORTED else text
