"""Which elements act together: the part of a difference between two predictions that belongs to pairs.

Integrated Hessians (Janizek, Sturmfels & Lee 2021, J. Mach. Learn. Res. 22, 104): the attribution of element i is itself a
function of the alloy, and is attributed to every element j in turn,
    Γ_ij = d_i d_j ∫∫ αβ ∂²f/∂x_i∂x_j (x' + αβ d) dα dβ  +  δ_ij d_i ∫∫ ∂f/∂x_i (x' + αβ d) dα dβ,        d = x − x'
with x the at.% of the alloy and x' those of the baseline. All Γ add up to f(x) − f(x'); a row to the bar of its element.
Elements that differ little move together, as one coordinate "others": on a straight path the interactions of a sum are the sums
of the interactions. f is in the learning unit, where the ensemble is the mean of its members, so that each has a map of its own.
Where a score reaches the end of its scale the path has a corner, whose curvature no node sees: `corners` adds what it is worth.

Axes: node b · member M · group N.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise

import numpy as np
import tensorflow as tf

from mtl_core.chemistry.composition import Composition
from mtl_core.explain.attribution import MOST_GAP, _ElementPath
from mtl_core.explain.corners import corner_cells
from mtl_core.explain.groups import Groups, groups_between
from mtl_core.explain.members import OfMembers
from mtl_core.explain.nodes import panels
from mtl_core.explain.path_explainer import integrated_hessians, log_weighted_nodes
from mtl_core.features.table import featurize
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

N_NODES = 8  # a panel
N_PANELS = (1, 6, 12)  # of the path: more, while the gap is larger than MOST_GAP of the range of the task
BATCH = 16  # nodes × stand-ins at once: the slopes of all members and masks must stay in memory
STEP = 1e-4  # of a coordinate, for the slopes and curvatures of the featuriser
N_BASELINES = 6  # that stand for a distribution
N_ALLOYS = 24  # of a selection


@dataclass(frozen=True, eq=False)
class Interactions(OfMembers):
    """Pairs of one task, in its learning unit.

    names: [N]; of_members: [M, N, N], zero above the diagonal: below it Γ_ij + Γ_ji, on it Γ_ii, what a group does alone. All
    cells add up to prediction − baseline, but for the gap.
    """

    task: TaskSpec
    names: tuple[str, ...]
    of_members: np.ndarray
    baseline: float
    prediction: float

    @cached_property
    def values(self) -> np.ndarray:
        """The map [N, N]: mean over members."""
        return self.of_members.mean(axis=0)

    @property
    def gap(self) -> float:
        """prediction − baseline − sum of the cells: what the integral misses."""
        return self.prediction - self.baseline - float(self.values.sum())

    @property
    def bars(self) -> np.ndarray:
        """What each group adds [N]: all of its own, and half of each pair."""
        halves = 0.5 * (self.values + self.values.T)
        return halves.sum(axis=1)


@dataclass(frozen=True, eq=False)
class MeanInteractions(OfMembers):
    """The same averaged over alloys; what an alloy has no difference in counts as 0.

    of_members: [M, N, N]; size: mean |cell| over the alloys, n: alloys in which both differ from the baseline, each [N, N];
    gaps: [alloys].
    """

    task: TaskSpec
    names: tuple[str, ...]
    of_members: np.ndarray
    size: np.ndarray
    n: np.ndarray
    gaps: np.ndarray

    @cached_property
    def values(self) -> np.ndarray:
        """The map [N, N]: mean over members and alloys."""
        return self.of_members.mean(axis=0)


def interactions(predictor: Predictor, composition: Composition, conditions: Conditions, task: TaskSpec, *,
                 baseline: Composition | Sequence[Composition], baseline_conditions: Conditions | None = None,
                 n_panels: Sequence[int] = N_PANELS) -> Interactions:
    """Pairs of elements, and of conditions where they differ; members, masks and stand-ins are those of the prediction.

    baseline: an alloy, or several as a distribution, of which N_BASELINES are used. baseline_conditions: the alloy's own unless
    given.
    """
    if isinstance(baseline, Composition):
        return _against(predictor, composition, conditions, task, baseline, baseline_conditions or conditions, n_panels)
    few = evenly(baseline, N_BASELINES)
    found = [_against(predictor, composition, conditions, task, one, baseline_conditions or conditions, n_panels) for one in few]
    names, maps = _side_by_side(found)
    return Interactions(task, names, maps.mean(axis=0), float(np.mean([one.baseline for one in found])), found[0].prediction)


def mean_interactions(found: Sequence[Interactions]) -> MeanInteractions:
    """The average over alloys; found: one of each alloy, of the same task and ensemble."""
    names, maps = _side_by_side(found)
    differs = np.array([[name in one.names for name in names] for one in found])
    return MeanInteractions(found[0].task, names, maps.mean(axis=0), np.abs(maps.mean(axis=1)).mean(axis=0),
                            (differs[:, :, None] & differs[:, None]).sum(axis=0), np.array([one.gap for one in found]))


def evenly(several: Sequence, n: int) -> list:
    """n of them at even distances, or all where there are fewer."""
    return [several[index] for index in np.linspace(0, len(several) - 1, min(n, len(several))).round().astype(int)]


def few_members(predictor: Predictor, every: int) -> Predictor:
    """A predictor of every so many-th member only: an average over many alloys needs fewer."""
    from dataclasses import replace

    return replace(predictor, ensemble=predictor.ensemble.select(np.arange(0, predictor.n_members, every)))


def learning_range(predictor: Predictor, task: TaskSpec) -> float:
    """Distance between the 5th and the 95th percentile of what the task was learnt from, in its learning unit."""
    rows = predictor.observations
    values = rows.loc[rows["task"] == task.key, "value"].dropna().quantile([0.05, 0.95])
    return float(np.diff(task.to_learning(values.to_numpy()))[0])


def _against(predictor, composition, conditions, task, baseline, baseline_conditions, n_panels):
    at, given = predictor.at_matrix([composition, baseline]), [conditions, baseline_conditions]
    path, groups = _ElementPath(predictor, task, at, given), groups_between(predictor, task, at, given)
    n_members, n_groups = predictor.n_members, len(groups.names)
    answers = path.of_members.mean(axis=1)
    if not n_groups:
        return Interactions(task, (), np.zeros((n_members, 0, 0)), float(answers[1]), float(answers[0]))
    unseen = _steps(path, groups)[..., None] * np.eye(n_groups) + corner_cells(path, groups, at)
    most = MOST_GAP * learning_range(predictor, task)
    for n in n_panels:
        pieces = [log_weighted_nodes(N_NODES, *ends) for ends in pairwise(panels(predictor, task, at[:1], at[1:], n)[0])]
        nodes, weights = np.concatenate(pieces, axis=1)
        cells = integrated_hessians(_near(path, groups, at, nodes), n_groups, nodes, weights, n_functions=n_members,
                                    batch=max(1, BATCH // path.n_draws))
        cells += unseen
        cells = np.tril(cells) + np.tril(cells.transpose(0, 2, 1), -1)
        found = Interactions(task, groups.names, cells, float(answers[1]), float(answers[0]))
        if abs(found.gap) <= most:
            break
    return found


def _near(path, groups: Groups, at: np.ndarray, nodes: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """What the members answer near the nodes, [b, M] in the learning unit, to coordinates [b, M, N] from 0, the baseline, to 1.

    The columns that follow from the composition are those of all members, so each is developed once about each node, to second
    order: at a node the slopes and curvatures of the whole are then exact, and the featuriser is not asked M times.
    """
    *expansion, places = (tf.constant(one, tf.float32) for one in (*_expansion(path, groups, at, nodes), nodes))
    moves = tf.constant(groups.holds(np.tile(path.origins, path.n_draws)), tf.float32)
    end, start = tf.constant(path.ends[..., at.shape[1]:], tf.float32)

    def function(coordinates):
        index = tf.searchsorted(places, coordinates[:, 0, 0])
        value, slope, curve = (tf.gather(one, index) for one in expansion)
        away = coordinates - tf.gather(places, index)[:, None, None]
        composed = value[:, None] + tf.einsum("bdn,bmn->bmd", slope, away)
        composed += 0.5 * tf.einsum("bmdn,bmn->bmd", tf.einsum("bdnk,bmk->bmdn", curve, away), away)
        context = start + tf.einsum("bmn,nc->bmc", coordinates, moves) * (end - start)
        context = tf.reshape(context, (*context.shape[:2], path.n_draws, -1))
        return path._members(tf.concat([tf.repeat(composed[:, :, None], path.n_draws, axis=2), context], axis=-1))

    return function


def _expansion(path, groups, at, nodes):
    """Values [b, D], slopes [b, D, N] and curvatures [b, D, N, N] of the columns that follow from the composition, by the
    coordinates, at the nodes [b]: central differences in double precision. Not reported: NaN that never changes."""
    n, spec = len(groups.names), path.ensemble.spec
    step = np.minimum(STEP, 0.05 * np.minimum(nodes, 1.0 - nodes))[:, None, None]
    row, column = np.triu_indices(n, 1)
    sides = np.concatenate([np.eye(n), np.eye(n)[row] + np.eye(n)[column]])  # one coordinate moved, then two
    points = nodes[:, None, None] + step * np.concatenate([np.zeros((1, n)), sides, -sides])
    amounts = at[1] + points @ groups.holds(spec.symbols) * (at[0] - at[1])
    values = featurize(amounts.reshape(-1, at.shape[1]), {"not_reported": path.unstated}, spec).values[:, :spec.n_of_composition]
    values = values.reshape(len(nodes), len(sides) * 2 + 1, -1)
    center, ahead, behind = values[:, :1], *np.split(values[:, 1:], 2, axis=1)
    slopes = np.nan_to_num((ahead - behind)[:, :n] / (2 * step))
    bends = np.nan_to_num((ahead - 2 * center + behind) / step**2)  # of one coordinate, and of the sum of two
    curves = np.zeros((len(nodes), n, n, values.shape[2]))
    curves[:, np.arange(n), np.arange(n)] = bends[:, :n]
    curves[:, row, column] = curves[:, column, row] = 0.5 * (bends[:, n:] - bends[:, row] - bends[:, column])
    return center[:, 0], slopes.transpose(0, 2, 1), curves.transpose(0, 3, 1, 2)


def _steps(path, groups):
    """What the path does not see, [M, N]: the steps at elements that only one end states (see `attribution`)."""
    steps = np.zeros((len(path.of_members[0]), len(groups.names)))
    if path.stepping:
        missed = path.of_members - path._in_batches(path.ends, path._values)
        stepping = groups.holds([path.ensemble.spec.symbols[index] for index in path.stepping]).sum(axis=1)
        steps += (missed[0] - missed[1])[:, None] * stepping / stepping.sum()
    return steps


def _side_by_side(found):
    """All names, the most frequent first, and the maps on them [n, M, N, N]."""
    counts = reduce(lambda total, one: total | {name: total.get(name, 0) + 1 for name in one.names}, found, {})
    names = tuple(sorted(counts, key=lambda name: -counts[name]))
    maps = np.zeros((len(found), len(found[0].of_members), len(names), len(names)))
    for row, one in zip(maps, found, strict=True):
        index = [names.index(name) for name in one.names]
        whole = one.of_members + np.tril(one.of_members, -1).transpose(0, 2, 1)
        row[np.ix_(np.arange(len(row)), index, index)] = whole
    return names, np.tril(maps)
