"""All alloys as points of one atlas: what each is made of, what was measured of it, and what a map can be coloured by.

Pure pandas. An alloy is known by its id everywhere, never by a position.
"""
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from app.evidence import family_words
from mtl_core import tasks
from mtl_core.chemistry.composition import Composition
from mtl_core.data.rules import DEFAULT_EXCLUDED, MECHANICAL
from mtl_core.data.schema import AT
from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import has_flag
from mtl_core.features.descriptors import DESCRIPTORS, evaluate
from mtl_core.tasks import TASKS

LABELS = {"family": "Family", "process": "Processing", "source": "Database", "coverage": "Label coverage"}
SOURCES = {"borg2020": "Borg 2020", "nyby2021": "Nyby 2021"}
UNKNOWN = "not reported"
PRESENT = 0.05  # at.% from which an alloy contains an element; less is a trace
SAME_ALLOY = 0.5  # at.%: within this, two published compositions count as one alloy, as in the folds
COVERAGE = ("hardness only", "corrosion only", "both", "neither")
ERROR = "error_"
CROWDING = "crowding"
DOUBT = "doubt"


@dataclass(frozen=True)
class Quantity:
    """One number an alloy: what it is called, its unit, what kind it is, whether it spans decades, and its short sign."""

    key: str
    label: str
    unit: str = ""
    kind: str = "Property"
    logarithmic: bool = False
    symbol: str = ""

    @property
    def title(self) -> str:
        """"Hardness (HV)"."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


PROPERTIES = {task.key: Quantity(task.key, task.label, task.unit, logarithmic=task.transform == "log10", symbol=task.symbol)
              for task in tasks.PROPERTIES.values()}
CONDITIONS = {one.key: one for one in (
    Quantity("temperature_c", "Test temperature", "°C", "Condition"),
    Quantity("chloride_m", "Chloride", "mol/L", "Condition", logarithmic=True), Quantity("ph", "pH", "", "Condition"),
    Quantity("scan_rate_mv_s", "Scan rate", "mV/s", "Condition", logarithmic=True),
    Quantity("year", "Year of publication", "", "Condition"))}
N_READINGS = Quantity("n_readings", "Readings of the alloy", "", "Count", logarithmic=True)
DOUBTED = Quantity(DOUBT, "Readings in doubt", "%", "Count")
CROWDED = Quantity(CROWDING, "Density of points", "alloys nearby", "Map", logarithmic=True)
_DESCRIBED = {one.key: Quantity(one.key, one.label, one.unit, "Descriptor", symbol=one.symbol) for one in DESCRIPTORS}


@dataclass(frozen=True, eq=False)
class Atlas:
    """alloys: one row an alloy, index alloy_id, with `formula` and the labels of `LABELS` as words, and at_<El> in at.%.

    readings: one row a measurement, with doi, year and `is_left_out` (a default rule keeps it out of training).
    """

    alloys: pd.DataFrame
    readings: pd.DataFrame
    symbols: tuple[str, ...]

    @cached_property
    def fixed(self) -> pd.DataFrame:
        """What follows from the composition alone, [n, descriptors + elements], index alloy_id; NaN where undefined."""
        described = evaluate(self.at, self.symbols, DESCRIPTORS)
        steels = described[:, [list(_DESCRIBED).index(key) for key in ("base_fe", "base_ni")]].sum(axis=1) > 0.5
        frame = pd.DataFrame(described, index=self.alloys.index, columns=list(_DESCRIBED)).round(9)
        return frame.assign(pren=frame["pren"].where(steels)).join(self.alloys[self.at_columns])

    @property
    def at_columns(self) -> list[str]:
        return [AT + symbol for symbol in self.symbols]

    @cached_property
    def at(self) -> np.ndarray:
        """Compositions in at.%, [n, E] in the order of `symbols`."""
        return self.alloys[self.at_columns].to_numpy(float)

    @cached_property
    def quantities(self) -> dict[str, Quantity]:
        """All numbers that these data give, by key; properties with data first."""
        measured, present = set(self.readings["property"]), np.array(self.symbols)[(self.at > 0).any(axis=0)]
        elements = {AT + symbol: Quantity(AT + symbol, symbol, "at.%", "Element", symbol=symbol) for symbol in present.tolist()}
        properties = {key: one for key, one in PROPERTIES.items() if key in measured}
        return properties | _DESCRIBED | elements | {N_READINGS.key: N_READINGS}

    def numbers(self, key: str, readings: pd.DataFrame) -> pd.Series:
        """One number an alloy, index alloy_id: a property or a condition is the median of what `readings` state exactly."""
        if key in self.fixed:
            return self.fixed[key]
        if key == N_READINGS.key:
            return readings["alloy_id"].value_counts().reindex(self.alloys.index).astype(float)
        if key in CONDITIONS:
            return readings.groupby("alloy_id")[key].median().reindex(self.alloys.index)
        of_property = readings[readings["property"] == key]
        return of_property.groupby("alloy_id")["value"].median().reindex(self.alloys.index)


def atlas_of(table: AlloyTable) -> Atlas:
    """The atlas of some tables."""
    readings = table.measurements.merge(table.references, on="reference_id").assign(
        is_left_out=lambda rows: has_flag(AlloyTable(table.alloys, rows, table.references), DEFAULT_EXCLUDED))
    alloys = table.alloys.set_index("alloy_id")
    at = alloys[[AT + symbol for symbol in table.elements]].to_numpy(float)
    words = {"formula": [formula(row, table.elements) for row in at], "coverage": _coverage(at, alloys.index, readings),
             "family": alloys["family"].replace("", UNKNOWN), "process": alloys["process"].str.lower().replace("", UNKNOWN),
             "source": alloys["source"].replace(SOURCES)}
    return Atlas(alloys.assign(**words), readings, table.elements)


def formula(at: np.ndarray, symbols: tuple[str, ...]) -> str:
    """at.% [E] in words: "Fe70Cr18Ni12"."""
    return Composition.from_array(at, symbols, normalise=True).formula(digits=1)


def _coverage(at: np.ndarray, ids: pd.Index, readings: pd.DataFrame) -> np.ndarray:
    """Which of the two worlds measured each alloy: hardness, corrosion, both, or neither (only its strength).

    Hardness and corrosion come from different papers, so the readings of all alloys within 0.5 at.% count.
    """
    trained = readings[~readings["is_left_out"]]
    is_measured = np.stack([ids.isin(trained.loc[rows, "alloy_id"]) for rows in (
        trained["property"] == "hardness", ~trained["property"].isin(MECHANICAL))], axis=1)
    distinct, index = np.unique(at, axis=0, return_inverse=True)
    of_distinct = np.zeros((len(distinct), 2), bool)
    np.logical_or.at(of_distinct, index, is_measured)
    pairs = cKDTree(distinct).query_pairs(SAME_ALLOY, p=np.inf, output_type="ndarray")
    alike = of_distinct.copy()
    np.logical_or.at(alike, pairs[:, 0], of_distinct[pairs[:, 1]])
    np.logical_or.at(alike, pairs[:, 1], of_distinct[pairs[:, 0]])
    hardness, corrosion = alike[index].T
    return np.select([hardness & corrosion, hardness, corrosion], ["both", *COVERAGE[:2]], COVERAGE[3])


def hover_texts(atlas: Atlas, readings: pd.DataFrame) -> np.ndarray:
    """What the map says of each alloy, [n]: formula, labels, then the median of each property that was measured."""
    lines = readings.dropna(subset="value").groupby(["alloy_id", "property"], sort=False)["value"].median().reset_index()
    lines["text"] = [f"<br>{TASKS[key].label}: {value:.4g} {TASKS[key].unit}"
                     for key, value in lines[["property", "value"]].itertuples(index=False)]
    measured = lines.groupby("alloy_id")["text"].agg("".join).reindex(atlas.alloys.index).fillna("<br>no exact value")
    process = atlas.alloys["process"].replace(UNKNOWN, "processing not reported")
    labels = atlas.alloys["family"].map(family_words) + " · " + process
    return ("<b>" + atlas.alloys["formula"] + "</b><br>" + labels + measured).to_numpy(str)


def out_of_fold_errors(held_out: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """How far a run missed each alloy when its paper was held out: median |error| in the learning unit.

    held_out: rows of `mtl_core.pipeline.read_out_of_fold`. Columns `error_<task>`, index alloy_id. A bound that the
    prediction respects counts as no error.
    """
    by_paper = held_out[held_out["split"] == "reference"].groupby(["task", "measurement_id"], as_index=False)
    rows = by_paper[["mean", "low", "high"]].mean()
    rows["error"] = (rows["mean"] - rows["mean"].clip(rows["low"], rows["high"])).abs()
    rows = rows.merge(readings[["measurement_id", "alloy_id"]], on="measurement_id")
    return rows.pivot_table(index="alloy_id", columns="task", values="error", aggfunc="median").add_prefix(ERROR)


def error_quantity(key: str) -> Quantity:
    """What an `error_<task>` column is called."""
    task = TASKS[key.removeprefix(ERROR)]
    label = f"Error of {task.label[0].lower()}{task.label[1:]} on new papers"
    return Quantity(key, label, task.learning_unit, "Out-of-fold error")


def neighbours(atlas: Atlas, composition: Composition, n: int = 8) -> pd.Series:
    """The n alloys nearest in composition: alloy_id → distance in at.%, half the L1 distance (what would be swapped)."""
    asked = np.array([composition.at.get(symbol, 0.0) for symbol in atlas.symbols])
    distance = 0.5 * (np.abs(atlas.at - asked).sum(axis=1) + 100.0 - asked.sum())
    return pd.Series(distance, index=atlas.alloys.index).nsmallest(n)


def color_choices(table: AlloyTable) -> dict[str, str]:
    """Properties with data: key → label."""
    measured = set(table.measurements["property"])
    return {task.key: task.label for task in tasks.PROPERTIES.values() if task.key in measured}


def counts_table(counts: dict[str, dict[str, int]]) -> pd.DataFrame:
    """`mtl_core.data.summary` as a table for readers: one row a property."""
    labels = {"n": "rows", "n_alloys": "alloys", "n_references": "papers", "n_censored": "bounds", "n_default": "trained on"}
    frame = pd.DataFrame(counts).T.rename(columns=labels)[list(labels.values())]
    return frame.rename(index={key: task.label for key, task in TASKS.items()})
