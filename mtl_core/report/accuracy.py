"""The scores of a run: new papers first, the other tests closed until somebody asks for them."""
from collections.abc import Iterable, Mapping

from mtl_core.report.blocks import Block, Fold, Table, Text, family_name, interval, number, table
from mtl_core.report.facts import DEPLOYED, Facts
from mtl_core.tasks import TASKS
from mtl_core.validation.config import NESTED, OURS
from mtl_core.validation.report import Report
from mtl_core.validation.rungs import RUNGS, RungName

SCORES = ("property", "split", "n", "R²", "R² by division", "MAE", "RMSE", "R² of the family mean", "ridge R²", "extra trees R²",
          "highest R² that repeats allow")
NAMES = {OURS: "this run", "gaussian process": "Gaussian process"}


def accuracy(facts: Facts) -> Iterable[Block]:
    yield Text("Out of fold, exact readings, in the unit that is learnt; pooled over all readings of one division of the data, "
               "mean of the divisions. New papers are the test to believe.")
    yield table(SCORES, list(_scores(facts, is_deployed=True)))
    if facts.validation:
        yield from _validated(*facts.validation)
    yield from _other_validations(facts)
    yield table(("property", "family", "exact readings", "R² within it, new papers", "MAE"), [
        (TASKS[task].label, family_name(family), row["n"], row["r2"], row["mae"])
        for task, splits in facts.metrics["metrics"].items() for family, row in splits[DEPLOYED]["families"].items()])
    if rest := list(_scores(facts, is_deployed=False)):
        yield Fold("This run on its other splits", (table(SCORES, rest),))
    if facts.validation:
        yield from _other_rungs(facts.validation[1])
    yield from _classes(facts.metrics.get("classes", {}))


def _scores(facts: Facts, *, is_deployed: bool):
    for task, splits in facts.metrics["metrics"].items():
        # Of one type of test among several nobody has counted the repeats.
        ceiling = facts.noise["r2_ceiling"].get((task, "alloy and conditions"))
        for split, row in splits.items():
            if (split == DEPLOYED) is is_deployed:
                others = facts.metrics.get("baselines", {}).get(task, {}).get(split, {})
                seeds = row.get("r2_of_fold_seed", [])
                yield (TASKS[task].label, RUNGS[split].label, row["n"], row["r2"],
                       f"{number(min(seeds))} to {number(max(seeds))}" if seeds else None,
                       row["mae"], row["rmse"], row.get("class_mean_r2"), others.get("ridge", {}).get("r2"),
                       others.get("extra trees", {}).get("r2"), ceiling)


def _validated(run: str, report: Report) -> Iterable[Block]:
    yield Text(f"New papers, validation {run}, with 95 % intervals over papers; the difference is R² of this run less that of "
               "the model, paired on the same rows.")
    yield _models(report, DEPLOYED)


def _other_rungs(report: Report) -> Iterable[Block]:
    for rung in report.rungs:
        if rung != DEPLOYED:
            yield Fold(f"{RUNGS[rung].label}: all models", (_models(report, rung),))
    yield from _tuned(report)


def _models(report: Report, rung: RungName) -> Table:
    """All but the run with other settings, which is asked for some rows only."""
    scores = [score for score in report.scores if score.rung == rung and score.model != NESTED]
    return table(("property", "model", "n", "R²", "MAE", "RMSE", "difference of R²"), [
        (TASKS[score.task].label, NAMES.get(score.model, score.model), score.n,
         *(interval(one.value, one.low, one.high) if one else None
           for one in (score.r2, score.mae, score.rmse, score.difference))) for score in scores])


def _other_validations(facts: Facts) -> Iterable[Block]:
    """Those of which nothing is quoted."""
    if facts.unreadable:
        yield Text(f"Validations that could not be read and are left out: {', '.join(facts.unreadable)}.")
    if facts.rehearsals:
        yield Text(f"Rehearsals, which trained for other epochs than this run and tell only that everything works: "
                   f"{', '.join(f'{run} ({report.epochs} epochs)' for run, report in facts.rehearsals)}. Nothing of them is "
                   "quoted.")


def _tuned(report: Report) -> Iterable[Block]:
    """What settings are worth that were searched for anew in each fold."""
    found = report.tuned()
    if len(found):
        about = Text(f"Tuned anew: in each fold a search of {found['n_trials'].max()} trials chose settings among the training "
                   "rows; they were tested on the fold that it never saw, beside this run on the same rows. Promised: what the "
                   "networks, without Gaussian processes, were better by on the folds that the search saw.")
        rows = [(TASKS[row.task].label, RUNGS[row.rung].label, f"{row.n_folds} of {report.n_folds}",
                 report.score(row.task, row.rung, NESTED).n, row.ours, row.tuned,
                 interval(-row.difference, -row.high, -row.low), row.promised) for row in found.itertuples()]
        yield Fold(f"Tuned anew: so far {found['n_folds'].max()} of {report.n_folds} folds", (about, table(
            ("property", "test", "folds", "readings", "R² of this run", "R², tuned anew", "better by, tuned anew", "promised"),
            rows)))


def _classes(of_tasks: Mapping) -> Iterable[Block]:
    """How well classes are told, beside other models on the same folds."""
    if of_tasks:
        yield Text("Classes: macro F1, the mean over the classes of the harmonic mean of precision and recall, and log loss, "
                   "with 95 % intervals over papers; the difference is F1 of this run less that of the model, paired on the "
                   "same alloys.")
        yield table(("property", "split", "model", "n", "macro F1", "log loss", "difference of F1"), [
            (TASKS[task].label, RUNGS[split].label, model, facts["n"], interval(*scores["macro_f1"]),
             interval(*scores["log_loss"]), interval(*gain) if gain else None)
            for task, splits in of_tasks.items() for split, facts in splits.items()
            for model, scores, gain in [("this run", facts["scores"], None), *(
                (name, one["scores"], one["gain"]["macro_f1"]) for name, one in facts["others"].items())]])
