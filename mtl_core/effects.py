"""What a curation or a preparation is worth: before and after, paired on the same folds and the same untouched test rows.

Both change training only. Whatever they leave out, bound, cap or transform there, each default row is still tested once a fold
seed, with the value that was published. Otherwise whoever left out what a model predicts badly would call that an improvement.
The intervals are about papers: would others show the same difference? What the luck of one training is worth is not in them; for
the ensemble it is worth as much as most choices here, so look at several fold seeds before believing a small difference.
"""
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mtl_core.data.curations import Curation
from mtl_core.data.folds import SPLITS, Split
from mtl_core.data.tables import AlloyTable
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig
from mtl_core.errors import ConfigError
from mtl_core.features.preparation import Preparation
from mtl_core.pipeline import Prepared, prepare

MODELS = ("extra trees", "ridge", "ensemble")
COLUMNS = ["task", "split", "scored_on", "n", "r2_before", "r2_after", "difference", "low", "high", "mae_before", "mae_after"]

Progress = Callable[[int, int], None]  # steps done, steps in all


def curation_effect(table: AlloyTable, tasks: Sequence[str], curation: Curation, *, model: str = "extra trees",
                    splits: Sequence[Split] = SPLITS, n_fold_seeds: int = 1, progress: Progress | None = None) -> pd.DataFrame:
    """What it is worth to train on the curated rows of the tasks.

    model: "extra trees", "ridge" (both learn from exact rows only) or "ensemble". Decisions that came from residuals are made
    anew inside each training part, see `mtl_core.ensemble.residual_rule`.
    Columns: task, split, scored_on, n, r2_before, r2_after, difference, low, high (95 % interval of the difference by resampling
    papers), mae_before, mae_after; in the task's learning unit, see `mtl_core.uncertainty.comparison`. scored_on: "all rows", or
    "kept rows", those that the curation leaves in training as they were published. Raises ConfigError for another model.
    """
    config = _config(tasks, splits, n_fold_seeds)
    after = prepare(table, config, curation=curation)
    before = replace(after, training=after.observations, is_training=after.is_test, curation=None)
    parts = [prepared.parts(config) for prepared in (before, after)]
    held_out = [_held_out(prepared, of_side, config, model, _half(progress, side))
                for side, (prepared, of_side) in enumerate(zip((before, after), parts, strict=True))]
    return _compared(*held_out, kept=_kept(after, *parts))


def preparation_effect(table: AlloyTable, tasks: Sequence[str], preparation: Preparation, *, model: str = "extra trees",
                       splits: Sequence[Split] = SPLITS, n_fold_seeds: int = 1, progress: Progress | None = None) -> pd.DataFrame:
    """What another preparation is worth, compared with the default one; columns as `curation_effect`, on all rows."""
    before = _config(tasks, splits, n_fold_seeds)
    after = before.model_copy(update={"preparation": preparation})
    prepared = prepare(table, after)
    parts = prepared.parts(before)
    return _compared(*(_held_out(prepared, parts, config, model, _half(progress, side))
                       for side, config in enumerate((before, after))))


def _config(tasks, splits, n_fold_seeds) -> EnsembleConfig:
    """Default network and folds, one member a fold: differences are paired, so that this is enough."""
    train = TrainConfig(n_fold_seeds=n_fold_seeds, n_repeats=1).model_copy(update={"splits": tuple(splits)})
    return EnsembleConfig(tasks=tuple(tasks), train=train)


def _held_out(prepared: Prepared, parts, config, model, progress) -> pd.DataFrame:
    if model not in MODELS:
        raise ConfigError(f"expected a model out of {', '.join(MODELS)}, got {model!r}")
    if model == "ensemble":
        return _of_ensemble(prepared, parts, config, progress)
    from mtl_core.ensemble.baselines import BASELINES, baseline_out_of_fold

    return baseline_out_of_fold(
        prepared.observations, prepared.values, prepared.spec, parts, training=prepared.training, seed=config.seed,
        preparation=config.preparation, models={model: BASELINES[model]}, progress=progress)


def _of_ensemble(prepared, parts, config, progress):
    from mtl_core.ensemble.fit import fit_ensemble
    from mtl_core.uncertainty.metrics import out_of_fold

    ensemble, _ = fit_ensemble(prepared.training, prepared.values, prepared.spec, config, parts,
                               progress=lambda epoch, n_epochs, loss: progress(epoch, n_epochs))
    return out_of_fold(ensemble, parts, prepared.observations, prepared.values)


def _half(progress, side):
    """The progress of one of two equal halves."""
    return lambda done, total: progress(done + side * total, 2 * total) if progress else None


def _kept(after: Prepared, parts_before, parts_after) -> set[str]:
    """Measurements whose interval training sees unchanged, and in most of the parts that could have learnt from them."""
    could, does = (np.sum([part.is_training for part in parts], axis=0) for parts in (parts_before, parts_after))
    same = (after.observations[["low", "high"]] == after.training[["low", "high"]]).all(axis=1)
    return set(after.observations.loc[same & (does > could / 2), "measurement_id"])


def _compared(before, after, kept=None) -> pd.DataFrame:
    from mtl_core.uncertainty.comparison import compare

    chosen = {"all rows": before} | ({} if kept is None else {"kept rows": before[before["measurement_id"].isin(kept)]})
    return pd.concat([compare(rows, after).assign(scored_on=name) for name, rows in chosen.items()], ignore_index=True)[COLUMNS]
