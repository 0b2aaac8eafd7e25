"""Attributions of many alloys, arranged for reading: which of them, in which order, what hovering says, tables. Pure."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Self

import numpy as np
import pandas as pd

from app.evidence import CONDITION_WORDS, PROCESS_WORDS, family_words
from app.explained import called, unit_of_change
from app.figures.style import signed, written
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.explain.overall import PRESENT, Overall, OverallSettings

SHOWS = {"what": "What matters", "each": "Alloy by alloy", "one": "One element", "map": "Map"}
MOST_BARS, MOST_ROWS, SAID = 15, 12, 3
ALIKE = 2.0  # times the usual amount of an element in one property, up to which that in another is about the same alloys
FAMILY, VALUE, PREDICTION = "family", "value", "prediction"
LABELS = {FAMILY: "Family", VALUE: "Measured", PREDICTION: "Predicted"}
BASELINES = {"typical": "the most typical one", "mean": "the mean of all"}
QUERY_KEYS = ("show", "family", "with", "same", "el", "color", "from")


@dataclass(frozen=True)
class Focus:
    """What the visitor looks at. show: a key of SHOWS; same: whether all tasks share their alloys; family, holds: which alloys,
    all where empty; element: the one that is looked at closely; color: an element, a condition, or a key of LABELS;
    baseline: a key of BASELINES, what each alloy is compared with."""

    show: str = "what"
    same: bool = False
    family: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    element: str = ""
    color: str = ""
    baseline: str = "typical"

    @property
    def settings(self) -> OverallSettings:
        """What has to be explained for it."""
        return OverallSettings(same=self.same, baseline=self.baseline)

    def but(self, **changes) -> Self:
        return replace(self, **changes)

    def to_query(self) -> dict[str, str]:
        """The parts of a link that are not as usual; `from_query` gives them back."""
        query = {"show": "" if self.show == "what" else self.show, "family": ",".join(self.family), "with": ",".join(self.holds),
                 "same": "1" if self.same else "", "el": self.element, "color": self.color,
                 "from": "" if self.baseline == "typical" else self.baseline}
        return {key: text for key, text in query.items() if text}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Whatever a link says; what cannot be followed is left out."""
        symbols = tuple(dict.fromkeys(part for part in query.get("with", "").split(",") if part in SYMBOLS))
        families = tuple(dict.fromkeys(part for part in query.get("family", "").split(",") if part))
        color = query.get("color", "")
        return cls(query.get("show") if query.get("show") in SHOWS else "what", query.get("same") == "1", families, symbols,
                   query.get("el") if query.get("el") in SYMBOLS else "",
                   color if color in SYMBOLS or color in CONDITION_WORDS or color in LABELS else "",
                   query.get("from") if query.get("from") in BASELINES else "typical")


def chosen_rows(one: Overall, focus: Focus) -> np.ndarray:
    """Which alloys of a task are looked at, [n] bool."""
    rows = one.alloys["family"].isin(focus.family).to_numpy() if focus.family else np.ones(len(one.alloys), bool)
    for symbol in focus.holds:
        rows = rows & (one.at[:, one.symbols.index(symbol)] >= PRESENT if symbol in one.symbols else False)
    return rows


def ranked(summaries: Sequence[pd.DataFrame], most: int = MOST_BARS) -> list[str]:
    """Names of the bars that matter most for some task: by importance as a share of the largest one of the task."""
    shares = [table.set_index("name")["importance"] / max(table["importance"].max(), 1e-12) for table in summaries]
    return pd.concat(shares, axis=1).max(axis=1).sort_values(ascending=False, kind="stable").index[:most].tolist()


def bars_table(one: Overall, rows: np.ndarray, by: str) -> pd.DataFrame:
    """One row an alloy with all its bars: mean over networks, and their spread."""
    bars = one.bars(by).of(rows)
    numbers = {f"{prefix} {name}": values[:, column] for prefix, values in (("bar", bars.values), ("spread", bars.spread))
               for column, name in enumerate(bars.names)}
    alloys = one.alloys[rows].reset_index(drop=True).assign(property=one.task.key, unit=unit_of_change(one.task))
    return pd.concat([alloys, pd.DataFrame(numbers)], axis=1)


def tradeoffs(across: pd.DataFrame, upwards: pd.DataFrame, x_unit: str, y_unit: str, *, usual: bool) -> pd.DataFrame:
    """What an element does to two tasks, one row an element that enough alloys of both hold; usual: for the smaller of its usual
    amounts in the two, otherwise for one at.%. Both tables are those of `mtl_core.explain.summary.summary`.

    Left out: what is usually held in less than half of that. amount: what x and y stand for, at.%. alike: whether the usual
    amounts differ by no more than `ALIKE`, so that both slopes are about the same alloys. fit_x, fit_y: what the line explains.
    """
    both = across.merge(upwards, on="name", suffixes=("_x", "_y")).dropna(subset=["push_x", "push_y"])
    least, most = both[["usual_x", "usual_y"]].min(axis=1), both[["usual_x", "usual_y"]].max(axis=1)
    both = both.assign(amount=least if usual else 1.0, alike=most <= ALIKE * least)
    both = both[both["amount"] <= ALIKE * least]
    points = both[["name", "amount", "alike"]].to_dict("series")
    for axis in "xy":
        points |= {f"{axis}{end}": both[f"push{end}_{axis}"] * both["amount"] for end in ("", "_low", "_high")}
        points |= {f"{name}_{axis}": both[f"{name}_{axis}"] for name in ("usual", "fit", "n")}
    size = np.sqrt(both[["n_x", "n_y"]].min(axis=1) / max(both[["n_x", "n_y"]].min(axis=1).max(), 1))
    return pd.DataFrame(points | {"size": 7 + 15 * size, "text": [
        "<br>".join(_slope_text(row, axis, unit) for axis, unit in (("x", x_unit), ("y", y_unit)))
        for row in both.to_dict("records")]})


def _slope_text(row, axis, unit):
    return (f"{signed(row[f'push_{axis}'])} {unit} for one at.%, a line that explains {max(row[f'fit_{axis}'], 0.0):.0%}; usual "
            f"{written(row[f'usual_{axis}'])} at.%, in {row[f'n_{axis}']:,} alloys")


def texts(one: Overall) -> np.ndarray:
    """What hovering says of each alloy [n]: formula, measured and predicted value, conditions, its largest bars."""
    bars, unit = one.bars(), one.task.unit
    largest = np.argsort(-np.abs(bars.values), axis=1)[:, :SAID]
    return np.array([
        f"<b>{escape(alloy['formula'])}</b><br>{_values(alloy, unit)}<br>{_conditions(alloy, one)}<br>"
        + ", ".join(f"{bars.names[column]} {signed(bars.values[row, column])}" for column in largest[row])
        + f" {unit_of_change(one.task)}" for row, alloy in enumerate(one.alloys.to_dict("records"))])


def _values(alloy, unit):
    measured = f"measured {written(alloy['value'])}, " if np.isfinite(alloy["value"]) else ""
    return f"{measured}predicted {written(alloy['prediction'])} {unit}"


def _conditions(alloy, one):
    stated = {name: alloy[name] for name in one.task.conditions if alloy[name] != "" and alloy[name] == alloy[name]}
    said = [CONDITION_WORDS[name].format(PROCESS_WORDS.get(value, value)) for name, value in stated.items()]
    return escape(", ".join(said)) or "no condition reported"


def colors(one: Overall, key: str) -> tuple[np.ndarray, str]:
    """Numbers or words to colour alloys by [n], and what they are called."""
    if key in one.symbols:
        return one.at[:, one.symbols.index(key)], f"{key} (at.%)"
    if key == FAMILY:
        return one.alloys["family"].map(family_words).to_numpy(str), LABELS[FAMILY]
    if key in (VALUE, PREDICTION):
        return one.alloys[key].to_numpy(float), f"{LABELS[key]} ({one.task.unit})"
    if key == "process" and key in one.alloys:
        return one.alloys[key].map(lambda word: PROCESS_WORDS.get(word, "not reported")).to_numpy(str), called(key)
    if key in one.alloys:
        return one.alloys[key].to_numpy(float), called(key)
    return np.full(len(one.alloys), np.nan), called(key)
