"""Folds that keep whole groups of alloys, or of papers, on one side, for all tasks together."""
from typing import Literal

import numpy as np
import pandas as pd

from mtl_core.data.schema import AT
from mtl_core.errors import ConfigError

Split = Literal["random", "composition", "reference"]
SPLITS: tuple[Split, ...] = ("random", "composition", "reference")


def composition_groups(at: np.ndarray, tolerance: float = 0.5) -> np.ndarray:
    """Group label of each composition [n, E] in at.%, by single linkage in L∞.

    Neighbours differ by at most `tolerance` in every element; a group is what a chain of neighbours connects.
    """
    from scipy.sparse.csgraph import connected_components
    from sklearn.neighbors import radius_neighbors_graph
    # A hair more than the tolerance, so that 20.0 and 20.5 are neighbours whatever their last binary digit.
    graph = radius_neighbors_graph(np.asarray(at, float), tolerance + 1e-9, metric="chebyshev", mode="connectivity")
    return connected_components(graph, directed=False)[1]


def reference_groups(observations: pd.DataFrame) -> np.ndarray:
    """Group label of each observation: papers, those that printed one another's readings joined."""
    return pd.factorize(observations["reference_group"])[0]


def make_folds(observations: pd.DataFrame, *, kind: Split, n_folds: int = 5, seed: int) -> np.ndarray:
    """Fold index of each observation, [n] in 0 … n_folds-1.

    "random": rows, stratified by task. "composition" / "reference": whole groups for all tasks together, the number of
    rows of each task as even as the groups allow. The same observations and seed give the same folds.
    Raises ConfigError for another kind, or when there are fewer groups than folds.
    """
    return grouped_folds(split_groups(observations, kind), observations["task"], n_folds=n_folds, seed=seed, kind=kind)


def grouped_folds(groups: np.ndarray, tasks: pd.Series, *, n_folds: int, seed: int, kind: str) -> np.ndarray:
    """The same for any groups [n] of rows of `tasks` [n]; kind: what groups them, for the error."""
    n_groups = len(np.unique(groups))
    if not 2 <= n_folds <= n_groups:
        raise ConfigError(f"expected n_folds from 2 to the number of groups by {kind} ({n_groups}), got {n_folds}")
    return _balanced(groups, pd.factorize(tasks)[0], n_folds, np.random.default_rng(seed))


def split_groups(observations: pd.DataFrame, kind: Split) -> np.ndarray:
    """Label of what a split never divides, for each observation [n]. Raises ConfigError for another kind."""
    if kind == "random":
        return np.arange(len(observations))
    if kind == "composition":
        return composition_groups(observations.filter(like=AT).to_numpy())
    if kind == "reference":
        return reference_groups(observations)
    raise ConfigError(f"expected a split out of {', '.join(SPLITS)}, got {kind!r}")


def _balanced(groups: np.ndarray, tasks: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Put groups, the largest first and equals in random order, where they leave the tasks' shares most even."""
    counts = pd.crosstab(groups, tasks).to_numpy()
    shares = counts / counts.sum(axis=0)
    shuffled = rng.permutation(len(counts))
    order = shuffled[np.argsort(-shares.max(axis=1)[shuffled], kind="stable")]
    filled, fold_of_group = np.zeros((n_folds, counts.shape[1])), np.empty(len(counts), int)
    for group in order:
        unevenness = ((filled + shares[group]) ** 2 - filled**2).sum(axis=1)
        fold = rng.choice(np.flatnonzero(np.isclose(unevenness, unevenness.min())))
        filled[fold] += shares[group]
        fold_of_group[group] = fold
    return fold_of_group[np.unique(groups, return_inverse=True)[1]]
