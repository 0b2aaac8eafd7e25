"""Train every member at once, in one TensorFlow graph.

Notation: M members, D training parts (one a fold of a split), n rows, F features, T tasks, B batch size.
"""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mtl_core.ensemble import network
from mtl_core.ensemble.config import NetworkConfig, TrainConfig
from mtl_core.ensemble.losses import negative_log_likelihood
from mtl_core.errors import ConfigError
from mtl_core.seeds import child_seed

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's, Kingma & Ba 2015 (arXiv 1412.6980)
WARM_UP = 0.05  # share of the steps over which the learning rate rises, before its cosine fall

Progress = Callable[[int, int, np.ndarray], None]  # epoch (from 1), n_epochs, mean training loss a member [M]


@dataclass(frozen=True)
class TrainingRows:
    """Rows scaled for each training part, and which member learns from which.

    features: float32 [D, n, F], each row already zero where its task does not look; low, high: float32 [D, n], the
    scaled interval that is known of each target; task: int32 [n]; is_training: bool [D, n];
    part_of_member: int32 [M], the training part of each member; group: int32 [n], never divided by early stopping.
    """

    features: np.ndarray
    low: np.ndarray
    high: np.ndarray
    task: np.ndarray
    is_training: np.ndarray
    part_of_member: np.ndarray
    group: np.ndarray


@dataclass(frozen=True)
class History:
    """loss: mean training loss [epochs, M]; validation: mean validation loss [epochs, M], NaN where none was kept
    back and once a member has stopped; last_epoch: the epoch whose weights each member keeps [M]."""

    loss: np.ndarray
    validation: np.ndarray
    last_epoch: np.ndarray


def train(rows: TrainingRows, network_config: NetworkConfig, config: TrainConfig, *, n_tasks: int, seed: int,
          progress: Progress | None = None) -> tuple[dict[str, np.ndarray], History]:
    """Parameters [M, …] and history of all members; the same rows, configs and seed give the same numbers.

    Raises ConfigError when a member has no row to learn from.
    """
    validation = _validation_rows(rows, config.validation_share, seed)
    graph = _Graph(rows, network_config, config, n_tasks, seed, validation)
    losses, validations = [], []
    best = _Best(graph.parameters, len(rows.part_of_member))
    for epoch in range(config.epochs):
        losses.append(graph.epoch(tf.constant(epoch)).numpy())
        validations.append(np.where(best.is_stopped(epoch, config.patience), np.nan, graph.validation_loss().numpy()))
        best.update(epoch, validations[-1], graph.parameters, config.patience)
        if progress:
            progress(epoch + 1, config.epochs, losses[-1])
        if best.is_stopped(epoch + 1, config.patience).all():
            break
    return best.parameters(graph.parameters), History(np.array(losses), np.array(validations), best.epoch + 1)


def _validation_rows(rows: TrainingRows, share: float, seed: int) -> np.ndarray:
    """bool [M, n]: rows that a member keeps back, whole groups, drawn anew for each member."""
    rng = np.random.default_rng(child_seed(seed, "validation"))
    kept = rng.random((len(rows.part_of_member), rows.group.max() + 1)) < share
    return kept[:, rows.group] & rows.is_training[rows.part_of_member]


class _Best:
    """The best parameters of each member so far; without validation rows, simply the last ones.

    A member that has stopped still takes part in the steps, which all members share, but nothing of it is kept any more.
    """

    def __init__(self, parameters, n_members):
        self.loss = np.full(n_members, np.inf)
        self.epoch = np.zeros(n_members, int)
        self.arrays = {name: value.numpy() for name, value in parameters.items()}

    def is_stopped(self, epoch, patience):
        return np.isfinite(self.loss) & (epoch - self.epoch > patience)

    def update(self, epoch, loss, parameters, patience):
        if np.isnan(loss).all():
            self.epoch[:] = epoch
            return
        improved = (np.isnan(loss) | (loss < self.loss)) & ~self.is_stopped(epoch, patience)
        self.loss, self.epoch = np.where(improved, loss, self.loss), np.where(improved, epoch, self.epoch)
        for name, value in parameters.items():
            self.arrays[name][improved] = value.numpy()[improved]

    def parameters(self, last):
        return self.arrays if np.isfinite(self.loss).any() else {name: value.numpy() for name, value in last.items()}


class _Graph(tf.Module):
    """The variables of one training, and its two compiled steps: an epoch, and the validation loss."""

    def __init__(self, rows, network_config, config, n_tasks, seed, validation):
        super().__init__()
        self.network, self.config, self.n_tasks = network_config, config, n_tasks
        self.n_members, self.n_features = len(rows.part_of_member), rows.features.shape[-1]
        self._place(rows, validation)
        initial = network.initial_parameters(network_config, n_features=self.n_features, n_tasks=n_tasks,
                                             n_members=self.n_members, seed=child_seed(seed, "weights"))
        self.parameters = {name: tf.Variable(value) for name, value in initial.items()}
        self.first, self.second = ({name: tf.Variable(tf.zeros_like(value)) for name, value in self.parameters.items()}
                                   for _ in range(2))
        self.shuffle_seed, self.mask_seed = child_seed(seed, "shuffle"), child_seed(seed, "masks in training")

    def _place(self, rows, validation):
        is_training = rows.is_training[rows.part_of_member] & ~validation
        n_rows = is_training.sum(axis=1)
        if not n_rows.all():
            raise ConfigError("expected every member to keep at least one row to learn from, got one with none; "
                              "train on more papers, fewer folds or a smaller validation_share")
        self.features, self.low, self.high = (tf.constant(a, tf.float32) for a in (rows.features, rows.low, rows.high))
        self.task, self.part = tf.constant(rows.task, tf.int32), tf.constant(rows.part_of_member, tf.int32)
        self.is_training, self.n_rows = tf.constant(is_training), tf.constant(n_rows, tf.int32)
        self.validation = tf.constant(validation, tf.float32)
        self.n_steps = int(np.ceil(n_rows.max() / self.config.batch_size))

    @tf.function
    def epoch(self, epoch):
        """One pass over the data of every member; returns the mean training loss [M]."""
        order = self._shuffled(epoch)
        total = tf.zeros(self.n_members)
        for step in tf.range(self.n_steps):
            batch = order[:, step * self.config.batch_size:(step + 1) * self.config.batch_size]
            total += self._step(batch, epoch * self.n_steps + step)
        return total / self.n_steps

    def _shuffled(self, epoch):
        """Row indices [M, steps × B]: a fresh permutation of each member's own rows, repeated to fill its last batch."""
        uniform = tf.random.stateless_uniform(self.is_training.shape, (self.shuffle_seed, epoch))
        order = tf.argsort(tf.where(self.is_training, uniform, 2.0), axis=1)
        position = tf.range(self.n_steps * self.config.batch_size)[None] % self.n_rows[:, None]
        return tf.gather(order, position, batch_dims=1)

    def _step(self, batch, step):
        leading = (self.n_members, 1, self.config.batch_size)
        masks = network.draw_masks(self.network, leading, (self.mask_seed, step))
        names = list(self.parameters)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self._loss(batch, masks), axis=1)
            total = tf.reduce_sum(loss)  # members share no parameter, so the gradient of the sum is each one's own
        gradients = tape.gradient(total, [self.parameters[name] for name in names])
        self._adamw(dict(zip(names, gradients, strict=True)), tf.cast(step, tf.float32))
        return loss

    def _loss(self, batch, masks):
        """Loss [M, B] of the rows batch [M, B]."""
        where = tf.stack([tf.broadcast_to(self.part[:, None], tf.shape(batch)), batch], axis=-1)
        x = tf.gather_nd(self.features, where)[:, None]
        low, high = tf.gather_nd(self.low, where), tf.gather_nd(self.high, where)
        of_task = tf.one_hot(tf.gather(self.task, batch), self.n_tasks)
        hidden = network.trunk(self.network, self.parameters, x, masks)
        outputs = [network.answer(self.network, head, x, hidden, masks)
                   for head in network.heads(self.parameters, self.n_tasks)]
        mean, log_scale = (tf.stack([output[part][:, 0] for output in outputs], axis=-1) for part in (0, 1))
        return negative_log_likelihood(low, high, tf.reduce_sum(mean * of_task, -1),
                                       tf.reduce_sum(log_scale * of_task, -1))

    def _adamw(self, gradients, step):
        """Adam with decoupled weight decay on weights only (Loshchilov & Hutter 2019, arXiv 1711.05101), in TensorFlow's fused
        kernel: written out, these dozen passes over memory would cost more than the network."""
        progress = step / float(self.config.epochs * self.n_steps)
        rate = self.config.learning_rate * tf.minimum(1.0, progress / WARM_UP) * 0.5 * (1 + tf.cos(np.pi * progress))
        for name, gradient in gradients.items():
            value = self.parameters[name]
            if name.endswith("weight"):
                value.assign_sub(rate * self.config.weight_decay * value)
            tf.raw_ops.ResourceApplyAdam(
                var=value.handle, m=self.first[name].handle, v=self.second[name].handle, beta1_power=BETA_1 ** (step + 1),
                beta2_power=BETA_2 ** (step + 1), lr=rate, beta1=BETA_1, beta2=BETA_2, epsilon=EPSILON, grad=gradient)

    @tf.function
    def validation_loss(self):
        """Mean loss on the rows kept back [M]; NaN for a member that keeps none."""
        n_rows = self.features.shape[1]
        if not self.config.validation_share:
            return tf.fill((self.n_members,), np.float32(np.nan))
        everything = tf.tile(tf.range(n_rows)[None], (self.n_members, 1))
        ones = [tf.ones((1, 1, 1, width)) for width in network.mask_widths(self.network)]
        loss = self._loss(everything, ones) * self.validation
        return tf.reduce_sum(loss, axis=1) / tf.reduce_sum(self.validation, axis=1)
