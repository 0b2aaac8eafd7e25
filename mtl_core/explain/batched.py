"""Attributions of many alloys at once: integrated gradients over members and alloys together, without the package.

The path leads straight from a baseline b to an alloy a in at.%, under the alloy's own conditions at both ends. One gradient of
the networks g = ∂y/∂x at each point serves two groupings, x(a) being the columns that follow from the composition:
    element e    φ_e = (a_e − b_e) ∫₀¹ Σ_f g_f ∂x_f/∂a_e dt          as `attribution.attribute(by="element")` has it
    feature f    φ_f = ∫₀¹ g_f dx_f/dt dt                            on that same path, which in features is no straight line
Both add up to y(a) − y(b). The featuriser's slopes are those of all members, so they are taken once.

Axes: member M · alloy c · node G · stand-in S · element E, feature F, described column D.
"""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.experimental import numpy as tnp

from mtl_core.explain.attribution import MOST_GAP, typical_range
from mtl_core.features.table import FeatureSpec, featurize
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

N_NODES = (8, 24, 96)  # of the integral: more, for alloys whose gap is larger than MOST_GAP of the task's range
MOST_ANSWERS = 80_000  # of one network under one mask at once; each holds its hidden states until its gradient is known

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Batch:
    """Bars of n alloys of one task, in its unit.

    elements: [M, n, E]; features: [M, n, C] of the `columns`; baseline, prediction: [n], of the ensemble.
    """

    columns: tuple[str, ...]
    elements: np.ndarray
    features: np.ndarray
    baseline: np.ndarray
    prediction: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """prediction − baseline − sum of the bars [n]: what the integral misses."""
        return self.prediction - self.baseline - self.elements.mean(axis=0).sum(axis=1)


def attribute_many(predictor: Predictor, task: TaskSpec, at: np.ndarray, baseline: np.ndarray,
                   conditions: Sequence[Conditions], *, n_nodes: Sequence[int] = N_NODES,
                   progress: Progress | None = None) -> Batch:
    """Explain n predictions, each from the same baseline or from its own.

    at: at.% [n, E] of the elements that the ensemble knows, closed to 100; baseline: [E] or [n, E]; conditions: one an alloy.
    n_nodes: of the integral, the next number for alloys whose gap is too large. progress: told how many of how many are done.
    """
    columns, n, baseline = _columns(predictor.ensemble.spec), len(at), np.broadcast_to(baseline, at.shape)
    batch = Batch(columns, np.zeros((predictor.n_members, n, at.shape[1]), np.float32),
                  np.zeros((predictor.n_members, n, len(columns)), np.float32), np.zeros(n), np.zeros(n))
    rows, most = np.arange(n), MOST_GAP * typical_range(predictor, task)
    for count in n_nodes:
        for done, some in _chunks(predictor, task, at, conditions, rows, count):
            found = _few(predictor, task, at[some], baseline[some], [conditions[row] for row in some], count)
            batch.elements[:, some], batch.features[:, some], batch.baseline[some], batch.prediction[some] = found
            if progress:
                progress(n - len(rows) + done, n)
        rows = rows[np.abs(batch.gap[rows]) > most]
        if not len(rows):
            break
    return batch


def _columns(spec: FeatureSpec) -> tuple[str, ...]:
    """What a change of composition changes: elements, descriptors, and whether an element counts as not reported."""
    return spec.columns[:spec.n_of_composition + len(spec.masked)]


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


def _few(predictor, task, at, baseline, conditions, n_nodes):
    """Bars of elements [M, c, E] and of features [M, c, C], answers to the baselines [c] and to the alloys [c]."""
    spec = predictor.ensemble.spec
    given, n_draws = predictor.context(task, at, conditions)
    path = _Path(spec, at, baseline, predictor.unstated(at), predictor.unstated(baseline), given, n_draws)
    values, slopes = path.nodes(n_nodes)
    answers, gradient = _gradient(predictor, task, values, n_draws)
    weights = np.polynomial.legendre.leggauss(n_nodes)[1] / 2 * _slope_of_unit(task, answers.reshape(-1, n_nodes))
    elements, features = _bars(gradient.reshape(predictor.n_members, *weights.shape, -1), weights, slopes, path)
    answers = predictor.ensemble.predict_members(path.ends(), task.key)[0].mean(axis=1, dtype=float)
    step, prediction, start = _step(task, answers.reshape(len(answers), 4, len(at), n_draws).mean(axis=-1))
    features[..., spec.n_of_composition:] += step[..., None] * path.shares
    for column, symbol in enumerate(spec.masked, spec.n_of_composition):
        if symbol in spec.symbols:
            elements[..., spec.symbols.index(symbol)] += features[..., column]
    return elements, features, start, prediction


class _Path:
    """Straight paths in at.% from baselines to c alloys, under `given` conditions [c × S].

    An element that only one end states is stated all along, but for its column "not reported", which goes from one end to the
    other; what is left at the other end is a step, shared by the elements that make it: shares [c, masked].
    """

    def __init__(self, spec, at, baseline, unstated, unstated_there, given, n_draws):
        self.spec, self.at, self.baseline, self.given, self.n_draws = spec, at, baseline, given, n_draws
        self.unstated, self.unstated_there = unstated, unstated_there
        here, there = (np.array([[symbol in text.split() for symbol in spec.masked] for text in texts])
                       for texts in (unstated, unstated_there))
        self.always = [" ".join(np.array(spec.masked)[row]) for row in here & there]
        self.masks, self.mask_change = there.astype(float), here.astype(float) - there
        self.shares = (here ^ there) / np.maximum((here ^ there).sum(axis=1, keepdims=True), 1)

    def nodes(self, n_nodes):
        """Unscaled features [c × G × S, F] at the nodes, and the slopes of the described columns [c, G, D, E]."""
        spec, (n, n_elements) = self.spec, self.at.shape
        places = (np.polynomial.legendre.leggauss(n_nodes)[0][:, None] + 1) / 2
        at = self.baseline[:, None] + places * (self.at - self.baseline)[:, None]
        composed, slopes = _composed(at.reshape(-1, n_elements), np.repeat(self.always, n_nodes), spec)
        masks = self.masks[:, None] + places * self.mask_change[:, None]
        context = self._features(self.at, self.always)[:, spec.n_of_composition + len(spec.masked):]
        parts = (composed.reshape(n, n_nodes, 1, -1), masks[:, :, None], context.reshape(n, 1, self.n_draws, -1))
        shape = (n, n_nodes, self.n_draws)
        values = np.concatenate([np.broadcast_to(part, (*shape, part.shape[-1])) for part in parts], axis=-1)
        return values.reshape(-1, len(spec.columns)), slopes.reshape(n, n_nodes, -1, n_elements)

    def ends(self):
        """Unscaled features [4 × c × S, F]: alloys and baselines as they are predicted, and as the path has them."""
        ends, n = [(self.at, self.unstated), (self.baseline, self.unstated_there)], self.spec.n_of_composition
        own = [self._features(at, texts) for at, texts in ends]
        on_path = [np.concatenate([self._features(at, self.always)[:, :n], values[:, n:]], axis=1)
                   for (at, _), values in zip(ends, own, strict=True)]
        return np.concatenate(own + on_path)

    def _features(self, at, unstated):
        texts = np.repeat(unstated, self.n_draws)
        return featurize(np.repeat(at, self.n_draws, axis=0), self.given | {"not_reported": texts}, self.spec).values


def _composed(at, unstated, spec):
    """The columns of the composition [b, E + D], and the slopes of the last D of them [b, D, E]; the first are the at.%."""
    z = tf.constant(at)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        values = featurize(z, {"not_reported": unstated}, spec, xp=tnp).values[:, :spec.n_of_composition]
        described = tf.unstack(values, axis=1)[len(spec.symbols):]
    slopes = [tape.gradient(one, z, unconnected_gradients=tf.UnconnectedGradients.ZERO).numpy() for one in described]
    return values.numpy(), np.stack(slopes, axis=1) if slopes else np.zeros((len(at), 0, at.shape[1]))


def _gradient(predictor, task, values, n_draws):
    """What the ensemble answers to features [b × S, F], [b], and how the answer of each member changes with them, [M, b, F]."""
    ensemble = predictor.ensemble
    x = tf.repeat(tf.constant(values, tf.float32)[None, None], ensemble.n_members, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        answers = ensemble.mean_tensor(x, task.key)
        total = tf.reduce_sum(answers)
    slopes = tape.gradient(total, x) / (ensemble.n_masks * n_draws)
    slopes = tf.reduce_sum(tf.reshape(slopes, (ensemble.n_members, -1, n_draws, values.shape[1])), axis=2)
    return tf.reduce_mean(answers, axis=(0, 1)).numpy().reshape(-1, n_draws).mean(axis=1), slopes.numpy()


def _slope_of_unit(task, answers):
    """d y / d z of an answer z in the learning unit: 1, or y ln 10 where the task is logarithmic."""
    return task.from_learning(answers) * np.log(10.0) if task.transform == "log10" else np.ones_like(answers)


def _bars(gradient, weights, slopes, path):
    """Bars of elements [M, c, E] and of features [M, c, C], from slopes of the networks [M, c, G, F] and of the featuriser."""
    difference, n_elements, n = path.at - path.baseline, path.at.shape[1], path.spec.n_of_composition
    weighed = gradient[..., :n + len(path.spec.masked)] * weights[..., None]
    change = (slopes @ difference[:, None, :, None])[..., 0]  # of the described columns along the path, [c, G, D]
    along = np.concatenate([np.broadcast_to(one[:, None], (*weights.shape, one.shape[-1])) if one.ndim == 2 else one
                            for one in (difference, change, path.mask_change)], axis=-1)
    described = weighed[..., n_elements:n].swapaxes(0, 1).reshape(len(difference), len(gradient), -1)  # [c, M, G × D]
    through = described @ slopes.reshape(len(difference), -1, n_elements)
    elements = difference * (weighed[..., :n_elements].sum(axis=2) + through.swapaxes(0, 1))
    return elements, (weighed * along).sum(axis=2)


def _step(task, answers):
    """The step of each member [M, c] in the unit of the task, and the ensemble's answers to alloys and baselines, [c] each.

    answers: [M, 4, c] in the learning unit, to the ends of the path; see `attribution._ElementPath`.
    """
    own, on_path = answers[:, :2], answers[:, 2:]
    predicted, moved = task.from_learning(own.mean(axis=0)), own - on_path
    missed, mean = predicted - task.from_learning(on_path.mean(axis=0)), moved.mean(axis=0)
    moved = moved * np.divide(missed, mean, out=np.zeros_like(mean), where=mean != 0)
    return moved[:, 0] - moved[:, 1], *predicted
