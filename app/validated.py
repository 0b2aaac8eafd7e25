"""What a validation says, arranged for a sceptical reader: who wins on which rung, and what that rests on. Pure."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from app.figures.style import written
from app.runs import MODEL_WORDS
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.tasks import TASKS
from mtl_core.validation.config import MODELS, NESTED, OURS, ValidationConfig
from mtl_core.validation.ladder import LOCKED
from mtl_core.validation.report import Estimate, Noise, Report, RungFacts, Score
from mtl_core.validation.rungs import LADDER, RUNGS

METRICS = {"r2": "R²", "mae": "MAE", "rmse": "RMSE"}
SIZE_WORDS = {"smoke": "Smoke: a minute, no numbers to quote", "main": "Main: the run's own splits, all baselines",
              "ladder": "Ladder: seven rungs, all baselines"}
NAMES = {OURS: "this run", "gaussian process": "Gaussian process"}
RUNG_WORDS = {"random": "random rows", "stratified": "stratified rows", "composition": "new compositions",
              "reference": "new papers", "system": "new chemical systems", "cluster": "new clusters", "element": "new elements",
              "monte-carlo": "random shuffles", "leave-one-out": "rows left out one by one"}

LIMITS = {"alloy": "same alloy", "alloy and conditions": "same test"}  # what repeats have in common

Word = Literal["wins", "ties", "loses", "unknown"]
BETTER, WORSE, UNCLEAR = "ours better", "baseline better", "cannot be told"


def called(model: str) -> str:
    """How a model is written in a sentence."""
    return NAMES.get(model, model)


def report_of_run(run: str, metrics: Mapping, out_of_fold: pd.DataFrame, config: EnsembleConfig, data_sha256: str,
                  noise: Mapping[str, Mapping[str, Noise]]) -> Report:
    """What a training wrote down itself, as a report: no differences, and intervals of ours alone.

    metrics: of `mtl_core.pipeline.evaluate`; out_of_fold: of `mtl_core.pipeline.read_out_of_fold`.
    """
    tasks = tuple(task for task in config.tasks if task in metrics["metrics"])
    rungs = [rung for rung in LADDER if all(rung in metrics["metrics"][task] for task in tasks)]
    scores = [score for rung in rungs for task in tasks for score in _scores(metrics, out_of_fold, task, rung)]
    train = config.train
    facts = {rung: RungFacts(**RUNGS[rung]._asdict(), folds_sha256="", lock="", origin="run", members=train.n_repeats, parts=())
             for rung in rungs}
    return Report(run=run, tasks=tasks, models=tuple(dict.fromkeys(score.model for score in scores)), config_sha256="",
                  data_sha256=data_sha256, n_folds=train.n_folds, n_fold_seeds=train.n_fold_seeds, seed=config.seed,
                  epochs=train.epochs, rungs=facts, scores=tuple(scores), noise={task: dict(noise[task]) for task in tasks})


def _scores(metrics: Mapping, out_of_fold: pd.DataFrame, task: str, rung: str) -> list[Score]:
    from mtl_core.uncertainty.comparison import accuracies

    rows = out_of_fold[(out_of_fold["task"] == task) & (out_of_fold["split"] == rung)
                       & (out_of_fold["low"] == out_of_fold["high"])]
    found = metrics["metrics"][task][rung]
    about = {"task": task, "rung": rung, "n": found["n"], "n_papers": rows["reference_group"].nunique()}
    ours = {name: _estimate(*numbers) for name, numbers in accuracies(rows).items()}
    others = {MODEL_WORDS.get(model, model): {name: Estimate(value=scores[name]) for name in METRICS}
              for model, scores in metrics["baselines"].get(task, {}).get(rung, {}).items()}
    family = {"r2": Estimate(value=found["class_mean_r2"]), **dict.fromkeys(("mae", "rmse"), Estimate(value=np.nan))}
    return [Score(model=model, **about, **numbers) for model, numbers in {"class mean": family, **others, OURS: ours}.items()]


def _estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, **{name: end for name, end in (("low", low), ("high", high)) if np.isfinite(end)})


# Who wins


@dataclass(frozen=True)
class Verdict:
    """Ours on one rung: it wins where it is better than every baseline beyond chance, loses where some are better than it.

    rival: the strongest of those that are better, else of those from which it cannot be told; n: how many these are.
    """

    rung: str
    word: Word
    rival: str = ""
    n: int = 0


def verdicts(report: Report, task: str) -> tuple[Verdict, ...]:
    """One a rung, in their order; none of a rung on which ours or every baseline is missing."""
    found = []
    for rung in report.rungs:
        ours, others = report.score(task, rung, OURS), report.baselines(task, rung)
        if ours and others:
            found.append(_verdict(rung, ours, others))
    return tuple(found)


def _verdict(rung: str, ours: Score, others: Sequence[Score]) -> Verdict:
    if not any(score.difference for score in others):
        return _rivals(rung, "unknown", [score for score in others if score.r2.value > ours.r2.value])
    better, unclear = ([score for score in others if difference_word(score.difference) == kind] for kind in (WORSE, UNCLEAR))
    return _rivals(rung, "loses" if better else "ties" if unclear else "wins", better or unclear)


def _rivals(rung: str, word: Word, rivals: Sequence[Score]) -> Verdict:
    strongest = max(rivals, key=lambda score: score.r2.value, default=None)
    return Verdict(rung, word, called(strongest.model) if strongest else "", len(rivals))


def difference_word(difference: Estimate | None) -> str:
    """What an interval of ours − baseline allows to say; empty without one."""
    if difference is None:
        return ""
    if difference.low is None or difference.high is None or difference.low <= 0.0 <= difference.high:
        return UNCLEAR
    return BETTER if difference.low > 0.0 else WORSE


def verdict_words(report: Report, task: str) -> str:
    """"**Hardness:** wins on new papers. Ties on … (ridge and 2 more). Loses on … (extra trees)."."""
    found = verdicts(report, task)
    if not found:
        return f"**{TASKS[task].label}:** not compared, because this run or the baselines were not asked."
    if all(one.word == "unknown" for one in found):
        return f"**{TASKS[task].label}:** {_by_number(found)}"
    said = [f"**{word}** on {listed([_against(one) for one in found if one.word == word])}"
            for word in ("wins", "ties", "loses") if any(one.word == word for one in found)]
    return f"**{TASKS[task].label}:** it {'; it '.join(said)}."


def _against(one: Verdict) -> str:
    """"new papers (extra trees and 2 more)"."""
    more = f" and {one.n - 1} more" if one.n > 1 else ""
    return f"{_rung(one.rung)} ({one.rival}{more})" if one.rival else _rung(one.rung)


def _by_number(found: Sequence[Verdict]) -> str:
    """Of R² alone, without intervals."""
    behind = [f"below {rival} on {listed([_rung(one.rung) for one in found if one.rival == rival])}"
              for rival in dict.fromkeys(one.rival for one in found if one.rival)]
    ahead = [_rung(one.rung) for one in found if not one.rival]
    said = [f"above all simple models on {listed(ahead)}"] if ahead else []
    return f"{', '.join(said + behind)}."


def _rung(rung: str) -> str:
    return RUNG_WORDS.get(rung, rung)


def listed(words: Sequence[str]) -> str:
    """"a", "a and b", "a, b and c"."""
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def not_asked(report: Report) -> str:
    """Which baselines are missing, in a sentence: nothing is won against them; empty where none is."""
    missing = [called(model) for model in MODELS if model not in report.models]
    return f"**Not asked:** {listed(missing)}, so nothing is told about them." if missing else ""


def tally(report: Report) -> dict[Word, int]:
    """How many of the cells, one a property and rung, ours wins, ties and loses."""
    words = [one.word for task in report.tasks for one in verdicts(report, task)]
    return {word: words.count(word) for word in ("wins", "ties", "loses", "unknown")}


def beyond_chance(report: Report) -> bool:
    """Whether there are paired differences at all."""
    return any(score.difference for score in report.scores)


# Tables


def chart_rows(report: Report, task: str, metric: str) -> pd.DataFrame:
    """One row a model and rung: model, rung (label), value, low, high (NaN where there is none), n."""
    table = report.table()
    rows = table[table["task"] == task]
    return pd.DataFrame({"model": rows["model"], "rung": [report.rungs[rung].label for rung in rows["rung"]],
                         "value": rows[metric], "low": rows[f"{metric}_low"], "high": rows[f"{metric}_high"], "n": rows["n"]})


def limits(noise: Mapping[str, Noise], metric: str) -> dict[str, float]:
    """What the scatter of repeats leaves possible: words → R² at most, or RMSE at least; nothing is known of MAE."""
    name = {"r2": "r2_ceiling", "rmse": "sd"}.get(metric)
    return {LIMITS.get(same, same): value for same, one in noise.items()
            if name and (value := getattr(one, name)) is not None}


def rung_lines(report: Report, task: str, rung: str) -> pd.DataFrame:
    """One line a model, the best R² first: R², MAE, RMSE, ours − it with intervals, and what that allows to say (markdown)."""
    unit = TASKS[task].learning_unit
    scores = sorted((score for score in report.scores if (score.task, score.rung) == (task, rung)), key=lambda one: -one.r2.value)
    is_paired = beyond_chance(report)
    lines = {_bold(_called_on(report, score), score.model == OURS): {
        **({"": _bold(_paired_word(score), True)} if is_paired else {}), "R²": interval_words(score.r2, ".2f"),
        **({"Ours − it": interval_words(score.difference, "+.2f")} if is_paired else {}),
        f"MAE ({unit})": written(score.mae.value), f"RMSE ({unit})": written(score.rmse.value)} for score in scores}
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("Model")


def _called_on(report: Report, score: Score) -> str:
    """With the folds that it was asked on, where these are not all of a division."""
    n = len(report.nested.get(score.rung, ())) if score.model == NESTED else 0
    is_part = 0 < n < report.n_folds
    return called(score.model) + (f" ({n} of {report.n_folds} folds)" if is_part else "")


def _paired_word(score: Score) -> str:
    word = difference_word(score.difference)
    return word.replace("baseline", "tuned") if score.model == NESTED else word


def _bold(words: str, is_bold: bool) -> str:
    return f"**{words}**" if words and is_bold else words


def interval_words(found: Estimate | None, form: str) -> str:
    """"0.62 [0.51, 0.70]"; empty for nothing."""
    if found is None:
        return ""
    ends = f" [{found.low:{form}}, {found.high:{form}}]" if found.low is not None and found.high is not None else ""
    return f"{found.value:{form}}{ends}".replace("-", "−")


def part_lines(report: Report, rung: str, task: str) -> pd.DataFrame:
    """One row a named part, the hardest for ours first: name, n (tested rows), ours and the other models' mean absolute errors,
    averaged over the fold seeds; empty where no part has a name."""
    rows = [{"name": part.name, "n": part.n_test.get(task, 0), **{model: part.mae[task].get(model) for model in report.models}}
            for part in report.rungs[rung].parts if part.name and part.mae.get(task)]
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows).groupby("name", sort=False).mean().dropna(axis=1, how="all").reset_index()
    return table.sort_values(OURS if OURS in table else table.columns[-1], ascending=False, ignore_index=True)


def lock_words(facts: RungFacts) -> str:
    """Whether the folds are those that were fixed in advance; empty where nobody looked."""
    if not facts.lock:
        return ""
    return ("Locked folds: their fingerprint is the one that was fixed before any model was chosen." if facts.lock == LOCKED
            else facts.lock.replace("n fold seeds", "number of divisions").replace("n folds", "number of folds"))


def about(report: Report) -> str:
    """How it was tested, in a sentence."""
    seeds = "one division" if report.n_fold_seeds == 1 else f"{report.n_fold_seeds} divisions"
    members = {facts.members for facts in report.rungs.values() if facts.origin == "trained"}
    trained = (f" Where the run had no predictions of its own it was trained again: {report.epochs} epochs, {max(members)} "
               f"network{'s' if max(members) > 1 else ''} a fold." if members else "")
    return (f"{report.n_folds} folds × {seeds}, seed {report.seed}. R² is pooled over the rows of a division, then the mean of "
            f"the divisions; intervals are 95 %, by resampling whole papers.{trained}")


def caveats(report: Report, config: Mapping, data_sha256: str) -> list[str]:
    """What keeps a report from telling about the run as it is. config, data_sha256: of the run."""
    epochs = config.get("train", {}).get("epochs")
    is_trained = any(facts.origin == "trained" for facts in report.rungs.values())
    found = [f"Here the run was trained again for {report.epochs} epochs instead of {epochs}: this tells whether everything "
             "works, not what the run is worth."] if is_trained and epochs and report.epochs < epochs else []
    return found + (["This validation is about other data than those that the run learnt from."]
                    if report.data_sha256 != data_sha256 else [])


def size_of(config: ValidationConfig) -> str:
    """"3 rungs × 9 models", and "tuned anew" where it is."""
    rungs, models = len(config.rungs), len(set(config.models) - {NESTED})
    size = f"{rungs} rung{'s' if rungs > 1 else ''} × {models} model{'s' if models > 1 else ''}"
    return size + (", tuned anew" if NESTED in config.models else "")


def model_help() -> str:
    """What each model is, as a list."""
    return "\n".join(f"- **{called(model)}**: {words}" for model, words in MODELS.items())
