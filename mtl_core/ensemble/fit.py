"""From observations and folds to a trained ensemble: every transform is fitted inside its own training part."""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtl_core.data.folds import Split, make_folds, reference_groups
from mtl_core.ensemble import network
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.ensemble.trainer import History, Progress, TrainingRows, train
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.seeds import child_seed
from mtl_core.tasks import TASKS


@dataclass(frozen=True, eq=False)
class Part:
    """The training part of one fold: everything but that fold. is_training: bool [n]."""

    split: Split
    fold_seed: int
    fold: int
    is_training: np.ndarray


def training_parts(observations: pd.DataFrame, config: EnsembleConfig) -> tuple[Part, ...]:
    """One part a split, fold seed and fold, in this order."""
    parts = []
    for split in config.train.splits:
        for fold_seed in range(config.train.n_fold_seeds):
            seed = child_seed(config.seed, "folds", split, fold_seed)
            folds = make_folds(observations, kind=split, n_folds=config.train.n_folds, seed=seed)
            parts += [Part(split, fold_seed, fold, folds != fold) for fold in range(config.train.n_folds)]
    return tuple(parts)


def fit_ensemble(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig,
                 parts: Sequence[Part], *, progress: Progress | None = None) -> tuple[Ensemble, History]:
    """Train n_repeats members on each part, all at once.

    observations: n rows with `task`, `low`, `high`, `value`, `reference_group`; values: their unscaled features [n, F].
    """
    task = task_index(observations, config.tasks)
    seen = np.stack([spec.visible(TASKS[key]) for key in config.tasks])[task]
    # A column is scaled by the rows whose task looks at it: the wt.% Mo of refractory alloys would flatten that of steels.
    scalers = [Scaler.fit(np.where(seen, values, np.nan)[part.is_training]) for part in parts]
    targets = np.array([_target_moments(observations, task, part.is_training, config) for part in parts])
    part_of_member = np.repeat(np.arange(len(parts)), config.train.n_repeats)
    low, high = (_scaled_targets(observations, task, side, targets, config) for side in ("low", "high"))
    rows = TrainingRows(
        features=np.stack([scaler.transform(values) * seen for scaler in scalers]).astype(np.float32),
        low=low, high=high, task=task, is_training=np.stack([part.is_training for part in parts]),
        part_of_member=part_of_member.astype(np.int32), group=reference_groups(observations))
    parameters, history = train(rows, config.network, config.train, n_tasks=len(config.tasks), seed=config.seed,
                                progress=progress)
    leading = (len(part_of_member), config.n_masks, 1)
    masks = network.draw_masks(config.network, leading, (child_seed(config.seed, "masks"), 0))
    ensemble = Ensemble(
        config=config, spec=spec, parameters=parameters, masks=tuple(mask.numpy() for mask in masks),
        part_of_member=part_of_member, target_mean=targets[:, 0], target_std=targets[:, 1],
        feature_mean=np.stack([scaler.mean for scaler in scalers]),
        feature_scale=np.stack([scaler.scale for scaler in scalers]))
    return ensemble, history


def task_index(observations: pd.DataFrame, tasks: Sequence[str]) -> np.ndarray:
    """Position of each row's task among `tasks`, int32 [n]."""
    return pd.Categorical(observations["task"], categories=tasks).codes.astype(np.int32)


def _target_moments(observations, task, is_training, config) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each task's exact training values, in its learning unit."""
    moments = []
    for index, key in enumerate(config.tasks):
        y = observations["value"].to_numpy()[is_training & (task == index)]
        y = TASKS[key].to_learning(y[~np.isnan(y)])
        moments.append((y.mean(), y.std() or 1.0) if len(y) else (0.0, 1.0))
    return tuple(zip(*moments, strict=True))


def _scaled_targets(observations, task, side, targets, config) -> np.ndarray:
    """One side of the known interval in units of each part's target spread, float32 [D, n]."""
    y = observations[side].to_numpy(float).copy()
    for index, key in enumerate(config.tasks):
        y[task == index] = TASKS[key].to_learning(y[task == index])
    return ((y - targets[:, 0][:, task]) / targets[:, 1][:, task]).astype(np.float32)
