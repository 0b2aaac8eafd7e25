"""Which rows of the sources are one measurement: each function takes the tidy readings and returns fewer of them."""
from collections import Counter
from itertools import combinations

import pandas as pd

from mtl_core.data.copies import entered_again
from mtl_core.data.rules import ROOM_TEMPERATURE_C

VALUE = ["value", "value_low", "value_high", "bound"]
ALLOY = ["composition", "process", "phases"]
TEST = ["test_type", "temperature_c", "chloride_m", "bromide_m", "sulphate_m", "ph", "scan_rate_mv_s"]
_PRINTED = ["property", "composition", "process", "test_type", "temperature_c", "chloride_m", "bromide_m", *VALUE]


def hardness_at_room_temperature(frame: pd.DataFrame) -> pd.DataFrame:
    """Merge repeated hardness readings; hardness has no test temperature of its own, so that of its row is dropped.

    A reading that stands only on rows of hot tests gets the flag `elevated-temperature`.
    """
    is_hardness = frame["property"] == "hardness"
    keys = ["reference_id", *ALLOY, "value"]
    rows = frame[is_hardness].fillna({"temperature_c": 25.0})
    coldest = rows.groupby(keys, dropna=False)["temperature_c"].transform("min").reindex(frame.index)
    frame = add_flag(frame, is_hardness & (coldest > ROOM_TEMPERATURE_C[1]), "elevated-temperature")
    frame.loc[is_hardness, ["temperature_c", "test_type"]] = None
    return merge(frame, keys, "repeated-reading", is_hardness)


def double_entries(frame: pd.DataFrame) -> pd.DataFrame:
    """Merge rows of one paper that agree in everything the source says."""
    return merge(frame, ["property", "reference_id", *ALLOY, *TEST, *VALUE, "detail"], "double-entry",
                 frame["property"] != "hardness")


def re_entries(frame: pd.DataFrame) -> pd.DataFrame:
    """Merge what was entered again into the readings that it repeats.

    Where the two entries label the microstructure or the processing differently, neither can be preferred, and both stay.
    """
    copies = entered_again(frame)
    labels, first = (frame.loc[copies[name], ["process", "phases"]].reset_index(drop=True) for name in ("index", "first"))
    is_one_state = (labels.isna() | first.isna() | (labels == first)).all(axis=1).to_numpy()
    again = copies[is_one_state].set_index("index")["first"]
    keyed = frame.assign(first=again.reindex(frame.index).fillna(frame.index.to_series()))
    return merge(keyed, ["first"], "re-entered", keyed["first"].isin(again)).drop(columns="first")


def cross_paper(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Merge readings that two papers share, and the group label of every paper."""
    shared = frame[frame.groupby(_PRINTED, dropna=False)["reference_id"].transform("nunique") > 1]
    pairs = Counter(pair for _, rows in shared.groupby(_PRINTED, dropna=False)
                    for pair in combinations(sorted(rows["reference_id"].unique(), key=natural), 2))
    groups = _joined(frame["reference_id"], [pair for pair, count in pairs.items() if count >= 2])
    keyed = frame.assign(group=frame["reference_id"].map(groups))
    is_copy = keyed.groupby([*_PRINTED, "group"], dropna=False)["reference_id"].transform("nunique") > 1
    return merge(keyed, [*_PRINTED, "group"], "cross-paper", is_copy).drop(columns="group"), groups


def merge(frame: pd.DataFrame, keys: list[str], flag: str, where: pd.Series) -> pd.DataFrame:
    """Keep the first of the rows `where` that agree in `keys`; it takes over their source rows, and the flag."""
    numbers = frame[where].groupby(keys, dropna=False, sort=False).ngroup().reindex(frame.index)
    labels = numbers.where(where, -1 - pd.Series(range(len(frame)), frame.index))
    rows = frame.groupby(labels, sort=False)["source_rows"].transform(" ".join)
    frame = add_flag(frame.assign(source_rows=rows), labels.duplicated(keep=False), flag)
    return frame[~labels.duplicated()].reset_index(drop=True)


def add_flag(frame: pd.DataFrame, where: pd.Series, flag: str) -> pd.DataFrame:
    """The frame with `flag` added to the flags of the rows `where`."""
    return frame.assign(flags=[(*flags, flag) if marked else flags
                               for flags, marked in zip(frame["flags"], where, strict=True)])


def natural(label: str) -> tuple[str, int]:
    """Sort key that puts "borg-9" before "borg-10"."""
    source, _, number = label.rpartition("-")
    return source, int(number)


def _joined(labels: pd.Series, pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Label → the first label of its connected component."""
    group = {label: label for label in labels.unique()}
    for first, second in pairs:
        low, high = sorted((group[first], group[second]), key=natural)
        group = {label: low if old == high else old for label, old in group.items()}
    return group
