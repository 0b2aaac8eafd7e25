"""The rows of a study: those that trials see, and those of the outer fold."""
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mtl_core.ensemble.parts import Part
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS
from mtl_core.tuning.study import StudyConfig


@dataclass(frozen=True, eq=False)
class Rows:
    """What trials learn from and are scored on: n observations as they are tested and as training sees them, their unscaled
    features [n, F], and the parts of the inner folds. unit: task → standard deviation of its exact values, learning unit.

    They travel to workers as they are.
    """

    observations: pd.DataFrame
    training: pd.DataFrame
    values: np.ndarray
    spec: FeatureSpec
    parts: tuple[Part, ...]
    unit: Mapping[str, float]


def development(prepared, config: StudyConfig, outer: Part | None = None) -> Rows:
    """All rows but those of the outer fold, with the parts of the inner folds: one a fold seed and fold.

    prepared: see `mtl_core.pipeline.Prepared`; outer: the part whose tested rows are the outer fold, that of the config where
    None.
    """
    outer = outer or outer_part(prepared, config)
    chosen = outer.is_training | (prepared.is_test & ~outer.is_test)  # what shares no group with the outer fold
    inside = replace(prepared, observations=_taken(prepared.observations, chosen), values=prepared.values[chosen],
                     training=_taken(prepared.training, chosen), is_training=prepared.is_training[chosen],
                     is_test=prepared.is_test[chosen])
    parts = inside.parts(_folds(config, config.n_inner, config.n_seeds))
    return Rows(inside.observations, inside.training, inside.values, inside.spec, parts, units(inside.observations))


def outer_part(prepared, config: StudyConfig) -> Part:
    """The outer fold: which rows of a study are tested at its end, and which are learnt from then."""
    return prepared.parts(_folds(config, config.n_outer, 1))[config.outer_fold]


def _folds(config: StudyConfig, n_folds: int, n_fold_seeds: int):
    """Not checked again: the splits of a study need not hold the one by paper."""
    folds = {"n_folds": n_folds, "n_fold_seeds": n_fold_seeds, "splits": (config.split,)}
    return config.base.model_copy(update={"seed": config.seed, "train": config.base.train.model_copy(update=folds)})


def _taken(table: pd.DataFrame, chosen: np.ndarray) -> pd.DataFrame:
    return table[chosen].reset_index(drop=True)


def units(observations: pd.DataFrame) -> dict[str, float]:
    """task → standard deviation of its exact values, learning unit."""
    exact = observations[observations["low"] == observations["high"]]
    return {task: float(np.std(TASKS[task].to_learning(rows["low"].to_numpy(float))))
            for task, rows in exact.groupby("task", sort=False)}
