"""How several tasks share what they learn, after Hutchinson et al. 2017 (arXiv 1711.05099).

    multi-task    one network with a shared trunk and a head a task; the only wiring that is a single training
    single-task   a network of its own for each task
    difference    one task, the source, tells the others what it predicts; they learn what to add to a multiple of it
    latent        the source tells the others what it predicts; it is one more of their inputs

What is told is always predicted, never measured. A row that others learn from is told by members that learnt neither from its
group nor from anything that its part holds out: the training rows of each part are divided again into inner folds, by what the
part's split keeps together. Whoever asks later is told by the part's own members.
"""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mtl_core.data.folds import SPLITS, make_folds, split_groups
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.ensemble.fit import Told, fit_ensemble, seconds_to_fit
from mtl_core.ensemble.parts import Part
from mtl_core.ensemble.trainer import History, Progress
from mtl_core.features.preparation import TargetTransform, mapped
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.seeds import child_seed
from mtl_core.tasks import TASKS, TaskSpec

INNER_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Wired:
    """An ensemble for each task; to be asked as if it were one. Member m of each learnt from the same part."""

    config: EnsembleConfig
    spec: FeatureSpec
    of_task: Mapping[str, Ensemble]

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        """The tasks it answers, in the order of the config."""
        return tuple(TASKS[key] for key in self.config.tasks)

    @property
    def n_members(self) -> int:
        """Networks that answer for one task."""
        return self._one.n_members

    @property
    def n_masks(self) -> int:
        return self._one.n_masks

    @property
    def part_of_member(self) -> np.ndarray:
        """[M], the same for all tasks."""
        return self._one.part_of_member

    @property
    def _one(self):
        return self.of_task[self.config.tasks[0]]

    def _each(self, change):
        return replace(self, of_task={task: change(one) for task, one in self.of_task.items()})

    def select(self, members: np.ndarray) -> "Wired":
        """See `Ensemble.select`."""
        return self._each(lambda one: one.select(members))

    def untrained(self, seed: int) -> "Wired":
        """See `Ensemble.untrained`."""
        return self._each(lambda one: one.untrained(seed))

    def predict_members(self, values: np.ndarray, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Ensemble.predict_members`."""
        return self.of_task[task].predict_members(values, task)

    def predict_classes(self, values: np.ndarray, task: str) -> np.ndarray:
        """See `Ensemble.predict_classes`."""
        return self.of_task[task].predict_classes(values, task)

    def predict_own(self, values: np.ndarray, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Ensemble.predict_own`."""
        return self.of_task[task].predict_own(values, task)

    def scaler(self, task: str) -> Scaler:
        """See `Ensemble.scaler`."""
        return self.of_task[task].scaler(task)

    def filled(self, values: np.ndarray, task: str) -> np.ndarray:
        """See `Ensemble.filled`."""
        return self.of_task[task].filled(values, task)

    def mean_tensor(self, values, task: str, *, alike: bool = False):
        """See `Ensemble.mean_tensor`."""
        return self.of_task[task].mean_tensor(values, task, alike=alike)

    def tangents(self, values: np.ndarray, task: str):
        """See `Ensemble.tangents`; of the weights of the task's own networks, what they are told being held."""
        return self.of_task[task].tangents(values, task)

    def told(self, values: np.ndarray, task: str) -> np.ndarray:
        """See `Ensemble.told`."""
        return self.of_task[task].told(values, task)

    def processes(self, task: str):
        """See `Ensemble.processes`."""
        return self.of_task[task].processes(task)

    def target_of(self, task: str) -> TargetTransform:
        """See `Ensemble.target_of`."""
        return self.of_task[task].target_of(task)


@dataclass(frozen=True)
class Stage:
    """One training of a wiring. is_inner: on the inner folds, by members that only tell the rows that others learn from."""

    task: str
    is_inner: bool
    config: EnsembleConfig

    @property
    def name(self) -> str:
        return f"{self.task}-inner" if self.is_inner else self.task


def stages_of(config: EnsembleConfig) -> tuple[Stage, ...]:
    """The trainings in their order, for another wiring than "multi-task"."""
    stages = [Stage(task, False, config.for_task(task)) for task in config.in_order]
    if config.tells:
        own = stages[0].config
        once = own.model_copy(update={"train": own.train.model_copy(update={"n_repeats": 1}), "kernel_share": 0.0})
        stages.insert(1, Stage(config.source_task, True, once))
    return tuple(stages)


def fit_any(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig, parts: Sequence[Part], *,
            progress: Progress | None = None, state: Path | None = None,
            should_stop: Callable[[], bool] = lambda: False) -> Ensemble | Wired:
    """Train whatever wiring the config has, for who does not look at its stages: progress counts the epochs of all of them, and
    the state of each is kept in a file of its own, named after `state`."""
    given = observations, values, spec, config, parts
    if config.wiring == "multi-task":
        return fit_ensemble(*given, progress=progress, state=state, should_stop=should_stop)[0]
    names = [stage.name for stage in stages_of(config)]

    def watched(stage: Stage) -> Mapping:
        before = names.index(stage.name) * config.train.epochs

        def say(epoch: int, n_epochs: int, history: History) -> None:
            progress(before + epoch, len(names) * n_epochs, history)

        return {"state": state and state.with_stem(f"{state.stem}_{stage.name}"), "progress": progress and say}

    return fit_wired(*given, watched=watched, should_stop=should_stop)[0]


def fit_wired(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig, parts: Sequence[Part], *,
              watched: Callable[[Stage], Mapping] = lambda stage: {},
              should_stop: Callable[[], bool] = lambda: False) -> tuple[Wired, dict[str, History]]:
    """Train the stages of a wiring one after the other; returns the history of each by its name.

    observations, values, spec, parts, should_stop: as for `fit_ensemble`. watched: progress, look and state of a stage, as
    `fit_ensemble` takes them.
    """
    fitted, histories, told = {}, {}, None
    inner = inner_parts(observations, parts, seed=config.seed) if config.tells else []
    for stage in stages_of(config):
        of_stage = [part for several in inner for part in several] if stage.is_inner else parts
        is_mine = (observations["task"] == stage.task).to_numpy()
        tell = told(stage.task) if told and not stage.is_inner else None
        ensemble, histories[stage.name] = fit_ensemble(
            observations[is_mine].reset_index(drop=True), values[is_mine], spec, stage.config, rows_of(of_stage, is_mine),
            told=tell, should_stop=should_stop, **watched(stage))
        if stage.is_inner:
            told = Tells(observations, values, spec, config, inner, ensemble, fitted[stage.task])
        else:
            fitted[stage.task] = ensemble
    return Wired(config, spec, {task: fitted[task] for task in config.tasks}), histories


def seconds_to_wire(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig,
                    parts: Sequence[Part]) -> float:
    """Seconds that `fit_wired` will take, see `fit.seconds_to_fit`."""
    inner = [part for several in inner_parts(observations, parts, seed=config.seed) for part in several] if config.tells else []
    seconds = 0.0
    for stage in stages_of(config):
        is_mine = (observations["task"] == stage.task).to_numpy()
        seconds += seconds_to_fit(observations[is_mine].reset_index(drop=True), values[is_mine], spec, stage.config,
                                  rows_of(inner if stage.is_inner else parts, is_mine))
    return seconds


def rows_of(parts: Sequence[Part], chosen: np.ndarray) -> tuple[Part, ...]:
    """The parts of some rows [n] only."""
    return tuple(replace(part, is_training=part.is_training[chosen], is_test=part.is_test[chosen]) for part in parts)


def inner_parts(observations: pd.DataFrame, parts: Sequence[Part], *, seed: int) -> list[list[Part]]:
    """For each part, its training rows divided into up to INNER_FOLDS inner parts: is_test are the training rows of one inner
    fold, is_training those of the others. What the part's split keeps together is not divided; where that is not one of SPLITS,
    papers are not."""
    kinds = [part.split if part.split in SPLITS else "reference" for part in parts]
    groups = {kind: split_groups(observations, kind) for kind in set(kinds)}
    return [_inner(observations, part, kind, groups[kind], seed) for part, kind in zip(parts, kinds, strict=True)]


def _inner(observations, part, kind, groups, seed):
    rows = np.flatnonzero(part.is_training)
    n_folds = min(INNER_FOLDS, len(np.unique(groups[rows])))
    fold = np.full(len(observations), -1)
    fold[rows] = make_folds(observations.iloc[rows], kind=kind, n_folds=n_folds,
                            seed=child_seed(seed, "inner", part.split, part.fold_seed, part.fold))
    return [Part(part.split, part.fold_seed, part.fold, part.is_training & (fold != inner), fold == inner)
            for inner in range(n_folds)]


@dataclass(frozen=True, eq=False)
class Tells:
    """What the rows of each task are told of the source: by the inner members of each part that never saw their group.

    ensemble: a member for each inner part; source: the members of the parts themselves, who tell it to whoever asks later.
    """

    observations: pd.DataFrame
    values: np.ndarray
    spec: FeatureSpec
    config: EnsembleConfig
    inner: Sequence[Sequence[Part]]
    ensemble: Ensemble
    source: Ensemble

    def __call__(self, task: str) -> Told:
        """The rows of a task, in the order of the observations."""
        is_mine = (self.observations["task"] == task).to_numpy()
        asked, seen = self.values[is_mine], self.spec.visible(TASKS[task])
        classes = TASKS[self.config.source_task].classes
        told, first = np.zeros((len(self.inner), is_mine.sum(), *([len(classes)] if classes else []))), 0
        for position, several in enumerate(self.inner):
            members = self.ensemble.select(np.arange(first, first + len(several)))
            answers = members.scaled(asked, self.config.source_task, seen)
            answers = answers if classes else self._in_units_of(position, members, answers)
            for answer, part in zip(answers, several, strict=True):
                told[position, part.is_test[is_mine]] = answer[part.is_test[is_mine]]
            first += len(several)
        return Told(told, self.source, is_added=self.config.wiring == "difference")

    def _in_units_of(self, position, members, scaled):
        """From units of the spread on each inner part to those of the spread on the part, [K, n]."""
        theirs = members.target_of(self.config.source_task)
        ours = mapped(self.source.targets, lambda array: array[position, 0])
        y, _ = theirs.inverse(theirs.mean + theirs.std * scaled)
        return (ours.forward(y) - ours.mean) / ours.std
