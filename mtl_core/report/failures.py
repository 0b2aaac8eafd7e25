"""Where a run is known to fail, found by rules in its own scores."""
from collections.abc import Iterator

from mtl_core.report.blocks import family_name, interval, number
from mtl_core.report.facts import DEPLOYED, Facts
from mtl_core.tasks import TASKS
from mtl_core.validation.config import NESTED
from mtl_core.validation.rungs import RUNGS

LARGE_ERROR = 1.25  # times the mean absolute error of the whole property
LEVEL, HELD = 0.9, 0.05  # a band, and how much of its level it may miss
FEWEST = 5  # readings of a family
FLATTERING = ("composition twin", "same paper")
WEAK = 0.7  # AUROC below which what is beyond chance is of little use
LARGE_SHARE = 0.25  # of the tests of a split that a leak touches


def failures(facts: Facts) -> list[str]:
    """One sentence each, with its numbers; the same rules for every run."""
    rules = (_families, _beaten, _raw_bands, _moved_bands, _papers, _bands_of_families, _domain, _widths, _flattered, _broken)
    return [sentence for rule in rules for sentence in rule(facts)]


def _families(facts: Facts) -> Iterator[str]:
    for task, splits in facts.metrics["metrics"].items():
        whole, unit = splits[DEPLOYED], TASKS[task].learning_unit
        for family, row in whole["families"].items():
            if row["r2"] < 0 or row["mae"] > LARGE_ERROR * whole["mae"]:
                yield (f"{TASKS[task].label}, {family_name(family)} ({row['n']} readings), new papers: R² within the family "
                       f"{number(row['r2'])}, mean error {number(row['mae'])} against {number(whole['mae'])} {unit} of all.")


def _beaten(facts: Facts) -> Iterator[str]:
    if facts.validation:
        run, report = facts.validation
        for score in report.scores:
            if score.difference and score.difference.high is not None and score.difference.high < 0:
                name = "the run itself, tuned anew in each fold," if score.model == NESTED else score.model
                yield (f"{TASKS[score.task].label}, {RUNGS[score.rung].label.lower()}: {name} is better, R² "
                       f"{number(score.r2.value)}; the interval of the difference lies below zero (validation {run}).")
        return
    for task, splits in facts.metrics["metrics"].items():
        for split, row in splits.items():
            for model, other in facts.metrics.get("baselines", {}).get(task, {}).get(split, {}).items():
                if other["r2"] >= row["r2"]:
                    yield (f"{TASKS[task].label}, {RUNGS[split].label.lower()}: {model} has R² {number(other['r2'])}, this run "
                           f"{number(row['r2'])}; whether that is chance is not known without a validation.")


def _raw_bands(facts: Facts) -> Iterator[str]:
    for row in _held(facts, "raw").itertuples():
        if row.coverage < row.level - HELD:
            yield (f"{TASKS[row.task].label}, new papers: {row.level:.0%} bands as the run states them hold {row.coverage:.0%} "
                   "of the readings; predictions therefore come with calibrated ones.")


def _held(facts, kind):
    """Coverage of 90 % bands on the split that answers."""
    rows = facts.coverage
    return rows[(rows["kind"] == kind) & (rows["level"] == LEVEL) & (rows["split"] == DEPLOYED)]


def _moved_bands(facts: Facts) -> Iterator[str]:
    rows = facts.transfer[(facts.transfer["kind"] == "conformal") & (facts.transfer["split"] == DEPLOYED)]
    for row in rows.itertuples():
        if row.coverage < row.level - HELD:
            yield (f"{TASKS[row.task].label}, new papers: calibrated on {RUNGS[row.calibrated_on].label.lower()}, "
                   f"{row.level:.0%} bands would "
                   f"hold {row.coverage:.0%} of the readings.")


def _papers(facts: Facts) -> Iterator[str]:
    for row in _held(facts, "conformal").itertuples():
        if row.held_papers < row.level:
            yield (f"{TASKS[row.task].label}, new papers: only in {row.held_papers:.0%} of the papers do at least "
                   f"{row.level:.0%} of the readings lie inside the {row.level:.0%} band; where it misses, it tends to miss a "
                   "whole paper.")


def _bands_of_families(facts: Facts) -> Iterator[str]:
    for row in facts.held("family").itertuples():
        if row.coverage < LEVEL - 2 * HELD and row.n_readings >= FEWEST:
            yield (f"{TASKS[row.task].label}, {family_name(row.family)} ({row.n_readings} readings, papers: {row.n_papers}), new "
                   f"papers: the {LEVEL:.0%} band holds "
                   f"{row.coverage:.0%} of the readings.")


def _domain(facts: Facts) -> Iterator[str]:
    for row in facts.held("is_inside").itertuples():
        if not row.is_inside and row.coverage < LEVEL - HELD:
            yield (f"{TASKS[row.task].label}, new papers: outside the domain the {LEVEL:.0%} band holds {row.coverage:.0%} of "
                   f"the {row.n_readings} readings.")
    for (task, by), row in facts.separation.iterrows():
        name = TASKS[task].label
        if by == "domain score" and not row["auroc_low"] > 0.5:
            yield (f"{name}, new papers: the distance to the training alloys does not tell large errors from small ones (AUROC "
                   f"{_estimate(row, 'auroc')}).")
        if by == "outside" and row["ratio_low"] > 1:
            yield f"{name}, new papers: outside the domain the mean error is {_estimate(row, 'ratio')} times that inside."


def _widths(facts: Facts) -> Iterator[str]:
    """Whether a wide band warns of a bad prediction; it grows with the stated std."""
    for (task, by), row in facts.separation.iterrows():
        if by == "std" and not (row["auroc_low"] > 0.5 and row["auroc"] >= WEAK):
            how = "hardly tells" if row["auroc_low"] > 0.5 else "does not tell"
            yield (f"{TASKS[task].label}, new papers: the width of the band {how} good predictions from bad ones (AUROC "
                   f"{_estimate(row, 'auroc')}); a narrow band is no sign of a safe prediction.")


def _estimate(row, name):
    return interval(row[name], row[f"{name}_low"], row[f"{name}_high"])


def _flattered(facts: Facts) -> Iterator[str]:
    shares: dict[tuple[str, str], list[str]] = {}
    for leak in facts.leaks:
        if leak.kind in FLATTERING and leak.share > LARGE_SHARE:
            shares.setdefault((leak.task, leak.split), []).append(f"{leak.share:.0%} {leak.kind}")
    for (task, split), words in shares.items():
        yield (f"{TASKS[task].label}, {RUNGS[split].label.lower()}: its scores flatter, for tested readings have relatives in "
               f"training ({', '.join(words)}).")


def _broken(facts: Facts) -> Iterator[str]:
    for leak in (*facts.leaks, *facts.derived, *facts.transforms):
        if leak.is_alarm:
            yield f"Broken promise, {leak.kind}{f' on {RUNGS[leak.split].label.lower()}' if leak.split else ''}: {leak.evidence}"
