"""Train every member at once, in one TensorFlow graph.

Notation: M members, D training parts (one a fold of a split), n rows, F features, T tasks, B batch size.
"""
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from mtl_core.ensemble.config import NetworkConfig, TrainConfig
from mtl_core.ensemble.graph import Graph
from mtl_core.ensemble.state import StateFile, fingerprint
from mtl_core.errors import StoppedError
from mtl_core.seeds import child_seed

STEPS = 6  # that are enough to tell how long an epoch takes


@dataclass(frozen=True)
class TrainingRows:
    """Rows scaled for each training part, and which member learns from which.

    features: float32 [D, n, F], each row already zero where its task does not look; low, high: float32 [D, n], the
    scaled interval that is known of each target, or both the position of its class; task: int32 [n]; is_training: bool [D, n];
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
    """loss: mean training loss [epochs, M]; task_loss: that of each task's rows [epochs, M, T]; validation: mean validation loss
    [epochs, M], NaN where none was kept back and once a member has stopped; last_epoch: the epoch whose weights each member
    keeps [M]."""

    loss: np.ndarray
    task_loss: np.ndarray
    validation: np.ndarray
    last_epoch: np.ndarray


Progress = Callable[[int, int, History], None]  # epoch (from 1), n_epochs, the history so far
Look = Callable[[int, Callable[[], dict[str, np.ndarray]]], None]  # epoch, and what gives the parameters that would be kept now


def train(rows: TrainingRows, network_config: NetworkConfig, config: TrainConfig, *, n_tasks: int, seed: int,
          n_classes: tuple[int, ...] = (), progress: Progress | None = None, look: Look | None = None, state: Path | None = None,
          should_stop: Callable[[], bool] = lambda: False) -> tuple[dict[str, np.ndarray], History]:
    """Parameters [M, …] and history of all members; the same rows, configs and seed give the same numbers.

    n_classes: of each task, 0 where it has values; empty where all have.
    look: called after each epoch, before progress; whoever does not ask for the parameters pays nothing.
    state: a file that keeps the training now and then, and from which it goes on where there is one already.
    should_stop: asked before each epoch. Raises ConfigError when a member has no row to learn from, StoppedError when it should
    stop, CheckpointError when the state is damaged or that of another training.
    """
    file = StateFile(state, fingerprint(rows, network_config, config, n_tasks, seed, *n_classes))
    training = _Training(rows, network_config, config, n_tasks, seed, n_classes)
    training.restore(file.read())
    while not training.is_over():
        if should_stop():
            file.write(training.arrays())
            raise StoppedError(f"stopped after epoch {training.epoch} of {config.epochs}; resumed, it goes on from there")
        training.learn()
        if look:
            look(training.epoch, training.result)
        if progress:
            progress(training.epoch, config.epochs, training.history())
        if file.is_due() or training.is_over():
            file.write(training.arrays())
    return training.result(), training.history()


class _Training:
    """Everything that one epoch hands on to the next."""

    def __init__(self, rows, network_config, config, n_tasks, seed, n_classes):
        validation = _validation_rows(rows, config.validation_share, seed)
        self.config, self.graph = config, Graph(rows, network_config, config, n_tasks, seed, validation, n_classes)
        self.best = _Best(self.graph.parameters, self.graph.n_members)
        self.curves = {"loss": [], "task_loss": [], "validation": []}

    @property
    def epoch(self):
        """How many are done."""
        return len(self.curves["loss"])

    def is_over(self):
        return self.epoch == self.config.epochs or self.best.is_stopped(self.epoch, self.config.patience).all()

    def learn(self):
        epoch = self.epoch
        loss, task_loss = self.graph.epoch(tf.constant(epoch))
        validation = np.where(self.best.is_stopped(epoch, self.config.patience), np.nan, self.graph.validation_loss().numpy())
        self.best.update(epoch, validation, self.graph.parameters, self.config.patience)
        for curve, value in zip(self.curves.values(), (loss.numpy(), task_loss.numpy(), validation), strict=True):
            curve.append(value)

    def history(self):
        return History(**{name: np.array(curve) for name, curve in self.curves.items()}, last_epoch=self.best.epoch + 1)

    def result(self):
        return self.best.parameters(self.graph.parameters)

    def arrays(self):
        """All of it, by name."""
        arrays = {name: np.array(curve) for name, curve in self.curves.items()}
        arrays |= {"best_loss": self.best.loss, "best_epoch": self.best.epoch}
        if self.config.validation_share:
            arrays |= {f"best/{name}": value for name, value in self.best.arrays.items()}
        return arrays | {name: value.numpy() for name, value in self.graph.state().items()}

    def restore(self, arrays):
        """Go back to what `arrays` gave, where there is something."""
        if not arrays:
            return
        for name, variable in self.graph.state().items():
            variable.assign(arrays[name])
        for name, curve in self.curves.items():
            curve.extend(arrays[name])
        self.best.loss, self.best.epoch = arrays["best_loss"], arrays["best_epoch"]
        if self.config.validation_share:
            self.best.arrays = {name: arrays[f"best/{name}"] for name in self.best.arrays}


def epoch_seconds(rows: TrainingRows, network_config: NetworkConfig, config: TrainConfig, *, n_tasks: int, seed: int,
                  n_classes: tuple[int, ...] = ()) -> float:
    """Seconds of one epoch when nothing else runs, from a few steps of the real graph, which it compiles as training would."""
    validation = _validation_rows(rows, config.validation_share, seed)
    graph = Graph(rows, network_config, config, n_tasks, seed, validation, n_classes)
    n_steps, graph.n_steps = graph.n_steps, min(graph.n_steps, STEPS)
    epoch = tf.constant(0)
    order, few, validation = (_seconds(call) for call in (
        lambda: graph.shuffled(epoch), lambda: graph.epoch(epoch), graph.validation_loss))
    return order + (few - order) * n_steps / graph.n_steps + validation


def _seconds(call) -> float:
    """The shortest of five calls after a first one, which compiles."""
    ends = []
    for _ in range(6):
        tf.nest.map_structure(lambda tensor: tensor.numpy(), call())
        ends.append(time.monotonic())
    return float(np.diff(ends).min())


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
