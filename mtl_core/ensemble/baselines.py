"""Ridge and extra trees on exactly the rows, features and folds of the ensemble: what it has to beat."""
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits

from mtl_core.ensemble.parts import Part
from mtl_core.features.preparation import DEFAULT_PREPARATION, Preparation, TargetTransform, check_target
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS


def _ridge(seed: int):
    return RidgeCV(alphas=np.geomspace(0.1, 1e4, 12))


def _extra_trees(seed: int, n_trees: int = 200):
    return ExtraTreesRegressor(n_trees, min_samples_leaf=2, max_features=0.5, random_state=seed)


BASELINES = {"ridge": _ridge, "extra trees": _extra_trees}


def baseline_out_of_fold(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, parts: Sequence[Part], *,
                         seed: int, training: pd.DataFrame | None = None, preparation: Preparation = DEFAULT_PREPARATION,
                         models: Mapping[str, Callable] = BASELINES, n_jobs: int = -1,
                         progress: Callable[[int, int], None] | None = None) -> pd.DataFrame:
    """Out-of-fold means of each baseline on the exact rows, which are all that these models can learn from.

    training: the same rows as training sees them, where a curation changes that. models: name → its maker, given a seed.
    progress: called from the fitting threads with how many fits are done, and how many there are; what it raises ends them.
    Columns: measurement_id, task, reference_group, model, split, fold_seed, fold, low (the value), mean; in the task's learning
    unit.
    """
    training = observations if training is None else training
    tasks = [key for key in TASKS if (observations["task"] == key).any()]
    jobs, done = [(part, key) for key in tasks for part in parts], count(1)

    def fit(part: Part, key: str) -> pd.DataFrame:
        table = _held_out(part, key, observations, training, values, spec.visible(TASKS[key]), preparation, models, seed)
        if progress:
            progress(next(done), len(jobs))
        return table

    tables = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(fit)(*job) for job in jobs)
    return pd.concat(tables, ignore_index=True)


def baseline_seconds(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, parts: Sequence[Part],
                     **others: object) -> float:
    """Seconds that `baseline_out_of_fold` will take when nothing else runs, from ridge and a tenth of the trees on one part."""

    def seconds(make):
        start = time.process_time()
        baseline_out_of_fold(observations, values, spec, parts[:1], models={"": make}, n_jobs=1, **others)
        return time.process_time() - start

    with threadpool_limits(1):  # threads that wait for one another on a busy machine would count as work
        ridge, trees = (min(seconds(make) for _ in range(2)) for make in (_ridge, lambda seed: _extra_trees(seed, 20)))
    return (ridge + 10 * (trees - ridge)) * len(parts) / cpu_count()


def _held_out(part, key, observations, training, values, visible, preparation, models, seed):
    learnt, tested = (rows["value"].notna().to_numpy() & (rows["task"] == key).to_numpy() & chosen
                      for rows, chosen in ((training, part.is_training), (observations, part.is_test)))
    if not learnt.any() or not tested.any():
        return pd.DataFrame()
    y, y_tested = (TASKS[key].to_learning(rows["value"].to_numpy(float)[chosen])
                   for rows, chosen in ((training, learnt), (observations, tested)))
    seen = values[:, visible]
    x = Scaler.fit(seen[learnt], preparation).transform(seen)
    transform = TargetTransform.fit(check_target(y, preparation.target, TASKS[key]), preparation.target)
    fitted = {name: make(seed).fit(x[learnt], transform.forward(y)) for name, make in models.items()}
    ids = observations.loc[tested, ["measurement_id", "task", "reference_group"]].assign(
        split=part.split, fold_seed=part.fold_seed, fold=part.fold, low=y_tested)
    return pd.concat([ids.assign(model=name, mean=transform.inverse(model.predict(x[tested]))[0])
                      for name, model in fitted.items()])
