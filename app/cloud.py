"""What a cloud of alloys is made of, how it measures, who measured it and under which conditions. Pure pandas."""
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.atlas import PRESENT, PROPERTIES, UNKNOWN, Atlas
from app.figures.style import written
from mtl_core.data.rules import MECHANICAL, RULES
from mtl_core.data.suspects import SUSPECT_RULES
from mtl_core.tasks import DEFAULT_TASKS

DOI = "https://doi.org/"
ENDS = (0.05, 0.25, 0.5, 0.75, 0.95)
_LABELS = {"family": "Family", "process": "Processing", "phases": "Phases", "source": "Database"}
_EXCLUSIONS = {rule.name: rule.reason for rule in RULES if rule.excluded}


@dataclass(frozen=True, eq=False)
class Cloud:
    """Some alloys of an atlas: is_in [n] bool, and those of their readings that are looked at."""

    atlas: Atlas
    is_in: np.ndarray
    readings: pd.DataFrame

    def __len__(self) -> int:
        return int(self.is_in.sum())

    @property
    def ids(self) -> pd.Index:
        return self.atlas.alloys.index[self.is_in]


def cloud_of(atlas: Atlas, is_in: np.ndarray, readings: pd.DataFrame) -> Cloud:
    """The alloys with their share of the readings."""
    return Cloud(atlas, is_in, readings[readings["alloy_id"].isin(atlas.alloys.index[is_in])])


def exact_values(readings: pd.DataFrame) -> dict[str, np.ndarray]:
    """Property → its exact values, in the order of the catalogue."""
    found = dict(list(readings.dropna(subset="value").groupby("property")["value"]))
    return {key: found[key].to_numpy(float) for key in PROPERTIES if key in found}


def element_use(cloud: Cloud) -> pd.DataFrame:
    """One row an element, the most frequent first; quantiles are of the alloys that hold it.

    Columns: n, share (%), low, q1, median, q3, high in at.%; index symbol.
    """
    at = cloud.atlas.at[cloud.is_in]
    has = at >= PRESENT
    counts = has.sum(axis=0)
    rows = {symbol: [count, 100 * count / len(at), *np.quantile(at[has[:, column], column], ENDS)]
            for column, (symbol, count) in enumerate(zip(cloud.atlas.symbols, counts.tolist(), strict=True)) if count}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["n", "share", "low", "q1", "median", "q3", "high"])
    return frame.sort_values("n", ascending=False, kind="stable")


def element_means(cloud: Cloud, numbers: pd.Series) -> dict[str, float]:
    """Symbol → mean of one number an alloy over the alloys of the cloud that hold the element."""
    has, values = cloud.atlas.at[cloud.is_in] >= PRESENT, numbers.to_numpy(float)[cloud.is_in]
    means = {symbol: values[has[:, column] & np.isfinite(values)] for column, symbol in enumerate(cloud.atlas.symbols)}
    return {symbol: float(found.mean()) for symbol, found in means.items() if len(found)}


def mean_alloy(cloud: Cloud, most: int = 6) -> str:
    """The largest mean amounts in words: "Fe 52 · Cr 21 · Ni 14 · Mo 3"."""
    at = cloud.atlas.at[cloud.is_in].mean(axis=0)
    return " · ".join(f"{cloud.atlas.symbols[column]} {at[column]:.0f}" for column in np.argsort(-at)[:most] if at[column] >= 0.5)


def commonest(words: pd.Series, most: int = 3) -> str:
    """"Fe 312 · HEA 20 · Ni 4"."""
    counts = words.value_counts()
    rest = [f"{len(counts) - most} more"] if len(counts) > most else []
    return " · ".join([*(f"{word} {count:,}" for word, count in counts.head(most).items()), *rest])


def summary_table(cloud: Cloud) -> pd.DataFrame:
    """One row a property with readings: how many, bounds among them, median (with unit) and middle 80 % of the exact ones.

    The properties that the dashboard predicts by default have a row even where nothing was measured.
    """
    rows = {key: cloud.readings[cloud.readings["property"] == key] for key in PROPERTIES}
    return pd.DataFrame([_summary(key, found) for key, found in rows.items() if len(found) or key in DEFAULT_TASKS])


def _summary(key: str, rows: pd.DataFrame) -> dict:
    exact = rows["value"].dropna()
    middle = "\u00a0to\u00a0".join(short(float(end)) for end in exact.quantile([0.1, 0.9])) if len(exact) > 1 else "–"
    median = f"{short(float(exact.median()))}\u00a0{PROPERTIES[key].unit}" if len(exact) else "–"
    return {"Property": PROPERTIES[key].label, "Readings": f"{len(rows):,}" if len(rows) else "none",
            "Bounds": f"{len(rows) - len(exact):,}" if len(exact) < len(rows) else "", "Median": median, "Middle 80 %": middle}


def short(value: float) -> str:
    """As `written`, but powers of ten as narrow columns can hold them: "9.7e−8"."""
    if not value or 1e-3 <= abs(value) < 1e6:
        return written(value)
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def condition_points(readings: pd.DataFrame) -> pd.DataFrame:
    """Corrosion readings counted by their conditions: chloride_m, temperature_c, ph (NaN = not reported), n."""
    columns = ["chloride_m", "temperature_c", "ph"]
    corrosion = readings.loc[~readings["property"].isin(MECHANICAL), columns]
    return corrosion.groupby(columns, dropna=False).size().rename("n").reset_index()


def papers_table(cloud: Cloud) -> pd.DataFrame:
    """One row a paper, the one with most readings first: link, year, counts, properties."""
    groups = cloud.readings.groupby("reference_id")
    frame = pd.DataFrame({
        "Paper": groups["doi"].first().map(link), "Year": groups["year"].first().astype("Int64"), "Readings": groups.size(),
        "Alloys": groups["alloy_id"].nunique(),
        "Properties": groups["property"].agg(lambda keys: ", ".join(PROPERTIES[key].label for key in dict.fromkeys(keys)))})
    return frame.sort_values("Readings", ascending=False, kind="stable").reset_index(names="Reference")


def link(doi: str) -> str | None:
    """The address of a paper."""
    return DOI + doi if doi else None


def alloys_table(cloud: Cloud) -> pd.DataFrame:
    """One row an alloy, index alloy_id: formula, labels, number of readings, median of each property that was measured."""
    counts = cloud.readings["alloy_id"].value_counts()
    medians = cloud.readings.pivot_table(index="alloy_id", columns="property", values="value", aggfunc="median")
    alloys = cloud.atlas.alloys.loc[cloud.ids]
    labels = {"Alloy (at.%)": alloys["formula"], "Family": alloys["family"], "Processing": alloys["process"].replace(UNKNOWN, ""),
              "Phases": alloys["phases"], "Database": alloys["source"],
              "Readings": counts.reindex(alloys.index, fill_value=0).astype(int)}
    values = {PROPERTIES[key].title: medians[key].reindex(alloys.index) for key in PROPERTIES if key in medians}
    return pd.DataFrame(labels | values)


def readings_table(cloud: Cloud, doubts: dict[str, str]) -> pd.DataFrame:
    """One row a reading, index alloy_id: property, value or bound, conditions, paper, and why to doubt it.

    doubts: measurement_id → sentence.
    """
    rows = cloud.readings
    return pd.DataFrame({
        "Alloy (at.%)": cloud.atlas.alloys["formula"].reindex(rows["alloy_id"]).to_numpy(),
        "Property": rows["property"].map(lambda key: PROPERTIES[key].label).to_numpy(), "Value": rows["value"].to_numpy(),
        "Bound": [_bound(*row) for row in rows[["value", "bound", "value_low", "value_high"]].itertuples(index=False)],
        "Unit": rows["unit"].to_numpy(), "T (°C)": rows["temperature_c"].to_numpy(),
        "[Cl⁻] (mol/L)": rows["chloride_m"].to_numpy(), "pH": rows["ph"].to_numpy(),
        "Scan rate (mV/s)": rows["scan_rate_mv_s"].to_numpy(),
        "Year": rows["year"].astype("Int64").to_numpy(), "Paper": rows["doi"].map(link).to_numpy(),
        "Doubts": [_doubt(*row, doubts) for row in rows[["measurement_id", "flags"]].itertuples(index=False)],
    }, index=pd.Index(rows["alloy_id"], name="alloy_id"))


def full_readings(cloud: Cloud, doubts: dict[str, str]) -> pd.DataFrame:
    """`readings_table` with the ids of reading, alloy and reference, the labels of the alloy, and its at.% by element."""
    rows, alloys = cloud.readings, cloud.atlas.alloys.loc[cloud.readings["alloy_id"]]
    parts = (rows[["measurement_id", "alloy_id", "reference_id"]], readings_table(cloud, doubts),
             alloys[list(_LABELS)].rename(columns=_LABELS), alloys[cloud.atlas.at_columns])
    return pd.concat([part.reset_index(drop=True) for part in parts], axis=1)


def full_alloys(cloud: Cloud) -> pd.DataFrame:
    """`alloys_table` with the id of each alloy, and its at.% by element."""
    return alloys_table(cloud).join(cloud.atlas.alloys[cloud.atlas.at_columns]).reset_index()


def doubts_of(suspects: pd.DataFrame) -> dict[str, str]:
    """measurement_id → why to doubt it, out of `mtl_core.data.suspects.find_suspects`; several reasons one after another."""
    reasons: dict[str, list[str]] = {}
    for rule, ids, evidence in suspects[["rule", "measurement_ids", "evidence"]].itertuples(index=False):
        for one in ids:
            reasons.setdefault(one, []).append(f"{SUSPECT_RULES[rule].label}: {evidence}")
    return {one: " ".join(sentences) for one, sentences in reasons.items()}


def is_doubted(readings: pd.DataFrame, suspects: pd.DataFrame) -> pd.Series:
    """Whether a finding names each reading, or a rule leaves it out of default training."""
    return readings["measurement_id"].isin(doubts_of(suspects)) | readings["is_left_out"]


def doubts_table(cloud: Cloud, suspects: pd.DataFrame) -> pd.DataFrame:
    """One row a finding about a reading of the cloud, the worst first."""
    ids = set(cloud.readings["measurement_id"])
    found = suspects[[not ids.isdisjoint(concerned) for concerned in suspects["measurement_ids"]]]
    return pd.DataFrame({
        "Alloy (at.%)": found["alloy"],
        "Property": found["property"].map(lambda key: PROPERTIES[key].label if key in PROPERTIES else key),
        "Rule": found["rule"].map(lambda rule: SUSPECT_RULES[rule].label), "Evidence": found["evidence"],
        "Paper": [link(dois[0]) if dois else None for dois in found["dois"]]})


def _bound(value: float, bound: str, low: float, high: float) -> str:
    """"> 800", "30 to 45"; empty beside an exact value."""
    if value == value:
        return ""
    return f"> {low:.4g}" if bound == ">" else f"< {high:.4g}" if bound == "<" else f"{low:.4g} to {high:.4g}"


def _doubt(measurement_id: str, flags: str, doubts: dict[str, str]) -> str:
    """Rules that keep the reading out of training, then what else was found."""
    said = [_EXCLUSIONS[name] for name in flags.split() if name in _EXCLUSIONS]
    return " ".join([*said, *([doubts[measurement_id]] if measurement_id in doubts else [])])


def picked(ids: Iterable[str], atlas: Atlas) -> np.ndarray:
    """Whether each alloy of the atlas is among `ids`, [n] bool."""
    return atlas.alloys.index.isin(list(ids))
