"""Ridge and extra trees on exactly the rows, features and folds of the ensemble: what it has to beat."""
from collections.abc import Sequence

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV

from mtl_core.ensemble.fit import Part
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS


def _ridge(seed: int):
    return RidgeCV(alphas=np.geomspace(0.1, 1e4, 12))


def _extra_trees(seed: int):
    return ExtraTreesRegressor(200, min_samples_leaf=2, max_features=0.5, random_state=seed)


BASELINES = {"ridge": _ridge, "extra trees": _extra_trees}


def baseline_out_of_fold(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, parts: Sequence[Part], *,
                         seed: int, n_jobs: int = -1) -> pd.DataFrame:
    """Out-of-fold means of each baseline on the exact rows, which are all that these models can learn from.

    Columns: measurement_id, model, task, split, fold_seed, fold, low (the value), mean; in the task's learning unit.
    """
    exact = observations["value"].notna().to_numpy()
    tasks = [key for key in TASKS if (observations["task"] == key).any()]
    tables = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_held_out)(part, key, observations[of_task], values[of_task][:, spec.visible(TASKS[key])],
                           part.is_training[of_task], seed)
        for key in tasks for of_task in [exact & (observations["task"] == key).to_numpy()] for part in parts)
    return pd.concat(tables, ignore_index=True)


def _held_out(part, key, rows, values, is_training, seed):
    x = Scaler.fit(values[is_training]).transform(values)
    y = TASKS[key].to_learning(rows["value"].to_numpy(float))
    ids = rows.loc[~is_training, ["measurement_id", "task"]]
    if ids.empty or not is_training.any():
        return pd.DataFrame()
    return pd.concat([
        ids.assign(model=name, split=part.split, fold_seed=part.fold_seed, fold=part.fold, low=y[~is_training],
                   mean=make(seed).fit(x[is_training], y[is_training]).predict(x[~is_training]))
        for name, make in BASELINES.items()])
