"""Whether bars can be believed: the same question asked by other methods.

Exact Shapley values ask for every subset S of the groups that differ what the ensemble says where only these have the amounts of
the alloy (Shapley 1953; Lundberg & Lee 2017, arXiv 1705.07874):
    φ_i = Σ_S |S|! (n − |S| − 1)! / n!  (v(S ∪ i) − v(S))
Absent groups take the baseline's amounts, and nothing is renormalised: such amounts need not sum to 100. The descriptors then see
atomic fractions, as always, the columns of amounts see what is written. Path attributions are Aumann-Shapley values of the same
game and may differ a little.

Permuting an element's amounts among measurements, as the networks predict them that never saw their papers, costs R² where the
element matters (Breiman 2001, Mach. Learn. 45, 5). And bars that an untrained network would give as well say nothing about what
was learnt (Adebayo et al. 2018, arXiv 1810.03292).
"""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import factorial

import numpy as np
import pandas as pd

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.ensemble.parts import Part
from mtl_core.explain.attribution import Attribution
from mtl_core.explain.groups import groups_between
from mtl_core.features.table import featurize
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.held_out import HeldOut
from mtl_core.uncertainty.predictor import Predictor

NO_ATOMS = 1e-3  # of the baseline stays where a subset of two alloys without a common element has no atoms at all
FEWEST = 3  # names from which ranks can agree or not
N_REPEATS = 3  # permutations of a column
SPLIT = "reference"  # by paper: what the deployed ensemble is trained on
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Shapley:
    """Exact Shapley values [N] of groups of elements and conditions, in the unit of the task; they add up to the difference."""

    task: TaskSpec
    names: tuple[str, ...]
    values: np.ndarray
    baseline: float
    prediction: float


def shapley(predictor: Predictor, composition: Composition, conditions: Conditions, task: TaskSpec, *, baseline: Composition,
            baseline_conditions: Conditions | None = None) -> Shapley:
    """Members, masks and stand-ins for unreported conditions are those of the prediction."""
    at, given = predictor.at_matrix([composition, baseline]), [conditions, baseline_conditions or conditions]
    groups = groups_between(predictor, task, at, given)
    subsets = np.arange(2 ** len(groups.names))[:, None] >> np.arange(len(groups.names)) & 1  # [2^N, N]
    mixed = np.where(subsets @ groups.holds(predictor.ensemble.spec.symbols) > 0, *at)
    mixed[mixed.sum(axis=1) == 0] = NO_ATOMS * at[1]
    members = predictor.members(task, mixed, _mixed_conditions(subsets @ groups.holds(task.conditions) > 0, task, given))
    values = task.from_learning(members.mean(axis=0))
    return Shapley(task, groups.names, shapley_values(values), float(values[0]), float(values[-1]))


def _mixed_conditions(taken, task, given):
    """The alloy's conditions where taken [n, conditions], the baseline's elsewhere."""
    rows, which = np.unique(taken, axis=0, return_inverse=True)
    kinds = []
    for row in rows:
        chosen = [name for name, is_taken in zip(task.conditions, row, strict=True) if is_taken]
        kinds.append(given[1].model_copy(update={name: getattr(given[0], name) for name in chosen}))
    return [kinds[index] for index in which.ravel()]


def shapley_values(values: np.ndarray) -> np.ndarray:
    """φ [N] of a game with values [2^N], the subset of each being the bits of its position."""
    n = int(np.log2(len(values)))
    subsets, found = np.arange(len(values)), np.empty(n)
    sizes = np.array([int(subset).bit_count() for subset in subsets])
    weights = np.array([factorial(size) * factorial(n - size - 1) / factorial(n) for size in range(n)])
    for player in range(n):
        without = subsets[subsets >> player & 1 == 0]
        found[player] = weights[sizes[without]] @ (values[without | 1 << player] - values[without])
    return found


def rank_agreement(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's ρ; NaN where fewer than three are ranked, or all are alike."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    if len(one) < FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)


def untrained(predictor: Predictor, *, seed: int = 0) -> Predictor:
    """The same ensemble with the weights that a training would begin with."""
    return replace(predictor, ensemble=predictor.ensemble.untrained(seed))


def agreement_of_members(bars: Attribution, reference: Attribution) -> np.ndarray:
    """Rank agreement of each member's bars with those of the reference, [M]; a name that one of the two lacks has a bar of 0."""
    names = list(dict.fromkeys((*reference.names, *bars.names)))
    expected = pd.Series(reference.values, reference.names).reindex(names, fill_value=0.0)
    table = pd.DataFrame(bars.of_members.T, bars.names).reindex(names, fill_value=0.0)
    return np.array([rank_agreement(table[member], expected) for member in table])


def permutation_importance(predictor: Predictor, task: TaskSpec, *, n_repeats: int = N_REPEATS, seed: int = 0,
                           progress: Progress = lambda done, total: None) -> pd.DataFrame:
    """What R² of a task loses where the amounts of an element, or one condition, are permuted among its measurements.

    Rows: elements and conditions by name; columns: drop (mean over permutations), error (standard error of that), n (measurements
    that hold the element, or report the condition). `attrs`: r2 before, split, n_rows. Each row is predicted by the members that
    never saw its paper, exact rows are scored, in the learning unit, mean of the fold seeds.
    """
    rows, parts = _held_out(predictor, task)
    names = [*(symbol for symbol in predictor.ensemble.spec.symbols if (rows[AT + symbol] > 0).any()), *task.conditions]
    rng, before, drops = np.random.default_rng(seed), _r2(predictor, task, rows, rows, parts), {}
    for number, name in enumerate(names):
        drops[name] = [before - _r2(predictor, task, rows, _permuted(rows, name, rng.permutation(len(rows))), parts)
                       for _ in range(n_repeats)]
        progress(number + 1, len(names))
    table = pd.DataFrame({"drop": {name: np.mean(of_name) for name, of_name in drops.items()},
                          "error": {name: np.std(of_name, ddof=1) / np.sqrt(n_repeats) for name, of_name in drops.items()},
                          "n": {name: _count(rows, name) for name in names}})
    table.attrs = {"r2": before, "split": SPLIT, "n_rows": len(rows)}
    return table


def _held_out(predictor, task):
    """Measurements of a task, and the part of the ensemble that each was held out of: one for each fold seed."""
    held_out = predictor.out_of_fold
    held_out = held_out[(held_out["task"] == task.key) & (held_out["split"] == SPLIT)]
    rows = predictor.observations
    rows = rows[(rows["task"] == task.key) & rows["measurement_id"].isin(held_out["measurement_id"])].reset_index(drop=True)
    parts = []
    train = predictor.ensemble.config.train
    for fold_seed in range(train.n_fold_seeds):
        of_seed = held_out[held_out["fold_seed"] == fold_seed].set_index("measurement_id")["fold"]
        fold_of_row = of_seed.reindex(rows["measurement_id"]).to_numpy()
        parts += [Part(SPLIT, fold_seed, fold, fold_of_row != fold, fold_of_row == fold) for fold in range(train.n_folds)]
    return rows, parts


def _r2(predictor, task, rows, seen, parts):
    """Of the rows, when the networks see others."""
    at = seen[[AT + symbol for symbol in predictor.ensemble.spec.symbols]].to_numpy(float)
    values = featurize(at, seen, predictor.ensemble.spec).values
    return HeldOut(parts, rows, values, [task.key]).scores(predictor.ensemble)[task.key][SPLIT]["r2"]


def _permuted(rows: pd.DataFrame, name: str, order: np.ndarray) -> pd.DataFrame:
    """The rows with an element's amounts, and whether they were reported, or with one condition, in another order."""
    if AT + name not in rows:
        return rows.assign(**{name: rows[name].to_numpy()[order]})
    words = [set(text.split()) for text in rows["not_reported"]]
    flags = [name in words[index] for index in order]
    texts = [" ".join(sorted(own - {name} | ({name} if flag else set()))) for own, flag in zip(words, flags, strict=True)]
    return rows.assign(**{AT + name: rows[AT + name].to_numpy()[order], "not_reported": texts})


def _count(rows, name):
    return int((rows[AT + name] > 0).sum() if AT + name in rows else rows[name].replace("", None).notna().sum())


def importance_agreement(table: pd.DataFrame, sizes: Mapping[str, float]) -> tuple[float, tuple[str, ...]]:
    """Rank agreement of the drops of R² with the mean sizes of bars, and the names that both have."""
    names = tuple(name for name in table.index if name in sizes)
    return rank_agreement(table.loc[list(names), "drop"], [sizes[name] for name in names]), names
