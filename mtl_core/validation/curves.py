"""Learning curves: one task learnt from fewer and fewer of its labels, with all else as it was.

Labels are left out by whole groups of the split (papers, or twins), in one random order a fold seed, so that the labels of a
smaller share are among those of a larger one. The other tasks keep all theirs, and the rows that are tested stay the same.
"""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from mtl_core.data.folds import split_groups
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig
from mtl_core.ensemble.parts import Part
from mtl_core.errors import ConfigError
from mtl_core.seeds import child_seed

# Differences are paired and curves need several draws of labels, so seeds are worth more here than members and epochs.
SMALL = EnsembleConfig(train=TrainConfig(epochs=60, n_folds=5, n_fold_seeds=3, n_repeats=1))
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
NEXT = 50  # measurements, whose worth is asked for
EXPONENTS = np.linspace(0.1, 2.0, 39)
RESAMPLES = 300

Law = tuple[float, float, float]  # floor, scale, exponent


def thinned(observations: pd.DataFrame, parts: Sequence[Part], task: str, *, seed: int,
            shares: Sequence[float] = SHARES) -> tuple[Part, ...]:
    """The parts for each share, share by share: they learn from that share of the task's labels, and test its rows only.

    What is called the split of such a part is its share ("0.25"), so all that tells splits apart tells shares apart.
    Raises ConfigError for shares that do not rise to 1, or a part that has no label of the task.
    """
    if list(shares) != sorted(set(shares)) or shares[0] <= 0 or shares[-1] != 1.0:
        raise ConfigError(f"expected shares that rise from above 0 to 1, got {', '.join(map(str, shares))}")
    is_mine = (observations["task"] == task).to_numpy()
    groups = {split: split_groups(observations, split) for split in {part.split for part in parts}}
    kept = [_nested(part, is_mine, groups[part.split], shares, seed) for part in parts]
    return tuple(replace(part, split=f"{share:g}", is_training=part.is_training & (~is_mine | of_part[number]),
                         is_test=part.is_test & is_mine)
                 for number, share in enumerate(shares) for part, of_part in zip(parts, kept, strict=True))


def _nested(part: Part, is_mine: np.ndarray, groups: np.ndarray, shares: Sequence[float], seed: int) -> list[np.ndarray]:
    """Which rows each share keeps, bool [n]. A group that is larger than what is left of a share waits for a larger share."""
    labels = np.flatnonzero(part.is_training & is_mine)
    if not len(labels):
        raise ConfigError(f"expected labels in every part, got none in fold {part.fold} of the split {part.split}")
    sizes = pd.Series(groups[labels]).value_counts()
    drawn = np.random.default_rng(child_seed(seed, "labels", part.split, part.fold_seed)).permutation(groups.max() + 1)
    waiting = [group for group in drawn if group in sizes.index]
    taken, n, kept = [], 0, []
    for share in shares:
        for group in list(waiting):
            if n + sizes[group] <= round(share * len(labels)):
                waiting.remove(group)
                taken, n = [*taken, group], n + sizes[group]
        if not taken:  # not even one group is small enough
            taken, n = [sizes.index[-1]], sizes.iloc[-1]
            waiting.remove(taken[0])
        kept.append(np.isin(groups, taken))
    return kept


def by_share(thin: Sequence[Part]) -> list[tuple[Part, ...]]:
    """The parts of `thinned`, those of one share together."""
    return [tuple(of_share) for _, of_share in groupby(thin, lambda part: part.split)]


def cell_of_networks(prepared, thin: Sequence[Part], config: EnsembleConfig, *, state: Path,
                     should_stop: Callable[[], bool] = lambda: False) -> pd.DataFrame:
    """The networks of a config at every share, out of fold; see `cells.our_cell`.

    Each share is trained for itself. In one graph all members take as many steps as those with the most labels, and networks
    that learn from few go over them so often that they get worse: hardness from 20 labels falls from R² .45 to .35.
    """
    from mtl_core.validation.cells import our_cell

    return pd.concat([our_cell(prepared, some, config, state=state.with_stem(f"{state.stem}_{some[0].split}"),
                               should_stop=should_stop) for some in by_share(thin)], ignore_index=True)


def n_labels(observations: pd.DataFrame, parts: Sequence[Part], task: str) -> pd.Series:
    """How many labels of the task the parts of each share learn from on average, by share."""
    is_mine = (observations["task"] == task).to_numpy()
    counts = pd.DataFrame({"share": [float(part.split) for part in parts],
                           "n": [(part.is_training & is_mine).sum() for part in parts]})
    return counts.groupby("share")["n"].mean()


def points(cells: Mapping[str, pd.DataFrame], labels: pd.Series) -> pd.DataFrame:
    """One row a model and share: model, share, n_labels, and r2, mae and rmse of exact rows, each with low and high.

    cells: model → its out-of-fold table, whose `split` is the share; labels: see `n_labels`. Learning unit; the intervals are
    95 %, by resampling papers.
    """
    from mtl_core.uncertainty.comparison import accuracies

    found = []
    for model, cell in cells.items():
        for share, rows in _exact(cell).groupby(cell["split"].astype(float)):
            row = {"model": model, "share": share, "n_labels": labels[share]}
            for name, numbers in accuracies(rows).items():
                row |= dict(zip((name, f"{name}_low", f"{name}_high"), numbers, strict=True))
            found.append(row)
    return pd.DataFrame(found)


@dataclass(frozen=True)
class Fit:
    """RMSE(n) ≈ floor + scale · n^−exponent of n labels, and what `more` labels beyond `n` would be worth: what R² rises by, and
    RMSE falls by, each with a 95 % interval; rmse: what the law says of n labels; step: what R² rose by between the two largest
    shares, for `more` labels, whatever the law."""

    floor: float
    scale: float
    exponent: float
    n: int
    more: int
    gain: float
    gain_low: float
    gain_high: float
    fall: float
    fall_low: float
    fall_high: float
    rmse: float
    step: float
    step_low: float
    step_high: float


def fit(cell: pd.DataFrame, labels: pd.Series, *, n: int, more: int = NEXT) -> Fit:
    """The curve of one model, and what it says about the next measurements; they are taken to be of the kind of those before.

    cell: out of fold, with the shares as splits; labels: see `n_labels`; n: how many labels there are in all. The interval knows
    of papers, of draws of labels and of how far the points lie off the law, see `_laws`.
    """
    first, *drawn = _laws(cell, labels)
    gain, fall, step = _worth(*first, n, more)
    worth = [_worth(*one, n, more) for one in drawn]
    low, high = np.quantile(worth, [0.025, 0.975], axis=0) if worth else np.full((2, 3), np.nan)
    return Fit(*first[0], n, more, gain, low[0], high[0], fall, low[1], high[1], _at(first[0], float(n)), step, low[2], high[2])


def fan(cell: pd.DataFrame, labels: pd.Series, *, n: int, more: int = NEXT, steps: int = 24) -> pd.DataFrame:
    """The curve with its 95 % interval, from the fewest labels to n and `more`: n_labels, rmse, low, high."""
    (law, *_), *drawn = _laws(cell, labels)
    at = np.geomspace(labels.min(), n + more, steps)
    curves = np.array([_at(one, at) for one, *_ in drawn])
    low, high = np.quantile(curves, [0.025, 0.975], axis=0) if len(curves) else np.full((2, steps), np.nan)
    return pd.DataFrame({"n_labels": at, "rmse": _at(law, at), "low": low, "high": high})


def _exact(cell: pd.DataFrame) -> pd.DataFrame:
    return cell[cell["low"] == cell["high"]] if "high" in cell else cell


def _errors(cell: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, pd.Series]:
    """Squared errors [n, shares, draws] of the exact rows, their values [n] and papers [n]."""
    rows = _exact(cell).assign(share=cell["split"].astype(float), error=(cell["low"] - cell["mean"]) ** 2)
    wide = rows.pivot(index="measurement_id", columns=["share", "fold_seed"], values="error").sort_index(axis=1)
    facts = rows.drop_duplicates("measurement_id").set_index("measurement_id").loc[wide.index]
    return wide.to_numpy().reshape(len(wide), rows["share"].nunique(), -1), facts["low"].to_numpy(), facts["reference_group"]


def _laws(cell: pd.DataFrame, labels: pd.Series) -> list[tuple[Law, float, float]]:
    """The law, the variance of the values and what R² rose by a label in the last step; then those of RESAMPLES resamples, none
    where there is but one paper.

    A resample draws papers, for each share as many draws of labels as there are, and moves each point by a residual of the first
    law (log RMSE, wider by what three parameters took), since points do not lie on one smooth law.
    """
    from mtl_core.uncertainty.comparison import resampled_papers

    errors, values, papers = _errors(cell)
    n_labels, rng = labels.sort_index().to_numpy(float), np.random.default_rng(0)
    n_shares, n_draws = errors.shape[1:]

    def of(weight, of_draws, moved=0.0):
        mse = np.average(of_draws, axis=0, weights=weight)
        variance = np.average((values - np.average(values, weights=weight)) ** 2, weights=weight)
        step = (mse[-2] - mse[-1]) / variance / (n_labels[-1] - n_labels[-2])
        return power_law(n_labels, np.sqrt(mse) * np.exp(moved)), variance, step

    first = of(np.ones(len(values)), errors.mean(axis=2))
    rmse = np.sqrt(errors.mean(axis=(0, 2)))
    off = np.log(rmse / _at(first[0], n_labels)) * np.sqrt(n_shares / max(1, n_shares - len(first[0])))
    found = [first]
    for weight in resampled_papers(papers)[:RESAMPLES] if papers.nunique() > 1 else ():
        chosen = rng.integers(n_draws, size=(1, n_shares, n_draws))
        of_draws = np.take_along_axis(errors, np.broadcast_to(chosen, errors.shape), axis=2).mean(axis=2)
        found.append(of(weight, of_draws, rng.choice(off, n_shares)))
    return found


def _at(law: Law, n):
    floor, scale, exponent = law
    return floor + scale * n**-exponent


def _worth(law: Law, variance: float, step: float, n: int, more: int) -> tuple[float, float, float]:
    """By how much R² rises and RMSE falls from n labels to `more` of them; and R² if it went on as in the last step."""
    now, then = _at(law, float(n)), _at(law, float(n + more))
    return (now**2 - then**2) / variance, now - then, step * more


def power_law(n: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Floor a ≥ 0, scale b ≥ 0 and exponent c of y ≈ a + b n^−c: least squares of relative errors, c on a grid.

    The form is that of Hestness et al. 2017 (arXiv 1712.00409).
    """
    from scipy.optimize import nnls

    fitted = [(*nnls(np.stack([1 / y, n**-c / y], axis=1), np.ones(len(y))), c) for c in EXPONENTS]
    (floor, scale), _, exponent = min(fitted, key=lambda one: one[1])
    return float(floor), float(scale), float(exponent)
