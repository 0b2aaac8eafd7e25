"""What a prediction is compared with: another alloy, the mean alloy, the nearest measured one, or all that were measured."""
import numpy as np

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.errors import CompositionError
from mtl_core.tasks import TaskSpec
from mtl_core.uncertainty.predictor import Predictor

MEAN, NEAREST, DISTRIBUTION = "mean", "nearest", "distribution"
N_ALLOYS = 32  # that stand for a distribution
SAME = 0.5  # at.% to swap, below which a measured alloy is the alloy itself, as in the folds


def baseline_of(text: str, predictor: Predictor, composition: Composition,
                task: TaskSpec) -> Composition | tuple[Composition, ...]:
    """"mean", "nearest" or "distribution" of the alloys that the task was learnt from, or an alloy as text.

    Raises CompositionError for a text that is none of them.
    """
    if text not in (MEAN, NEAREST, DISTRIBUTION):
        try:
            return Composition.from_text(text)
        except CompositionError as error:
            raise CompositionError(f"expected {MEAN}, {NEAREST}, {DISTRIBUTION} or an alloy to compare with: {error}") from error
    symbols, at = predictor.ensemble.spec.symbols, _measured(predictor, task)
    if text == MEAN:
        return Composition.from_array(at.mean(axis=0), symbols, normalise=True)
    if text == NEAREST:
        distance = 0.5 * np.abs(at - predictor.at_matrix([composition])).sum(axis=1)
        other = np.where(distance > SAME, distance, np.inf)
        return Composition.from_array(at[np.argmin(other)], symbols, normalise=True)
    chosen = at[((np.arange(N_ALLOYS) + 0.5) / N_ALLOYS * len(at)).astype(int)]
    return tuple(Composition.from_array(row, symbols, normalise=True) for row in chosen)


def _measured(predictor, task):
    """at.% [n, E] of the different alloys of a task, sorted, so that every so many-th follows the distribution."""
    rows = predictor.observations
    mine = rows.loc[rows["task"] == task.key, [AT + symbol for symbol in predictor.ensemble.spec.symbols]]
    return np.unique(mine.to_numpy(float), axis=0)
