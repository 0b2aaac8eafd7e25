"""Random forests in the same wirings as the networks, on the same parts: what these have to beat (Hutchinson et al. 2017, arXiv
1711.05099, compared them so). The bands come from how the trees depend on the rows that each of them drew.

    single-task   a forest for each task
    multi-task    one forest for all, which sees the task as one-hot columns; values in units of each task's own spread
    difference, latent    as in `wiring`: what a row is told comes from forests that never saw its group

Forests learn from exact readings only. Notation: n training rows, B trees, N_bi how often tree b drew row i, t_b what it answers.
"""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestRegressor

from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.fit import regress_on_told
from mtl_core.ensemble.parts import Part
from mtl_core.ensemble.wiring import inner_parts
from mtl_core.features.preparation import TargetTransform, check_target
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.tasks import TASKS

OPTIONS = {"min_samples_leaf": 2, "max_features": 1 / 3}
N_TREES = 500  # about as many as rows: the noise of the variances below falls with B / n


@dataclass(frozen=True, eq=False)
class Forest:
    """trees: B of them; drawn: N [B, n]; noise: variance of a reading about what the forest would say of its alloy."""

    trees: RandomForestRegressor
    drawn: np.ndarray
    noise: float

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, *, seed: int, n_trees: int = N_TREES, **options: object) -> "Forest":
        """From features [n, F] and exact values [n]. The noise is the mean square of what trees miss on rows that they did not
        draw, less what is their own variance there."""
        trees = RandomForestRegressor(n_trees, random_state=seed, **(OPTIONS | options))
        trees.fit(x, y)
        drawn = np.stack([np.bincount(rows, minlength=len(y)) for rows in trees.estimators_samples_])
        forest = cls(trees, drawn, 0.0)
        answers, is_out = forest._answers(x), drawn == 0
        is_known = is_out.any(axis=0)
        out_of_bag = (answers * is_out).sum(axis=0)[is_known] / is_out.sum(axis=0)[is_known]
        missed = np.mean((y[is_known] - out_of_bag) ** 2) if is_known.any() else np.var(y)
        return cls(trees, drawn, max(float(missed - forest.variance(answers).mean()), 1e-6))

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and the variance of that mean, [m] each."""
        answers = self._answers(x)
        return answers.mean(axis=0), self.variance(answers)

    def _answers(self, x):
        return np.stack([tree.predict(x) for tree in self.trees.estimators_])

    def variance(self, answers: np.ndarray) -> np.ndarray:
        """Of the mean over the trees [m], from their answers [B, m]: the mean of two estimates whose biases have opposite signs,
        both corrected for the number of trees (Wager, Hastie & Efron 2014, J. Mach. Learn. Res. 15, 1625, eqs 4-8):

            infinitesimal jackknife      Σ_i cov_b(N_bi, t_b)²              − n v / B
            jackknife after bootstrap    (n − 1) / n Σ_i (t̄_without i − t̄)²  − (e − 1) n v / B,    v = var_b(t_b)
        """
        (n_trees, n), centred = self.drawn.shape, answers - answers.mean(axis=0)
        v = (centred ** 2).mean(axis=0)
        infinitesimal = (((self.drawn - 1.0).T @ centred / n_trees) ** 2).sum(axis=0) - n * v / n_trees
        is_out = (self.drawn == 0).astype(float)
        n_out = is_out.sum(axis=0)
        without = is_out[:, n_out > 0].T @ centred / n_out[n_out > 0][:, None]
        jackknife = (n - 1) / n * (without ** 2).sum(axis=0) - (np.e - 1) * n * v / n_trees
        return np.maximum((infinitesimal + jackknife) / 2, 0.0)


Source = tuple[np.ndarray, np.ndarray]  # what a part's rows are told of the source, and the variance of that, [n] each


def forests_out_of_fold(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig,
                        parts: Sequence[Part], *, training: pd.DataFrame | None = None, told: Sequence[Source] = (),
                        n_trees: int = N_TREES, n_jobs: int = -1,
                        progress: Callable[[int, int], None] | None = None) -> pd.DataFrame:
    """Each row predicted by forests that never saw its group, in the wiring of the config; columns as `metrics.out_of_fold`.

    training: the same rows as training sees them, where a curation changes that. told: by part, of two tasks, what
    `told_by_forests` gave, where several trainings are told the same. progress: called from the fitting threads with how many
    parts are done, and how many there are.
    """
    done = count(1)

    def of_part(number: int, fold: "_Fold") -> list[pd.DataFrame]:
        known = {task: told[number] for task in config.tasks if told}
        tables = [fold.held_out(task, *answer) for task, answer in fold.answers(known).items()]
        if progress:
            progress(next(done), len(parts))
        return tables

    folds = _folds(observations, training, values, spec, config, parts, n_trees, config.tells and not told)
    tables = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(of_part)(*job) for job in enumerate(folds))
    return pd.concat([table for several in tables for table in several], ignore_index=True)


def told_by_forests(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, config: EnsembleConfig,
                    parts: Sequence[Part], task: str, *, training: pd.DataFrame | None = None, n_trees: int = N_TREES,
                    n_jobs: int = -1) -> list[Source]:
    """What the rows of a task are told of the source in each part; other arguments as for `forests_out_of_fold`."""
    folds = _folds(observations, training, values, spec, config, parts, n_trees, True)
    return Parallel(n_jobs=n_jobs, prefer="threads")(delayed(fold.told)(task) for fold in folds)


def _folds(observations, training, values, spec, config, parts, n_trees, is_told):
    inner = inner_parts(observations, parts, seed=config.seed) if is_told else [()] * len(parts)
    given = observations, observations if training is None else training, values, spec, config
    return (_Fold(*given, part, inside, n_trees) for part, inside in zip(parts, inner, strict=True))


class _Fold:
    """One part: its forests, and what they say of the rows that it holds out, in units of each task's spread on the part."""

    def __init__(self, observations, training, values, spec, config, part, inside, n_trees):
        self.observations, self.values, self.spec, self.config = observations, values, spec, config
        self.part, self.inside, self.n_trees = part, inside, n_trees
        self.is_exact = training["value"].notna().to_numpy()
        self.mine = {task: (observations["task"] == task).to_numpy() for task in config.tasks}
        self.transforms, self.z = {}, np.full(len(observations), np.nan)
        for task in config.tasks:
            y = TASKS[task].to_learning(training["value"].to_numpy(float))
            fitted = check_target(y[self.learnt(task)], config.preparation.target, TASKS[task])
            one = TargetTransform.fit(fitted, config.preparation.target)
            self.transforms[task] = one
            rows = self.mine[task] & self.is_exact
            self.z[rows] = (one.forward(y[rows]) - one.mean) / one.std

    def learnt(self, task):
        return self.mine[task] & self.is_exact & self.part.is_training

    def tested(self, task):
        return self.mine[task] & self.part.is_test

    def answers(self, known: Mapping[str, Source]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Mean and variance of a reading for the rows of each task that are held out. known: by task, what `told` gives."""
        if self.config.wiring == "multi-task":
            return self._together()
        found = {}
        for task in filter(self._can, self.config.tasks):
            is_told = self.config.tells and task != self.config.source_task
            found[task] = self._with_told(task, *(known.get(task) or self.told(task))) if is_told else self._alone(task)
        return found

    def _can(self, task):
        return self.learnt(task).any() and self.tested(task).any()

    def _forest(self, x, z):
        return Forest.fit(x, z, seed=self.config.seed, n_trees=self.n_trees)

    def _scores(self, task, learnt, seen=None):
        """Features of all rows as a task sees them, scaled by the rows that it learns from."""
        visible = self.spec.visible(TASKS[task])
        x = Scaler.fit(np.where(visible, self.values, np.nan)[learnt], self.config.preparation).transform(self.values)
        return x * (visible if seen is None else visible & seen)

    def _alone(self, task):
        x, learnt = self._scores(task, self.learnt(task)), self.learnt(task)
        forest = self._forest(x[learnt], self.z[learnt])
        mean, variance = forest.predict(x[self.tested(task)])
        return mean, variance + forest.noise

    def _together(self):
        x = np.zeros((len(self.values), self.values.shape[1] + len(self.mine)))
        learnt = np.logical_or.reduce([self.learnt(task) for task in self.mine])
        for column, (task, mine) in enumerate(self.mine.items()):
            x[mine, :self.values.shape[1]] = self._scores(task, self.learnt(task))[mine]
            x[mine, self.values.shape[1] + column] = 1.0
        forest, found = self._forest(x[learnt], self.z[learnt]), {}
        for task in filter(self._can, self.mine):
            mean, variance = forest.predict(x[self.tested(task)])
            found[task] = mean, variance + forest.noise
        return found

    def told(self, task) -> Source:
        """What the source says is told to training rows by forests on the inner folds, to those held out by that of the part."""
        source, learnt, tested = self.config.source_task, self.learnt(task), self.tested(task)
        told, doubt = self._source(self.learnt(source), tested, task)
        for part in self.inside:
            rows = part.is_test & learnt
            if rows.any():
                inner, _ = self._source(self.learnt(source) & part.is_training, rows, task)
                told = np.where(rows, inner, told)
        return told, doubt

    def _with_told(self, task, told, doubt):
        learnt, tested = self.learnt(task), self.tested(task)
        if self.config.wiring == "latent":
            x = np.column_stack([self._scores(task, learnt), told])
            forest = self._forest(x[learnt], self.z[learnt])
            mean, variance = forest.predict(x[tested])
            return mean, variance + forest.noise
        offset, slope, spread = regress_on_told(self.z[learnt], told[learnt])
        x, rest = self._scores(task, learnt), (self.z - offset - slope * told) / spread
        forest = self._forest(x[learnt], rest[learnt])
        mean, variance = forest.predict(x[tested])
        return offset + slope * told[tested] + spread * mean, slope**2 * doubt[tested] + spread**2 * (variance + forest.noise)

    def _source(self, learnt, asked, task):
        """Mean and its variance [n], 0 for rows that are not asked for; in units of the source's spread on the part."""
        source, seen = self.config.source_task, self.spec.visible(TASKS[task])
        forest = self._forest(self._scores(source, learnt)[learnt], self.z[learnt])
        mean, variance = np.zeros((2, len(self.z)))
        if asked.any():
            mean[asked], variance[asked] = forest.predict(self._scores(source, learnt, seen)[asked])
        return mean, variance

    def held_out(self, task, mean, variance) -> pd.DataFrame:
        rows, one, part = self.observations[self.tested(task)], self.transforms[task], self.part
        y, slope = one.inverse(one.mean + one.std * mean)
        return rows[["measurement_id", "task", "reference_group", "family"]].assign(
            split=part.split, fold_seed=part.fold_seed, fold=part.fold, mean=y, std=slope * one.std * np.sqrt(variance),
            **{side: TASKS[task].to_learning(rows[side]) for side in ("low", "high")})
