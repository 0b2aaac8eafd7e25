"""What replacing a little of one element by another does: the question that closure leaves, since nothing changes alone.

    Δ_{X→Y} = f(x − δ e_X + δ e_Y) − f(x)

is a finite change of the whole prediction, descriptors and all, with the same members, masks and conditions.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.errors import ConfigError
from mtl_core.explain.members import OfMembers
from mtl_core.explain.words import FEWEST
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

LARGEST_STEP = 1.0  # at.%; beyond, a swap is another alloy and not a direction
USUAL = 0.03  # share of a task's alloys that must hold as much of an element for it to be offered
TINY = 1e-6  # at.%


@dataclass(frozen=True, eq=False)
class Swaps(OfMembers):
    """n swaps and what they do to T tasks, in the unit of each.

    out, into: the elements [n]; step: at.%; of_members: [M, n, T]; of the alloy after the swap, [n, T]: in_domain, bool;
    n_measured, how many measured alloys of the task hold as much of the element that comes in.
    """

    tasks: tuple[TaskSpec, ...]
    out: tuple[str, ...]
    into: tuple[str, ...]
    step: float
    alloys: tuple[Composition, ...]
    values: np.ndarray
    of_members: np.ndarray
    in_domain: np.ndarray
    n_measured: np.ndarray

    def of_tasks(self, keys: Sequence[str]) -> "Swaps":
        """The same swaps for some of the tasks."""
        columns = [self._column(key) for key in keys]
        return replace(self, tasks=tuple(self.tasks[column] for column in columns), values=self.values[:, columns],
                       of_members=self.of_members[..., columns], in_domain=self.in_domain[:, columns],
                       n_measured=self.n_measured[:, columns])

    @property
    def is_sure(self) -> np.ndarray:
        """Whether the sign is stable, the alloy in the domain and the amount one that several measured alloys hold, [n, T]."""
        return self.is_stable & self.in_domain & (self.n_measured >= FEWEST)

    def ranked(self, rows: Sequence[int], column: int = 0) -> np.ndarray:
        """Rows in reading order: those that are sure for most tasks first, then by what they do to the task of the column."""
        rows = np.asarray(rows, int)
        return rows[np.lexsort((-self.values[rows, column], (~self.is_sure[rows]).sum(axis=1)))]

    def best(self, scales: Mapping[str, float], n: int = 3) -> list[int]:
        """Indices of the n swaps that raise all tasks in `scales` most, the best first.

        scales: task → what counts as much in each, negative where less is better; the smallest gain decides. Only swaps that gain
        in each of these tasks, by a sign that is stable, stay in the domain of each, and bring in no more of an element than was
        measured; of those that bring in the same element the best one, so that n swaps are n different ideas.
        """
        columns = [self._column(key) for key in scales]
        gains = self.values[:, columns] / np.array(list(scales.values()))
        is_sure = self.is_sure[:, columns].all(axis=1)
        least = np.where(is_sure, gains.min(axis=1), -np.inf)
        best_into = {}
        for index in np.argsort(-least, kind="stable"):
            if least[index] > 0:
                best_into.setdefault(self.into[index], int(index))
        return list(best_into.values())[:n]

    def _column(self, key):
        keys = [task.key for task in self.tasks]
        if key not in keys:
            raise ConfigError(f"expected one of the tasks {', '.join(keys)}; got {key!r}")
        return keys.index(key)


def swaps(predictor: Predictor, composition: Composition, conditions: Conditions, *, step: float = LARGEST_STEP,
          into: Sequence[str] | None = None) -> Swaps:
    """Every swap of `step` at.% between an element of the alloy that has as much and one of `into`.

    into: by default those of the alloy, and those of which the alloys measured for some task often hold as much.
    Raises ConfigError for a step that is not above 0 and at most 1 at.%, and for an alloy in which nothing can be swapped.
    """
    if not 0 < step <= LARGEST_STEP:
        raise ConfigError(f"expected a step above 0 and at most {LARGEST_STEP:g} at.%, got {step:g}")
    amounts, known = composition.at, predictor.ensemble.spec.symbols
    into = usual_elements(predictor, composition, step) if into is None else into
    pairs = [(x, y) for x, amount in amounts.items() if x in known and amount >= step for y in into if x != y and y in known]
    if not pairs:
        raise ConfigError(f"expected an element with {step:g} at.% or more and another to take its place, got "
                          f"{composition.formula()} and {', '.join(into) or 'none'}")
    alloys = tuple(swapped(composition, x, y, step) for x, y in pairs)
    before, after, in_domain = [], [], predictor.in_domain(alloys, conditions)
    for task in predictor.tasks:
        answers = predictor.members(task, predictor.at_matrix([composition, *alloys]), [conditions] * (len(alloys) + 1))
        before.append(answers[:, :1]), after.append(answers[:, 1:])
    pairs_of = list(zip(predictor.tasks, after, before, strict=True))
    return Swaps(
        predictor.tasks, *zip(*pairs, strict=True), step, alloys,
        values=np.stack([task.from_learning(new.mean(0)) - task.from_learning(old.mean(0)) for task, new, old in pairs_of], -1),
        of_members=np.stack([task.from_learning(new) - task.from_learning(old) for task, new, old in pairs_of], -1),
        in_domain=in_domain,
        n_measured=_n_measured(predictor, alloys, [y for _, y in pairs]))


def _n_measured(predictor, alloys, into):
    """How many measured alloys of each task hold as much of what came in as each alloy does, [n, T]."""
    rows, symbols = predictor.observations, predictor.ensemble.spec.symbols
    amounts, columns = np.array([alloy.at[y] for alloy, y in zip(alloys, into, strict=True)]), [symbols.index(y) for y in into]
    of_tasks = [np.unique(rows.loc[rows["task"] == task.key, [AT + symbol for symbol in symbols]].to_numpy(float), axis=0)
                for task in predictor.tasks]
    return np.stack([(at[:, columns] >= amounts - TINY).sum(axis=0) for at in of_tasks], axis=-1)


def swapped(composition: Composition, out: str, into: str, step: float) -> Composition:
    """The alloy with `step` at.% of one element replaced by another."""
    amounts = composition.at
    return Composition.from_mapping(amounts | {out: amounts[out] - step, into: amounts.get(into, 0.0) + step}, normalise=True)


def usual_elements(predictor: Predictor, composition: Composition, step: float) -> tuple[str, ...]:
    """Elements of the alloy, and those of which 3 % of the alloys measured for some task hold a step, by atomic number."""
    rows, symbols = predictor.observations, predictor.ensemble.spec.symbols
    holds = rows[[AT + symbol for symbol in symbols]].to_numpy(float) >= step
    of_task = [rows["task"].to_numpy() == task.key for task in predictor.tasks]
    shares = np.max([holds[mine].mean(axis=0) for mine in of_task], axis=0)
    return tuple(symbol for symbol, share in zip(symbols, shares, strict=True) if share >= USUAL or symbol in composition.at)
