"""Bars and swaps, arranged for reading: what readers call them, the largest of them, and tables to take along. Pure."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.desk import COLUMN_WORDS
from app.evidence import CONDITION_WORDS, PROCESS_WORDS
from app.figures.style import signed, with_spread, written
from app.selection import Selection
from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.explain.members import OfMembers
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions

MOST = 15  # bars drawn; the rest is summed
LOWER_IS_BETTER = {"corrosion_current", "passive_current"}
LEAST = 0.005  # at.%; a smaller difference is not written
WAYS = {"element": "Elements", "feature": "Features", "kind": "Kinds"}
_WORDS = COLUMN_WORDS | {
    "process": "Processing", "log_chloride": "Chloride (log)", "no_chloride": "No chloride", "log_bromide": "Bromide (log)",
    "log_sulphate": "Sulphate (log)", "log_scan_rate": "Scan rate (log)", "elements": "Elements", "descriptors": "Descriptors",
    "conditions": "Processing and conditions"}
_PROCESS, _UNKNOWN = "process_", "_not_reported"


def called(name: str) -> str:
    """What readers call an element, a feature column, a condition or a kind: "Cr", "Cr content", "Processing: cast"."""
    if name in _WORDS:
        return _WORDS[name]
    if name.startswith(AT):
        return f"{name.removeprefix(AT)} content"
    if name.endswith(_UNKNOWN):
        before = name.removesuffix(_UNKNOWN)
        return f"{_WORDS.get(before, before.capitalize())} not reported"
    if name.startswith(_PROCESS):
        return f"Processing: {PROCESS_WORDS[name.removeprefix(_PROCESS)]}"
    return name


@dataclass(frozen=True, eq=False)
class Bars(OfMembers):
    """Bars of one task in its unit: labels [N], of_members [M, N], error [N]; notes: what changed, "+11.1", "" where unknown."""

    labels: tuple[str, ...]
    notes: tuple[str, ...]
    of_members: np.ndarray
    error: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """The mean over members [N]."""
        return self.of_members.mean(axis=0)


@dataclass(frozen=True, eq=False)
class Explained:
    """One task of an explained alloy. found: an `mtl_core.explain.attribution.Attribution`; baseline: what it started from;
    changes: name of a bar → what differs there, alloy against baseline; outside: which of the two lie outside the domain."""

    task: TaskSpec
    found: OfMembers
    baseline: str
    changes: Mapping[str, str]
    outside: tuple[str, ...] = ()

    def bars(self, most: int = MOST, order: Sequence[str] = ()) -> Bars:
        """The largest, and the sum of the others as one more; by size, or the named ones first and in that order."""
        names, ranked = self.found.names, np.argsort(-np.abs(self.found.values), kind="stable")
        shown, rest = (ranked, []) if len(ranked) <= most + 1 else (ranked[:most], ranked[most:])
        if order:
            shown = sorted(shown, key=lambda i: (*order, names[i]).index(names[i]))
        labels, notes = [called(names[i]) for i in shown], [self.changes.get(names[i], "") for i in shown]
        of_members, error = self.found.of_members[:, shown], self.found.error[shown]
        if len(rest):
            labels, notes = [*labels, f"{len(rest)} others"], [*notes, ""]
            of_members = np.column_stack([of_members, self.found.of_members[:, rest].sum(axis=1)])
            error = np.append(error, np.sqrt((self.found.error[rest] ** 2).sum()))
        return Bars(tuple(labels), tuple(notes), of_members, error)

    @property
    def unit(self) -> str:
        """Of a difference."""
        return unit_of_change(self.task)

    @property
    def is_rough(self) -> bool:
        """Whether the bars miss a tenth of the difference or more."""
        return is_rough(self.found)

    def sentence(self) -> str:
        """How well the bars add up."""
        found, change = self.found, abs(self.found.prediction - self.found.baseline)
        if found.error.any():
            return (f"Some alloys stand for all: a bar has a standard error of up to {written(found.error.max())} {self.unit}; "
                    f"the sum misses the difference of {written(change)} {self.unit} by {written(abs(found.gap))} {self.unit}.")
        gap = f"{written(abs(found.gap))} {self.unit}" if abs(found.gap) > 1e-3 * change else "less than 0.1 % of it"
        return f"The bars add up to the difference but for {gap}, the error of the integral."


def is_rough(found) -> bool:
    """Whether what adds up to the difference between two predictions misses a tenth of it or more."""
    return abs(found.gap) > 0.1 * abs(found.prediction - found.baseline)


def unit_of_change(task: TaskSpec) -> str:
    """A difference of two potentials knows no reference electrode."""
    return task.unit.removesuffix(" vs SCE")


def changes(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, str]:
    """Element → "+11.1", how many at.% the alloy has more than the baseline."""
    different = {symbol: after.get(symbol, 0.0) - before.get(symbol, 0.0) for symbol in before | after}
    texts = {symbol: signed(one) for symbol, one in different.items() if abs(one) >= LEAST}
    return texts | {AT + symbol: text for symbol, text in texts.items()}


def changes_of_conditions(before: Conditions, after: Conditions) -> dict[str, str]:
    """Condition → "25 °C → 60 °C", of those that differ."""
    return {name: f"{_spoken(name, getattr(before, name))} → {_spoken(name, getattr(after, name))}"
            for name in CONDITION_WORDS if getattr(before, name) != getattr(after, name)}


def _spoken(name, value):
    return "not reported" if value is None else CONDITION_WORDS[name].format(PROCESS_WORDS.get(value, value))


def bars_table(explained: Sequence[Explained], alloy: str, by: str) -> pd.DataFrame:
    """One row a bar, all of them."""
    return pd.DataFrame([
        {"property": one.task.key, "unit": one.unit, "alloy": alloy, "baseline": one.baseline, "by": by, "name": name,
         "label": called(name), "change": one.changes.get(name, "").replace("−", "-"),  # for other programs
         "value": one.found.values[i], "spread": one.found.spread[i], "is_stable": bool(one.found.is_stable[i]),
         "error": one.found.error[i]}
        for one in explained for i, name in enumerate(one.found.names)])


def swaps_table(found, alloy: str) -> pd.DataFrame:
    """One row a swap and property. found: an `mtl_core.explain.swaps.Swaps`."""
    return pd.DataFrame([
        {"property": task.key, "unit": unit_of_change(task), "alloy": alloy, "step": found.step, "out": out, "into": into,
         "value": found.values[row, column], "spread": found.spread[row, column],
         "is_stable": bool(found.is_stable[row, column]), "in_domain": bool(found.in_domain[row, column])}
        for column, task in enumerate(found.tasks) for row, (out, into) in enumerate(zip(found.out, found.into, strict=True))])


def swap_words(found, row: int) -> str:
    """"Fe → Mo: +4.2 ± 1.1 HV, +20 ± 5 mV"; (?): the networks disagree on the sign, (!): outside the domain."""
    effects = [f"{with_spread(found.values[row, column], found.spread[row, column])} {unit_of_change(task)}"
               f"{'' if found.is_stable[row, column] else ' (?)'}{'' if found.in_domain[row, column] else ' (!)'}"
               for column, task in enumerate(found.tasks)]
    return f"{found.out[row]} → {found.into[row]}: {', '.join(effects)}"


def best_swaps(found, ranges: Mapping[str, float]) -> dict[str, list[int]]:
    """What is looked for → the three best swaps: each property alone, then all of them. ranges: task → its 5-95 % range."""
    best, scales = {}, {task.key: ranges[task.key] * (-1.0 if task.key in LOWER_IS_BETTER else 1.0) for task in found.tasks}
    for task in found.tasks:
        wanted = "Lower" if task.key in LOWER_IS_BETTER else "Higher"
        best[f"{wanted} {task.label.lower()}"] = found.best({task.key: scales[task.key]})
    return best | ({"Both at once" if len(scales) == 2 else "All at once": found.best(scales)} if len(scales) > 1 else {})


def after_swap(chosen: Selection, composition: Composition, into: str) -> Selection:
    """The selection with the swapped alloy in it: same conditions, locks and unit; the element that came in is swept."""
    amounts = composition.at if chosen.basis == "at" else composition.wt
    return chosen.but(amounts=dict.fromkeys(chosen.amounts, 0.0) | amounts, moved=into)
