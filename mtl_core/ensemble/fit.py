"""From observations and folds to a trained ensemble: every transform is fitted inside its own training part."""
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mtl_core.data.folds import reference_groups
from mtl_core.ensemble import kernel_fit, network
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.ensemble import TOLD_GAIN, Ensemble, Upstream
from mtl_core.ensemble.kernels import Kernels
from mtl_core.ensemble.parts import Part
from mtl_core.ensemble.trainer import History, Progress, TrainingRows, epoch_seconds, train
from mtl_core.errors import ConfigError
from mtl_core.features.preparation import TargetTransform, check_target, stacked
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.seeds import child_seed
from mtl_core.tasks import TASKS, with_classes

Look = Callable[[int, Callable[[], Ensemble]], None]  # epoch, and what gives the ensemble that would be kept now


@dataclass(frozen=True, eq=False)
class Told:
    """What each part's rows are told of another task, [D, n] in units of that task's spread on the part or [D, n, C] as the
    probability of each class, and the members [M] that tell it to whoever asks later. is_added: whether it is scaled and
    added to what the members say, or one more input of theirs.
    """

    values: np.ndarray
    ensemble: Ensemble
    is_added: bool


def fit_ensemble(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig,
                 parts: Sequence[Part], *, told: Told | None = None, progress: Progress | None = None, look: Look | None = None,
                 state: Path | None = None, should_stop: Callable[[], bool] = lambda: False) -> tuple[Ensemble, History]:
    """Train n_repeats members on each part, all at once.

    observations: n rows with `task`, `low`, `high`, `value`, `reference_group`; values: their unscaled features [n, F].
    told: of another task, to members that learn a single one. Other wirings than "multi-task" are several trainings: `wiring`.
    look: called after each epoch, before progress; whoever does not ask for the ensemble pays nothing.
    progress, state, should_stop: see `trainer.train`. Raises ConfigError for another wiring.
    """
    if config.wiring != "multi-task":
        raise ConfigError(f"expected the wiring 'multi-task' in a single training, got {config.wiring!r}; see `wiring.fit_wired`")
    rows, scalers, targets = _training_rows(observations, values, spec, config, parts)
    rows, targets, upstream = (rows, targets, None) if told is None else _with_told(rows, targets, told)
    leading = (len(rows.part_of_member), config.n_masks, 1)
    masks = network.draw_masks(config.network, leading, (child_seed(config.seed, "masks"), 0))
    ensemble = partial(
        Ensemble, config=config, spec=spec, masks=tuple(mask.numpy() for mask in masks), part_of_member=rows.part_of_member,
        features=stacked(scalers), targets=stacked([stacked(of_part) for of_part in targets]), upstream=upstream)
    parameters, history = train(
        rows, config.network, config.train, n_tasks=len(config.tasks), n_classes=config.n_classes, seed=config.seed,
        progress=progress, state=state, should_stop=should_stop,
        look=look and (lambda epoch, kept: look(epoch, lambda: ensemble(parameters=kept()))))
    processes = None
    if config.kernel_share:
        processes = _fit_kernels(observations, values, spec, rows, parts, config, should_stop=should_stop)
    return ensemble(parameters=parameters, kernels=processes), history


def fit_kernels(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig, parts: Sequence[Part],
                **choices: object) -> Kernels:
    """What `fit_ensemble` puts beside the networks of the same parts; choices: `effect` and `share` of `kernel_fit.fit`."""
    rows, _, _ = _training_rows(observations, values, spec, config, parts)
    return _fit_kernels(observations, values, spec, rows, parts, config, **choices)


def _fit_kernels(observations, values, spec, rows, parts, config, **choices):
    """Of the exact training rows; they take seconds once the networks have taken minutes."""
    has_value = ~observations["task"].isin(with_classes(config.tasks)).to_numpy()
    exact = np.where((rows.low == rows.high) & has_value, rows.low, np.nan)
    visible = np.stack([spec.visible(TASKS[key]) for key in config.tasks])
    return kernel_fit.fit(observations, values, exact, rows.task, visible, np.array(spec.kinds) == "condition", parts,
                          config.preparation, **choices)


def seconds_to_fit(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig,
                   parts: Sequence[Part]) -> float:
    """Seconds that `fit_ensemble` will take, from a few steps of the same graph; with early stopping, at most."""
    start = time.monotonic()
    rows, _, _ = _training_rows(observations, values, spec, config, parts)
    epoch = epoch_seconds(rows, config.network, config.train, n_tasks=len(config.tasks), n_classes=config.n_classes,
                          seed=config.seed)
    return time.monotonic() - start + config.train.epochs * epoch


def _training_rows(observations, values, spec, config, parts) -> tuple[TrainingRows, Sequence[Scaler], Sequence[list]]:
    """The rows scaled for each part, and what scaled their features and their targets."""
    task = task_index(observations, config.tasks)
    seen = np.stack([spec.visible(TASKS[key]) for key in config.tasks])[task]
    scalers, targets = zip(*(fitted_transforms(observations, values, spec, config, part) for part in parts), strict=True)
    low, high = (_scaled_targets(observations, task, side, targets, config) for side in ("low", "high"))
    rows = TrainingRows(
        features=np.stack([scaler.transform(values) * seen for scaler in scalers]).astype(np.float32),
        low=low, high=high, task=task, is_training=np.stack([part.is_training for part in parts]),
        part_of_member=np.repeat(np.arange(len(parts), dtype=np.int32), config.train.n_repeats),
        group=reference_groups(observations))
    return rows, scalers, targets


def fitted_transforms(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig,
                      part: Part) -> tuple[Scaler, list[TargetTransform]]:
    """What scales the features of a part, and the target of each task, from its training rows alone; see `fit_ensemble`."""
    task = task_index(observations, config.tasks)
    seen = np.stack([spec.visible(TASKS[key]) for key in config.tasks])[task]
    # A column is scaled by the rows whose task looks at it: the wt.% Mo of refractory alloys would flatten that of steels.
    scaler = Scaler.fit(np.where(seen, values, np.nan)[part.is_training], config.preparation)
    return scaler, _fit_targets(observations, task, part.is_training, config)


def _with_told(rows, targets, told) -> tuple[TrainingRows, list[list[TargetTransform]], Upstream]:
    """The rows of a single task with what they are told as one more column; or less what is added of it, in units of the spread
    that is left."""
    if not told.is_added:
        columns = told.values if told.values.ndim == 3 else told.values[..., None]
        features = np.concatenate([rows.features, TOLD_GAIN * columns.astype(np.float32)], axis=-1)
        return replace(rows, features=features), targets, Upstream(told.ensemble, None)
    is_learnt = rows.is_training & (rows.low == rows.high)
    fitted = [regress_on_told(y[learnt], x[learnt]) for y, x, learnt in zip(rows.low, told.values, is_learnt, strict=True)]
    offset, slope, spread = (np.array(part, float)[:, None] for part in zip(*fitted, strict=True))
    low, high = (((side - offset - slope * told.values) / spread).astype(np.float32) for side in (rows.low, rows.high))
    left = [[replace(one, mean=one.mean + one.std * of_part[0], std=one.std * of_part[2])]
            for (one,), of_part in zip(targets, fitted, strict=True)]
    return replace(rows, low=low, high=high), left, Upstream(told.ensemble, (slope / spread)[:, 0])


def regress_on_told(y: np.ndarray, told: np.ndarray) -> tuple[float, float, float]:
    """Offset and slope of exact training values [n] by what they are told [n], and the spread of what is left. One row's worth of
    doubt (ridge, penalty 1) keeps the slope small where there are few of them."""
    if not len(y):
        return 0.0, 0.0, 1.0
    x, y = told.astype(float), y.astype(float)
    slope = (x - x.mean()) @ (y - y.mean()) / (((x - x.mean()) ** 2).sum() + 1.0)
    left = y - slope * x
    return left.mean(), slope, left.std() or 1.0


def task_index(observations: pd.DataFrame, tasks: Sequence[str]) -> np.ndarray:
    """Position of each row's task among `tasks`, int32 [n]."""
    return pd.Categorical(observations["task"], categories=tasks).codes.astype(np.int32)


def _fit_targets(observations, task, is_training, config) -> list[TargetTransform]:
    """The transform of each task, from its exact training values; classes have none."""
    fitted = []
    for index, key in enumerate(config.tasks):
        if TASKS[key].classes:
            fitted.append(TargetTransform.fit(np.zeros(0), config.preparation.target))
            continue
        y = observations["value"].to_numpy()[is_training & (task == index)]
        y = check_target(TASKS[key].to_learning(y[~np.isnan(y)]), config.preparation.target, TASKS[key])
        fitted.append(TargetTransform.fit(y, config.preparation.target))
    return fitted


def _scaled_targets(observations, task, side, targets, config) -> np.ndarray:
    """One side of the known interval, transformed and in units of each part's target spread, float32 [D, n]."""
    scaled = np.empty((len(targets), len(observations)), np.float32)
    for index, key in enumerate(config.tasks):
        of_task = task == index
        y = TASKS[key].to_learning(observations[side].to_numpy(float)[of_task])
        for row, of_part in zip(scaled, targets, strict=True):
            row[of_task] = y if TASKS[key].classes else (of_part[index].forward(y) - of_part[index].mean) / of_part[index].std
    return scaled
