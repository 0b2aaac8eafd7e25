"""What predicted classes are worth, out of fold: F1, accuracy and log loss, each with its interval over papers.

F1 of a class is 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall; macro F1 is the mean over classes, so that a
rare class counts as much as a frequent one. Log loss is the mean of −ln p of the class that was found, in nats. All are pooled
over the rows of a fold seed and then averaged over the fold seeds. Tables are those of `ensemble.class_baselines.class_table`.
"""
from collections.abc import Sequence

import numpy as np
import pandas as pd

from mtl_core.ensemble.class_baselines import P, class_table
from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.ensemble.parts import Part
from mtl_core.ensemble.wiring import Wired
from mtl_core.tasks import TASKS, with_classes
from mtl_core.uncertainty.comparison import resampled_papers

SCORES = ("macro_f1", "accuracy", "log_loss")
LEAST_CHANCE = 1e-6  # a class that was called impossible costs 13.8 nats, not infinitely many
PAIRED = ["measurement_id", "task", "split", "fold_seed"]


def class_out_of_fold(ensemble: Ensemble | Wired, parts: Sequence[Part], observations: pd.DataFrame,
                      values: np.ndarray) -> pd.DataFrame:
    """Each row with a class, predicted only by the members that never saw its group: the mean over members and masks."""
    tables = []
    for position, part in enumerate(parts):
        members = ensemble.select(ensemble.part_of_member == position)
        for key in with_classes(ensemble.config.tasks):
            rows = part.is_test & (observations["task"] == key).to_numpy()
            if rows.any():
                chances = members.predict_classes(values[rows], key).mean(axis=(0, 1))
                tables.append(class_table(observations[rows], part, key, chances))
    return pd.concat(tables, ignore_index=True)


def report(ours: pd.DataFrame, others: pd.DataFrame, alone: pd.DataFrame | None = None) -> dict:
    """task → split → n, classes, counts (of each class), confusion (true × predicted, mean of the fold seeds), the scores of the
    ensemble, and `others`: model → its scores and `gain`, what ours is better by. A score is value, low, high: a 95 % interval by
    resampling papers, the same ones on both sides.

    others: tables of other models, named in the column `model`; alone: of networks that learn the classes only.
    """
    if alone is not None:
        others = pd.concat([others, alone.assign(model="alone")])
    found: dict = {}
    for (task, split), rows in ours.groupby(["task", "split"], sort=False):
        classes = TASKS[task].classes
        rivals = others[(others["task"] == task) & (others["split"] == split)]
        found.setdefault(task, {})[split] = _facts(rows, classes) | {
            "others": {model: _against(rows, of_model, classes) for model, of_model in rivals.groupby("model", sort=False)}}
    return found


def _facts(rows, classes):
    counted = _Counted(rows, classes)
    n_seeds = rows["fold_seed"].nunique()
    return {"n": len(rows) // n_seeds, "n_fold_seeds": n_seeds, "classes": list(classes),
            "counts": {name: int((rows["label"] == name).sum() / n_seeds) for name in classes},
            "confusion": (counted.confusion.sum(axis=(0, 1)) / n_seeds).tolist(),
            "scores": {name: _interval(values) for name, values in counted.scores().items()}}


def _against(ours, theirs, classes):
    """Scores of another model, and how much better ours is: lower is better for the log loss."""
    ours = theirs[PAIRED].merge(ours, on=PAIRED, validate="1:1")
    mine, its = (_Counted(rows, classes).scores() for rows in (ours, theirs.reset_index(drop=True)))
    gains = {name: (its[name] - mine[name]) if name == "log_loss" else (mine[name] - its[name]) for name in SCORES}
    return {"scores": {name: _interval(values) for name, values in its.items()},
            "gain": {name: _interval(values) for name, values in gains.items()}}


class _Counted:
    """Rows counted by fold seed and paper: confusion [S, papers, C, C], and the sums of −ln p [S, papers]."""

    def __init__(self, rows: pd.DataFrame, classes: Sequence[str]):
        chances = rows[[P + name for name in classes]].to_numpy(float)
        true, said = pd.Categorical(rows["label"], categories=classes).codes, chances.argmax(axis=1)
        seed, papers = pd.factorize(rows["fold_seed"])[0], np.unique(rows["reference_group"], return_inverse=True)[1]
        self.confusion = np.zeros((seed.max() + 1, papers.max() + 1, len(classes), len(classes)))
        np.add.at(self.confusion, (seed, papers, true, said), 1.0)
        self.loss = np.zeros(self.confusion.shape[:2])
        np.add.at(self.loss, (seed, papers), -np.log(np.maximum(chances[np.arange(len(true)), true], LEAST_CHANCE)))

    def scores(self) -> dict[str, np.ndarray]:
        """By name: the value, and behind it that of each resample of papers, [1 + b]."""
        n_papers = self.loss.shape[1]
        drawn = np.concatenate([np.ones((1, n_papers)), resampled_papers(pd.Series(np.arange(n_papers)))])
        confusion, loss = (np.einsum("bp,sp...->bs...", drawn, counted, optimize=True) for counted in (self.confusion, self.loss))
        n = confusion.sum(axis=(2, 3))
        hits, said, true = np.einsum("bscc->bsc", confusion), confusion.sum(axis=2), confusion.sum(axis=3)
        with np.errstate(invalid="ignore"):  # a resample may hold no row of a class: it does not count there
            f1 = np.nanmean(2.0 * hits / np.where(said + true > 0, said + true, np.nan), axis=2)
        return {"macro_f1": f1.mean(axis=1), "accuracy": (hits.sum(axis=2) / n).mean(axis=1), "log_loss": (loss / n).mean(axis=1)}


def _interval(values: np.ndarray) -> list[float]:
    """Value, low, high."""
    return [float(values[0]), *np.nanquantile(values[1:], [0.025, 0.975]).tolist()]
