"""What pushes a prediction away from that of a baseline, by how much, and how far the networks agree on it.

A path leads straight from the baseline b to the alloy z, and the gradient of the prediction f is integrated along it:
    φ_i = (z_i − b_i) ∫₀¹ ∂f/∂z_i (b + t (z − b)) dt                  Sundararajan, Taly & Yan 2017, arXiv 1703.01365
The coordinates are either all features, or the at.% of the elements with the columns of the conditions beside them; then the
featuriser is differentiated along the path as well, and one bar holds an element's own column and its part in every descriptor.
Over a distribution of baselines the integral is averaged (expected gradients, Erion et al. 2021, Nat. Mach. Intell. 3, 620).

Every member is given coordinates of its own, all of them alike. Summed over the members, the integral is then that of the
ensemble, in the unit of the task; a summand times the number of members is what that member says.

Axes: node b · member M · stand-in S for conditions that were not reported · coordinate N, feature F, element E.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import tensorflow as tf
from tensorflow.experimental import numpy as tnp

from mtl_core.chemistry.composition import Composition
from mtl_core.explain.members import OfMembers
from mtl_core.explain.nodes import nodes_along
from mtl_core.explain.path_explainer import even_nodes, integrated_gradients
from mtl_core.features.table import featurize
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

By = Literal["element", "feature", "kind"]

NODES = ((6, 4), (6, 8), (6, 16), (6, 32))  # nodes a panel, and panels: more, while the gap is larger than MOST_GAP
MOST_GAP = 0.01  # of the range of the task
NODES_EACH = (8, 1)  # the same from each baseline of a distribution
BATCH = 32
ROWS = 96  # nodes × stand-ins at once: the hidden states of all members must stay in memory until their slopes are known
KINDS = {"element": "elements", "descriptor": "descriptors", "corrosion": "descriptors", "process": "conditions",
         "condition": "conditions"}


@dataclass(frozen=True, eq=False)
class Attribution(OfMembers):
    """Bars of one task, in its unit.

    names: [N] of what differs from the baseline; of_members: [M, N]; error: [N], standard error of the mean over a distribution,
    0 on a single path; baseline, prediction: of the ensemble, that of a distribution being its mean.
    """

    task: TaskSpec
    names: tuple[str, ...]
    of_members: np.ndarray
    error: np.ndarray
    baseline: float
    prediction: float

    @property
    def values(self) -> np.ndarray:
        """The bars [N]: mean over members."""
        return self.of_members.mean(axis=0)

    @property
    def gap(self) -> float:
        """prediction − baseline − sum of the bars: what the integral misses."""
        return self.prediction - self.baseline - float(self.values.sum())


def attribute(predictor: Predictor, composition: Composition, conditions: Conditions, task: TaskSpec, *,
              baseline: Composition | Sequence[Composition], baseline_conditions: Conditions | None = None,
              by: By = "element") -> Attribution:
    """Explain one prediction. Members, masks and stand-ins for unreported conditions are the prediction's own.

    baseline: an alloy, or several as a distribution. baseline_conditions: the alloy's own unless given.
    """
    baselines = [baseline] if isinstance(baseline, Composition) else list(baseline)
    at = predictor.at_matrix([composition, *baselines])
    path = _PATHS[by](predictor, task, at, [conditions, *[baseline_conditions or conditions] * len(baselines)])
    if isinstance(baseline, Composition):
        of_members = _along(path, MOST_GAP * typical_range(predictor, task))
        error = np.zeros(of_members.shape[1])
    else:
        of_members, error = _over(path)
    shown = np.flatnonzero(np.abs(of_members).max(axis=0) > 0)
    return Attribution(task, tuple(path.names[i] for i in shown), of_members[:, shown], error[shown],
                       float(path.answers[1:].mean()), float(path.answers[0]))


def _along(path, most):
    """The integral along one path [M, N], with more nodes while its gap is larger than `most`."""
    for n_nodes, n_panels in NODES:
        nodes, weights = path.nodes(n_nodes, n_panels)[0]
        of_members = path.bars(path.integral(path.ends[1:], nodes, weights))
        if abs(path.answers[0] - path.answers[1] - of_members.mean(axis=0).sum()) <= most:
            break
    return of_members


def _over(path):
    """The integral averaged over the baselines [M, N], and the standard error of its mean over members [N]: the baselines stand
    for more alloys than they are."""
    bars = np.stack([path.bars(path.integral(start[None], nodes, weights))
                     for start, (nodes, weights) in zip(path.ends[1:], path.nodes(*NODES_EACH), strict=True)])
    return bars.mean(axis=0), bars.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(len(bars))


def typical_range(predictor: Predictor, task: TaskSpec) -> float:
    """Distance between the 5th and the 95th percentile of the measurements that the task was learnt from, in its unit."""
    rows = predictor.observations
    low, high = rows.loc[rows["task"] == task.key, "value"].dropna().quantile([0.05, 0.95])
    return float(high - low)


class _FeaturePath:
    """The prediction of one task as a function of the features of every member; ends: [1 + B, M, S × F], the alloy first."""

    def __init__(self, predictor: Predictor, task: TaskSpec, at: np.ndarray, conditions: Sequence[Conditions]):
        self.ensemble, self.task, spec = predictor.ensemble, task, predictor.ensemble.spec
        values = [_features(predictor, task, row[None], given) for row, given in zip(at, conditions, strict=True)]
        self.n_draws = max(map(len, values))
        values = np.stack([np.resize(rows, (self.n_draws, rows.shape[1])) for rows in values])
        self.missing = np.isnan(values).all(axis=0)  # [S, F], at all ends: networks and processes have stand-ins of their own
        features = np.stack([self.ensemble.filled(rows, task.key) for rows in values])
        self.ends, self.names = features.reshape(*features.shape[:2], -1), self._names(spec)
        self.of_members = self._in_batches(values, lambda rows: tf.repeat(rows[:, None], self.ensemble.n_members, axis=1))
        self.answers = self._physical(self.of_members.mean(axis=1)).numpy()

    def __call__(self, z: tf.Tensor) -> tf.Tensor:
        """[b] in the unit of the task, from coordinates [b, M, …]."""
        return self._physical(tf.reduce_mean(self._members(self._values(z), alike=True), axis=1))

    def nodes(self, n_nodes: int, n_panels: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Where on the path from each baseline the gradient is taken, and how much that counts, [n_panels × n_nodes] each."""
        return [even_nodes(n_nodes * n_panels)] * (len(self.ends) - 1)

    def integral(self, baseline: np.ndarray, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Attributions to the coordinates [M, …] on the path from a baseline [1, M, …]."""
        return integrated_gradients(self, self.ends[:1], baseline, nodes=nodes, weights=weights,
                                    batch=max(1, ROWS // self.n_draws))[0]

    def bars(self, attributions: np.ndarray) -> np.ndarray:
        """What each member says [M, N], from attributions to the coordinates [M, …]."""
        n_members = self.ensemble.n_members
        return n_members * attributions.reshape(n_members, self.n_draws, -1).sum(axis=1)

    def _names(self, spec):
        return spec.columns

    def _values(self, z):
        """Unscaled features [b, M, S, F] of coordinates [b, M, S × F]."""
        return tf.reshape(z, (z.shape[0], self.ensemble.n_members, self.n_draws, -1))

    def _members(self, values, alike=False):
        """What each member answers, [b, M] in the learning unit, to features [b, M, S, F]; alike: see `Ensemble.mean_tensor`."""
        n_nodes, n_members = values.shape[:2]
        values = tf.where(self.missing, np.float32(np.nan), tf.cast(values, tf.float32))
        by_member = tf.reshape(tf.transpose(values, (1, 0, 2, 3)), (n_members, 1, n_nodes * self.n_draws, -1))
        answer = self.ensemble.mean_tensor(by_member, self.task.key, alike=alike)  # [M, K, b × S]
        return tf.transpose(tf.reduce_mean(tf.reshape(answer, (*answer.shape[:2], n_nodes, self.n_draws)), axis=(1, 3)))

    def _in_batches(self, ends, values_of):
        few = np.split(ends.astype(np.float32), range(BATCH, len(ends), BATCH))
        return np.concatenate([self._members(values_of(tf.constant(some)), alike=True) for some in few])

    def _physical(self, mean):
        return tf.pow(10.0, mean) if self.task.transform == "log10" else tf.convert_to_tensor(mean)


class _KindPath(_FeaturePath):
    """The same, with the bars of each kind of feature added up."""

    def _names(self, spec):
        self.kinds = np.array([KINDS[kind] for kind in spec.kinds])
        return tuple(dict.fromkeys(KINDS.values()))

    def bars(self, attributions):
        of_features = super().bars(attributions)
        return np.stack([of_features[:, self.kinds == name].sum(axis=1) for name in self.names], axis=1)


class _ElementPath(_FeaturePath):
    """The prediction as a function of the at.% of every member and of its columns of conditions, [b, M, E + S × C]."""

    def __init__(self, predictor, task, at, conditions):
        super().__init__(predictor, task, at, conditions)
        spec, self.at, self.predictor = self.ensemble.spec, at, predictor
        self.origins = np.array(spec.origins)[spec.n_of_composition:]
        features = self.ends.reshape(*self.ends.shape[:2], self.n_draws, -1)
        context = features[..., spec.n_of_composition:].reshape(*self.ends.shape[:2], -1)
        members = np.broadcast_to(at[:, None], (len(at), self.ensemble.n_members, at.shape[1]))
        self.ends = np.concatenate([members, context], axis=-1)
        self._step(spec, [set(text.split()) for text in predictor.unstated(at)])

    def nodes(self, n_nodes, n_panels):
        starts = self.at[1:]
        alloy = np.repeat(self.at[:1], len(starts), axis=0)
        return list(zip(*nodes_along(self.predictor, self.task, alloy, starts, n_nodes=n_nodes, n_panels=n_panels), strict=True))

    def _step(self, spec, unstated):
        """An element that only one end states is stated all along the path; what that changes at the other end is a step of the
        prediction that no gradient sees, and goes to the bar of that element. steps: [M]."""
        always = set.intersection(*unstated)
        self.unstated = " ".join(sorted(always))
        self.stepping = [spec.symbols.index(symbol) for symbol in set.union(*unstated) - always]
        if self.stepping:
            on_path = self._in_batches(self.ends, self._values)
            missed, of_members = self.answers - self._physical(on_path.mean(axis=1)).numpy(), self.of_members - on_path
            mean = of_members.mean(axis=1)
            scaled = of_members * np.divide(missed, mean, out=np.zeros_like(mean), where=mean != 0)[:, None]
            self.steps = (scaled[0] - scaled[1:].mean(axis=0)) / len(self.stepping)

    def _values(self, z):
        spec = self.ensemble.spec
        n_nodes, n_members, n_elements = z.shape[0], z.shape[1], len(spec.symbols)
        at = tf.reshape(tf.cast(z[..., :n_elements], tf.float64), (n_nodes * n_members, n_elements))
        composed = featurize(at, {"not_reported": self.unstated}, spec, xp=tnp).values[:, :spec.n_of_composition]
        composed = tf.cast(tf.reshape(composed, (n_nodes, n_members, 1, -1)), tf.float32)
        context = tf.reshape(z[..., n_elements:], (n_nodes, n_members, self.n_draws, -1))
        return tf.concat([tf.repeat(composed, self.n_draws, axis=2), context], axis=-1)

    def _names(self, spec):
        return tuple(dict.fromkeys((*spec.symbols, *spec.origins[spec.n_of_composition:])))

    def bars(self, attributions):
        n_members, n_elements = self.ensemble.n_members, len(self.ensemble.spec.symbols)
        of_context = attributions[:, n_elements:].reshape(n_members, self.n_draws, -1).sum(axis=1)
        bars = np.zeros((n_members, len(self.names)))
        bars[:, :n_elements] = attributions[:, :n_elements]
        for column, origin in enumerate(self.origins):
            bars[:, self.names.index(origin)] += of_context[:, column]
        bars *= n_members
        if self.stepping:
            bars[:, self.stepping] += self.steps[:, None]
        return bars


_PATHS = {"element": _ElementPath, "feature": _FeaturePath, "kind": _KindPath}


def _features(predictor, task, at, conditions):
    """Unscaled features [S, F] of one alloy, as its prediction takes them."""
    columns, n_draws = predictor.context(task, at, [conditions])
    return featurize(np.repeat(at, n_draws, axis=0), columns, predictor.ensemble.spec).values
