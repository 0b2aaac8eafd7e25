"""Other models of classes on exactly the rows, features and folds of the ensemble: what it has to beat."""
import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from mtl_core.ensemble.parts import Part
from mtl_core.features.preparation import DEFAULT_PREPARATION, Preparation
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS, with_classes

P = "p_"
FREQUENT = "most frequent class"
CLASSIFIERS: dict[str, Callable] = {
    FREQUENT: lambda seed: DummyClassifier(strategy="prior"),
    "logistic regression": lambda seed: LogisticRegression(C=0.3, max_iter=500, random_state=seed),
    "extra trees": lambda seed: ExtraTreesClassifier(200, min_samples_leaf=2, max_features=0.5, random_state=seed),
}


def class_table(rows: pd.DataFrame, part: Part, key: str, chances: np.ndarray) -> pd.DataFrame:
    """Some observations of a task with the probabilities [n, C] of its classes.

    Columns: measurement_id, task, reference_group, family, split, fold_seed, fold, label, and p_<class> for each class.
    """
    classes = TASKS[key].classes
    return rows[["measurement_id", "task", "reference_group", "family"]].assign(
        split=part.split, fold_seed=part.fold_seed, fold=part.fold,
        label=np.array(classes)[rows["value"].to_numpy(int)],
        **{P + name: column for name, column in zip(classes, chances.T, strict=True)})


def class_baseline_out_of_fold(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, parts: Sequence[Part], *,
                               seed: int, training: pd.DataFrame | None = None, preparation: Preparation = DEFAULT_PREPARATION,
                               n_jobs: int = -1, progress: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """Probabilities out of fold, as `class_table` has them, with the column `model`.

    training: the same rows as training sees them; progress: called from the fitting threads after each part.
    """
    training = observations if training is None else training

    def fit(part: Part, key: str) -> pd.DataFrame:
        is_mine = (observations["task"] == key).to_numpy()
        learnt, tested = is_mine & part.is_training, is_mine & part.is_test
        if not learnt.any() or not tested.any():
            return pd.DataFrame()
        seen = values[:, spec.visible(TASKS[key])]
        x, y = Scaler.fit(seen[learnt], preparation).transform(seen), training["value"].to_numpy(float)[learnt].astype(int)
        tables = []
        for name, make in CLASSIFIERS.items():
            model, chances = make(seed).fit(x[learnt], y), np.zeros((tested.sum(), len(TASKS[key].classes)))
            chances[:, model.classes_] = model.predict_proba(x[tested])
            tables.append(class_table(observations[tested], part, key, chances).assign(model=name))
        progress()
        return pd.concat(tables)

    jobs = [(part, key) for key in with_classes(key for key in TASKS if (observations["task"] == key).any()) for part in parts]
    return pd.concat(Parallel(n_jobs=n_jobs, prefer="threads")(delayed(fit)(*job) for job in jobs), ignore_index=True)


def class_baseline_seconds(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, parts: Sequence[Part],
                           **others: object) -> float:
    """Seconds that `class_baseline_out_of_fold` will take when nothing else runs, from one part; 0 without classes."""
    if not with_classes(key for key in TASKS if (observations["task"] == key).any()):
        return 0.0
    start = time.process_time()
    class_baseline_out_of_fold(observations, values, spec, parts[:1], n_jobs=1, **others)
    return (time.process_time() - start) * len(parts) / cpu_count()
