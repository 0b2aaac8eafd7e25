"""How much there is of each property."""
import pandas as pd

from mtl_core.data.rules import DEFAULT_EXCLUDED
from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import has_flag
from mtl_core.tasks import TASKS


def summary(table: AlloyTable) -> dict[str, dict[str, dict[str, int]]]:
    """{"properties": {key: counts}}.

    n: all rows kept; n_censored: of them without an exact value; n_default: of them used by default training.
    """
    rows = table.measurements.assign(is_default=~has_flag(table, DEFAULT_EXCLUDED))
    return {"properties": {key: _counts(rows[rows["property"] == key]) for key in TASKS}}


def sparsity(table: AlloyTable) -> pd.DataFrame:
    """Property × property, in the order of the tasks: how many alloys have both; on the diagonal, how many have it at all.

    An alloy is a row of alloys.csv (a composition with its processing); every measurement counts, censored or not.
    """
    rows = table.measurements
    has = pd.crosstab(rows["alloy_id"], rows["property"]).reindex(columns=list(TASKS), fill_value=0).clip(upper=1)
    return (has.T @ has).rename_axis(index=None, columns=None)


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {"n": len(rows), "n_censored": int(rows["value"].isna().sum()), "n_alloys": rows["alloy_id"].nunique(),
            "n_references": rows["reference_id"].nunique(), "n_default": int(rows["is_default"].sum())}
