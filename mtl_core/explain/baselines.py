"""What a prediction is compared with: another alloy, the typical or the nearest measured one, their mean, or all of them.

The typical alloy is the medoid of the readings (Kaufman & Rousseeuw 1987): of the measured alloys the one from which those of all
readings differ least. Its property was measured. The mean alloy holds a little of every element and exists nowhere, so that its
prediction is an extrapolation.
"""
import numpy as np
from scipy.spatial.distance import cdist

from mtl_core.chemistry.composition import Composition
from mtl_core.chemistry.grades import read_alloy
from mtl_core.data.schema import AT
from mtl_core.errors import CompositionError
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

TYPICAL, NEAREST, MEAN, DISTRIBUTION = KINDS = "typical", "nearest", "mean", "distribution"
N_ALLOYS = 32  # that stand for a distribution
SAME = 0.5  # at.% to swap, below which a measured alloy is the alloy itself, as in the folds


def baseline_of(text: str, predictor: Predictor, composition: Composition,
                task: TaskSpec) -> Composition | tuple[Composition, ...]:
    """"typical", "nearest", "mean" or "distribution" of the alloys that the task was learnt from, or an alloy as text.

    Raises CompositionError for a text that is none of them.
    """
    if text not in KINDS:
        try:
            return read_alloy(text)
        except CompositionError as error:
            raise CompositionError(f"expected {', '.join(KINDS)} or an alloy to compare with: {error}") from error
    symbols, (at, n_readings) = predictor.ensemble.spec.symbols, _measured(predictor, task)
    if text == MEAN:
        return Composition.from_array(at.mean(axis=0), symbols, normalise=True)
    if text == TYPICAL:
        return Composition.from_array(at[np.argmin(cdist(at, at, "cityblock") @ n_readings)], symbols, normalise=True)
    if text == NEAREST:
        distance = 0.5 * np.abs(at - predictor.at_matrix([composition])).sum(axis=1)
        other = np.where(distance > SAME, distance, np.inf)
        return Composition.from_array(at[np.argmin(other)], symbols, normalise=True)
    chosen = at[((np.arange(N_ALLOYS) + 0.5) / N_ALLOYS * len(at)).astype(int)]
    return tuple(Composition.from_array(row, symbols, normalise=True) for row in chosen)


def outside_domain(predictor: Predictor, composition: Composition, conditions: Conditions, task: TaskSpec,
                   start: Composition | tuple[Composition, ...]) -> tuple[str, ...]:
    """Which of the two lie outside the domain of a task, in words; of a distribution only the alloy is asked."""
    ends = {"this alloy": composition} | ({} if isinstance(start, tuple) else {"what it is compared with": start})
    inside = predictor.in_domain(list(ends.values()), conditions)[:, predictor.tasks.index(task)]
    return tuple(name for name, is_inside in zip(ends, inside, strict=True) if not is_inside)


def _measured(predictor, task):
    """Different alloys of a task, at.% [n, E], sorted, so that every so many-th follows the distribution; readings of each."""
    rows = predictor.observations
    mine = rows.loc[rows["task"] == task.key, [AT + symbol for symbol in predictor.ensemble.spec.symbols]]
    return np.unique(mine.to_numpy(float)[mine.sum(axis=1) > 0], axis=0, return_counts=True)
