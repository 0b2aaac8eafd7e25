"""Whether bars can be believed, and what maps of pairs cost: python -m benchmarks.explain_checks VERB

Alloys are drawn from those that each property was learnt from, each under its own measured conditions. Figures are of the shipped
ensemble, one line a property and baseline.
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time
from typing import Annotated

import numpy as np
import typer

from benchmarks.__main__ import show
from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.explain.attribution import attribute, typical_range
from mtl_core.explain.baselines import baseline_of
from mtl_core.explain.checks import (
    agreement_of_members,
    importance_agreement,
    permutation_importance,
    rank_agreement,
    shapley,
    untrained,
)
from mtl_core.explain.groups import groups_between
from mtl_core.explain.interactions import few_members, interactions, mean_interactions
from mtl_core.explain.overall import OverallSettings, overall
from mtl_core.explain.summary import summary
from mtl_core.pipeline import load_predictor
from mtl_core.types import Conditions

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
BASELINES = ("mean", "nearest", "CoCrFeMnNi", "Fe-18Cr-10Ni-2Mn-1Si wt%")
Count = Annotated[int, typer.Option(min=2, help="Alloys a property.")]


def drawn(predictor, task, n: int, seed: int = 0):
    """n alloys of a task with their conditions, [(Composition, Conditions)]."""
    rows, symbols = predictor.observations, predictor.ensemble.spec.symbols
    rows = rows[rows["task"] == task.key].drop_duplicates([AT + symbol for symbol in symbols])
    rows = rows.iloc[np.random.default_rng(seed).permutation(len(rows))[:n]]
    stated = rows[list(task.conditions)].astype(object)
    stated = stated.where(stated.notna() & (stated != ""), None)
    nothing = dict.fromkeys(Conditions.model_fields)
    at = rows[[AT + symbol for symbol in symbols]].to_numpy(float)
    return [(Composition.from_array(row, symbols, normalise=True), Conditions.model_construct(**nothing | given))
            for row, given in zip(at, stated.to_dict("records"), strict=True)]


def by_both(predictor, task, alloy, conditions, start):
    """Bars of the groups, along the path and by exact Shapley values."""
    groups = groups_between(predictor, task, predictor.at_matrix([alloy, start]), [conditions] * 2)
    bars = groups.bars(attribute(predictor, alloy, conditions, task, baseline=start))
    return bars, shapley(predictor, alloy, conditions, task, baseline=start).values


@app.command("shapley")
def shapley_agreement(n: Count = 50) -> None:
    """Rank agreement of the bars with exact Shapley values, by property and baseline (ten minutes)."""
    predictor = load_predictor()
    for task in predictor.tasks:
        for text in BASELINES:
            rhos, away = [], []
            for alloy, conditions in drawn(predictor, task, n):
                path, exact = by_both(predictor, task, alloy, conditions, baseline_of(text, predictor, alloy, task))
                rhos.append(rank_agreement(path, exact))
                away.append(np.abs(path - exact).max(initial=0.0))
            known = np.array(rhos)[np.isfinite(rhos)]
            show(f"{task.key} against {text}: Spearman's ρ of {len(known)} alloys (of {n}; others differ in under 3 groups)",
                 f"median {np.median(known):.3f}, 10 % {np.quantile(known, 0.1):.2f}", "median ≥ .9")
            show(f"{task.key} against {text}: largest difference of a bar, median",
                 f"{np.median(away) / typical_range(predictor, task):.2%} of the range", "be told")


@app.command()
def pairs(n: Count = 20) -> None:
    """Seconds of one map of pairs, and what its cells leave unexplained (two minutes)."""
    predictor = load_predictor()
    few = few_members(predictor, 3)
    for task in predictor.tasks:
        alloys = drawn(predictor, task, n)
        for text in BASELINES[:3]:
            for asked, words in ((predictor, "all members"), (few, "a third of them, few nodes")):
                options = {} if asked is predictor else {"n_panels": (1,)}
                seconds, found = [], []
                for alloy, conditions in alloys:
                    start = time.monotonic()
                    found.append(interactions(asked, alloy, conditions, task, **options,
                                              baseline=baseline_of(text, asked, alloy, task)))
                    seconds.append(time.monotonic() - start)
                gaps = np.abs([one.gap for one in found]) / typical_range(predictor, task)
                show(f"{task.key} against {text}, map of pairs, {words}: seconds",
                     f"p50 {np.median(seconds):.2f}, p95 {np.quantile(seconds, 0.95):.2f}", "be told")
                show(f"{task.key} against {text}, {words}: gap", f"median {np.median(gaps):.2%}, max {gaps.max():.2%}",
                     "be told")
        mean = mean_interactions(found)
        typer.echo(f"  {task.key}: {len(mean.names)} names in an average of {n} maps")


@app.command()
def random(n: Count = 10) -> None:
    """Rank agreement of the bars of untrained networks with the trained ones' (a minute)."""
    predictor = load_predictor()
    fresh = untrained(predictor)
    for task in predictor.tasks:
        kept, lost = [], []
        for alloy, conditions in drawn(predictor, task, n):
            start = baseline_of("mean", predictor, alloy, task)
            trained, blank = (attribute(one, alloy, conditions, task, baseline=start) for one in (predictor, fresh))
            kept.append(np.nanmedian(agreement_of_members(trained, trained)))
            lost.append(np.nanmean(agreement_of_members(blank, trained)))
        show(f"{task.key}: rank agreement of untrained networks, mean over {predictor.n_members}, {n} alloys",
             f"{np.mean(lost):+.3f} (single alloys {min(lost):+.2f} … {max(lost):+.2f})", "near 0")
        show(f"{task.key}: of trained networks, median", f"{np.mean(kept):.3f}", "be told")


@app.command()
def importance() -> None:
    """Loss of R² on new papers under permutation, against the mean size of bars (a minute)."""
    predictor = load_predictor()
    sizes = {one.task.key: summary(one.bars()).set_index("name")["importance"]
             for one in overall(predictor, OverallSettings(n=150))}
    for task in predictor.tasks:
        start = time.monotonic()
        table = permutation_importance(predictor, task)
        seconds = time.monotonic() - start
        rho, names = importance_agreement(table, sizes[task.key])
        typer.echo(table.sort_values("drop", ascending=False).head(8).round(3).to_string())
        show(f"{task.key}: permutation importance, R² {table.attrs['r2']:.3f} by paper", f"{seconds:.1f} s", "be told")
        show(f"{task.key}: rank agreement with the mean size of bars, {len(names)} elements", f"{rho:.2f}", "be told")


if __name__ == "__main__":
    app()
