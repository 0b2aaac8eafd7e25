"""Which readings are one measurement that stands in the tables twice, found by what they say and not by where they stand.

A frame of readings has the columns property, reference_id, row (its number in the source), y (exact value in the learning unit,
NaN when censored), the test conditions and at_<El> in at.%, and integers as labels.
"""
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mtl_core.data.findings import CERTAIN, Finding, said
from mtl_core.data.noise import SAME
from mtl_core.data.schema import AT

SHORTEST_BLOCK = 3
READ_OFF = 0.02  # of the spread of a property: how far two readings of one printed figure may differ
SAME_ALLOY_AT = 0.3  # at.% by which a digit that was mistyped changes an element
# A second reader may leave a condition out, round it, or assume it (pH 7): within these limits it is one test. °C, pH, mol/L.
SAME_TEST = {"temperature_c": 5.0, "ph": 1.5, "chloride_m": 0.02}


def entered_again(frame: pd.DataFrame) -> pd.DataFrame:
    """Readings of papers that were typed in, or read off their figures, a second time.

    A paper was entered again where at least three readings in a row repeat, one by one and in order, readings further up: same
    alloy, no contradicting condition, values within 2 % of the property's spread. From there on, every reading that agrees with
    one before is a copy. One row a copy: index and first (labels of the frame), n (length of the longest block).
    """
    pairs = _agreeing_pairs(frame[frame["y"].notna()].fillna({"test_type": ""}))
    block = (pairs.groupby(["paper", "offset"])["order"].diff() != 1).cumsum()
    length = pairs.groupby(block)["order"].transform("size")
    is_block = (length >= SHORTEST_BLOCK) & (length <= pairs["offset"])
    again = pairs["order"] + pairs["offset"]
    start = again.where(is_block).groupby(pairs["paper"]).transform("min")
    n = length.where(is_block).groupby(pairs["paper"]).transform("max")
    copies = pairs.assign(n=n)[(again >= start) & (pairs["order"] < start)]
    return copies.astype({"n": int}).sort_values("order").drop_duplicates("index")[["index", "first", "n"]]


def _agreeing_pairs(exact: pd.DataFrame) -> pd.DataFrame:
    """Readings `index` that may be the reading `first` of their paper, `offset` readings further up; order: place of `first`."""
    tolerance = exact["property"].map(READ_OFF * exact.groupby("property")["y"].std()).to_numpy()
    y, tests, at = exact["y"].to_numpy(), exact[list(SAME_TEST)].to_numpy(float), exact.filter(regex=f"^{AT}").to_numpy()
    kinds, rows, labels = exact["test_type"].to_numpy(), exact["row"].to_numpy(), exact.index.to_numpy()
    found = []
    for paper, members in enumerate(exact.groupby(["property", "reference_id"]).indices.values()):
        places = members[np.argsort(rows[members], kind="stable")]
        for offset in range(1, len(places)):  # not all pairs at once, which a long file would not fit into memory
            order = np.flatnonzero(np.abs(y[places[offset:]] - y[places[:-offset]]) <= tolerance[places[0]])
            first, again = places[order], places[order + offset]
            agree = (kinds[first] == kinds[again]) & (np.abs(at[first] - at[again]) <= SAME_ALLOY_AT).all(axis=1)
            agree &= ~contradicts(tests[first], tests[again])
            pairs = zip(order[agree], labels[first[agree]], labels[again[agree]], strict=True)
            found += [(paper, offset, *pair) for pair in pairs]
    return pd.DataFrame(found, columns=["paper", "offset", "order", "first", "index"], dtype=int)


def contradicts(test: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether two tests [n, conditions of SAME_TEST] both state a condition and state it differently, [n]."""
    return (np.abs(test - other) > np.array(list(SAME_TEST.values()))).any(axis=1)


def shared_by_papers(frame: pd.DataFrame) -> pd.DataFrame:
    """Readings that two papers print alike: same value to the last digit, same alloy (to 0.1 at.%), no contradicting condition.

    One such reading may be chance, so two papers must share at least two. Labels of processing may differ, as compilers differ.
    One row a pair: index and index_again (labels of the frame), n (readings that the two papers share).
    """
    exact = frame[frame["y"].notna()].fillna({"test_type": ""})
    keys = exact.filter(regex=f"^{AT}").round(1).join(exact[["property", "y", "test_type"]])
    rows = exact.assign(printed=keys.groupby(list(keys), sort=False).ngroup()).rename_axis("index").reset_index()
    rows = rows[["index", "printed", "reference_id", *SAME_TEST]].drop_duplicates(["printed", "reference_id", *SAME_TEST])
    pairs = rows.merge(rows, on="printed", suffixes=("", "_again"))
    tests, others = (pairs[[name + suffix for name in SAME_TEST]].to_numpy(float) for suffix in ("", "_again"))
    pairs = pairs[(pairs["reference_id"] < pairs["reference_id_again"]) & ~contradicts(tests, others)]
    n = pairs.groupby(["reference_id", "reference_id_again"])["printed"].transform("nunique")
    return pairs.assign(n=n)[n >= 2][["index", "index_again", "n"]]


def entered_twice(rows: pd.DataFrame) -> Iterator[Finding]:
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
