"""A trained ensemble: physical features in, one answer a member and dropout mask out. Frozen and stateless."""
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import tensorflow as tf

from mtl_core.ensemble import network
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig
from mtl_core.ensemble.losses import LOGISTIC_STD
from mtl_core.features.scaling import CLIP
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS, TaskSpec

OF_PART = ("feature_mean", "feature_scale", "target_mean", "target_std")
BATCH = 1000  # alloys at once: the hidden states of all members and masks must stay in memory


@dataclass(frozen=True, eq=False)
class Ensemble:
    """M members, trained on D parts of the data, each with K dropout masks that never change.

    parameters: [M, …] each; masks: one [M, K, 1, H] a dropout layer; part_of_member: [M];
    feature_mean, feature_scale: [D, F]; target_mean, target_std: [D, T] in each task's learning unit (log10 where the
    task is logarithmic).
    """

    config: EnsembleConfig
    spec: FeatureSpec
    parameters: dict[str, np.ndarray]
    masks: tuple[np.ndarray, ...]
    part_of_member: np.ndarray
    feature_mean: np.ndarray
    feature_scale: np.ndarray
    target_mean: np.ndarray
    target_std: np.ndarray

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
            **{name: getattr(self, name)[parts] for name in OF_PART})

    def predict_members(self, values: np.ndarray, task: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and noise standard deviation of one task, each [M, K, n], in the task's learning unit.

        values: unscaled features [n, F] in the columns of `spec`, NaN where not reported.
        """
        values, index = np.asarray(values, np.float32), self.config.tasks.index(task)
        chunks = [self._forward(chunk, index) for chunk in np.split(values, range(BATCH, len(values), BATCH))]
        return tuple(np.concatenate(part, axis=-1) for part in zip(*chunks, strict=True))

    def mean_tensor(self, values: tf.Tensor, task: str) -> tf.Tensor:
        """Means [M, K, n] as a tensor that can be differentiated; values: [n, F], or [M, 1, n, F] to give each member its own."""
        shared = values[None, None] if len(values.shape) == 2 else values
        return _answer(self.config.network, len(self.tasks), self.config.tasks.index(task), *self._tensors[task], shared)[0]

    def _forward(self, values, index):
        mean, scale = _answer(self.config.network, len(self.tasks), index, *self._tensors[self.config.tasks[index]],
                              values[None, None])
        return mean.numpy(), scale.numpy()

    @cached_property
    def _tensors(self):
        """For each task: what `_answer` needs, as tensors, gathered once by member."""
        parameters = {name: tf.constant(value) for name, value in self.parameters.items()}
        masks = [tf.constant(mask) for mask in self.masks]
        mean, scale = (tf.constant(part[self.part_of_member][:, None, None], tf.float32)
                       for part in (self.feature_mean, self.feature_scale))
        target = [part[self.part_of_member].astype(np.float32) for part in (self.target_mean, self.target_std)]
        return {task.key: (parameters, masks, mean, scale, tf.constant(self.spec.visible(task), tf.float32),
                           tf.constant(target[0][:, index, None, None]), tf.constant(target[1][:, index, None, None]))
                for index, task in enumerate(self.tasks)}


@tf.function(reduce_retracing=True)
def _answer(config: NetworkConfig, n_tasks: int, task: int, parameters, masks, feature_mean, feature_scale, visible, target_mean,
            target_std, values):
    """Mean and noise standard deviation [M, K, n] in the learning unit, from unscaled features [1 or M, 1, n, F]."""
    x = scaled(values, feature_mean, feature_scale) * visible
    hidden = network.trunk(config, parameters, x, masks)
    mean, log_scale = network.answer(config, network.heads(parameters, n_tasks)[task], x, hidden, masks)
    return target_mean + target_std * mean, target_std * LOGISTIC_STD * tf.exp(log_scale)


def scaled(values: tf.Tensor, mean: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Standard scores clipped at ±CLIP, not reported at the mean; `features.Scaler.transform`, differentiable."""
    scores = tf.clip_by_value((values - mean) / scale, -CLIP, CLIP)
    return tf.where(tf.math.is_nan(scores), tf.zeros_like(scores), scores)
