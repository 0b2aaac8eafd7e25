"""The rule "large-residual": what trees that never saw its paper miss by far is left out of training.

Its findings depend on the rows that the trees learnt from, so it runs anew inside each training part. A list of findings from
the whole data has seen the part's test rows, and leaving rows out by it would raise the score on them.
"""
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.ensemble import ExtraTreesRegressor

from mtl_core.data.curations import Curation
from mtl_core.data.folds import make_folds
from mtl_core.data.suspects import large_residuals
from mtl_core.ensemble.baselines import baseline_out_of_fold
from mtl_core.ensemble.parts import Part
from mtl_core.features.table import FeatureSpec
from mtl_core.seeds import child_seed

RULE = "large-residual"
N_FOLDS = 5


def _trees(seed: int) -> ExtraTreesRegressor:
    return ExtraTreesRegressor(50, min_samples_leaf=2, max_features=0.5, random_state=seed)


def by_hand(curation: Curation) -> Curation:
    """The curation without what was decided from residuals; to keep a row is no such decision."""
    decisions = {key: made for key, made in curation.decisions.items() if made.rule != RULE or made.choice == "keep"}
    return curation.model_copy(update={"decisions": decisions})


def is_used(curation: Curation) -> bool:
    """Whether the rule runs: it was asked for, or a decision came from it."""
    return RULE in curation.rules or len(by_hand(curation).decisions) < len(curation.decisions)


def without_large_residuals(parts: Sequence[Part], training: pd.DataFrame, values: np.ndarray, spec: FeatureSpec,
                            curation: Curation, *, seed: int) -> tuple[Part, ...]:
    """The parts without the training rows that the rule finds; rows that the curation keeps stay.

    training: n rows as training sees them; values: their unscaled features [n, F].
    """
    kept = {key for key, made in curation.decisions.items() if made.choice == "keep"}
    found = Parallel(n_jobs=-1, prefer="threads")(
        delayed(_found)(training[part.is_training], values[part.is_training], spec, curation.k, seed) for part in parts)
    ids = training["measurement_id"]
    return tuple(replace(part, is_training=part.is_training & ~ids.isin(listed - kept).to_numpy())
                 for part, listed in zip(parts, found, strict=True))


def _found(rows: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, k: float, seed: int) -> set[str]:
    """Measurement ids of the exact training rows that inner folds by paper miss by more than k times the usual residual."""
    n_folds = min(N_FOLDS, rows["reference_group"].nunique())
    fold_of_row = make_folds(rows, kind="reference", n_folds=n_folds, seed=child_seed(seed, RULE))
    inner = [Part("reference", 0, fold, fold_of_row != fold, fold_of_row == fold) for fold in range(n_folds)]
    held_out = baseline_out_of_fold(rows, values, spec, inner, seed=seed, models={"extra trees": _trees}, n_jobs=1)
    # Trees state no std of their own; with the same one for all rows, the usual residual of the task is what counts.
    return set(large_residuals(held_out.assign(high=held_out["low"], std=1.0), k)["measurement_id"])
