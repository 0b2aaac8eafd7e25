"""How good and how fast the influence of measurements is: python -m benchmarks.explain_influence VERB [--run RUN]

refit    the step against exact refits of the linearised network, for rows and for papers
anew     what is said of the Gaussian processes against processes fitted anew, lengths and all, without a paper
papers   what the step says about leaving out a paper, against the members that never saw it
speed    seconds to leave everything out, and milliseconds of one alloy afterwards
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import resource
import time
from dataclasses import replace
from typing import Annotated

import numpy as np
import pandas as pd
import tensorflow as tf
import typer
from scipy.stats import pearsonr, spearmanr

from benchmarks.__main__ import show
from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.ensemble import kernel_fit
from mtl_core.ensemble.kernels import kernel_mean
from mtl_core.ensemble.parts import training_parts
from mtl_core.explain.influence import influence, learnt_from, leave_out, loss_derivatives, member_rows
from mtl_core.explain.leaving_out import held, kernel, refitted_without, steps_without
from mtl_core.features.table import featurize
from mtl_core.pipeline import load_predictor
from mtl_core.registry.runs import SHIPPED
from mtl_core.types import Conditions

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Run = Annotated[str, typer.Option(help="A run id.")]


@app.command()
def refit(run: Run = SHIPPED, n: Annotated[int, typer.Option(help="Rows, and papers, a member.")] = 40) -> None:
    """Six members; changes of the predictions of all training alloys, with each of n rows or papers left out (minutes)."""
    predictor, rng = load_predictor(run), np.random.default_rng(0)
    for task in predictor.tasks:
        found = {"row": [], "paper": []}
        for member in np.linspace(0, predictor.n_members - 1, 6).astype(int):
            for what, pair in _steps_and_refits(predictor, task, member, n, rng):
                found[what].append(pair)
        for what, pairs in found.items():
            step, exact = (np.concatenate(side) for side in zip(*pairs, strict=True))
            show(f"{task.label}, without a {what}: step against exact refit", f"r {pearsonr(step, exact)[0]:.4f}, slope "
                 f"{(step * exact).sum() / (exact * exact).sum():.3f}, rms difference "
                 f"{np.sqrt(((step - exact) ** 2).mean() / (exact ** 2).mean()):.1%}", "r ≥ .95")


def _steps_and_refits(predictor, task, member, n, rng):
    """(what was left out, (changes by the step, by the refit)) of n rows and n papers drawn at random."""
    is_mine, saw = (predictor.observations["task"] == task.key).to_numpy(), learnt_from(predictor)[member]
    rows, alone = predictor.observations[is_mine & saw].reset_index(drop=True), predictor.ensemble.select(np.array([member]))
    of = next(member_rows(alone, task, rows))
    mine = held(of.layers, of.slope, np.ones(len(rows), bool), alone.config.train, n_rows=saw.sum())
    among = kernel(of.layers, mine).astype(float)
    paper, papers = pd.factorize(rows["reference_group"])
    columns = steps_without(among, of.slope, of.curvature, paper, len(papers))

    def derivatives(moved):
        return loss_derivatives(of.low, of.high, of.mean + moved, of.log_scale, alone.config.network.likelihood)

    for what, of_each, labels in (("row", columns[0], np.arange(len(rows))), ("paper", columns[1], paper)):
        for one in rng.choice(of_each.shape[1], min(n, of_each.shape[1]), replace=False):
            yield what, (among @ of_each[:, one], among @ refitted_without(among, derivatives, labels == one))


@app.command()
def papers(run: Run = SHIPPED) -> None:
    """What members that never saw a paper say, less what the others do, against the change by the step."""
    predictor = load_predictor(run)
    for task in predictor.tasks:
        table = left_out_papers(predictor, task)
        own, others = table[table["own"]], table[~table["own"]]
        for words, rows in (("its own alloys", own), ("a fifth of them, moved most", own.nlargest(len(own) // 5, "size")),
                            ("others' alloys, 1 in 1000 pairs", others.nlargest(len(others) // 1000, "size")),
                            ("others' alloys, 1 in 100 pairs", others.nlargest(len(others) // 100, "size"))):
            halves = [rows[f"seen_{seed}"] for seed in range(predictor.ensemble.config.train.n_fold_seeds)]
            ceiling = np.corrcoef(halves)[np.triu_indices(len(halves), 1)].mean() if len(halves) > 1 else np.nan
            ceiling = len(halves) * ceiling / (1 + (len(halves) - 1) * ceiling)  # of their mean, Spearman 1910 and Brown 1910
            show(f"{task.label}, {words} (n {len(rows)})",
                 f"r {pearsonr(rows['step'], rows['seen'])[0]:.2f} ρ {spearmanr(rows['step'], rows['seen'])[0]:.2f}, sign "
                 f"{(np.sign(rows['step']) == np.sign(rows['seen'])).mean():.0%}, median size {rows['size'].median():.3g} for "
                 f"{rows['seen'].abs().median():.3g}", f"r ≤ {np.sqrt(max(ceiling, 0.0)):.2f}, the scatter of members")


def left_out_papers(predictor, task) -> pd.DataFrame:
    """One row an alloy and a paper: step and its size, seen, seen_0 … of each fold seed; own: is the paper the alloy's."""
    left_out = leave_out(predictor, task)
    rows = predictor.observations[predictor.observations["task"] == task.key].reset_index(drop=True)
    target, n = left_out.ensemble.target_of(task.key), len(rows)
    steps = np.stack([kernel(of.layers, mine) @ columns[:, n:].astype(np.float32) for of, mine, columns in zip(
        member_rows(left_out.ensemble, task, rows), left_out.layers, left_out.columns, strict=True)])
    values, share = features_of(predictor, rows), predictor.ensemble.config.kernel_share
    if left_out.refits:
        processes = np.stack([refits.changes(values)[:, -len(left_out.papers):] for _, refits in left_out.refits])
        steps = (1.0 - share) * steps + share * processes
    steps = steps * target.std[..., None]
    saw = left_out.saw_paper[:, None]
    steps = np.where(saw, steps, 0.0).sum(axis=0) / saw.sum(axis=0)  # [n, G]
    answers = predictor.ensemble.predict_members(values, task.key)[0].mean(axis=1)
    everyone = learnt_from(predictor)[:, (predictor.observations["task"] == task.key).to_numpy()]
    fold_seed, found = predictor.ensemble.part_of_member // predictor.ensemble.config.train.n_folds, []
    for code, group in enumerate(left_out.papers):
        own = (rows["reference_group"] == group).to_numpy()
        saw = everyone[:, own].any(axis=1)
        seen = {f"seen_{seed}": answers[~saw & (fold_seed == seed)].mean(axis=0) - answers[saw & (fold_seed == seed)].mean(axis=0)
                for seed in np.unique(fold_seed)}
        found.append(pd.DataFrame({"own": own, "step": steps[:, code], "seen": np.mean(list(seen.values()), axis=0), **seen}))
    return pd.concat(found).assign(size=lambda table: table["step"].abs())


def features_of(predictor, rows) -> np.ndarray:
    """Unscaled features [n, F]."""
    spec = predictor.ensemble.spec
    return featurize(rows[[AT + symbol for symbol in spec.symbols]].to_numpy(float), rows, spec).values


@app.command()
def anew(run: Run = SHIPPED, n: Annotated[int, typer.Option(help="Papers, those with most readings.")] = 12) -> None:
    """One part; changes of its process's answers to all alloys of a task (a minute)."""
    predictor = load_predictor(run)
    config, spec, observations = predictor.ensemble.config, predictor.ensemble.spec, predictor.observations
    part = next(part for part in training_parts(observations, config) if part.split == "reference")
    one = replace(predictor, ensemble=predictor.ensemble.select(np.array([0])))
    for task in predictor.tasks:
        mine = (observations["task"] == task.key).to_numpy()
        rows, left_out, target = observations[mine].reset_index(drop=True), leave_out(one, task), one.ensemble.target_of(task.key)
        values, is_training = features_of(one, rows), part.is_training[mine]
        y = (target.forward(task.to_learning(rows["value"].to_numpy(float))) - target.mean) / target.std
        y = np.where(rows["low"] == rows["high"], y, np.nan)
        papers = rows.loc[is_training, "reference_group"].value_counts().index[:n]
        parts = [replace(part, is_training=is_training & kept, is_test=~is_training)
                 for kept in (True, *((rows["reference_group"] != paper).to_numpy() for paper in papers))]
        fitted = kernel_fit.fit(rows, values, np.repeat(y, len(parts), axis=0), np.zeros(len(rows), int),
                                spec.visible(task)[None], np.array(spec.kinds) == "condition", parts, config.preparation)
        scaler, columns, numbers = fitted.of_task(0)
        answers = kernel_mean(tf.constant(scaler.transform(values[None])[..., columns], tf.float32),
                              **{name: tf.constant(value, tf.float32) for name, value in numbers.items()}).numpy()
        steps = left_out.refits[0][1].changes(values)[:, -len(left_out.papers):][:, left_out.papers.get_indexer(papers)].T
        exact = answers[1:] - answers[0]
        show(f"{task.label}, processes without a paper: in closed form against fitted anew",
             f"r {pearsonr(steps.ravel(), exact.ravel())[0]:.3f}, slope {(steps * exact).sum() / (exact * exact).sum():.2f}",
             "nothing: lengths and shares are chosen anew as well")


@app.command()
def speed(run: Run = SHIPPED) -> None:
    """Seconds for all tasks, and milliseconds of one alloy."""
    predictor = load_predictor(run)
    alloys = [Composition.from_text(text) for text in ("CoCrFeMnNi", "Al0.5CoCrFeNi", "Fe-18Cr-10Ni-2Mo wt%")]
    predictor.predict(alloys, Conditions())
    before, start, worked = _megabytes(), time.monotonic(), time.process_time()
    left_out = [leave_out(predictor, task) for task in predictor.tasks]
    show("leave out each row and each paper, all tasks", f"{time.monotonic() - start:.1f} s", "≤ 10 s")
    show("the same, time of the processor", f"{time.process_time() - worked:.1f} s", "for a busy machine")
    kept = sum(part.nbytes for one in left_out for of in one.layers for pair in of for part in pair)
    kept = (kept + sum(part.nbytes for one in left_out for part in one.columns)) / 1e6
    show("kept in memory; more at the peak", f"{kept:.0f} MB; {_megabytes() - before:.0f} MB", "≤ 48 MB a task")
    took = []
    for alloy in alloys * 7:
        start = time.monotonic()
        for one in left_out:
            influence(predictor, one, alloy, Conditions())
        took.append(1000 * (time.monotonic() - start))
    show("influence on one alloy, all tasks", f"p50 {np.median(took[1:]):.0f} ms, p95 {np.quantile(took[1:], 0.95):.0f} ms",
         "≤ 1000 ms")


def _megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    app()
