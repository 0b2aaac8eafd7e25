"""Numbers of the elements, from the two vendored tables (their sources: `vendor.py`).

What no source gives: the moduli of N and S (their share is left out of the means), the mixing enthalpy of S with
anything (taken as zero: an ideal pair; sulphur stays below 0.4 wt.% in alloys). Oxygen, hydrogen and radioactive
elements are not in the table.
"""
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from mtl_core.errors import CompositionError

_FOLDER = Path(__file__).parent


@cache
def _elements() -> pd.DataFrame:
    return pd.read_csv(_FOLDER / "elements.csv").set_index("symbol")


def element_table() -> pd.DataFrame:
    """A copy of the table, one row a symbol; units: g/mol, pm, K, Pauling scale, electrons, GPa, GPa, cm³/mol."""
    return _elements().copy()


SYMBOLS: tuple[str, ...] = tuple(_elements().index)


def check_symbols(symbols: Sequence[str]) -> None:
    """Raise CompositionError when a symbol is not in the table."""
    unknown = [str(symbol) for symbol in symbols if symbol not in _elements().index]
    if unknown:
        raise CompositionError(f"expected element symbols such as Fe or Cr, got {', '.join(map(repr, unknown))}; "
                               f"{len(SYMBOLS)} elements are known: {' '.join(SYMBOLS)}")


@cache
def property_of(column: str, symbols: tuple[str, ...]) -> np.ndarray:
    """One column of the element table for `symbols`, [E], read-only; NaN where no source gives a number."""
    check_symbols(symbols)
    values = _elements().loc[list(symbols), column].to_numpy(float, copy=True)
    values.flags.writeable = False
    return values


@cache
def mixing_enthalpy(symbols: tuple[str, ...]) -> np.ndarray:
    """Mixing enthalpy of each equiatomic liquid pair in kJ/mol, [E, E], symmetric, read-only."""
    check_symbols(symbols)
    pairs = pd.read_csv(_FOLDER / "mixing_enthalpy.csv")
    known = {frozenset(pair): value for *pair, value in pairs.itertuples(index=False)}
    matrix = np.array([[known.get(frozenset((a, b)), 0.0) for b in symbols] for a in symbols])
    matrix.flags.writeable = False
    return matrix
