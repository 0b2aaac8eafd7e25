"""Readings that cannot be what they claim, judged by their own numbers and their nearest company.

A frame of readings has the columns of `noise.readings`.
"""
import pandas as pd

from mtl_core.data.noise import SAME, repeat_std
from mtl_core.data.rules import HALIDE_TRACE_M, LOCALISED_CORROSION
from mtl_core.data.schema import AT

# at.% of the element in the first compound that iron forms with it: Fe2B, Fe3C, Fe4N, Fe3P, FeS. No alloy holds more.
COMPOUND_AT = {"B": 100.0 / 3.0, "C": 25.0, "N": 20.0, "P": 25.0, "S": 50.0}


def has_no_halide(frame: pd.DataFrame) -> pd.Series:
    """Whether a reading of localised corrosion was taken without chloride and bromide: what broke down there did not pit."""
    return frame["property"].isin(LOCALISED_CORROSION) & (frame["chloride_m"] + frame["bromide_m"] < HALIDE_TRACE_M)


def compound_element(frame: pd.DataFrame) -> pd.Series:
    """The symbol of an element of which the composition states more than a compound would hold; "" elsewhere."""
    found = pd.Series("", frame.index)
    for symbol, limit in COMPOUND_AT.items():
        if AT + symbol in frame:
            found = found.mask(frame[AT + symbol] > limit, symbol)
    return found


def neighbours_in_series(rows: pd.DataFrame) -> pd.DataFrame:
    """y of the readings `before` and `after` each exact one, among those of one paper, alloy and test in the source's order."""
    ordered = rows[rows["y"].notna()].sort_values("row", kind="stable")
    series = ordered.groupby(["property", "reference_id", *SAME["alloy and conditions"]], dropna=False, sort=False)["y"]
    return pd.DataFrame({"before": series.shift(1), "after": series.shift(-1)}).reindex(rows.index)


def stands_alone(rows: pd.DataFrame) -> pd.Series:
    """How far a reading stands off both its neighbours in a series, on the same side, in multiples of the scatter of repeats.

    The distance is that from the nearer one; 0 where a reading lies between its neighbours or has not got both.
    """
    around = neighbours_in_series(rows)
    above = rows["y"] - around.max(axis=1, skipna=False)
    below = around.min(axis=1, skipna=False) - rows["y"]
    return (above.clip(lower=0.0).fillna(0.0) + below.clip(lower=0.0).fillna(0.0)) / rows["property"].map(repeat_std(rows))
