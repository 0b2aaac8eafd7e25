"""What replacing a little of one element by another does: the question that closure leaves, since nothing changes alone.

    Δ_{X→Y} = f(x − δ e_X + δ e_Y) − f(x)

is a finite change of the whole prediction, descriptors and all, with the same members, masks and conditions.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.errors import ConfigError
from mtl_core.explain.members import OfMembers
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

LARGEST_STEP = 1.0  # at.%; beyond, a swap is another alloy and not a direction
USUAL = 0.03  # share of a task's alloys that must hold as much of an element for it to be offered
TINY = 1e-6  # at.%
FEWEST = 5  # measured alloys of a task that must hold as much of what comes in, before a swap can be called best for it


@dataclass(frozen=True, eq=False)
class Swaps(OfMembers):
    """n swaps and what they do to T tasks, in the unit of each.

    out, into: the elements [n]; step: at.%; of_members: [M, n, T]; of the alloy after the swap, [n, T] bool: in_domain; is_usual,
    whether several alloys that were measured hold as much of the element that comes in.
    """

    tasks: tuple[TaskSpec, ...]
    out: tuple[str, ...]
    into: tuple[str, ...]
    step: float
    alloys: tuple[Composition, ...]
    values: np.ndarray
    of_members: np.ndarray
    in_domain: np.ndarray
    is_usual: np.ndarray

    def best(self, scales: Mapping[str, float], n: int = 3) -> list[int]:
        """Indices of the n swaps that raise all tasks in `scales` most, the best first.

        scales: task → what counts as much in each, negative where less is better; the smallest gain decides. Only swaps that gain
        in each of these tasks, by a sign that is stable, stay in the domain of each, and bring in no more of an element than was
        measured; of those that bring in the same element the best one, so that n swaps are n different ideas.
        """
        columns = [self._column(key) for key in scales]
        gains = self.values[:, columns] / np.array(list(scales.values()))
        is_sure = (self.is_stable & self.in_domain & self.is_usual)[:, columns].all(axis=1)
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
    before, after, in_domain, usual = [], [], predictor.in_domain(alloys, conditions), _usual_amounts(predictor)
    for task in predictor.tasks:
        answers = predictor.members(task, predictor.at_matrix([composition, *alloys]), [conditions] * (len(alloys) + 1))
        before.append(answers[:, :1]), after.append(answers[:, 1:])
    pairs_of = list(zip(predictor.tasks, after, before, strict=True))
    return Swaps(
        predictor.tasks, *zip(*pairs, strict=True), step, alloys,
        values=np.stack([task.from_learning(new.mean(0)) - task.from_learning(old.mean(0)) for task, new, old in pairs_of], -1),
        of_members=np.stack([task.from_learning(new) - task.from_learning(old) for task, new, old in pairs_of], -1),
        in_domain=in_domain,
        is_usual=np.array([usual[y] >= alloy.at[y] - TINY for alloy, (_, y) in zip(alloys, pairs, strict=True)]))


def _usual_amounts(predictor):
    """Element → how much of it `FEWEST` measured alloys of each task hold, [T]."""
    rows, symbols = predictor.observations, predictor.ensemble.spec.symbols
    of_tasks = [np.unique(rows.loc[rows["task"] == task.key, [AT + symbol for symbol in symbols]].to_numpy(float), axis=0)
                for task in predictor.tasks]
    return dict(zip(symbols, np.transpose([np.sort(at, axis=0)[-FEWEST:][0] for at in of_tasks]), strict=True))


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
