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
from mtl_core.validation.config import MODELS, NESTED, OURS
from mtl_core.validation.report import Estimate, Noise, Report, RungFacts, Score
from mtl_core.validation.rungs import LADDER, RUNGS

METRICS = {"r2": "R²", "mae": "MAE", "rmse": "RMSE"}
NAMES = {OURS: "this run", "gaussian process": "Gaussian process"}
RUNG_WORDS = {rung: about.label[0].lower() + about.label[1:] for rung, about in RUNGS.items()}

Word = Literal["wins", "ties", "loses", "unknown"]
BETTER, WORSE, UNCLEAR = "this run better", "baseline better", "cannot be told"


def called(model: str, ours: str = NAMES[OURS]) -> str:
    """How a model is written in a sentence; ours: what ours is called where it is a stand-in."""
    return ours if model == OURS else NAMES.get(model, model)


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


def is_rehearsal(report: Report, config: Mapping) -> bool:
    """Whether what was scored is a stand-in that was trained for less than the run. config: of the run."""
    return report.is_stand_in(config.get("train", {}).get("epochs", 0))


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


def verdict_grid(report: Report) -> pd.DataFrame:
    """A line a test, a column a property: "**wins**, 0.85 (extra trees 0.82)", R² of this run and of the strongest rival."""
    found = {TASKS[task].label: {RUNGS[one.rung].label: _cell(report, task, one) for one in verdicts(report, task)}
             for task in report.tasks}
    return pd.DataFrame({task: cells for task, cells in found.items() if cells}).fillna("").rename_axis("Held out")


def _cell(report: Report, task: str, one: Verdict) -> str:
    ours = report.score(task, one.rung, OURS)
    rival = next((score for score in report.baselines(task, one.rung) if called(score.model) == one.rival),
                 report.best_baseline(task, one.rung))
    digits = 2 if f"{ours.r2.value:.2f}" != f"{rival.r2.value:.2f}" else 3  # where two figures would look the same
    word = one.word if one.word != "unknown" else "lower" if one.rival else "higher"
    return f"**{word}**, {_form(ours.r2.value, digits)} ({called(rival.model)} {_form(rival.r2.value, digits)})"


def _form(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def beaten_words(report: Report) -> str:
    """Which baselines are worse beyond chance on every test: "Clearly beaten on every test: mean (hardness); …"."""
    return f"Clearly beaten on every test: {'; '.join(_beaten(report, task) for task in report.tasks)}."


def _beaten(report: Report, task: str) -> str:
    models = [model for model in report.models if model not in (OURS, NESTED)]
    always = [called(model) for model in models if all(
        (score := report.score(task, rung, model)) is None or difference_word(score.difference) == BETTER
        for rung in report.rungs)]
    return f"{listed(always) if always else 'none'} ({TASKS[task].label.lower()})"


def practical(task: str, found: Mapping, sd: float) -> str:
    """What to expect of an alloy from a new paper; found: the scores of the run there; sd: of what was measured."""
    unit = TASKS[task].learning_unit.split(" vs ")[0]  # of differences
    return (f"**{TASKS[task].label} of an alloy from a new paper:** expect to be wrong by {written(found['mae'])} {unit} on "
            f"average; the 90 % band is {written(found['width']['0.9'])} {unit} wide. All measurements together spread by "
            f"{written(sd)} {unit} (standard deviation).")


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


def interval_words(found: Estimate | None, form: str) -> str:
    """"0.62 [0.51, 0.70]"; empty for nothing."""
    if found is None:
        return ""
    ends = found.low is not None and found.high is not None
    return number(found.value, form) + (f" [{number(found.low, form)}, {number(found.high, form)}]" if ends else "")


def number(value: float, form: str) -> str:
    """With a real minus sign, and no sign before what is rounded to 0."""
    text = f"{value:{form}}"
    return text.replace("-", "−") if float(text) else text.lstrip("+-")
