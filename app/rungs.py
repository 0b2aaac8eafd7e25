"""Tables and words of the tests of a validation, from rows like those learnt from to rows unlike them; pure."""
from collections.abc import Mapping

import pandas as pd

from app.figures.style import written
from app.validated import NAMES, RUNG_WORDS, beyond_chance, called, difference_word, interval_words, listed
from mtl_core.tasks import TASKS
from mtl_core.validation.config import MODELS, NESTED, OURS, ValidationConfig
from mtl_core.validation.ladder import LOCKED, OPTIMISTIC
from mtl_core.validation.report import Noise, Report, RungFacts, Score
from mtl_core.validation.rungs import RUNGS

SIZE_WORDS = {"smoke": "Smoke: a minute, no numbers to quote", "main": "Main: the run's own tests, all simple models",
              "ladder": "Ladder: seven tests, all simple models"}
LIMITS = {"alloy": "one alloy", "alloy and conditions": "one test"}  # what repeats have in common


def chart_rows(report: Report, task: str, metric: str) -> pd.DataFrame:
    """One row a model and rung: model, rung (its label), value, low, high (NaN where there is none), n. What was tuned anew in
    some folds only has other rows than the others, and is left out."""
    table = report.table()
    rows = table[(table["task"] == task) & ~((table["model"] == NESTED) & table["rung"].map(lambda rung: is_part(report, rung)))]
    return pd.DataFrame({"model": rows["model"], "rung": [RUNGS[rung].label for rung in rows["rung"]],
                         "value": rows[metric], "low": rows[f"{metric}_low"], "high": rows[f"{metric}_high"], "n": rows["n"]})


def limits(noise: Mapping[str, Noise], metric: str) -> dict[str, float]:
    """What the scatter of repeats leaves possible: words → R² at most, or RMSE at least; nothing is known of MAE."""
    name = {"r2": "r2_ceiling", "rmse": "sd"}.get(metric)
    return {LIMITS.get(same, same): value for same, one in noise.items()
            if name and (value := getattr(one, name)) is not None}


def rung_lines(report: Report, task: str, rung: str, ours: str = NAMES[OURS]) -> pd.DataFrame:
    """One line a model, the best R² first: R², MAE, RMSE, ours − it with intervals, and what that allows to say (markdown).
    What was tuned anew in some folds only has other rows than the others, and is left out."""
    unit = TASKS[task].learning_unit
    scores = sorted((score for score in report.scores if (score.task, score.rung) == (task, rung)
                     and not (score.model == NESTED and is_part(report, rung))), key=lambda one: -one.r2.value)
    is_paired = beyond_chance(report)
    lines = {_bold(called(score.model, ours), score.model == OURS): {
        **({"Verdict": _bold(_paired_word(score), True)} if is_paired else {}), "R²": interval_words(score.r2, ".2f"),
        **({f"{ours[0].upper()}{ours[1:]} − it": interval_words(score.difference, "+.2f")} if is_paired else {}),
        f"MAE ({unit})": written(score.mae.value), f"RMSE ({unit})": written(score.rmse.value)} for score in scores}
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("Model")


def n_words(report: Report, task: str, rung: str) -> str:
    """"495 readings of 102 papers."; of what is left out by name also which, and that a reading may count more than once."""
    score = next((score for score in report.scores if (score.task, score.rung) == (task, rung) and score.model != NESTED), None)
    if score is None:
        return ""
    names = list(dict.fromkeys(part.name for part in report.rungs[rung].parts if part.name and part.n_test.get(task)))
    if rung != "element" or not names:
        return f"{score.n:,} readings of {score.n_papers} papers."
    return (f"{score.n:,} tests of readings of {score.n_papers} papers: {len(names)} elements are left out in turn "
            f"({listed(names)}), and a reading is tested once for each of them that its alloy holds.")


def is_part(report: Report, rung: str) -> bool:
    """Whether settings were tuned anew in some folds only."""
    return 0 < len(report.nested.get(rung, ())) < report.n_folds


def _paired_word(score: Score) -> str:
    word = difference_word(score.difference)
    return word.replace("baseline", "tuned") if score.model == NESTED else word


def _bold(words: str, is_bold: bool) -> str:
    return f"**{words}**" if words and is_bold else words


def part_lines(report: Report, rung: str, task: str) -> pd.DataFrame:
    """One row a named part, the hardest for ours first: name, n (tested rows), ours and the other models' mean absolute errors,
    averaged over the fold seeds; empty where no part has a name."""
    rows = [{"name": part.name, "n": part.n_test.get(task, 0), **{model: part.mae[task].get(model) for model in report.models}}
            for part in report.rungs[rung].parts if part.name and part.mae.get(task)]
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows).groupby("name", sort=False).mean().dropna(axis=1, how="all").reset_index()
    return table.sort_values(OURS if OURS in table else table.columns[-1], ascending=False, ignore_index=True)


def piece_lines(found: pd.DataFrame) -> pd.DataFrame:
    """One line a piece, R² by property and split, mean of the seeds: networks alone, then what answers beside them as it grew.

    found: columns seed, what, task, split, r2; splits that networks were not asked on are left out.
    """
    rows = found[found["split"].isin(found.loc[found["what"] == found["what"].iloc[0], "split"])]
    wide = rows.pivot_table(index="what", columns=["task", "split"], values="r2", sort=False).sort_index(
        axis=1, level="task", sort_remaining=False)
    named = wide.rename(columns=lambda name: TASKS[name].label if name in TASKS else RUNG_WORDS[name])
    named.columns = [f"{task}, {split}" for task, split in named.columns]
    return named.map(lambda value: f"{value:.3f}".replace("-", "−")).rename_axis("Each line adds to the one above")


def lock_words(facts: RungFacts) -> str:
    """Whether the folds are those that were fixed in advance, and what that is worth; empty where nobody looked."""
    if not facts.lock:
        return ""
    if facts.lock == LOCKED:
        return f"The data are divided as they were when the division was fixed for good. {OPTIMISTIC}"
    return facts.lock.replace("n fold seeds", "number of divisions").replace("n folds", "number of parts").replace(
        "locked folds", "division that was fixed")


def about(report: Report) -> str:
    """How it was tested, in a sentence."""
    seeds = "once" if report.n_fold_seeds == 1 else f"{report.n_fold_seeds} times"
    members = {facts.members for facts in report.rungs.values() if facts.origin == "trained"}
    trained = (f" Where the run had no predictions of its own it was trained again: {report.epochs} epochs, {max(members)} "
               f"network{'s' if max(members) > 1 else ''} a part." if members else "")
    return (f"The data are divided into {report.n_folds} parts, {seeds} (seed {report.seed}); each part is predicted from the "
            f"others. R² is pooled over all parts, then the mean of the divisions; intervals are 95 %, by resampling whole "
            f"papers.{trained}")


def rehearsal_words(report: Report) -> str:
    """What a smoke check is, before anything else is read."""
    return (f"**Smoke check of the machinery.** What it scores is a stand-in that was trained quickly ({report.epochs} epochs, "
            f"{report.n_folds} parts), not your run. Do not quote these numbers; for numbers of the run start the size Main.")


def caveats(report: Report, data_sha256: str) -> list[str]:
    """What keeps a report from telling about the run as it is. data_sha256: of the run."""
    is_other = report.data_sha256 != data_sha256
    return ["This validation is about other data than those that the run learnt from."] if is_other else []


def size_of(config: ValidationConfig) -> str:
    """"3 tests × 9 models", and "tuned anew" where it is."""
    rungs, models = len(config.rungs), len(set(config.models) - {NESTED})
    size = f"{rungs} test{'s' if rungs > 1 else ''} × {models} model{'s' if models > 1 else ''}"
    return size + (", tuned anew" if NESTED in config.models else "")


def model_help() -> str:
    """What each model is, as a list."""
    return "\n".join(f"- **{called(model)}**: {words}" for model, words in MODELS.items())
