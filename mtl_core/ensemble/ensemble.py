"""A trained ensemble: physical features in, one answer a member and dropout mask out. Frozen and stateless."""
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mtl_core.ensemble import network
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig
from mtl_core.ensemble.kernels import Kernels, kernel_mean, kernel_variance, mean_and_slope
from mtl_core.ensemble.losses import NOISE_STD
from mtl_core.features.preparation import TargetTransform, arrays_of, mapped
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS, TaskSpec

TOLD_GAIN = 4.0  # of an input that is told: it has to count among a hundred others, which weight decay holds as much
BATCH = 1000  # alloys at once: the hidden states of all members and masks must stay in memory


@dataclass(frozen=True, eq=False)
class Upstream:
    """What members are told of another task: member m what member m of `ensemble` answers to the same alloy, its masks averaged,
    in units of that task's spread. It sees of the conditions only what the members themselves may see, the others being average.

    scale: [D], times which it is added to what the members say (wiring "difference"); None where it is one more input of theirs.
    """

    ensemble: "Ensemble"
    scale: np.ndarray | None

    def select(self, members: np.ndarray) -> "Upstream":
        """What some members are told; see `Ensemble.select`."""
        parts = np.unique(self.ensemble.part_of_member[members])
        return Upstream(self.ensemble.select(members), None if self.scale is None else self.scale[parts])


@dataclass(frozen=True, eq=False)
class Ensemble:
    """M members, trained on D parts of the data, each with K dropout masks that never change.

    parameters: [M, …] each; masks: one [M, K, 1, H] a dropout layer; part_of_member: [M];
    features, targets: what was fitted on each part, arrays with a leading axis D; those of targets are [D, T], of values in each
    task's learning unit (log10 where the task is logarithmic). upstream: what the members of one task are told of another.
    kernels: Gaussian processes of the parts, which have `config.kernel_share` in each answer.
    """

    config: EnsembleConfig
    spec: FeatureSpec
    parameters: dict[str, np.ndarray]
    masks: tuple[np.ndarray, ...]
    part_of_member: np.ndarray
    features: Scaler
    targets: TargetTransform
    upstream: Upstream | None = None
    kernels: Kernels | None = None

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        """The tasks it answers, in the order of its heads."""
        return tuple(TASKS[key] for key in self.config.tasks)

    @property
    def n_members(self) -> int:
        return len(self.part_of_member)

    @property
    def n_masks(self) -> int:
        return self.masks[0].shape[1]

    def select(self, members: np.ndarray) -> "Ensemble":
        """The ensemble of some members only, and of the parts that they learnt from; members: indices or bool [M]."""
        parts, part_of_member = np.unique(self.part_of_member[members], return_inverse=True)
        return replace(
            self, part_of_member=part_of_member, masks=tuple(mask[members] for mask in self.masks),
            parameters={name: value[members] for name, value in self.parameters.items()},
            upstream=self.upstream and self.upstream.select(members), kernels=self.kernels and self.kernels.select(parts),
            features=mapped(self.features, lambda array: array[parts]), targets=mapped(self.targets, lambda array: array[parts]))

    def predict_members(self, values: np.ndarray, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean, standard deviation of the noise, and of what the Gaussian processes do not know of that mean, of one task, each
        [M, K, n], in the task's learning unit.

        values: unscaled features [n, F] in the columns of `spec`, NaN where not reported.
        """
        values = np.asarray(values, np.float32)
        batch = BATCH if self.kernels is None else BATCH // 4  # the distances to all rows learnt from must as well
        chunks = [self._answer(chunk[None, None], task, doubts=self._doubts.get(task, {}))
                  for chunk in np.split(values, range(batch, len(values), batch))]
        return tuple(np.concatenate([chunk.numpy() for chunk in part], axis=-1) for part in zip(*chunks, strict=True))

    def predict_own(self, values: np.ndarray, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same where each member has rows of its own, values [M, n, F]."""
        asked = tf.constant(values[:, None], tf.float32)
        # Not compiled: asked now and then and for ever new networks, whose graphs would all be kept.
        return tuple(part.numpy() for part in self._answer(asked, task, own=True, doubts=self._doubts.get(task, {})))

    def predict_classes(self, values: np.ndarray, task: str) -> np.ndarray:
        """Probability of each class of a task [M, K, n, C]; values: unscaled features [n, F]."""
        values = np.asarray(values, np.float32)
        chunks = [self._chances(chunk[None, None], task) for chunk in np.split(values, range(BATCH, len(values), BATCH))]
        return np.concatenate([chunk.numpy() for chunk in chunks], axis=2)

    def untrained(self, seed: int) -> "Ensemble":
        """The same with the weights that a training would begin with, and Gaussian processes that have seen nothing."""
        upstream = self.upstream and replace(self.upstream, ensemble=self.upstream.ensemble.untrained(seed))
        parameters = network.initial_parameters(self.config.network, n_features=self.n_inputs, n_tasks=self.config.n_outputs,
                                                n_members=self.n_members, seed=seed)
        return replace(self, upstream=upstream, kernels=self.kernels and self.kernels.untrained(), parameters=parameters)

    @property
    def n_inputs(self) -> int:
        """Of each network: the features, and what it is told."""
        is_told = self.upstream is not None and self.upstream.scale is None
        return len(self.spec.columns) + (self.upstream.ensemble.config.n_outputs if is_told else 0)

    def scaler(self, task: str) -> Scaler:
        """What scales the features of a task, arrays [D, …]."""
        return self.features

    def filled(self, values: np.ndarray, task: str) -> np.ndarray:
        """Unscaled features [M, n, F] as each member takes them: with what stands for what was not reported, values [n, F]."""
        scaler = mapped(self.features, lambda fitted: np.expand_dims(fitted, 1) if fitted.ndim == 2 else fitted)
        stand_in = scaler.mean + scaler.scale * scaler.transform(values[None])
        return np.where(np.isnan(values), stand_in, values)[self.part_of_member]

    def mean_tensor(self, values: tf.Tensor, task: str, *, alike: bool = False) -> tf.Tensor:
        """Means [M, K, n] as a tensor that can be differentiated; values: [n, F], or [M, 1, n, F] to give each member its own.

        alike: whether members of one part are given the same, and only first derivatives are wanted; then its Gaussian process
        is asked once for all of them.
        """
        shared = values[None, None] if len(values.shape) == 2 else values
        return self._answer(shared, task, alike=alike)[0]

    def tangents(self, values: np.ndarray, task: str) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray, np.ndarray]:
        """How the mean of a task turns with the weights, see `network.tangents`; then that mean and the log of its noise scale,
        each [M, n], averaged over the masks. In units of the spread of the transformed target. values: unscaled features [n, F].
        """
        config, (parameters, masks, features, visible, _) = self.config.network, self._tensors[task]
        asked = tf.constant(values[None, None], tf.float32)
        told, scale = self._told(asked, task)
        x = _inputs(features, visible, asked, told, scale)
        head = network.heads(config, parameters, self.config.n_outputs)[self.config.outputs(task)[0]]
        found = _raised(network.answer(config, head, x, network.trunk(config, parameters, x, masks), masks), told, scale)
        mean, log_scale = (tf.reduce_mean(part, axis=1).numpy() for part in found)
        layers = network.tangents(config, parameters, head, x[:, 0])
        return [(inputs.numpy(), slopes.numpy()) for inputs, slopes in layers], mean, log_scale

    def target_of(self, task: str) -> TargetTransform:
        """How each member transforms and scales a task, arrays [M, 1]."""
        index = self.config.tasks.index(task)
        return mapped(self.targets, lambda array: array[self.part_of_member, index, None])

    def scaled(self, values: np.ndarray, task: str, seen: np.ndarray) -> np.ndarray:
        """Means over the masks in units of the spread of the transformed target, [M, n], or of the probability of each class,
        [M, n, C]; seen: the columns looked at, [F]."""
        return self._scaled(tf.constant(values[None, None], tf.float32), task, tf.constant(seen, tf.float32)).numpy()[:, 0]

    def _scaled(self, values, task, seen, graph=None):
        parameters, masks, features, visible, _ = self._tensors[task]
        outputs, seen = self.config.outputs(task), visible * seen
        if TASKS[task].classes:
            return tf.reduce_mean(self._chances(values, task, seen, is_compiled=graph is None), axis=1, keepdims=True)
        return (graph or _scaled)(
            self.config.network, self.config.n_outputs, outputs[0], parameters, masks, features, seen, values)

    def _chances(self, values, task, seen=None, *, is_compiled=True):
        parameters, masks, features, visible, _ = self._tensors[task]
        told, _ = self._told(values, task)
        graph, outputs = _chances if is_compiled else _chances.python_function, tuple(self.config.outputs(task))
        return graph(self.config.network, self.config.n_outputs, outputs, parameters, masks, features,
                     visible if seen is None else seen, values, told)

    def _told(self, values, task, graph=None):
        """What the members are told, [M, 1, n] or [M, 1, n, C] of classes, and times what it is added [M, 1, 1]; None where that
        is not so."""
        if self.upstream is None:
            return None, None
        told, visible = self.upstream.ensemble, self._tensors[task][3]
        scale = self.upstream.scale
        scale = None if scale is None else tf.constant(scale[self.part_of_member, None, None], tf.float32)
        return told._scaled(values, told.config.tasks[0], visible, graph), scale

    def told(self, values: np.ndarray, task: str) -> np.ndarray:
        """What is added to the members' own means [M, n] for what they are told, in units of the spread of the transformed
        target; values: unscaled features [n, F]."""
        told, scale = self._told(tf.constant(values[None, None], tf.float32), task)
        return np.zeros((self.n_members, len(values))) if scale is None else (scale * told).numpy()[:, 0]

    def processes(self, task: str) -> tuple[Kernels, int]:
        """The Gaussian processes that answer for a task with the members, and its position among theirs."""
        return self.kernels, self.config.tasks.index(task)

    def _answer(self, values, task, own=False, alike=False, doubts=None):
        index = self.config.outputs(task)[0]
        told = self._told(values, task, _scaled.python_function if own else None)
        return (_answer.python_function if own else _answer)(
            self.config.network, self.targets.kind, self.config.n_outputs, index, *self._tensors[task], values, *told,
            self._kernels.get(task), alike, doubts)

    @cached_property
    def _kernels(self):
        """For each task: its Gaussian processes as tensors, and which of them each member answers with."""
        if self.kernels is None:
            return {}
        who = {"part": tf.constant(self.part_of_member), "share": tf.constant(self.config.kernel_share),
               "first": tf.constant(np.unique(self.part_of_member, return_index=True)[1])}
        found = {}
        for index, task in enumerate(self.tasks):
            if task.classes:
                continue
            scaler, columns, numbers = self.kernels.of_task(index)
            found[task.key] = who | {"columns": tf.constant(columns)} | {
                kind: {name: tf.constant(value, tf.float32) for name, value in arrays.items()}
                for kind, arrays in (("features", arrays_of(scaler)), ("numbers", numbers))}
        return found

    @cached_property
    def _doubts(self):
        """The same of what they take to tell what they do not know."""
        return {key: {name: tf.constant(value, tf.float32)
                      for name, value in self.kernels.doubts_of_task(self.config.tasks.index(key)).items()}
                for key in self._kernels}

    @cached_property
    def _tensors(self):
        """For each task: what `_answer` needs, as tensors, gathered once by member."""
        parameters = {name: tf.constant(value) for name, value in self.parameters.items()}
        masks = [tf.constant(mask) for mask in self.masks]
        features = arrays_of(mapped(self.features, self._of_members))
        targets = mapped(self.targets, lambda array: array[self.part_of_member].astype(np.float32))
        return {task.key: (parameters, masks, features, tf.constant(self.spec.visible(task), tf.float32),
                           arrays_of(mapped(targets, lambda array, index=index: tf.constant(array[:, index, None, None]))))
                for index, task in enumerate(self.tasks)}

    def _of_members(self, fitted):
        """From [D, F] or [D, F, F] to a tensor [M, 1, 1 or F, F]."""
        of_member = fitted[self.part_of_member].astype(np.float32)
        return tf.constant(np.expand_dims(of_member, tuple(range(1, 5 - of_member.ndim))))


def _inputs(features, visible, values, told, scale):
    """What the networks see [M, 1, n, F], from unscaled features [1 or M, 1, n, F]; what is told without a scale is a column."""
    x = Scaler(**features).transform(values, tnp) * visible
    if told is None or scale is not None:
        return x
    return tf.concat([x, TOLD_GAIN * (told if len(told.shape) == 4 else told[..., None])], axis=-1)


def _averaged(answer, values, alike, part, first, columns, share, features, numbers):
    """Mean and log noise scale, with the Gaussian process of the member's part having its share in the mean.

    Where all members are asked the same, values [1, 1, n, F], each process is asked once. Where those of one part are, alike,
    but each by a variable of its own, so is the process, and members go along its slope: by nothing, but the gradient sees it.
    """
    mean, log_scale = answer

    def scores(asked, features):
        return tf.gather(Scaler(**features).transform(asked, tnp), columns, axis=-1)

    if values.shape[0] == 1:
        process = tf.gather(kernel_mean(scores(values[:, 0], features), **numbers), part)
    elif alike:
        process = _along(values[:, 0], lambda asked: scores(asked, features), part, first, numbers)
    else:
        features, numbers = ({name: tf.gather(value, part) for name, value in arrays.items()} for arrays in (features, numbers))
        process = kernel_mean(scores(values[:, 0], features), **numbers)
    return (1.0 - share) * mean + share * process[:, None], log_scale


def _doubt(mean, values, part, columns, share, features, numbers, doubts):
    """The share of what the process of each member's part does not know, [M, K, n] in units of the target's spread."""
    if values.shape[0] != 1:
        features, numbers, doubts = ({name: tf.gather(value, part) for name, value in arrays.items()}
                                     for arrays in (features, numbers, doubts))
    scores = tf.gather(Scaler(**features).transform(values[:, 0], tnp), columns, axis=-1)
    variance = kernel_variance(scores, shrink=numbers["shrink"], rows=numbers["rows"], **doubts)
    of_member = tf.gather(variance, part) if values.shape[0] == 1 else variance
    return share * tf.sqrt(of_member)[:, None] * tf.ones_like(mean)


def _along(values, scores, part, first, numbers):
    """What the processes say to values [M, n, F], alike for the members of a part, with their slopes as the only derivative."""
    asked = tf.stop_gradient(tf.gather(values, first))
    with tf.GradientTape() as tape:
        tape.watch(asked)
        seen = scores(asked)
    process, by_score = mean_and_slope(tf.stop_gradient(seen), **numbers)
    slope = tf.gather(tf.stop_gradient(tape.gradient(seen, asked, by_score)), part)
    nothing = tf.where(tf.math.is_nan(values), 0.0, values - tf.stop_gradient(values))
    return tf.gather(process, part) + tf.reduce_sum(slope * nothing, axis=-1)


def _raised(answer, told, scale):
    """Mean and log noise scale, with what was told added to the mean where it has a scale."""
    mean, log_scale = answer
    return (mean if scale is None else mean + scale * told), log_scale


@tf.function(reduce_retracing=True)
def _scaled(config: NetworkConfig, n_tasks: int, task: int, parameters, masks, features, visible, values):
    """Mean over the masks [M, 1, n] in units of the target's spread."""
    x = _inputs(features, visible, values, None, None)
    hidden = network.trunk(config, parameters, x, masks)
    mean, _ = network.answer(config, network.heads(config, parameters, n_tasks)[task], x, hidden, masks)
    return tf.reduce_mean(mean, axis=1, keepdims=True)


@tf.function(reduce_retracing=True)
def _chances(config: NetworkConfig, n_outputs: int, outputs: tuple[int, ...], parameters, masks, features, visible, values, told):
    """Probability of each class [M, K, n, C]: the softmax of a task's outputs."""
    x = _inputs(features, visible, values, told, None)
    hidden, heads = network.trunk(config, parameters, x, masks), network.heads(config, parameters, n_outputs)
    scores = [network.answer(config, heads[output], x, hidden, masks)[0] for output in outputs]
    return tf.nn.softmax(tf.stack(scores, axis=-1))


@tf.function(reduce_retracing=True)
def _answer(config: NetworkConfig, transform: str, n_tasks: int, task: int, parameters, masks, features, visible, target, values,
            told, scale, kernel, alike, doubts):
    """Mean, and standard deviations of the noise and of what the processes do not know [M, K, n] in the learning unit, from
    unscaled features [1 or M, 1, n, F]; the last is not asked for where doubts is None.

    What a network says of a transformed target comes back by the delta method, see `TargetTransform.inverse`.
    """
    x = _inputs(features, visible, values, told, scale)
    hidden = network.trunk(config, parameters, x, masks)
    head = network.heads(config, parameters, n_tasks)[task]
    answer = network.answer(config, head, x, hidden, masks)
    mean, log_scale = _raised(answer if kernel is None else _averaged(answer, values, alike, **kernel), told, scale)
    y, slope = TargetTransform(transform, **target).inverse(target["mean"] + target["std"] * mean, tnp)
    unit = slope * target["std"]
    noise = unit * NOISE_STD[config.likelihood] * tf.exp(log_scale)
    if not doubts:
        return y, noise, None if doubts is None else tf.zeros_like(y)
    asked = {name: kernel[name] for name in ("part", "columns", "share", "features", "numbers")}
    return y, noise, unit * _doubt(y, values, **asked, doubts=doubts)
