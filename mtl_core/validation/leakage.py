"""Leaks: what lets a test row be known in training. How many rows each touches, and what it is worth.

Rows that have kin on the other side of a fold are here, a property of the folds that random ones always have; columns made from
what they are to predict, and transforms fitted with test rows, both mistakes, are in `peeking`. Kinds after Kapoor & Narayanan
2023, Patterns 4, 100804.
"""
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from mtl_core.data.copies import SAME_ALLOY_AT, SAME_TEST, contradicts
from mtl_core.data.schema import AT
from mtl_core.ensemble.baselines import BASELINES, baseline_out_of_fold
from mtl_core.ensemble.parts import Part
from mtl_core.features.preparation import DEFAULT_PREPARATION, Preparation
from mtl_core.features.table import FeatureSpec
from mtl_core.uncertainty.comparison import compare

TWIN_AT, NEAR_AT = 0.5, 2.0  # at.% by which each element may differ
FEWEST = 10  # training rows of a task, below which a part without its leaking rows says nothing

LEAKS: dict[str, str] = {
    "composition twin": f"An alloy of the training part within {TWIN_AT:g} at.% in every element.",
    "near composition": f"An alloy of the training part within {NEAR_AT:g} at.% in every element, twins among them.",
    "same paper": "A reading of the same paper, or of one that prints the same readings, in the training part.",
    "double entry": f"A reading of the training part with the same value, the same alloy (within {SAME_ALLOY_AT:g} at.%) and no "
                    "condition that contradicts.",
    "target-derived column": "A feature that follows from what is to be predicted, or from another measured property.",
    "fitted outside the fold": "A scaler, a filler, a selector or a transform of the target that changes with the test rows.",
}
KIN = tuple(LEAKS)[:4]
# What a split promises never to let happen.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("composition", "cluster", "element"), ("composition twin", "double entry")), "reference": ("same paper",)}


@dataclass(frozen=True)
class Leak:
    """What was found of one kind of leak (a key of LEAKS), of one task in the parts of one split; "" where it concerns all.

    n: tests, each row once a fold seed; for a column or a transform, what was looked at. n_affected: those with kin among the
    training rows of the same task; share: of n; share_any_task: with kin among all training rows, which is what networks that
    learn several tasks see. is_forbidden: the split promises that it is zero. evidence: one sentence.
    """

    kind: str
    task: str
    split: str
    n: int
    n_affected: int
    evidence: str
    share_any_task: float = 0.0
    is_forbidden: bool = False

    @property
    def share(self) -> float:
        return self.n_affected / self.n if self.n else 0.0

    @property
    def is_alarm(self) -> bool:
        """Whether something is wrong, and not only easy: a promise broken, a column or a transform that peeks."""
        return bool(self.n_affected) and (self.is_forbidden or self.kind not in KIN)


def as_table(leaks: Sequence[Leak]) -> pd.DataFrame:
    """One row a leak: its fields, share and is_alarm."""
    return pd.DataFrame([asdict(leak) | {"share": leak.share, "is_alarm": leak.is_alarm} for leak in leaks])


def kin(observations: pd.DataFrame) -> dict[str, csr_array]:
    """Which rows make one another known: leak → [n, n], ones and zeros, symmetric, whatever their tasks."""
    at = observations.filter(regex=f"^{AT}").to_numpy(float)
    paper = pd.factorize(observations["reference_group"])[0]
    of_paper = csr_array((np.ones(len(paper), np.int32), (np.arange(len(paper)), paper)))
    return {"composition twin": _near(at, TWIN_AT), "near composition": _near(at, NEAR_AT), "same paper": of_paper @ of_paper.T,
            "double entry": _double_entries(observations, _near(at, SAME_ALLOY_AT))}


def _near(at: np.ndarray, tolerance: float) -> csr_array:
    """Rows that differ by at most so much in every element; a hair more, as in `folds.composition_groups`."""
    from sklearn.neighbors import radius_neighbors_graph

    return csr_array(radius_neighbors_graph(at, tolerance + 1e-9, metric="chebyshev", mode="connectivity"), dtype=np.int32)


def _double_entries(observations: pd.DataFrame, near: csr_array) -> csr_array:
    one, other = near.nonzero()
    value, task = observations["value"].to_numpy(float), observations["task"].to_numpy()
    is_same = (value[one] == value[other]) & (task[one] == task[other])
    one, other = one[is_same], other[is_same]
    tests = observations[list(SAME_TEST)].to_numpy(float)
    is_same = ~contradicts(tests[one], tests[other])
    found = np.ones(is_same.sum(), np.int32)
    return coo_array((found, (one[is_same], other[is_same])), shape=near.shape).tocsr()


def audit(observations: pd.DataFrame, parts: Sequence[Part], *,
          forbidden: Mapping[str, Collection[str]] = FORBIDDEN) -> tuple[Leak, ...]:
    """Kin across the folds, for each task, split and leak of KIN, found or not; see `peeking` for the other two leaks.

    observations: n rows with measurement_id, task, value, reference_group, the conditions and at_<El>; parts: as they are trained
    and tested; forbidden: split → leaks that it promises not to have.
    """
    graphs, found = kin(observations), []
    for split, of_split in _by_split(parts).items():
        for leak, graph in graphs.items():
            found += _of_split(observations, of_split, graph, leak, split, leak in forbidden.get(split, ()))
    return tuple(found)


def _by_split(parts: Sequence[Part]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.split, []).append(part)
    return found


def _of_split(observations, parts, graph, leak, split, is_forbidden):
    for task in observations["task"].unique():
        mine = (observations["task"] == task).to_numpy()
        tests = [part.is_test & mine for part in parts]
        same = [_known(graph, part.is_training & mine, test) for part, test in zip(parts, tests, strict=True)]
        any_task = [_known(graph, part.is_training, test) for part, test in zip(parts, tests, strict=True)]
        n, n_same, n_any = (int(sum(map(np.count_nonzero, rows))) for rows in (tests, same, any_task))
        evidence = _in_words(observations, parts, graph, same, mine, n)
        yield Leak(leak, str(task), split, n, n_same, evidence, n_any / n if n else 0.0, is_forbidden)


def _known(graph: csr_array, is_training: np.ndarray, is_test: np.ndarray) -> np.ndarray:
    """Test rows with kin among the training rows, bool [n]."""
    return is_test & (graph @ is_training.astype(np.int32) > 0)


def _in_words(observations, parts, graph, affected, mine, n) -> str:
    """How many tests, and the first of them as an example."""
    n_affected = sum(map(np.count_nonzero, affected))
    if not n_affected:
        return f"None of {n} tests."
    part, rows = next((part, rows) for part, rows in zip(parts, affected, strict=True) if rows.any())
    row = int(np.flatnonzero(rows)[0])
    other = int(np.flatnonzero((graph[[row]].toarray()[0] > 0) & part.is_training & mine)[0])
    ids = observations["measurement_id"].to_numpy()
    return (f"{n_affected} of {n} tests ({n_affected / n:.0%}); fold {part.fold} of seed {part.fold_seed} tests {ids[row]} "
            f"and learns from {ids[other]}.")


def worth(observations: pd.DataFrame, values: np.ndarray, spec: FeatureSpec, parts: Sequence[Part], *, seed: int,
          leaks: Collection[str] = KIN, training: pd.DataFrame | None = None, preparation: Preparation = DEFAULT_PREPARATION,
          models: Mapping = BASELINES, n_jobs: int = -1) -> pd.DataFrame:
    """Scores with each leak and without it: the training rows that make a test row of their part known are left out.

    Fewer rows are also a poorer training, so what is compared are the rows that remain and as many drawn at random from all of
    the part's: the same number, with the leak. A part of which fewer than 10 rows remain is not scored.
    Columns: task, split, leak, model, n, r2 (as it is, on the same rows), r2_thinned, r2_without, difference (without − thinned),
    low, high (95 % over papers), removed (share of the training rows that made a test row known); no row where that is zero.
    """
    graphs, tasks = kin(observations), observations["task"].to_numpy()
    given = dict(seed=seed, training=training, preparation=preparation, models=models, n_jobs=n_jobs)

    def scored(some):
        return baseline_out_of_fold(observations, values, spec, some, **given)

    tables = []
    for of_split in _by_split(parts).values():
        plain = None
        for leak in leaks:
            without, thinned, removed = _without(of_split, graphs[leak], tasks, seed)
            if not any(removed.values()):
                continue
            plain = scored(of_split) if plain is None else plain
            tables.append(_compared(plain, scored(thinned), scored(without)).assign(
                leak=leak, removed=lambda found, removed=removed: found["task"].map(removed)))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _without(parts, graph, tasks, seed):
    """The parts without their leaking rows, the same with as many rows drawn at random, and the share removed by task."""
    rng, without, thinned = np.random.default_rng(seed), [], []
    kept, learnt = ({task: 0 for task in np.unique(tasks)} for _ in range(2))
    for part in parts:
        remain, drawn = np.zeros((2, len(tasks)), bool)
        for task in kept:
            mine = part.is_training & (tasks == task)
            known = graph @ (part.is_test & (tasks == task)).astype(np.int32) > 0
            n = np.count_nonzero(mine & ~known)
            kept[task], learnt[task] = kept[task] + n, learnt[task] + np.count_nonzero(mine)
            if n >= FEWEST:
                remain |= mine & ~known
                drawn[rng.choice(np.flatnonzero(mine), n, replace=False)] = True
        without.append(replace(part, is_training=remain))
        thinned.append(replace(part, is_training=drawn))
    return without, thinned, {task: 1.0 - kept[task] / learnt[task] for task in kept if learnt[task]}


def _compared(plain, thinned, without):
    found = []
    for model in plain["model"].unique():
        plain_, thinned_, without_ = (table[table["model"] == model] for table in (plain, thinned, without))
        if not len(without_):
            continue
        as_it_is = compare(plain_, without_).set_index(["task", "split"])["r2_before"]
        rows = compare(thinned_, without_).assign(model=model)
        found.append(rows.assign(r2=[as_it_is[key] for key in zip(rows["task"], rows["split"], strict=True)]))
    renamed = pd.concat(found).rename(columns={"r2_before": "r2_thinned", "r2_after": "r2_without"}) if found else pd.DataFrame(
        columns=["task"])
    return renamed.drop(columns=["mae_before", "mae_after"], errors="ignore")
