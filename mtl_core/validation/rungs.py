"""Rungs of the ladder: ways to hold rows out, and what each keeps out of training.

The folds of the three splits of training are those of the run itself, so its out-of-fold table is one of the cells. On every rung
the tested rows are default rows with their published values; a curation acts on what is learnt from only.
"""
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from mtl_core.data.folds import composition_groups, grouped_folds, make_folds, split_groups
from mtl_core.data.schema import AT
from mtl_core.ensemble.parts import Part
from mtl_core.errors import ConfigError
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec
from mtl_core.seeds import child_seed
from mtl_core.tasks import TASKS

RungName = Literal["random", "stratified", "composition", "reference", "system", "cluster", "element", "monte-carlo",
                   "leave-one-out"]
LADDER: tuple[RungName, ...] = get_args(RungName)[:7]
HOLDS = 1.0  # at.% from which an alloy is said to hold an element
SHARES = (0.03, 0.60)  # of a task's alloys that hold an element which is left out
SHUFFLED = 0.2  # share of the rows that a Monte Carlo shuffle tests


class Rung(NamedTuple):
    """How a rung is called, what is held out together, and what may still be known of a tested row."""

    label: str
    holds_out: str
    forbids: str
    allows: str


RUNGS: dict[RungName, Rung] = {
    "random": Rung("Random rows", "rows, the same share of each property",
                   "Nothing but the row itself.", "Repeats and twins of its alloy, and readings of its own paper."),
    "stratified": Rung("Stratified rows", "rows, the same share of low and high values of each property",
                       "Nothing but the row itself.", "Repeats and twins of its alloy, and readings of its own paper."),
    "composition": Rung("New compositions", "alloys that steps of at most 0.5 at.% connect",
                        "Twins of its alloy: whatever differs by at most 0.5 at.% in each element.",
                        "Other alloys of its own paper."),
    "reference": Rung("New papers", "papers, those together that share readings",
                      "Readings of its own paper, and of papers that printed it as well.", "Twins of its alloy in other papers."),
    "system": Rung("New chemical systems", f"alloys with the same set of elements of {HOLDS:g} at.% and more",
                   "Alloys of the same elements.",
                   f"Twins across the limit of {HOLDS:g} at.%, and alloys of its own paper with other elements."),
    "cluster": Rung("New clusters of alloys",
                    "clusters of alloys, by k-means of the scaled elements and descriptors of all rows; that only divides them, "
                    "values are not looked at",
                    "Its whole region of composition, twins included.", "Alloys of its own paper in other clusters."),
    "element": Rung("New elements",
                    f"all alloys with {HOLDS:g} at.% and more of one element; those with less of it, but some, are neither "
                    "learnt from nor tested",
                    "Any alloy that contains the element, twins included.", "Alloys of its own paper without the element."),
    "monte-carlo": Rung("Random shuffles", f"{SHUFFLED:.0%} of the rows, drawn anew each time",
                        "Nothing but the row itself.", "Repeats and twins of its alloy, and readings of its own paper."),
    "leave-one-out": Rung("Rows left out one by one", "one row at a time",
                          "Nothing but the row itself.", "Repeats and twins of its alloy, and readings of its own paper."),
}


@dataclass(frozen=True, eq=False)
class RungPart(Part):
    """A part of a rung; its split is the rung. name: of what is held out ("Mo", "cluster 3"), empty where it has none."""

    name: str = ""


def rung_parts(prepared, rung: RungName, *, seed: int, n_folds: int, n_fold_seeds: int) -> tuple[RungPart, ...]:
    """The parts of a rung, by fold seed and fold; the same arguments give the same parts.

    prepared: see `mtl_core.pipeline.Prepared`. n_folds is not asked of "element" and "leave-one-out", whose folds follow from the
    data, and neither is n_fold_seeds; "monte-carlo" shuffles n_folds × n_fold_seeds times.
    Raises ConfigError for another rung, or where there are fewer groups than folds.
    """
    if rung not in RUNGS:
        raise ConfigError(f"expected a rung out of {', '.join(RUNGS)}, got {rung!r}")
    rows, seeds = prepared.observations, [child_seed(seed, "folds", rung, number) for number in range(n_fold_seeds)]
    parts = tuple(RungPart(rung, *where, prepared.is_training & is_open & ~is_test, is_test, name)
                  for where, name, is_test, is_open in _HELD_OUT[rung](rows, prepared, seeds, n_folds))
    return _curated(parts, prepared, seed)


def _curated(parts, prepared, seed):
    """What the curation decides from residuals is decided anew inside each training part."""
    if prepared.curation is None:
        return parts
    from mtl_core.ensemble import residual_rule

    if not residual_rule.is_used(prepared.curation):
        return parts
    return residual_rule.without_large_residuals(parts, prepared.training, prepared.values, prepared.spec, prepared.curation,
                                                 seed=seed)


# Each yields, part by part: (fold seed, fold), the name, is_test [n], and what may be learnt from as far as the rung goes [n].
_Held = Iterator[tuple[tuple[int, int], str, np.ndarray, np.ndarray]]


def _of_training(kind: str) -> Callable[..., _Held]:
    """The same folds as `training_parts` gives."""
    def held(rows, prepared, seeds, n_folds):
        tested = prepared.is_test
        for number, seed in enumerate(seeds):
            folds = make_folds(rows[tested], kind=kind, n_folds=n_folds, seed=seed)
            yield from _by_fold(number, folds, tested, split_groups(rows, kind))
    return held


def _by_fold(number: int, folds: np.ndarray, tested: np.ndarray, groups: np.ndarray, name: str = "") -> _Held:
    """Rows that are never tested are open to those parts only whose tested rows share no group with them."""
    fold_of_row = np.full(len(tested), -1)
    fold_of_row[tested] = folds
    for fold in range(folds.max() + 1):
        is_test = fold_of_row == fold
        yield (number, fold), name and f"{name} {fold + 1}", is_test, tested | ~np.isin(groups, groups[is_test])


def _stratified(rows, prepared, seeds, n_folds) -> _Held:
    """Each n_folds rows of one property that follow one another in value go to different folds."""
    tested, each = prepared.is_test, np.arange(len(rows))
    known = rows["low"].where(np.isfinite(rows["low"]), rows["high"])[tested]
    order = np.lexsort((known, pd.factorize(rows.loc[tested, "task"])[0]))
    for number, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        drawn = np.concatenate([rng.permutation(n_folds) for _ in range(-(-len(order) // n_folds))])[:len(order)]
        folds = np.empty(len(order), int)
        folds[order] = drawn
        yield from _by_fold(number, folds, tested, each)


def _of_system(rows, prepared, seeds, n_folds) -> _Held:
    tested, systems = prepared.is_test, np.unique(_at(rows) >= HOLDS, axis=0, return_inverse=True)[1]
    for number, seed in enumerate(seeds):
        folds = grouped_folds(systems[tested], rows.loc[tested, "task"], n_folds=n_folds, seed=seed, kind="chemical system")
        yield from _by_fold(number, folds, tested, systems)


def _of_cluster(rows, prepared, seeds, n_folds) -> _Held:
    for number, seed in enumerate(seeds):
        clusters = _clusters(rows, prepared.values, prepared.spec, n_folds, seed)
        folds = pd.factorize(clusters[prepared.is_test])[0]  # by first row, whatever k-means called them
        yield from _by_fold(number, folds, prepared.is_test, clusters, "cluster")


def _clusters(rows: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, n: int, seed: int) -> np.ndarray:
    """Cluster of each row [n]: k-means (MacQueen 1967) of the mean scaled features of each group of twins, which no cluster
    divides; conditions are left out, so an alloy is in one cluster whatever was measured."""
    from sklearn.cluster import KMeans

    groups = composition_groups(_at(rows))
    if len(np.unique(groups)) < n:
        raise ConfigError(f"expected at most as many clusters as groups of alloys ({len(np.unique(groups))}), got {n}")
    alloys = values[:, :spec.n_of_composition]
    means = pd.DataFrame(Scaler.fit(alloys).transform(alloys)).groupby(groups).mean().to_numpy()
    return KMeans(n, n_init=10, random_state=seed).fit_predict(means)[groups]


def _of_element(rows, prepared, *_) -> _Held:
    """One part an element that is held by few enough alloys of a task, and by enough of them."""
    for fold, (symbol, tasks) in enumerate(left_out(rows[prepared.is_test]).items()):
        amount = rows[AT + symbol].to_numpy()
        yield (0, fold), symbol, prepared.is_test & (amount >= HOLDS) & rows["task"].isin(tasks).to_numpy(), amount == 0.0


def left_out(rows: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Element → the tasks in which it is held by 3 to 60 % of the alloys; elements by their place in the table."""
    found: dict[str, tuple[str, ...]] = {}
    for column in (name for name in rows if name.startswith(AT)):
        alloys = rows.drop_duplicates(["task", "alloy_id"])
        shares = (alloys[column] >= HOLDS).groupby(alloys["task"]).mean()
        if (tasks := tuple(key for key in TASKS if SHARES[0] <= shares.get(key, 0.0) <= SHARES[1])):
            found[column.removeprefix(AT)] = tasks
    return found


def _shuffled(rows, prepared, seeds, n_folds) -> _Held:
    """The first fold of as many random folds as make its share of the rows, drawn again and again."""
    each = np.arange(len(rows))
    for number, seed in enumerate(seeds):
        for fold in range(n_folds):
            folds = make_folds(rows[prepared.is_test], kind="random", n_folds=round(1 / SHUFFLED), seed=child_seed(seed, fold))
            (_, _), name, is_test, is_open = next(_by_fold(number, folds, prepared.is_test, each))
            yield (number, fold), name, is_test, is_open


def _of_row(rows, prepared, *_) -> _Held:
    each = np.arange(len(rows))
    return _by_fold(0, np.arange(prepared.is_test.sum()), prepared.is_test, each)


def _at(rows: pd.DataFrame) -> np.ndarray:
    return rows.filter(regex=f"^{AT}").to_numpy(float)


_HELD_OUT: dict[RungName, Callable[..., _Held]] = {
    **{kind: _of_training(kind) for kind in ("random", "composition", "reference")}, "stratified": _stratified,
    "system": _of_system, "cluster": _of_cluster, "element": _of_element, "monte-carlo": _shuffled, "leave-one-out": _of_row}
