"""How much there is of each property."""
import pandas as pd

from mtl_core.data.folds import composition_groups
from mtl_core.data.rules import DEFAULT_EXCLUDED
from mtl_core.data.schema import AT
from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import has_flag
from mtl_core.tasks import PROPERTIES


def summary(table: AlloyTable) -> dict[str, dict[str, dict[str, int]]]:
    """{"properties": {key: counts}}.

    n: all rows kept; n_censored: of them without an exact value; n_default: of them used by default training.
    """
    rows = table.measurements.assign(is_default=~has_flag(table, DEFAULT_EXCLUDED))
    return {"properties": {key: _counts(rows[rows["property"] == key]) for key in PROPERTIES}}


def sparsity(table: AlloyTable) -> pd.DataFrame:
    """Property × property, in the order of the tasks: how many compositions have both; on the diagonal, how many have it at all.

    Compositions are counted as the folds group them (within 0.5 at.%), so that two databases which write one alloy differently
    meet; every measurement counts, censored or not.
    """
    at = table.alloys[[AT + symbol for symbol in table.elements]].to_numpy(float)
    group = pd.Series(composition_groups(at), index=table.alloys["alloy_id"])
    rows = table.measurements
    has = pd.crosstab(rows["alloy_id"].map(group), rows["property"]).reindex(columns=list(PROPERTIES), fill_value=0).clip(upper=1)
    return (has.T @ has).rename_axis(index=None, columns=None)


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {"n": len(rows), "n_censored": int(rows["value"].isna().sum()), "n_alloys": rows["alloy_id"].nunique(),
            "n_references": rows["reference_id"].nunique(), "n_default": int(rows["is_default"].sum())}
