"""A trained ensemble: physical features in, one answer a member and dropout mask out. Frozen and stateless."""
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mtl_core.ensemble import network
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig
from mtl_core.ensemble.losses import NOISE_STD
from mtl_core.features.preparation import TargetTransform, arrays_of, mapped
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS, TaskSpec

BATCH = 1000  # alloys at once: the hidden states of all members and masks must stay in memory


@dataclass(frozen=True, eq=False)
class Ensemble:
    """M members, trained on D parts of the data, each with K dropout masks that never change.

    parameters: [M, …] each; masks: one [M, K, 1, H] a dropout layer; part_of_member: [M];
    features, targets: what was fitted on each part, arrays with a leading axis D; those of targets are [D, T], of values in each
    task's learning unit (log10 where the task is logarithmic).
    """

    config: EnsembleConfig
    spec: FeatureSpec
    parameters: dict[str, np.ndarray]
    masks: tuple[np.ndarray, ...]
    part_of_member: np.ndarray
    features: Scaler
    targets: TargetTransform

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
            features=mapped(self.features, lambda array: array[parts]), targets=mapped(self.targets, lambda array: array[parts]))

    def predict_members(self, values: np.ndarray, task: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and noise standard deviation of one task, each [M, K, n], in the task's learning unit.

        values: unscaled features [n, F] in the columns of `spec`, NaN where not reported.
        """
        values = np.asarray(values, np.float32)
        chunks = [self._answer(chunk[None, None], task) for chunk in np.split(values, range(BATCH, len(values), BATCH))]
        return tuple(np.concatenate([chunk.numpy() for chunk in part], axis=-1) for part in zip(*chunks, strict=True))

    def predict_own(self, values: np.ndarray, task: str) -> tuple[np.ndarray, np.ndarray]:
        """The same where each member has rows of its own, values [M, n, F]."""
        asked = tf.constant(values[:, None], tf.float32)
        return tuple(part.numpy() for part in self._answer(asked, task, _answer_own))

    def filled(self, values: np.ndarray) -> np.ndarray:
        """Unscaled features [M, n, F] as each member takes them: with what stands for what was not reported, values [n, F]."""
        scaler = mapped(self.features, lambda fitted: np.expand_dims(fitted, 1) if fitted.ndim == 2 else fitted)
        stand_in = scaler.mean + scaler.scale * scaler.transform(values[None])
        return np.where(np.isnan(values), stand_in, values)[self.part_of_member]

    def mean_tensor(self, values: tf.Tensor, task: str) -> tf.Tensor:
        """Means [M, K, n] as a tensor that can be differentiated; values: [n, F], or [M, 1, n, F] to give each member its own."""
        shared = values[None, None] if len(values.shape) == 2 else values
        return self._answer(shared, task)[0]

    def tangents(self, values: np.ndarray, task: str) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray, np.ndarray]:
        """How the mean of a task turns with the weights, see `network.tangents`; then that mean and the log of its noise scale,
        each [M, n], averaged over the masks. In units of the spread of the transformed target. values: unscaled features [n, F].
        """
        config, (parameters, masks, features, visible, _) = self.config.network, self._tensors[task]
        x = Scaler(**features).transform(tf.constant(values[None, None], tf.float32), tnp) * visible
        head = network.heads(config, parameters, len(self.tasks))[self.config.tasks.index(task)]
        found = network.answer(config, head, x, network.trunk(config, parameters, x, masks), masks)
        mean, log_scale = (tf.reduce_mean(part, axis=1).numpy() for part in found)
        layers = network.tangents(config, parameters, head, x[:, 0])
        return [(inputs.numpy(), slopes.numpy()) for inputs, slopes in layers], mean, log_scale

    def target_of(self, task: str) -> TargetTransform:
        """How each member transforms and scales a task, arrays [M, 1]."""
        index = self.config.tasks.index(task)
        return mapped(self.targets, lambda array: array[self.part_of_member, index, None])

    def _answer(self, values, task, graph=None):
        index = self.config.tasks.index(task)
        return (graph or _answer)(self.config.network, self.targets.kind, len(self.tasks), index, *self._tensors[task], values)

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


@tf.function(reduce_retracing=True)
def _answer(config: NetworkConfig, transform: str, n_tasks: int, task: int, parameters, masks, features, visible, target, values):
    """Mean and noise standard deviation [M, K, n] in the learning unit, from unscaled features [1 or M, 1, n, F].

    What a network says of a transformed target comes back by the delta method, see `TargetTransform.inverse`.
    """
    x = Scaler(**features).transform(values, tnp) * visible
    hidden = network.trunk(config, parameters, x, masks)
    mean, log_scale = network.answer(config, network.heads(config, parameters, n_tasks)[task], x, hidden, masks)
    y, slope = TargetTransform(transform, **target).inverse(target["mean"] + target["std"] * mean, tnp)
    return y, slope * target["std"] * NOISE_STD[config.likelihood] * tf.exp(log_scale)


# Not compiled: asked now and then and for ever new networks, whose graphs would all be kept.
_answer_own = _answer.python_function
