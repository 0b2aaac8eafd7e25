"""Bars and swaps, arranged for reading: what readers call them, the largest of them, and tables to take along. Pure."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.selection import Selection
from mtl_core.chemistry.composition import Composition
from mtl_core.explain.members import OfMembers
from mtl_core.explain.words import is_rough, sum_sentence, unit_of_change
from mtl_core.features.words import called
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions

MOST = 15  # bars drawn; the rest is summed
NINE_IN_TEN = 1.28  # standard errors, of a normal distribution
WAYS = {"element": "Elements", "feature": "Features", "kind": "Kinds"}


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

    @property
    def whisker(self) -> np.ndarray:
        """Spread over members and, against several alloys, the standard error that the few of them leave, together [N]."""
        return np.hypot(self.spread, self.error)

    @property
    def is_sure(self) -> np.ndarray:
        """Whether the sign is stable over members, and would be in nine of ten other draws of the alloys compared with [N]."""
        return self.is_stable & (np.abs(self.values) >= NINE_IN_TEN * self.error)


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
        return sum_sentence(self.found, self.unit)


def bars_table(explained: Sequence[Explained], alloy: str, by: str, conditions: Conditions) -> pd.DataFrame:
    """One row a bar, all of them; values in the unit of the row. conditions: of the alloy."""
    return pd.DataFrame([
        {"property": one.task.key, "unit": one.unit, "alloy_at_percent": alloy, "baseline": one.baseline, "by": by, "name": name,
         "label": called(name), "change": one.changes.get(name, "").replace("−", "-"),  # for other programs
         "value": one.found.values[i], "std_over_networks": one.found.spread[i], "is_stable": bool(one.found.is_stable[i]),
         "standard_error": one.found.error[i], **conditions.model_dump()}
        for one in explained for i, name in enumerate(one.found.names)])


def swaps_table(found, alloy: str, conditions: Conditions) -> pd.DataFrame:
    """One row a swap and property, values in the unit of the row. found: an `mtl_core.explain.swaps.Swaps`."""
    return pd.DataFrame([
        {"property": task.key, "unit": unit_of_change(task), "alloy_at_percent": alloy, "step_at_percent": found.step, "out": out,
         "into": into, "value": found.values[row, column], "std_over_networks": found.spread[row, column],
         "is_stable": bool(found.is_stable[row, column]), "in_domain": bool(found.in_domain[row, column]),
         "n_measured": int(found.n_measured[row, column]), **conditions.model_dump()}
        for column, task in enumerate(found.tasks) for row, (out, into) in enumerate(zip(found.out, found.into, strict=True))])


def after_swap(chosen: Selection, composition: Composition, into: str) -> Selection:
    """The selection with the swapped alloy in it: same conditions, locks and unit; the element that came in is swept."""
    amounts = composition.at if chosen.basis == "at" else composition.wt
    return chosen.but(amounts=dict.fromkeys(chosen.amounts, 0.0) | amounts, moved=into)
