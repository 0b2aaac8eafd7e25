"""Other models on exactly the rows, features and folds of the ensemble: what it has to beat.

A training is always scored beside ridge and extra trees; the others are asked by a validation.
"""
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from threadpoolctl import threadpool_limits

from mtl_core.ensemble.gaussian_process import GaussianProcess
from mtl_core.ensemble.parts import Part
from mtl_core.features.preparation import DEFAULT_PREPARATION, Preparation, TargetTransform, check_target
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS, with_values


def _ridge(seed: int):
    return RidgeCV(alphas=np.geomspace(0.1, 1e4, 12))


def _extra_trees(seed: int, n_trees: int = 200):
    return ExtraTreesRegressor(n_trees, min_samples_leaf=2, max_features=0.5, random_state=seed)


class ClassMean:
    """The mean of the training values of the same class; of a class that was not seen, the mean of all."""

    def fit(self, classes: np.ndarray, y: np.ndarray) -> "ClassMean":
        """classes: labels [n, 1]."""
        self._all, self._of_class = y.mean(), pd.Series(y).groupby(classes[:, 0]).mean()
        return self

    def predict(self, classes: np.ndarray) -> np.ndarray:
        return self._of_class.reindex(classes[:, 0]).fillna(self._all).to_numpy()


BASELINES = {"ridge": _ridge, "extra trees": _extra_trees}
FAMILY = "class mean"  # looks at the family of the alloy instead of its features
ALL_BASELINES: dict[str, Callable] = {
    "mean": lambda seed: DummyRegressor(), FAMILY: lambda seed: ClassMean(), "1-NN": lambda seed: KNeighborsRegressor(1),
    "ridge": _ridge,
    "random forest": lambda seed: RandomForestRegressor(200, max_features=1 / 3, random_state=seed),
    "extra trees": _extra_trees,
    "gradient boosting": lambda seed: GradientBoostingRegressor(n_estimators=400, learning_rate=0.05, max_depth=4, subsample=0.7,
                                                                max_features=1 / 3, random_state=seed),
    "gaussian process": GaussianProcess,
}


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
    tasks = [key for key in with_values(TASKS) if (observations["task"] == key).any()]
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
    inputs = {name: observations[["family"]].to_numpy(object) if name == FAMILY else x for name in models}
    fitted = {name: make(seed).fit(inputs[name][learnt], transform.forward(y)) for name, make in models.items()}
    ids = observations.loc[tested, ["measurement_id", "task", "reference_group"]].assign(
        split=part.split, fold_seed=part.fold_seed, fold=part.fold, low=y_tested)
    return pd.concat([ids.assign(model=name, mean=transform.inverse(model.predict(inputs[name][tested]))[0])
                      for name, model in fitted.items()])
