"""Many alloys from a table of text cells: the rows that can be read are predicted, the others say why not."""
from collections.abc import Mapping

import numpy as np
import pandas as pd
from pydantic import ValidationError

from mtl_core.chemistry.composition import Composition
from mtl_core.errors import CompositionError, DataError, Problem
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

COMPOSITION = "composition"
BASES = ("at", "wt")
NOT_REPORTED = ("", "nan", "na", "n/a", "none", "not reported")


def predict_table(predictor: Predictor, rows: pd.DataFrame, *, default: Conditions, level: float = 0.9,
                  name: str = "table") -> pd.DataFrame:
    """The input's rows and columns, in order, with `<task>_mean, _std, _lower, _upper, _in_domain` and `error` added.

    rows: text cells; `composition` (formula or per-cent text), or columns `at_Fe …` or `wt_Fe …`; optional columns named
    as the fields of Conditions. A missing column means `default`, an empty cell means not reported.
    Raises DataError for a table without any composition column.
    """
    _check_columns(rows, name)
    read = [_read(row, default) for row in rows.to_dict("records")]
    good = [position for position, (_, _, error) in enumerate(read) if not error]
    answers = {f"{task.key}_{part}": np.full(len(rows), np.nan, object) for task in predictor.tasks
               for part in ("mean", "std", "lower", "upper", "in_domain")}
    if good:
        prediction = predictor.predict([read[row][0] for row in good], [read[row][1] for row in good], level=level)
        for column, key in enumerate(prediction.tasks):
            for part in ("mean", "std", "lower", "upper", "in_domain"):
                answers[f"{key}_{part}"][good] = getattr(prediction, part)[:, column]
    return rows.assign(**answers, error=[error for _, _, error in read])


def _check_columns(rows, name):
    if COMPOSITION in rows or any(_amounts(rows.columns)):
        return
    raise DataError([Problem(name, 1, None, f"a column {COMPOSITION!r}, or element columns such as at_Fe or wt_Fe",
                             ", ".join(map(str, rows.columns)))])


def _amounts(columns):
    """Columns of amounts by basis: at_Fe, at_Cr …, wt_Fe …"""
    return tuple([column for column in columns if str(column).startswith(f"{basis}_")] for basis in BASES)


def _read(row: Mapping, default: Conditions) -> tuple[Composition | None, Conditions | None, str]:
    """Composition, conditions and an empty error; or neither, and what is wrong in one sentence."""
    try:
        return _composition(row), _conditions(row, default), ""
    except ValidationError as error:
        return None, None, "; ".join(f"{problem['loc'][0]}: {problem['msg']}, got {problem['input']!r}"
                                     for problem in error.errors())
    except CompositionError as error:
        return None, None, str(error)


def _composition(row):
    text = str(row.get(COMPOSITION, "")).strip()
    if text.lower() not in NOT_REPORTED:
        return Composition.from_text(text)
    given = [{column: row[column] for column in columns if str(row[column]).strip().lower() not in NOT_REPORTED}
             for columns in _amounts(row)]
    filled = [(basis, cells) for basis, cells in zip(BASES, given, strict=True) if cells]
    if len(filled) != 1:
        raise CompositionError(f"expected a composition, or amounts in either at_ or wt_ columns, got {len(filled)} of these")
    (basis, cells), = filled
    try:
        amounts = {column.removeprefix(f"{basis}_"): float(cell) for column, cell in cells.items()}
    except ValueError as error:
        raise CompositionError(f"expected numbers in the {basis}_ columns: {error}") from error
    return Composition.from_mapping(amounts, basis=basis)


def _conditions(row, default):
    given = {name: _cell(row[name]) for name in Conditions.model_fields if name in row}
    if isinstance(given.get("process"), str):
        given["process"] = given["process"].upper()
    return Conditions.model_validate(default.model_dump() | given)


def _cell(cell):
    text = str(cell).strip()
    return None if text.lower() in NOT_REPORTED else text
