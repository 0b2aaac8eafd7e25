"""Accuracy of ours and of every baseline on the rungs of the validation ladder: `python -m benchmarks.ladder` writes accuracy.md.

By default the three splits of the shipped ensemble, whose own out-of-fold table is ours; all fits are kept in data/cache, so the
second time costs nothing. Each look at the locked outer folds with another config, or other numbers, is one more line at the end.
The report of the shipped ensemble is put beside it, where the app reads it.
"""
import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from mtl_core.files import write_json
from mtl_core.registry.runs import SHIPPED
from mtl_core.settings import ROOT
from mtl_core.tasks import TASKS
from mtl_core.validation.config import NESTED, OURS, SIZES, ValidationConfig, size
from mtl_core.validation.ladder import LOCKED
from mtl_core.validation.report import Estimate, Report, Score

PAGE = ROOT / "benchmarks" / "accuracy.md"
LOOKS = "## Looks at the locked outer folds"
_LOOK = re.compile(r"^- \d{4}-\d{2}-\d{2}, (.*)$", re.MULTILINE)


def page(report: Report, before: str, *, today: str, seconds: float) -> str:
    """The whole page; before: the page as it was, whose list of looks goes on."""
    looks = [found.group(0) for found in _LOOK.finditer(before)]
    if is_locked(report) and not any(line.endswith(look(report)) for line in looks):
        looks.append(f"- {today}, {look(report)}")
    parts = _head(report, seconds), _best(report), _tables(report), _ceilings(report), _nested(report)
    return "\n".join([*chain(*parts), "", LOOKS, "",
                      "Levers are chosen on other seeds; each config that was scored on these folds is a line. Where one has two "
                      "lines, the code was changed between them.", "", *looks, ""])


def is_locked(report: Report) -> bool:
    """Whether ours was scored on the locked folds."""
    return OURS in report.models and all(facts.lock == LOCKED for facts in report.rungs.values())


def look(report: Report) -> str:
    """"config 0123456789ab: HV random .836 …", what one look saw."""
    seen = [f"{TASKS[one.task].symbol or one.task} {one.rung} {one.r2.value:.3f}" for one in report.scores if one.model == OURS]
    return f"config {report.config_sha256[:12]}, data {report.data_sha256[:12]}: {', '.join(seen)}"


def _head(report, seconds) -> Iterator[str]:
    yield from (
        "# Accuracy", "",
        "`make bench-accuracy` writes this page. R² is pooled over the out-of-fold rows of a fold seed, exact readings only, and",
        "then the mean of the fold seeds; intervals are 95 %, by resampling whole papers. *Ours − it* is the paired difference",
        "of R² on the same rows: above 0 ours is better, **bold** where the interval leaves 0 out.", "",
        f"Config `{report.config_sha256}` of the run `{report.run}`, data `{report.data_sha256}`, {report.n_folds} folds × "
        f"{report.n_fold_seeds} fold seeds, seed {report.seed}. Fits that were not in the cache took {seconds / 60:.1f} minutes.",
        "", "| rung | held out | what is never learnt from | ours | folds |", "|---|---|---|---|---|")
    origins = {"run": "the run's own table", "trained": f"trained for this, {report.epochs} epochs", "none": "not asked"}
    for facts in report.rungs.values():
        lock = facts.lock if facts.lock == LOCKED else "not the locked ones"
        yield (f"| {facts.label} | {facts.holds_out} | {facts.forbids} | {origins[facts.origin]}, {facts.members} a part | "
               f"{lock}, `{facts.folds_sha256[:12]}` |")


def _best(report: Report) -> Iterator[str]:
    """Ours beside the best of the others, chosen on the very rows that it is compared on, which flatters it."""
    if OURS not in report.models:
        return
    yield from ("", "| | held out | best baseline, chosen here | its R² | R² of ours | ours − it |", "|---|---|---|---|---|---|")
    ours = {(one.task, one.rung): one for one in report.scores if one.model == OURS}
    for (task, rung), score in ours.items():
        if (best := report.best_baseline(task, rung)):
            yield (f"| {TASKS[task].label} | {report.rungs[rung].label} | {best.model} | {best.r2.value:.3f} | "
                   f"{score.r2.value:.3f} | {_gain(best)} |")


def _tables(report: Report) -> Iterator[str]:
    others = [model for model in report.models if model != OURS]
    for task in report.tasks:
        yield from ("", f"## {TASKS[task].label}")
        yield from _table(report, task, "R²", _r2, report.models)
        yield from _table(report, task, "ours − it", _gain, others)
        yield from _table(report, task, f"MAE, {TASKS[task].learning_unit}", _mae, report.models)


def _table(report: Report, task: str, title: str, words: Callable[[Score | None], str], models: Sequence[str]) -> Iterator[str]:
    """A line a model, a column a rung."""
    yield from ("", f"| {title} | " + " | ".join(facts.label for facts in report.rungs.values()) + " |",
                "|---|" + "---|" * len(report.rungs))
    for model in models:
        cells = (words(report.score(task, rung, model)) for rung in report.rungs)
        yield f"| {_called(report, model)} | {' | '.join(cells)} |"


def _called(report: Report, model: str) -> str:
    """With the folds that it was asked on: other rows than those of the other lines, but for the differences."""
    n_folds = max((len(folds) for folds in report.nested.values()), default=0)
    return f"{model}, on {n_folds} of {report.n_folds} folds" if model == NESTED and n_folds < report.n_folds else model


def _ceilings(report: Report) -> Iterator[str]:
    yield from ("", "## What repeats leave possible", "", "| | the same | R² of any model | groups | readings | |",
                "|---|---|---|---|---|---|")
    for task, kinds in report.noise.items():
        for same, noise in kinds.items():
            ceiling = "–" if noise.r2_ceiling is None else f"≤ {noise.r2_ceiling:.3f}"
            yield f"| {TASKS[task].label} | {same} | {ceiling} | {noise.n_groups} | {noise.n_rows} | {noise.note} |"


def _nested(report: Report) -> Iterator[str]:
    """What settings are worth that were searched for anew in each fold."""
    found = report.tuned()
    if found.empty:
        return
    folds = {rung: f"{len(one)} of {report.n_folds}" for rung, one in report.nested.items()}
    yield from ("", "## Tuned anew in each fold", "",
                f"In each fold that is held out a search of {found['n_trials'].max()} trials, the settings of the run among "
                "them, chose settings from", "its training rows alone; they were tested on the fold that it never saw. Promised: "
                "what they were better by on its inner", "folds, networks alone; what did not come true of that is the optimism "
                "of the search. Folds of the first division.", "",
                "| | held out | folds | R² of ours | R², tuned anew | ours − it | promised | did not come true |",
                "|---|---|---|---|---|---|---|---|")
    for row in found.itertuples():
        gain = Estimate(value=row.difference, **({"low": row.low, "high": row.high} if row.low == row.low else {}))
        yield (f"| {TASKS[row.task].label} | {report.rungs[row.rung].label} | {folds[row.rung]} | {row.ours:.3f} | "
               f"{row.tuned:.3f} | {_difference(gain)} | {row.promised:+.3f} | {row.optimism:+.3f} |")
    minutes = found.groupby("rung", sort=False)["minutes"].first()
    each = ", ".join(f"{report.rungs[rung].label.lower()} {one:.0f}" for rung, one in minutes.items())
    yield from ("", f"Minutes of trials a fold, whatever else ran: {each}. At that pace all {report.n_folds} folds of these "
                f"rungs take {minutes.sum() * report.n_folds / 60:.1f} hours.", "")
    for rung, searched in report.nested.items():
        for fold in searched:
            changes = ", ".join(f"{name} {value}" for name, value in fold.changes.items()) or "nothing"
            yield f"- {report.rungs[rung].label}, fold {fold.fold}: changed {changes}."


def _r2(score: Score | None) -> str:
    return f"{score.r2.value:.3f} {_interval(score.r2, '.2f')}" if score else "–"


def _mae(score: Score | None) -> str:
    return f"{score.mae.value:.4g}" if score else "–"


def _gain(score: Score | None) -> str:
    return _difference(score.difference) if score and score.difference else "–"


def _difference(found: Estimate) -> str:
    is_clear = found.low is not None and (found.low > 0 or found.high < 0)
    return f"{'**' * is_clear}{found.value:+.3f}{'**' * is_clear} {_interval(found, '+.2f')}"


def _interval(found: Estimate, spec: str) -> str:
    return "" if found.low is None else f"[{found.low:{spec}}, {found.high:{spec}}]"


def _config(given: argparse.Namespace) -> ValidationConfig:
    usual = size(given.size)
    config = usual.model_copy(update={"run": given.run})
    if not given.nested:
        return config
    return config.model_copy(update={"models": (*config.models, NESTED),
                                     "nested": usual.nested.model_copy(update={"n_outer": given.nested})})


def _left(line: dict) -> str:
    """Nothing until the pace is known."""
    return "" if line["seconds_left"] is None else f"{line['seconds_left']:.0f} s left"


def main() -> None:
    from mtl_core.validations import SHIPPED_REPORT, read_validation, validate_here

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", choices=SIZES, default="main")
    options.add_argument("--run", default=SHIPPED)
    options.add_argument("--output", type=Path, default=PAGE)
    options.add_argument("--nested", type=int, metavar="N", help="tune anew in so many folds of compositions and papers: hours")
    given = options.parse_args()
    start = time.monotonic()
    folder = validate_here(_config(given), progress=lambda line: print(
        f"\r{line['n_done']} of {line['n_cells']}: {line['model']}, {line['rung']} {line['share']:.0%}, "
        f"{_left(line)}   ", end="", file=sys.stderr))
    before = given.output.read_text(encoding="utf-8") if given.output.exists() else ""
    report = read_validation(folder.name).report
    text = page(report, before, today=f"{datetime.now(UTC):%Y-%m-%d}", seconds=time.monotonic() - start)
    given.output.write_text(text, encoding="utf-8")
    if given.run == SHIPPED and given.output == PAGE:
        write_json(SHIPPED_REPORT, report.model_dump(mode="json"))


if __name__ == "__main__":
    main()
