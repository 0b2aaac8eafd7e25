"""Which rows members learn from, and which they are tested on: one part a fold of a split."""
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtl_core.data.folds import Split, make_folds, split_groups
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.seeds import child_seed


@dataclass(frozen=True, eq=False)
class Part:
    """One fold of a split. is_training, is_test: bool [n], never both; a row of another fold may be left out of training."""

    split: Split
    fold_seed: int
    fold: int
    is_training: np.ndarray
    is_test: np.ndarray


def training_parts(observations: pd.DataFrame, config: EnsembleConfig, *, is_training: np.ndarray | None = None,
                   is_test: np.ndarray | None = None) -> tuple[Part, ...]:
    """One part a split, fold seed and fold, in this order.

    is_training [n]: rows that may be learnt from, is_test [n]: rows that are tested; all of them by default. Folds are made of
    the tested rows alone, so they stay the same whatever else is there to learn from; a row that is never tested is learnt from
    by those parts only whose tested rows share no group with it.
    """
    everything = np.ones(len(observations), bool)
    is_training, is_test = (everything if given is None else given for given in (is_training, is_test))
    tested, parts = observations[is_test], []
    for split in config.train.splits:
        groups = split_groups(observations, split)
        for fold_seed in range(config.train.n_fold_seeds):
            seed = child_seed(config.seed, "folds", split, fold_seed)
            fold_of_row = np.full(len(observations), -1)
            fold_of_row[is_test] = make_folds(tested, kind=split, n_folds=config.train.n_folds, seed=seed)
            for fold in range(config.train.n_folds):
                held_out = fold_of_row == fold
                is_kin = ~is_test & np.isin(groups, groups[held_out])
                parts.append(Part(split, fold_seed, fold, is_training & ~held_out & ~is_kin, held_out))
    return tuple(parts)
