"""What moves together when two alloys are compared: elements that differ enough on their own, conditions, and all the rest."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtl_core.explain.attribution import Attribution
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

OTHERS = "others"
LEAST = 0.5  # at.% by which an element has to differ to stand on its own
MOST = 10  # groups: a map of pairs stays readable, and all 2^10 subsets can be asked


@dataclass(frozen=True)
class Groups:
    """members: name of a group → the elements or conditions in it, largest difference first, `OTHERS` last."""

    members: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.members)

    def holds(self, names: Sequence[str]) -> np.ndarray:
        """Which group has which of the names, [groups, names] bool."""
        return np.array([[name in group for name in names] for group in self.members.values()], bool).reshape(-1, len(names))

    def bars(self, attribution: Attribution) -> np.ndarray:
        """The bars of the groups, [groups]: sums of those of their members."""
        return self.holds(attribution.names) @ attribution.values


def groups_between(predictor: Predictor, task: TaskSpec, at: np.ndarray, conditions: Sequence[Conditions]) -> Groups:
    """The groups in which an alloy and a baseline differ; at: [2, E], conditions: 2, those of the alloy first."""
    changed = [name for name in task.conditions if getattr(conditions[0], name) != getattr(conditions[1], name)]
    difference, symbols = np.abs(at[0] - at[1]), predictor.ensemble.spec.symbols
    ranked = [index for index in np.argsort(-difference, kind="stable") if difference[index] > 0]
    alone = [symbols[index] for index in ranked if difference[index] >= LEAST][:MOST - 1 - len(changed)]
    others = tuple(symbols[index] for index in ranked if symbols[index] not in alone)
    if len(others) == 1:
        alone, others = [*alone, *others], ()
    members = {name: (name,) for name in (*alone, *changed)}
    return Groups(members | ({OTHERS: others} if others else {}))
