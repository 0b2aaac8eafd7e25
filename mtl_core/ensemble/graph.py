"""One training as a TensorFlow graph: its variables, an epoch of all members, and their validation loss.

Whatever is random in an epoch is drawn from the seed and the number of the epoch or step alone, so a training that was
interrupted goes on to the same numbers as one that was not. Notation as in `mtl_core.ensemble.trainer`.
"""
import numpy as np
import tensorflow as tf

from mtl_core.ensemble import gradients, network
from mtl_core.ensemble.losses import cross_entropy, negative_log_likelihood
from mtl_core.errors import ConfigError
from mtl_core.seeds import child_seed

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's, Kingma & Ba 2015 (arXiv 1412.6980)
WARM_UP = 0.05  # share of the steps over which the learning rate rises, before its cosine fall


class Graph(tf.Module):
    """The variables of one training, and its two compiled steps: an epoch, and the validation loss."""

    def __init__(self, rows, network_config, config, n_tasks, seed, validation, n_classes=()):
        super().__init__()
        self.network, self.config, self.n_tasks, self.has_classes = network_config, config, n_tasks, any(n_classes)
        n_outputs = np.maximum(n_classes or np.zeros(n_tasks, int), 1)
        self.n_outputs, self.first_output = int(n_outputs.sum()), tf.constant(np.cumsum(n_outputs) - n_outputs, tf.int32)
        self.outputs = tf.constant(np.repeat(np.eye(n_tasks), n_outputs, axis=1), tf.float32)  # those of each task [T, O]
        self.is_class = tf.constant(np.array(n_classes or np.zeros(n_tasks)) > 0)
        self.n_members, self.n_features = len(rows.part_of_member), rows.features.shape[-1]
        self._place(rows, validation)
        initial = network.initial_parameters(network_config, n_features=self.n_features, n_tasks=self.n_outputs,
                                             n_members=self.n_members, seed=child_seed(seed, "weights"))
        self.parameters = {name: tf.Variable(value) for name, value in initial.items()}
        doubts = {gradients.DOUBT: tf.Variable(tf.zeros((self.n_members, n_tasks)))}
        self.learnt = self.parameters | (doubts if config.task_gradients == "uncertainty" else {})
        self.first, self.second = ({name: tf.Variable(tf.zeros_like(value)) for name, value in self.learnt.items()}
                                   for _ in range(2))
        self.shuffle_seed, self.mask_seed, self.order_seed = (
            child_seed(seed, name) for name in ("shuffle", "masks in training", "order of tasks"))

    def state(self):
        """All variables by name: what is learnt, and Adam's two moments of each."""
        kinds = {"parameters": self.learnt, "first": self.first, "second": self.second}
        return {f"{kind}/{name}": variable for kind, variables in kinds.items() for name, variable in variables.items()}

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
        """One pass over the data of every member; returns the mean training loss [M], and that of each task's rows [M, T]."""
        order = self.shuffled(epoch)
        total = tf.zeros(self.n_members)
        task_total, task_rows = tf.zeros((self.n_members, self.n_tasks)), tf.zeros((self.n_members, self.n_tasks))
        for step in tf.range(self.n_steps):
            batch = order[:, step * self.config.batch_size:(step + 1) * self.config.batch_size]
            loss = self._step(batch, epoch * self.n_steps + step)
            of_task = tf.one_hot(tf.gather(self.task, batch), self.n_tasks)
            total += tf.reduce_mean(loss, axis=1)
            task_total += tf.reduce_sum(loss[..., None] * of_task, axis=1)
            task_rows += tf.reduce_sum(of_task, axis=1)
        return total / self.n_steps, task_total / task_rows

    def shuffled(self, epoch):
        """Row indices [M, steps × B]: a fresh permutation of each member's own rows, repeated to fill its last batch."""
        uniform = tf.random.stateless_uniform(self.is_training.shape, (self.shuffle_seed, epoch))
        order = tf.argsort(tf.where(self.is_training, uniform, 2.0), axis=1)
        position = tf.range(self.n_steps * self.config.batch_size)[None] % self.n_rows[:, None]
        return tf.gather(order, position, batch_dims=1)

    def _step(self, batch, step):
        """Learn from the rows batch [M, B]; returns their loss before, [M, B]."""
        leading = (self.n_members, 1, self.config.batch_size)
        masks = network.draw_masks(self.network, leading, (self.mask_seed, step))
        of_task = tf.one_hot(tf.gather(self.task, batch), self.n_tasks)
        is_projected = self.config.task_gradients == "pcgrad"
        with tf.GradientTape(persistent=is_projected) as tape:
            loss = self._loss(batch, masks)
            # Members share no parameter, so the gradient of the sum is each one's own.
            if is_projected:
                totals = [tf.reduce_sum(loss * of_task[..., task]) / loss.shape[1] for task in range(self.n_tasks)]
            elif self.config.task_gradients == "uncertainty":
                total = gradients.weighted(self._above_least(loss, batch), of_task, self.learnt[gradients.DOUBT],
                                           self.network.likelihood)
            else:
                total = tf.reduce_sum(tf.reduce_mean(loss, axis=1))
        if is_projected:
            found = gradients.projected([tape.gradient(one, self.learnt) for one in totals], (self.order_seed, step))
        else:
            found = tape.gradient(total, self.learnt)
        self._adamw(found, tf.cast(step, tf.float32))
        return loss

    def _loss(self, batch, masks):
        """Loss [M, B] of the rows batch [M, B]."""
        where = tf.stack([tf.broadcast_to(self.part[:, None], tf.shape(batch)), batch], axis=-1)
        x = tf.gather_nd(self.features, where)[:, None]
        low, high = tf.gather_nd(self.low, where), tf.gather_nd(self.high, where)
        task = tf.gather(self.task, batch)
        mine = tf.gather(self.outputs, task)
        hidden = network.trunk(self.network, self.parameters, x, masks)
        outputs = [network.answer(self.network, head, x, hidden, masks)
                   for head in network.heads(self.network, self.parameters, self.n_outputs)]
        mean, log_scale = (tf.stack([output[part][:, 0] for output in outputs], axis=-1) for part in (0, 1))
        of_values = negative_log_likelihood(low, high, tf.reduce_sum(mean * mine, -1), tf.reduce_sum(log_scale * mine, -1),
                                            self.network.likelihood)
        if not self.has_classes:
            return of_values
        is_class = tf.gather(self.is_class, task)
        chosen = tf.gather(self.first_output, task) + tf.cast(tf.where(is_class, low, 0.0), tf.int32)
        return tf.where(is_class, cross_entropy(mean, mine > 0, chosen), of_values)

    def _above_least(self, loss, batch):
        """Of classes the least that the loss can be is zero, and not that of a reading; see `gradients.weighted`."""
        is_class = tf.gather(self.is_class, tf.gather(self.task, batch))
        return tf.where(is_class, loss + gradients.LEAST[self.network.likelihood], loss) if self.has_classes else loss

    def _adamw(self, found, step):
        """Adam with decoupled weight decay on weights only (Loshchilov & Hutter 2019, arXiv 1711.05101), in TensorFlow's fused
        kernel: written out, these dozen passes over memory would cost more than the network."""
        progress = step / float(self.config.epochs * self.n_steps)
        rate = self.config.learning_rate * tf.minimum(1.0, progress / WARM_UP) * 0.5 * (1 + tf.cos(np.pi * progress))
        for name, gradient in found.items():
            value = self.learnt[name]
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
