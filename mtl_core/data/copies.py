"""Which readings are one measurement that stands in the tables twice, found by what they say and not by where they stand.

A frame of readings has the columns property, reference_id, row (its number in the source), y (exact value in the learning unit,
NaN when censored), the test conditions and at_<El> in at.%.
"""
from collections.abc import Iterator

import pandas as pd

from mtl_core.data.findings import CERTAIN, Finding, said
from mtl_core.data.noise import SAME
from mtl_core.data.schema import AT

SHORTEST_BLOCK = 3
READ_OFF = 0.02  # of the spread of a property: how far two readings of one printed figure may differ
SAME_ALLOY_AT = 0.3  # at.% by which a digit that was mistyped changes an element
# Conditions that a second reader left out, rounded or looked up elsewhere still belong to one test. °C, pH, mol/L.
SAME_TEST = {"temperature_c": 5.0, "ph": 1.0, "chloride_m": 0.02}


def entered_again(frame: pd.DataFrame) -> pd.DataFrame:
    """Readings of papers that were typed in, or read off their figures, a second time.

    A paper was entered again where at least three readings in a row repeat, one by one and in order, readings further up: same
    alloy, no contradicting condition, values within 2 % of the property's spread. Every reading of that paper that agrees with an
    earlier one is then a copy. One row a copy: index and first (labels of the frame), n (length of the longest block).
    """
    paper = ["property", "reference_id"]
    pairs = _agreeing_pairs(frame, paper)
    pairs = pairs.assign(offset=pairs["order_again"] - pairs["order"]).sort_values([*paper, "offset", "order"])
    block = (pairs.groupby([*paper, "offset"])["order"].diff() != 1).cumsum()
    length = pairs.groupby(block)["order"].transform("size")
    is_block = (length >= SHORTEST_BLOCK) & (length <= pairs["offset"])
    pairs["n"] = pairs.assign(n=length.where(is_block, 0)).groupby(paper)["n"].transform("max")
    copies = pairs[pairs["n"] > 0].sort_values("order").drop_duplicates("index_again")
    return copies.rename(columns={"index": "first", "index_again": "index"})[["index", "first", "n"]]


def _agreeing_pairs(frame: pd.DataFrame, paper: list[str]) -> pd.DataFrame:
    """Pairs of readings of one paper that may be one: index and order (place in the paper) of each, the later with `_again`."""
    exact = frame[frame["y"].notna()]
    exact = exact.assign(order=exact.groupby(paper)["row"].rank("first"))
    tolerance = READ_OFF * exact.groupby("property")["y"].std()
    rows = exact.rename_axis("index").reset_index()[["index", *paper, "order", "y", "test_type", *SAME_TEST]]
    rows = rows.fillna({"test_type": ""})
    pairs = rows.merge(rows, on=[*paper, "test_type"], suffixes=("", "_again"))
    pairs = pairs[pairs["order"] < pairs["order_again"]]
    pairs = pairs[(pairs["y"] - pairs["y_again"]).abs() <= pairs["property"].map(tolerance)]
    return pairs[~contradicts(pairs) & _is_one_alloy(frame, pairs)]


def contradicts(pairs: pd.DataFrame) -> pd.Series:
    """Whether both readings of a pair state a condition and state it differently; suffix `_again` for the second."""
    apart = [(pairs[name] - pairs[name + "_again"]).abs() > limit for name, limit in SAME_TEST.items()]
    return pd.concat(apart, axis=1).any(axis=1)


def _is_one_alloy(frame: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series:
    at = frame.filter(regex=f"^{AT}")
    apart = at.loc[pairs["index"]].to_numpy() - at.loc[pairs["index_again"]].to_numpy()
    return pd.Series((abs(apart) <= SAME_ALLOY_AT).all(axis=1), pairs.index)


def shared_by_papers(frame: pd.DataFrame) -> pd.DataFrame:
    """Readings that two papers print alike: same value to the last digit, same alloy (to 0.1 at.%), no contradicting condition.

    One such reading may be chance, so two papers must share at least two. Labels of processing may differ, as compilers differ.
    One row a pair: index and index_again (labels of the frame), n (readings that the two papers share).
    """
    exact = frame[frame["y"].notna()].fillna({"test_type": ""})
    keys = exact.filter(regex=f"^{AT}").round(1).join(exact[["property", "y", "test_type"]])
    rows = exact.assign(printed=keys.groupby(list(keys), sort=False).ngroup()).rename_axis("index").reset_index()
    rows = rows[["index", "printed", "reference_id", *SAME_TEST]]
    pairs = rows.merge(rows, on="printed", suffixes=("", "_again"))
    pairs = pairs[(pairs["reference_id"] < pairs["reference_id_again"]) & ~contradicts(pairs)]
    n = pairs.groupby(["reference_id", "reference_id_again"])["printed"].transform("nunique")
    return pairs.assign(n=n)[n >= 2][["index", "index_again", "n"]]


def double_entries(rows: pd.DataFrame) -> Iterator[Finding]:
    """Copies within a paper and between papers, the later reading last; then repeats of one paper that agree in everything."""
    lines, told = rows.to_dict("index"), set()
    for copy in entered_again(rows).itertuples():
        told |= {copy.index}
        yield _copy(lines[copy.first], lines[copy.index], f"one of at least {copy.n} in a row that this paper holds twice")
    for pair in shared_by_papers(rows).itertuples():
        first, again = sorted((lines[pair.index], lines[pair.index_again]), key=lambda line: str(line["year"]))
        yield _copy(first, again, f"one of {pair.n} that {_paper(first)} and {_paper(again)} share to the last digit")
    yield from _identical(rows.drop(index=list(told)))


def _paper(line: dict) -> str:
    return f"{line['reference_id']} ({line['year']:.0f})" if line["year"] == line["year"] else line["reference_id"]


def _copy(first: dict, again: dict, why: str) -> Finding:
    labels = [", ".join(filter(None, (line["process"], line["phases"]))) or "(none)" for line in (first, again)]
    difference = f", though labelled {labels[0]} there and {labels[1]} here" if labels[0] != labels[1] else ""
    evidence = f"{said(again)} repeats {said(first)} of {first['measurement_id']}, {why}{difference}."
    return Finding("double-entry", (first["measurement_id"], again["measurement_id"]), evidence, CERTAIN, "exclude")


def _identical(rows: pd.DataFrame) -> Iterator[Finding]:
    keys = ["property", "reference_id", *SAME["alloy and conditions"], "y"]
    exact = rows[rows["y"].notna() & rows.duplicated(keys, keep=False)]
    for _, same in exact.groupby(keys, dropna=False, sort=False):
        evidence = (f"{said(same.iloc[0])} stands {len(same)} times in one paper for one alloy under the same conditions: "
                    "entered again, or measured again with the same result.")
        yield Finding("double-entry", tuple(same["measurement_id"]), evidence, CERTAIN / 2)
