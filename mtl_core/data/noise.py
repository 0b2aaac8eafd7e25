"""Scatter of repeated measurements, and the R² that it leaves possible.

Values are compared in the learning unit of their task, so currents by decades. What is repeated here are published readings,
which differ in much that no table records (grain size, surface, heat treatment): the scatter is more than the error of one
measurement, and a model that knew what is not recorded could pass the ceiling.
"""
import numpy as np
import pandas as pd

from mtl_core.data.rules import DEFAULT_EXCLUDED
from mtl_core.data.schema import AT
from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import CONDITIONS, has_flag, observations
from mtl_core.tasks import PROPERTIES

STATE = ("process", "phases")
SAME: dict[str, tuple[str, ...]] = {
    "alloy": ("composition",),
    "alloy and conditions": ("composition", *STATE, "test_type", *CONDITIONS),
}
MAD_TO_STD = 1.4826  # of a normal distribution
FEW_GROUPS = 10


def readings(table: AlloyTable) -> pd.DataFrame:
    """Every measurement as `observations` gives it, and more columns.

    property; composition: a number for each that differs by 0.01 at.%; source_rows, row: the first of them; y: the exact value in
    the learning unit, NaN when censored; is_excluded: by a default rule.
    """
    frame = observations(table, tuple(PROPERTIES), excluded=()).rename(columns={"task": "property"})
    stored = table.measurements.assign(is_excluded=has_flag(table, DEFAULT_EXCLUDED)).set_index("measurement_id")
    stored = stored.loc[frame["measurement_id"], ["source_rows", "is_excluded"]].reset_index(drop=True)
    return frame.join(stored).assign(
        composition=np.unique(frame.filter(regex=f"^{AT}").to_numpy().round(2), axis=0, return_inverse=True)[1],
        row=pd.to_numeric(stored["source_rows"].str.split().str[0], errors="coerce"), y=learning_values(frame))


def learning_values(frame: pd.DataFrame) -> pd.Series:
    """`value` of each row in the learning unit of its `property`; NaN for a zero where that unit is logarithmic."""
    by_property = frame["value"].astype(float).groupby(frame["property"])
    values = pd.concat([PROPERTIES[key].to_learning(values) for key, values in by_property])
    return values.replace(-np.inf, np.nan).reindex(frame.index)


def repeats(rows: pd.DataFrame, same: str) -> pd.DataFrame:
    """The exact rows that have a repeat, with `group`, `deviation` from its mean and `size`; per property, `same` as in SAME."""
    exact = rows[rows["y"].notna()]
    group = exact.groupby(["property", *SAME[same]], dropna=False, sort=False).ngroup()
    by_group = exact["y"].groupby(group)
    marked = exact.assign(group=group, size=by_group.transform("size"), deviation=exact["y"] - by_group.transform("mean"))
    return marked[marked["size"] > 1]


def repeat_std(rows: pd.DataFrame) -> pd.Series:
    """By property, the pooled standard deviation of repeats of one alloy under the same conditions, in the learning unit.

    s² = Σ_g Σ_i (y_gi − ȳ_g)² / (n − G) over the n readings of G groups.
    """
    by_property = repeats(rows, "alloy and conditions").groupby("property")
    freedom = by_property.size() - by_property["group"].nunique()
    return np.sqrt(by_property["deviation"].apply(lambda d: (d**2).sum()) / freedom)


def repeat_noise(table: AlloyTable) -> pd.DataFrame:
    """One row a property and notion of "the same" (see SAME): the scatter of repeats, and the R² that no model can pass.

    Columns: property, same, unit (learning unit), n_groups and n_rows (readings that have a repeat), sd (pooled within groups),
    robust_sd (from the median of the deviations, each × √(n / (n − 1)) for its group's mean), variance (of all exact values),
    r2_ceiling = 1 − sd² / variance, robust_r2_ceiling likewise, note. Rows that default rules exclude are left out.
    """
    rows = readings(table)
    rows = rows[~rows["is_excluded"]]
    return pd.DataFrame([_noise(rows[rows["property"] == key], key, same) for key in PROPERTIES for same in SAME])


def _noise(rows: pd.DataFrame, key: str, same: str) -> dict:
    found = repeats(rows, same)
    n_groups, variance = found["group"].nunique(), rows["y"].var()
    freedom = len(found) - n_groups
    sd = np.sqrt((found["deviation"] ** 2).sum() / freedom) if freedom else np.nan
    robust = MAD_TO_STD * (found["deviation"].abs() * np.sqrt(found["size"] / (found["size"] - 1))).median()
    return {"property": key, "same": same, "unit": PROPERTIES[key].learning_unit, "n_groups": n_groups, "n_rows": len(found),
            "sd": sd, "robust_sd": robust, "variance": variance, "r2_ceiling": 1.0 - sd**2 / variance,
            "robust_r2_ceiling": 1.0 - robust**2 / variance, "note": _note(sd, freedom, n_groups, variance)}


def _note(sd: float, freedom: int, n_groups: int, variance: float) -> str:
    if not freedom:
        return "No repeats."
    if sd**2 > variance:
        return f"Repeats of {n_groups} alloys scatter more widely than all values: what differs between them is not recorded."
    if n_groups >= FEW_GROUPS:
        return ""
    from scipy.stats import chi2

    low, high = sd * np.sqrt(freedom / chi2.ppf((0.95, 0.05), freedom))
    return f"Few alloys were repeated ({n_groups}): the 90 % interval of the scatter is {low:.3g} to {high:.3g} (chi-square)."
