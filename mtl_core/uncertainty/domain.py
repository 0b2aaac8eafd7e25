"""Domain of applicability of one task: is this alloy, in these conditions, near anything the task was measured on?"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from mtl_core.data.schema import AT
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions

# at.% from which an element or a pair counts as present; below it even an unseen one is a trace.
TRACE = 1.0
# Share of training alloys that the distance limit accepts when their own papers are hidden.
ACCEPTED = 0.95
_WORDS = {"temperature_c": ("temperature", "°C"), "chloride_m": ("[Cl⁻]", "mol/L"), "ph": ("pH", ""),
          "scan_rate_mv_s": ("scan rate", "mV/s")}


@dataclass(frozen=True, eq=False)
class Domain:
    """What one task's training alloys span.

    at: [n, E] at.% of the training rows; symbols: their elements; group: [n] paper of each row; processes: labels seen;
    ranges: condition → (lowest, highest) reported.
    """

    task: TaskSpec
    symbols: tuple[str, ...]
    at: np.ndarray
    group: np.ndarray
    processes: frozenset[str]
    ranges: dict[str, tuple[float, float]]

    @classmethod
    def fit(cls, observations: pd.DataFrame, task: TaskSpec, symbols: tuple[str, ...]) -> "Domain":
        """From the rows of `task` among the training observations."""
        rows = observations[observations["task"] == task.key]
        numeric = [name for name in task.conditions if name in _WORDS and rows[name].notna().any()]
        return cls(task, symbols, rows[[AT + symbol for symbol in symbols]].to_numpy(float),
                   pd.factorize(rows["reference_group"])[0], frozenset(rows["process"]) - {""},
                   {name: (float(rows[name].min()), float(rows[name].max())) for name in numeric})

    @cached_property
    def limit(self) -> float:
        """Largest accepted distance in at.%: what 95 % of the training alloys keep to the nearest alloy of another paper."""
        distances = np.where(self.group[:, None] == self.group, 100.0, 0.5 * cdist(self.at, self.at, "cityblock"))
        return float(np.quantile(distances.min(axis=1), ACCEPTED))

    def distances(self, at: np.ndarray) -> np.ndarray:
        """at.% that would have to be swapped to reach the nearest training alloy (half the L1 distance), [m]; at: [m, E]."""
        return 0.5 * cdist(at, self._distinct, "cityblock").min(axis=1)

    def scores(self, at: np.ndarray) -> np.ndarray:
        """distance / limit, [m]: up to 1 is as near as alloys of different papers usually are."""
        return self.distances(at) / max(self.limit, 1e-9)

    def reasons(self, at: np.ndarray, foreign: Sequence[tuple[str, ...]], conditions: Sequence[Conditions]) -> list[str]:
        """Why each of m alloys [m, E] lies outside, in words; empty where it does not. foreign: elements beyond `symbols`."""
        distances = self.distances(at)
        return ["; ".join(self._reasons(*alloy)) for alloy in zip(at, foreign, conditions, distances, strict=True)]

    def _reasons(self, at, foreign, conditions, distance):
        found = [f"no alloy with {symbol} in the {self._name} data" for symbol in foreign]
        found += self._element_reasons(at) + self._pair_reasons(at) + self._condition_reasons(conditions)
        if not found and distance > self.limit:
            found = [f"the nearest alloy in the {self._name} data is {distance:.0f} at.% away "
                     f"({self.limit:.0f} at.% is usual between papers)"]
        return found

    @property
    def _name(self):
        return self.task.label.lower()

    @cached_property
    def _distinct(self):
        return np.unique(self.at, axis=0)

    @cached_property
    def _largest(self):
        return self.at.max(axis=0)

    @cached_property
    def _pairs_seen(self):
        present = self.at >= TRACE
        return (present[:, :, None] & present[:, None, :]).any(axis=0)

    def _element_reasons(self, at):
        beyond = np.flatnonzero(at > np.maximum(1.1 * self._largest, self._largest + 0.5 * TRACE))
        return [f"no alloy with {self.symbols[i]} above {self._largest[i]:.3g} at.% in the {self._name} data"
                if self._largest[i] > 0 else f"no alloy with {self.symbols[i]} in the {self._name} data" for i in beyond]

    def _pair_reasons(self, at):
        present = np.flatnonzero((at >= TRACE) & (self._largest >= TRACE))
        return [f"no alloy with {self.symbols[i]} and {self.symbols[j]} together in the {self._name} data"
                for a, i in enumerate(present) for j in present[a + 1:] if not self._pairs_seen[i, j]]

    def _condition_reasons(self, conditions):
        found = []
        if "process" in self.task.conditions and conditions.process and conditions.process not in self.processes:
            found.append(f"no {conditions.process.lower()} alloy in the {self._name} data")
        for name, (lowest, highest) in self.ranges.items():
            value, (word, unit) = getattr(conditions, name), _WORDS[name]
            if value is not None and not lowest <= value <= highest:
                found.append(f"{word} {value:g} {unit} is outside {lowest:.3g} to {highest:.3g} {unit} of the "
                             f"{self._name} data".replace("  ", " "))
        return found
