"""The bars of elements by one call for all members: quick enough to follow a slider, or to ask for many alloys.

All members see the same path in composition space, so its features are made once, and what member m says of element e is

    φ_me = Σ_b w_b Σ_F (∂f/∂z)_b (∂f_m/∂v_F)_b (∂v_F/∂x_e)_b (x_e − x'_e)          b: nodes of Gauss and Legendre on the path

with x the at.%, v the features, f the ensemble and z = 1/M Σ f_m its answer in the learning unit. The slopes of the networks come
from one backward pass, as members share no parameter; those of the featuriser are central differences in double precision.
`mtl_core.explain.attribution` integrates the same through path-explain, and is the reference.

Axes: alloy n · node b · stand-in S for conditions that were not reported · member M · feature F, element E.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf

from mtl_core.chemistry.composition import Composition
from mtl_core.explain.attribution import MOST_GAP, Attribution, typical_range
from mtl_core.explain.nodes import nodes_along
from mtl_core.features.table import featurize
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

N_NODES = 12
NODES = ((4, 6), (6, 8), (6, 24))  # nodes a panel, and panels: more, while the gap of a single alloy is larger than MOST_GAP
ROWS = 64  # at once: the hidden states of all members must stay in memory until their slopes are known
STEP = 1e-4  # of an element's amount, for the slopes of the featuriser


def compact(predictor: Predictor, composition: Composition, conditions: Conditions, task: TaskSpec, *,
            baseline: Composition) -> Attribution:
    """The same as `attribute(…, by="element")` under the conditions of the alloy, but for the error of fewer nodes."""
    at = predictor.at_matrix([composition, baseline])
    for n_nodes, n_panels in NODES:
        of_members, _, ends = both_bars(predictor, task, at[:1], at[1:], [conditions], n_nodes=n_nodes, n_panels=n_panels)
        gap = ends[1, 0] - ends[0, 0] - of_members.mean(axis=0).sum()
        if abs(gap) <= MOST_GAP * typical_range(predictor, task):
            break
    shown = np.flatnonzero(np.abs(of_members[:, 0]).max(axis=0) > 0)
    names = tuple(predictor.ensemble.spec.symbols[index] for index in shown)
    return Attribution(task, names, of_members[:, 0, shown], np.zeros(len(shown)), *ends[:, 0].tolist())


def element_bars(predictor: Predictor, task: TaskSpec, at: np.ndarray, baseline: np.ndarray, conditions: Sequence[Conditions], *,
                 n_nodes: int = N_NODES) -> tuple[np.ndarray, np.ndarray]:
    """Bars [M, n, E] in the unit of the task, and the predictions of baselines and alloys [2, n].

    at, baseline: at.% [n, E] of the symbols of the ensemble; conditions: n, which must leave out the same ones.
    """
    elements, _, ends = both_bars(predictor, task, at, baseline, conditions, n_nodes=n_nodes)
    return elements, ends


def both_bars(predictor: Predictor, task: TaskSpec, at: np.ndarray, baseline: np.ndarray, conditions: Sequence[Conditions], *,
              n_nodes: int = N_NODES, n_panels: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bars of elements [M, n, E] and, on that same path, of features [M, n, F]; the predictions as in `element_bars`.

    A feature gets Σ_b w_b (∂f_m/∂v_F)_b (dv_F/dt)_b: both add up alike, but the path is no straight line in features.
    n_panels: pieces of the path with n_nodes each, see `nodes.nodes_along`.
    """
    path = _Path(predictor, task, np.stack([baseline, at]), list(conditions))
    t, weights = nodes_along(predictor, task, at, baseline, n_nodes=n_nodes, n_panels=n_panels)
    slopes, answers = path.slopes(t)  # [M, n, b, F], [n, b]
    weighed = slopes * (weights * _unit_slope(task, answers)).astype(np.float32)[..., None]
    moves, (steps, ends) = path.moves(t), path.steps()
    elements, features = steps.copy(), (weighed * moves.sum(axis=-1)).sum(axis=2)
    rows = weighed[0, 0].size
    by_alloy = weighed.swapaxes(0, 1).reshape(len(at), -1, rows) @ moves.reshape(len(at), rows, len(path.changed))
    elements[..., path.changed] += by_alloy.swapaxes(0, 1)
    for symbol, column in path.mask_of.items():
        features[..., column] += steps[..., predictor.ensemble.spec.symbols.index(symbol)]
    return elements, features, ends


@dataclass(frozen=True, eq=False)
class _Path:
    """n straight lines between alloys; ends: at.% [2, n, E], the baselines first.

    An element that only one end states is stated all along, with a mask that fades; see `attribution`.
    """

    predictor: Predictor
    task: TaskSpec
    ends: np.ndarray
    conditions: list[Conditions]

    @cached_property
    def changed(self) -> np.ndarray:
        """The elements that differ on some line [E']."""
        return np.flatnonzero((self.ends[0] != self.ends[1]).any(axis=0))

    @cached_property
    def unstated(self) -> list[list[set[str]]]:
        """The elements that count as not reported, of both ends [2][n]."""
        return [[set(text.split()) for text in self.predictor.unstated(at)] for at in self.ends]

    @cached_property
    def masks(self) -> np.ndarray:
        """1 where an end does not report an element, [2, n, masked]."""
        return np.array([[[float(symbol in one) for symbol in self._spec.masked] for one in end] for end in self.unstated])

    @property
    def mask_of(self) -> dict[str, int]:
        """Element → the column that says whether it was reported."""
        return {symbol: column for symbol, column in zip(self._spec.masked, self._mask_columns, strict=True)
                if symbol in self._spec.symbols}

    @property
    def _spec(self):
        return self.predictor.ensemble.spec

    def _between(self, ends, t):
        """[n, b, …] at the places t [n, b]."""
        return ends[0][:, None] + t[..., None] * (ends[1] - ends[0])[:, None]

    def _values(self, t):
        """Unscaled features [n, b, S, F] as the members see them on the way."""
        at = self._between(self.ends, t).reshape(-1, self.ends.shape[-1])
        columns, n_draws = self.predictor.context(self.task, at, [one for one in self.conditions for _ in t[0]])
        values = self._featurized(np.repeat(at, n_draws, axis=0), columns, t.shape[1] * n_draws)
        values = values.reshape(*t.shape, n_draws, -1)
        values[..., self._mask_columns] = self._between(self.masks, t)[:, :, None]
        return values

    def _featurized(self, at, columns, n_each):
        both = (" ".join(sorted(one & other)) for one, other in zip(*self.unstated, strict=True))
        columns = {**columns, "not_reported": np.repeat(np.array(list(both), dtype=object), n_each)}
        return featurize(at, columns, self._spec).values

    @cached_property
    def _mask_columns(self):
        return [self._spec.columns.index(f"{symbol.lower()}_not_reported") for symbol in self._spec.masked]

    def slopes(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slope of each member by each feature [M, n, b, F], and the ensemble's answer [n, b], both in the learning unit."""
        values = self._values(t)
        rows = values.reshape(-1, values.shape[-1]).astype(np.float32)
        found = [self._slopes(some) for some in np.split(rows, range(ROWS, len(rows), ROWS))]
        slopes, mean = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
        slopes = slopes.reshape(len(slopes), *values.shape).mean(axis=3)
        return slopes, mean.mean(axis=0).reshape(values.shape[:3]).mean(axis=2)

    def _slopes(self, rows):
        """Of each member by the features of rows [B, F]: slopes [M, B, F], and answers [M, B]."""
        own = tf.tile(rows[None, None], (self.predictor.n_members, 1, 1, 1))
        with tf.GradientTape() as tape:
            tape.watch(own)
            mean = tf.reduce_mean(self.predictor.ensemble.mean_tensor(own, self.task.key, alike=True), axis=1)
            total = tf.reduce_sum(mean)
        return tape.gradient(total, own).numpy()[:, 0], mean.numpy()

    def moves(self, t: np.ndarray) -> np.ndarray:
        """How far each changed element moves each feature, (∂v_F/∂x_e) (x_e − x'_e) [n, b, F, E']; 0 where it is not reported."""
        at, changed = self._between(self.ends, t), self.changed
        step, place = STEP * at[..., changed], np.arange(len(changed))
        around = np.tile(at[:, :, None, None], (1, 1, 2, len(changed), 1))
        around[:, :, 0, place, changed] += step
        around[:, :, 1, place, changed] -= step
        values = self._featurized(around.reshape(-1, at.shape[-1]), {}, t.shape[1] * 2 * len(changed))
        values = values.reshape(*t.shape, 2, len(changed), len(self._spec.columns))
        slope = (values[:, :, 0] - values[:, :, 1]) / np.where(step > 0, 2 * step, 1.0)[..., None]
        moves = np.nan_to_num(slope) * (self.ends[1] - self.ends[0])[:, None, changed, None]
        for column, symbol, fades in zip(self._mask_columns, self._spec.masked, (self.masks[1] - self.masks[0]).T, strict=True):
            moves[:, :, np.array(self._spec.symbols)[changed] == symbol, column] += fades[:, None, None]
        return moves.transpose(0, 1, 3, 2).astype(np.float32)

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """What the ends differ by from where a line leads, in the bars of the elements that only one of them states [M, n, E],
        and the predictions there [2, n]."""
        n_members, n = self.predictor.n_members, len(self.conditions)
        true = self.predictor.members(self.task, self.ends.reshape(2 * n, -1), self.conditions * 2).reshape(n_members, 2, n)
        steps = np.zeros((n_members, *self.ends.shape[1:]))
        stepping = [one ^ other for one, other in zip(*self.unstated, strict=True)]
        if any(stepping):
            values = self._values(np.tile([0.0, 1.0], (n, 1)))
            mean = self.predictor.ensemble.predict_members(values.reshape(-1, values.shape[-1]), self.task.key)[0]
            on_line = mean.mean(axis=1).reshape(n_members, *values.shape[:3]).mean(axis=-1).transpose(0, 2, 1)
            missed = _physical_parts(self.task, true, on_line)
            for row, symbols in enumerate(stepping):
                elements = [self._spec.symbols.index(symbol) for symbol in symbols]
                steps[:, row, elements] = ((missed[:, 1, row] - missed[:, 0, row]) / max(len(symbols), 1))[:, None]
        return steps, self.task.from_learning(true.mean(axis=0))


def _unit_slope(task, answer):
    """∂f/∂z: of what is learnt as a logarithm f = 10^z, otherwise f = z."""
    return np.log(10.0) * 10.0**answer if task.transform == "log10" else np.ones_like(answer)


def _physical_parts(task, after, before):
    """Differences [M, …] whose mean over members is that of the ensemble in the unit of the task."""
    parts, new, old = after - before, after.mean(axis=0), before.mean(axis=0)
    whole = task.from_learning(new) - task.from_learning(old)
    return parts * np.divide(whole, new - old, out=np.zeros_like(whole), where=new != old)
