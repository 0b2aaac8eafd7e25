"""Readings that are odd by their own numbers or beside their nearest company.

A frame of readings has the columns of `noise.readings`.
"""
from collections.abc import Iterator

import pandas as pd

from mtl_core.data.findings import CERTAIN, Finding, said
from mtl_core.data.noise import SAME, repeat_std
from mtl_core.data.potentials import oxygen_line_mv_sce
from mtl_core.data.rules import HALIDE_TRACE_M, LOCALISED_CORROSION
from mtl_core.data.schema import AT

# The first compound of iron with a metalloid, and the at.% of the metalloid in it. No alloy holds more.
COMPOUNDS = {"B": ("Fe2B", 100.0 / 3.0), "C": ("Fe3C", 25.0), "N": ("Fe4N", 20.0), "P": ("Fe3P", 25.0), "S": ("FeS", 50.0)}
OTHER_IONS = {"acid_m": "strong acid", "sulphate_m": "sulphate", "perchlorate_m": "perchlorate"}


def has_no_halide(rows: pd.DataFrame) -> pd.Series:
    """Whether a reading of localised corrosion was taken without chloride and bromide."""
    return rows["property"].isin(LOCALISED_CORROSION) & (rows["chloride_m"] + rows["bromide_m"] < HALIDE_TRACE_M)


def wrong_quantities(rows: pd.DataFrame) -> Iterator[Finding]:
    """Pitting, repassivation or crevice corrosion in a solution that holds nothing that makes pits."""
    for row in rows[has_no_halide(rows)].to_dict("records"):
        ions = ", ".join(f"{row[ion]:g} mol/L {name}" for ion, name in OTHER_IONS.items() if row[ion] > 0)
        evidence = f"{said(row)} in a solution without chloride or bromide ({ions or 'no other ion stated'}): no halide pitting."
        yield Finding("wrong-quantity", (row["measurement_id"],), evidence, CERTAIN, "exclude")


def compound_element(rows: pd.DataFrame) -> pd.Series:
    """The symbol of an element of which the composition states more than a compound would hold; "" elsewhere."""
    found = pd.Series("", rows.index)
    for symbol, (_, limit) in COMPOUNDS.items():
        if AT + symbol in rows:
            found = found.mask(rows[AT + symbol] > limit, symbol)
    return found


def implausible_compositions(rows: pd.DataFrame) -> Iterator[Finding]:
    """Readings on what cannot be an alloy."""
    rows = rows.assign(symbol=compound_element(rows))
    for row in rows[rows["symbol"] != ""].to_dict("records"):
        amount, (compound, limit) = row[AT + row["symbol"]], COMPOUNDS[row["symbol"]]
        evidence = (f"{amount:.3g} at.% {row['symbol']} in what should be an alloy, where {compound} holds {limit:.3g}: "
                    "a slip of the decimal point or of the column.")
        yield Finding("implausible-composition", (row["measurement_id"],), evidence, CERTAIN * amount / limit, "exclude")


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
    return above.clip(lower=0.0).add(below.clip(lower=0.0)).fillna(0.0) / rows["property"].map(repeat_std(rows))


def lone_outliers(rows: pd.DataFrame, k: float) -> Iterator[Finding]:
    """Readings that stand alone, among those of default training and those that this rule keeps out of it."""
    judged = rows[~rows["is_excluded"] | (rows["flags"] == "suspect")]
    judged = judged.join(neighbours_in_series(judged)).assign(times=stands_alone(judged))
    for row in judged[judged["times"] > k].to_dict("records"):
        evidence = (f"{said(row)} stands between {row['before']:.4g} and {row['after']:.4g} in a series on one alloy in one "
                    f"paper, {row['times']:.1f} times the scatter of repeats from the nearer.")
        yield Finding("lone-outlier", (row["measurement_id"],), evidence, row["times"] / k, "exclude")


def above_oxygen_line(rows: pd.DataFrame, scatter: pd.Series, k: float) -> Iterator[Finding]:
    """Pitting potentials where oxygen evolves; 25 °C and pH 7 where not reported, as for transpassive readings."""
    pits = rows[(rows["property"] == "pitting_potential") & rows["y"].notna()].fillna({"temperature_c": 25.0, "ph": 7.0})
    pits = pits.assign(line=oxygen_line_mv_sce(pits["temperature_c"], pits["ph"]))
    pits = pits.assign(times=(pits["y"] - pits["line"]) / pits["property"].map(scatter))
    for row in pits[pits["times"] > k].to_dict("records"):
        evidence = (f"{said(row)} is {row['y'] - row['line']:.0f} mV above the line of oxygen evolution ({row['line']:.0f} mV "
                    f"at {row['temperature_c']:g} °C and pH {row['ph']:g}), {row['times']:.1f} times the scatter of repeats: "
                    "the scan more likely left the passive range than found a pit.")
        yield Finding("above-oxygen-line", (row["measurement_id"],), evidence, row["times"] / k, "lower bound")
