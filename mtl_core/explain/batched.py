"""Attributions of very many alloys: `compact` in portions that fit into memory, with more nodes where the gap is large."""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mtl_core.explain.attribution import MOST_GAP, typical_range
from mtl_core.explain.compact import both_bars
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

NODES = ((8, 1), (4, 6), (6, 10), (6, 24))  # nodes a panel, and panels: more, for alloys whose gap is above MOST_GAP of the range
PARTS = (0.0, 0.55, 0.85, 0.95, 1.0)  # of the work that are done before each of these passes, and after the last
MOST_ANSWERS = 80_000  # of one network under one mask at once; each holds its hidden states until its slopes are known

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Batch:
    """Bars of n alloys of one task, in its unit.

    elements: [M, n, E]; features: [M, n, C], of the columns that follow from the composition; baseline, prediction: [n], of the
    ensemble.
    """

    elements: np.ndarray
    features: np.ndarray
    baseline: np.ndarray
    prediction: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """prediction − baseline − sum of the bars [n]: what the integral misses."""
        return self.prediction - self.baseline - self.elements.mean(axis=0).sum(axis=1)


def attribute_many(predictor: Predictor, task: TaskSpec, at: np.ndarray, baseline: np.ndarray,
                   conditions: Sequence[Conditions], *, progress: Progress | None = None) -> Batch:
    """Explain n predictions, each from the same baseline or from its own, under its own conditions at both ends.

    at: at.% [n, E] of the elements that the ensemble knows, closed to 100; baseline: [E] or [n, E]; conditions: one an alloy.
    progress: told how far it is, as a number of alloys out of all.
    """
    n, n_members, n_columns = len(at), predictor.n_members, n_of_composition(predictor)
    batch = Batch(np.zeros((n_members, n, at.shape[1]), np.float32), np.zeros((n_members, n, n_columns), np.float32),
                  np.zeros(n), np.zeros(n))
    baseline, rows, most = np.broadcast_to(baseline, at.shape), np.arange(n), MOST_GAP * typical_range(predictor, task)
    for (before, after), (n_nodes, n_panels) in zip(pairwise(PARTS), NODES, strict=True):
        for done, some in _chunks(predictor, task, at, conditions, rows, n_nodes * n_panels):
            elements, features, ends = both_bars(predictor, task, at[some], baseline[some], [conditions[row] for row in some],
                                                 n_nodes=n_nodes, n_panels=n_panels)
            batch.elements[:, some], batch.features[:, some] = elements, features[..., :n_columns]
            batch.baseline[some], batch.prediction[some] = ends
            if progress:
                progress(int(n * (before + (after - before) * done / len(rows))), n)
        rows = rows[np.abs(batch.gap[rows]) > most]
        if not len(rows):
            break
    if progress:
        progress(n, n)
    return batch


def n_of_composition(predictor: Predictor) -> int:
    """How many columns a change of composition changes: elements, descriptors, and what says that an element was not reported."""
    spec = predictor.ensemble.spec
    return spec.n_of_composition + len(spec.masked)


def _chunks(predictor, task, at, conditions, rows, n_nodes) -> Iterator[tuple[int, np.ndarray]]:
    """How many are done after it, and alloys that leave out the same conditions, as many as fit into memory."""
    missing = [tuple(name for name in task.conditions if getattr(conditions[row], name) is None) for row in rows]
    at_once, done = MOST_ANSWERS // (predictor.n_members * predictor.n_masks * n_nodes), 0
    for gap in dict.fromkeys(missing):
        alike = rows[[one == gap for one in missing]]
        size = max(1, at_once // predictor.context(task, at[alike[:1]], [conditions[alike[0]]])[1])
        for some in np.split(alike, range(size, len(alike), size)):
            done += len(some)
            yield done, some
