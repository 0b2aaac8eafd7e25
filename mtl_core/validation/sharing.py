"""Where sharing pays: the four wirings on pairs of tasks, paired on the same folds, with fewer and fewer labels of the target.

All four are of the same networks and epochs, by the trainer of all ensembles; each share is a training of its own, as it would be
for someone who has no more labels. What the source tells is predicted as in `mtl_core.ensemble.wiring`. Since none of its labels
are left out, its networks are trained once and tell the members of all shares, and of both wirings that are told something.
Random forests in the same wirings stand beside the networks, on the same parts; see `mtl_core.ensemble.forests`.
"""
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mtl_core.ensemble.config import EnsembleConfig, TaskGradients, Wiring
from mtl_core.ensemble.parts import Part
from mtl_core.validation import curves

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
ALONE: Wiring = "single-task"
TOGETHER: Wiring = "multi-task"
WIRINGS: tuple[Wiring, ...] = (ALONE, TOGETHER, "difference", "latent")
NETWORKS, FORESTS = "networks", "forests"
BAND = 1.645  # half-width of the 90 % band of a normal distribution, in std


class Pair(NamedTuple):
    """A task whose labels are left out, and the one that it may learn from."""

    target: str
    source: str


# Strength is tied to hardness by plastic flow, HV [kgf/mm²] ≈ 0.3 σ_y [MPa] (Tabor 1951); repassivation happens below pitting.
PAIRS = (Pair("hardness", "yield_strength"), Pair("repassivation_potential", "pitting_potential"),
         Pair("ultimate_strength", "hardness"), Pair("hardness", "pitting_potential"), Pair("yield_strength", "hardness"),
         Pair("pitting_potential", "hardness"),
         # Two fidelities of one property: few tests in tension, more in compression.
         Pair("tensile_yield_strength", "compressive_yield_strength"), Pair("ultimate_strength", "compressive_strength"),
         Pair("elongation", "compressive_elongation"))


def config_of(pair: Pair, config: EnsembleConfig) -> EnsembleConfig:
    """The config for a pair, the source first, which is the one that tells."""
    return config.model_copy(update={"tasks": (pair.source, pair.target), "wiring": "multi-task", "source": None})


def wired_cells(prepared, parts: Sequence[Part], thin: Sequence[Part], pair: Pair, config: EnsembleConfig, *,
                wirings: Collection[Wiring], state: Path,
                should_stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[Wiring, pd.DataFrame]]:
    """Each of the wirings with its out-of-fold table of the target, whose `split` is the share.

    prepared: of both tasks, see `mtl_core.pipeline.Prepared`; parts: of the folds; thin: those of `curves.thinned`, share by
    share; config: see `config_of`, one member a part; state: see `cells.our_cell`.
    """
    from mtl_core.ensemble.fit import fit_ensemble
    from mtl_core.uncertainty.metrics import out_of_fold

    alone, of_target = config.for_task(pair.target), partial(prepared.of_task, pair.target)
    if ALONE in wirings:
        yield ALONE, curves.cell_of_networks(*of_target(thin), alone, state=state, should_stop=should_stop)
    if "multi-task" in wirings:
        yield "multi-task", curves.cell_of_networks(prepared, thin, config, state=state, should_stop=should_stop)
    if not {"difference", "latent"} & set(wirings):
        return
    known = told(prepared, parts, pair, config, should_stop=should_stop)
    for wiring in (name for name in ("difference", "latent") if name in wirings):
        of_wiring, tables = replace(known, is_added=wiring == "difference"), []
        for some in curves.by_share(thin):
            rows, mine = of_target(some)
            ensemble, _ = fit_ensemble(rows.training, rows.values, rows.spec, alone, mine, told=of_wiring,
                                       should_stop=should_stop)
            tables.append(out_of_fold(ensemble, mine, rows.observations, rows.values))
        yield wiring, pd.concat(tables, ignore_index=True)


def forest_cells(prepared, parts: Sequence[Part], thin: Sequence[Part], pair: Pair, config: EnsembleConfig, *,
                 wirings: Collection[Wiring], n_trees: int) -> Iterator[tuple[Wiring, pd.DataFrame]]:
    """The same of random forests of n_trees each; their std holds the jackknife variance and the noise of a reading."""
    from mtl_core.ensemble.forests import forests_out_of_fold, told_by_forests

    rows, known = (prepared.observations, prepared.values, prepared.spec), []
    for wiring in (name for name in WIRINGS if name in wirings):
        wired = config.model_copy(update={"wiring": wiring})
        if wired.tells and not known:
            known = told_by_forests(*rows, wired, parts, pair.target, training=prepared.training, n_trees=n_trees)
        told_of_thin = known * (len(thin) // len(parts)) if wired.tells else []
        yield wiring, forests_out_of_fold(*rows, wired, thin, training=prepared.training, told=told_of_thin, n_trees=n_trees)


def balanced_cell(prepared, thin: Sequence[Part], config: EnsembleConfig, gradients: TaskGradients, *, state: Path,
                  should_stop: Callable[[], bool] = lambda: False) -> pd.DataFrame:
    """The wiring "multi-task" with gradients of the tasks that are balanced or projected; see `mtl_core.ensemble.gradients`."""
    balanced = config.train.model_copy(update={"task_gradients": gradients})
    return curves.cell_of_networks(prepared, thin, config.model_copy(update={"train": balanced}), state=state,
                                   should_stop=should_stop)


def told(prepared, parts: Sequence[Part], pair: Pair, config: EnsembleConfig, *,
         should_stop: Callable[[], bool] = lambda: False):
    """What the rows of the target are told in each part, whatever labels it keeps; see `mtl_core.ensemble.fit.Told`."""
    from mtl_core.ensemble.fit import fit_ensemble
    from mtl_core.ensemble.wiring import Tells, inner_parts

    inner = inner_parts(prepared.training, parts, seed=config.seed)

    def trained(some: Sequence[Part]):
        rows, mine = prepared.of_task(pair.source, some)
        return fit_ensemble(rows.training, rows.values, rows.spec, config.for_task(pair.source), mine, should_stop=should_stop)[0]

    inside = trained([part for several in inner for part in several])
    tells = Tells(prepared.training, prepared.values, prepared.spec, config, inner, inside, trained(parts))
    return tells(pair.target)


def worth(cells: dict[Wiring, pd.DataFrame], labels: pd.Series) -> pd.DataFrame:
    """One row a wiring and share: wiring, share, n_labels, n, r2, mae, coverage and width of the 90 % band as it is stated, and
    the difference, R² less that of the target alone, with low and high, its 95 % interval by resampling papers; these are empty
    for the wiring "single-task" itself. better: with how many of the draws of labels it is better, out of n_draws; the interval
    does not hold the luck of which labels were drawn.

    cells: out of fold, with the shares as splits; labels: see `curves.n_labels`.
    """
    return pd.concat([against(cells[ALONE], cell, labels, wiring) for wiring, cell in cells.items()], ignore_index=True)


def against(reference: pd.DataFrame, cell: pd.DataFrame, labels: pd.Series, wiring: Wiring) -> pd.DataFrame:
    """Rows of `worth` of one cell, whose differences are those to a reference; of the shares that both have."""
    from mtl_core.uncertainty.comparison import compare

    compared = compare(reference, cell).rename(columns={"r2_after": "r2", "mae_after": "mae"})
    if cell is reference:
        compared[["difference", "low", "high"]] = np.nan
    share = compared["split"].astype(float)
    found = compared.assign(wiring=wiring, share=share, n_labels=share.map(labels), n_draws=cell["fold_seed"].nunique(),
                            better=compared["split"].map(_draws_better(reference, cell)),
                            **{name: compared["split"].map(values) for name, values in _bands(cell).items()})
    return found[["wiring", "share", "n_labels", "n", "r2", "mae", "difference", "low", "high", "better", "n_draws", "coverage",
                  "width"]]


def _bands(cell: pd.DataFrame) -> pd.DataFrame:
    """Coverage of the 90 % band of exact rows and its mean width, by split."""
    exact = cell[cell["low"] == cell["high"]]
    half = BAND * exact["std"]
    rows = pd.DataFrame({"coverage": (exact["low"] - exact["mean"]).abs() <= half, "width": 2 * half})
    return rows.groupby(exact["split"]).mean()


def _draws_better(alone: pd.DataFrame, shared: pd.DataFrame) -> pd.Series:
    """In how many fold seeds the squared error of the exact rows is less, by split."""
    exact, rows = alone[alone["low"] == alone["high"]], ["split", "fold_seed", "measurement_id"]
    pairs = exact.merge(shared[[*rows, "mean"]], on=rows, suffixes=("_alone", ""), validate="1:1")
    gain = (pairs["low"] - pairs["mean_alone"]) ** 2 - (pairs["low"] - pairs["mean"]) ** 2
    return (gain.groupby([pairs["split"], pairs["fold_seed"]]).sum() > 0).groupby("split").sum()


@dataclass(frozen=True)
class Advice:
    """winner: the best of the wirings that are better than learning the target alone, by more than the papers leave open and with
    every draw of labels; ALONE where all others are worse, None where it cannot be told. harmful: those that are worse so."""

    winner: Wiring | None
    harmful: tuple[Wiring, ...]


def advice(rows: pd.DataFrame) -> Advice:
    """What the rows of `worth` of one share say."""
    shared = rows[rows["wiring"] != ALONE]
    better = shared[(shared["low"] > 0) & (shared["better"] == shared["n_draws"])]
    worse = shared[(shared["high"] < 0) & (shared["better"] == 0)]
    harmful = tuple(worse["wiring"])
    if len(better):
        return Advice(better.loc[better["difference"].idxmax(), "wiring"], harmful)
    return Advice(ALONE if len(shared) and len(worse) == len(shared) else None, harmful)
