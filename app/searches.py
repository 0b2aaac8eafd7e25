"""A search for better settings, arranged for reading: its dimensions in words, its trials as a table, what it found. Pure."""
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from app import options
from app.figures.style import with_spread, written
from mtl_core.prospects import Next
from mtl_core.studies import Study
from mtl_core.tasks import TASKS
from mtl_core.tuning.space import (
    Choice,
    Dimension,
    Integer,
    Real,
    Space,
    Value,
    default_space,
    seed_project_space,
    value_of,
)
from mtl_core.tuning.study import StudyConfig, Trial

STATUSES = {"complete": "complete", "pruned": "rejected early", "failed": "failed"}
LABELS = {"trunk_width": "Shared layers, width", "trunk_depth": "Shared layers, number", "head_width": "Own layers, width",
          "head_depth": "Own layers, number", "linear_skip": "Linear path", "likelihood": "Scatter of measurements",
          "noise": "Size of the scatter",
          "inputs": "What networks see"}
OPTIONS = {option.path.rpartition(".")[2]: option for option in (*options.NETWORK, *options.TRAINING)}
OBJECTIVES = {"mean r2": "R², mean over the properties", "nll": "log likelihood", "interval": "interval score of the 90 % band"}
PROPOSED = {"default": "the starting point", "initial": "spread evenly", "acquisition": "chosen by the surrogate",
            "random": "at random", "grid": "from the grid"}
WORDS = {
    "surrogate": "The surrogate is a Gaussian process: it guesses the score of settings that nobody tried, and says how sure it "
                 "is of the guess.",
    "acquisition": "The acquisition says how much it is worth to try a point, from what the surrogate expects there and how "
                   "unsure it is. Expected improvement: by how much it beats the best so far on average. Optimistic bound: the "
                   "best score that is still credible. Probability of improvement: how likely it beats the best so far at all.",
    "best": "Also called the incumbent: the complete trial with the highest score on the inner folds. What was rejected early or "
            "failed can never be it."}
METHODS = {"bayesian": "Bayesian", "random": "Random", "grid": "Grid"}
ACQUISITIONS = {"EI": "expected improvement", "LCB": "optimistic bound", "MPI": "probability of improvement"}
TICKS = 5
BUILD_SECONDS, ASK_SECONDS = 5.0, 1.5  # of a rough estimate: until the graph of a trial stands, and until it is proposed


def label(name: str) -> str:
    """"Head width, hardness" for "head_width:hardness"."""
    stem, _, task = name.partition(":")
    words = LABELS.get(stem) or OPTIONS[stem].label
    return f"{words}, {TASKS[task].label.lower()}" if task else words


def said(name: str, value: Value | None) -> str:
    """A value of a dimension in a reader's words."""
    if value is None:
        return "–"
    option = OPTIONS.get(name.partition(":")[0])
    return option.said(value) if option else written(value)


def objective_words(objective: str) -> str:
    """What larger scores are good for."""
    return f"R² of {TASKS[objective.removeprefix('r2:')].label.lower()}" if objective.startswith("r2:") else OBJECTIVES[objective]


def score_title(objective: str) -> str:
    """The same for an axis."""
    return {"mean r2": "mean R²", "nll": "log likelihood", "interval": "− interval score"}.get(objective) or (
        f"R² {TASKS[objective.removeprefix('r2:')].symbol}")


def ticks(dimension: Dimension) -> tuple[list[float], list[str]]:
    """Where marks stand along a dimension of the unit cube, and what they say."""
    values = dimension.grid(TICKS)
    if isinstance(dimension, Integer) and dimension.high - dimension.low < TICKS:
        values = range(dimension.low, dimension.high + 1)
    return [dimension.to_unit(value) for value in values], [short(dimension, value) for value in values]


def short(dimension: Dimension, value: Value) -> str:
    """A value in few letters."""
    if isinstance(dimension, Choice):
        return str(value) if isinstance(value, str) else said(dimension.name, value)
    return f"{value:.2g}" if 0 < abs(value) < 0.1 else written(value)


def axis(name: str) -> str:
    """The label of a dimension where there is little room."""
    stem, _, task = name.partition(":")
    return f"{label(stem)} {TASKS[task].symbol}" if task else label(stem)


def positions(space: Space, trials: Sequence[Trial]) -> pd.DataFrame:
    """Where trials stand in the unit cube: one row a trial with a point, one column a dimension; index: its number."""
    known = [trial for trial in trials if trial.point is not None]
    return pd.DataFrame([space.to_unit(trial.point) for trial in known], index=[trial.number for trial in known],
                        columns=space.names)


def trial_lines(study: Study) -> pd.DataFrame:
    """One line a trial, the newest first."""
    config = study.config
    return pd.DataFrame([{
        "Trial": trial.number, "Status": STATUSES[trial.status], score_title(config.objective): trial.score,
        "±": trial.spread if config.n_seeds > 1 else None,
        **({f"R² {TASKS[task].symbol}": trial.r2.get(task) for task in config.base.tasks} if len(config.base.tasks) > 1 else {}),
        "Proposed": PROPOSED[trial.proposed_by], **{label(name): _cell(config, trial, name) for name in config.space.names},
        "Weights": trial.n_weights, "Seconds": seconds_of(trial), "Reason": trial.reason} for trial in reversed(study.trials)])


def _cell(config: StudyConfig, trial: Trial, name: str):
    value = (trial.point or {}).get(name)
    return said(name, value) if isinstance(config.space[name], Choice) or value is None else value


def seconds_of(trial: Trial) -> float:
    """What a trial took, all phases together."""
    return sum(trial.seconds.model_dump().values())


def counts(trials: Sequence[Trial]) -> str:
    """"9 complete, 2 rejected early, 1 failed"."""
    found = {words: sum(trial.status == status for trial in trials) for status, words in STATUSES.items()}
    return ", ".join(f"{n} {words}" for words, n in found.items() if n) or "none yet"


def changed(config: StudyConfig, trial: Trial) -> pd.DataFrame:
    """The settings of a trial beside those of the starting point: setting, before, after; those that are equal left out."""
    before, rows = {name: value_of(config.base, name) for name in config.space.names}, []
    for name in config.space.names:
        ours, theirs = said(name, (trial.point or before)[name]), said(name, before[name])
        if ours != theirs:
            rows.append({"Setting": label(name), "Starting point": theirs, f"Trial {trial.number}": ours})
    return pd.DataFrame(rows)


def at_the_edge(space: Space, trial: Trial) -> list[str]:
    """"Dropout 0", "Learning rate 0.01": what a trial has at an end of its range."""
    ranges = [] if trial.point is None else [one for one in space.dimensions if not isinstance(one, Choice)]
    return [f"{label(one.name)} {said(one.name, trial.point[one.name])}" for one in ranges
            if np.isclose(one.to_unit(trial.point[one.name]), (0.0, 1.0), atol=0.005).any()]


def point_words(point: Mapping[str, Value]) -> str:
    """"Trunk width 86 · Dropout 0.12 …"."""
    return " · ".join(f"{label(name)} {said(name, value)}" for name, value in point.items())


def why(proposal: Next, objective: str, method: str) -> str:
    """Why this point comes next, in a sentence or two."""
    expected = f"The surrogate expects {with_spread(proposal.mean, proposal.std).lstrip('+')} there"
    hopes = (f"{expected}: it beats the best so far with a chance of {proposal.chance:.0%}, and by "
             f"{written(proposal.improvement)} on average over all outcomes.")
    if proposal.proposed_by == "acquisition":
        return f"Chosen because the acquisition is highest there. {hopes}"
    reason = {"initial": "One of the points that are spread evenly before the surrogate is asked.", "random": "Drawn at random.",
              "grid": "The next point of the grid, in an order drawn from the seed.",
              "default": "The starting point, which the search has to beat."}[proposal.proposed_by]
    return f"{reason} {hopes}"


def front(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Positions of the points that no other beats in both, from left to right."""
    order = np.lexsort((-second, -first))
    best, kept = -np.inf, []
    for position in order:
        if second[position] > best:
            best = second[position]
            kept.append(position)
    return np.array(kept[::-1], int)


def optimism_words(report: Mapping) -> str:
    """What the outer fold says of the gain that the search saw."""
    gain, outer, optimism = report["inner"]["gain"], report["outer"]["gain"], report["optimism"]
    if report["incumbent"] == 0:
        return "No trial beat the starting point on the inner folds, so there is nothing to be optimistic about."
    return (f"On the folds that it searched, the best trial was {signed(gain)} ahead of the starting point; on the fold that it "
            f"never saw, {signed(outer)}. The difference of {signed(optimism)} is optimism: the best of many trials is also the "
            "luckiest.")


def verdict(report: Mapping) -> str:
    """Whether the settings that were found are better, on papers the search never saw."""
    row = report["outer"]["tasks"]["mean"]
    held = f"the difference in mean R² is {signed(row['difference'])}"
    if row["low"] is None:
        return f"There is one paper in the outer fold, so no interval can be given; {held}."
    interval = f"{held}, with a 95 % interval over papers of {signed(row['low'])} to {signed(row['high'])}"
    if report["incumbent"] == 0:
        return "The starting point was never beaten; train it as it is."
    if row["low"] > 0:
        return f"Better than the starting point on papers that the search never saw: {interval}."
    if row["high"] < 0:
        return f"Worse than the starting point on papers that the search never saw: {interval}."
    return f"No difference that these papers can show: {interval}."


def outer_lines(report: Mapping) -> pd.DataFrame:
    """R² on the outer fold, one row a property."""
    names = {task: TASKS[task].label if task in TASKS else "Mean of the properties" for task in report["outer"]["tasks"]}
    rows = {task: row for task, row in report["outer"]["tasks"].items() if task != "mean" or len(names) > 2}
    return pd.DataFrame([{
        "Property": names[task], "Readings": row["n"], "R² of the starting point": row["r2_before"],
        "R² of the best trial": row["r2_after"], "Difference": row["difference"],
        "95 % interval": "–" if row["low"] is None else f"{signed(row['low'])} to {signed(row['high'])}",
    } for task, row in rows.items()])


def signed(value: float) -> str:
    """"+0.012", "−0.004"."""
    return f"{value:+.3f}".replace("-", "−")


def scores(trials: Sequence[Trial]) -> pd.Series:
    """Score by number of the trial."""
    return pd.Series({trial.number: trial.score for trial in trials}, dtype=float)


def column(trials: Sequence[Trial], task: str) -> np.ndarray:
    """R² of one task, [n]."""
    return np.array([trial.r2[task] for trial in trials])


def rough_seconds(config: StudyConfig, rows: Mapping[str, int]) -> float:
    """What a search may take, from trials × networks × epochs × rows alone; see `app.options.rough_seconds`."""
    train = config.base.train.model_copy(update={"n_folds": config.n_inner, "n_fold_seeds": config.n_seeds, "n_repeats": 1,
                                                 "splits": (config.split,)})
    of_trial = options.rough_seconds(config.base.model_copy(update={"train": train}).model_dump(mode="json"), rows)
    side_by_side = max(1, min(config.workers, config.batch, os.cpu_count() or 1))
    of_trial = (1 - 1 / config.n_outer) * (of_trial - options.START_SECONDS) + BUILD_SECONDS
    asking = ASK_SECONDS * max(0, config.n_trials - config.n_initial) if config.method == "bayesian" else 0.0
    return options.START_SECONDS + asking + of_trial * (3 + config.n_trials / side_by_side)  # twice on the outer fold


# --- the space of a new search ---

SPACES = {"usual": "All settings", "seed": "The seed project's search", "quick": "Three settings"}
QUICK = ("dropout", "learning_rate", "weight_decay")
LIMITS = {"trunk_width": (1, 512), "trunk_depth": (1, 8), "head_width": (1, 512), "head_depth": (1, 8), "dropout": (0.0, 0.89),
          "input_gain": (0.01, 100.0), "learning_rate": (1e-6, 1.0), "batch_size": (1, 1024), "epochs": (1, 2000),
          "weight_decay": (0.0, 100.0)}
STEPS = {"dropout": 0.05, "input_gain": 0.1, "learning_rate": 0.0005, "weight_decay": 0.01}


def catalogue(tasks: Sequence[str], *, own_heads: bool) -> tuple[Dimension, ...]:
    """All dimensions that a search can have, with their usual ranges; own_heads: heads of each task, or one size for all."""
    others = (Real(name="input_gain", low=0.5, high=4.0, log=True),
              Choice(name="activation", values=tuple(OPTIONS["activation"].words)))
    found = (*default_space(tasks).dimensions, *others)
    if own_heads and len(tasks) > 1:
        return found
    shared = {dimension.name.partition(":")[0]: dimension for dimension in found}
    return tuple(dimension.model_copy(update={"name": name}) for name, dimension in shared.items())


def preset_space(name: str, tasks: Sequence[str], *, own_heads: bool) -> dict[str, Dimension]:
    """The dimensions that a preset searches, by name."""
    if name == "seed":
        found = {dimension.name: dimension for dimension in seed_project_space(tasks).dimensions}
        stems = {key.partition(":")[0]: dimension for key, dimension in found.items()}
        known = (dimension.name for dimension in catalogue(tasks, own_heads=own_heads))
        return {key: stems[stem].model_copy(update={"name": key}) for key in known if (stem := key.partition(":")[0]) in stems}
    usual = {dimension.name for dimension in default_space(tasks).dimensions} | {"head_width", "head_depth"}
    wanted = QUICK if name == "quick" else usual
    return {dimension.name: dimension for dimension in catalogue(tasks, own_heads=own_heads) if dimension.name in wanted}
