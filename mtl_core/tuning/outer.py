"""What a study found, on the outer fold that it never saw: the incumbent against the default, paired."""
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.parts import Part
from mtl_core.tuning.objective import Scored, trained_config
from mtl_core.tuning.study import StudyConfig, Trial, changes_of, incumbent
from mtl_core.uncertainty.comparison import compare, r2_difference
from mtl_core.uncertainty.held_out import HeldOut


def held_out(config: StudyConfig, trial: Trial | None, prepared, part: Part, should_stop: Callable[[], bool]) -> pd.DataFrame:
    """The outer rows as the members of one configuration see them, see `HeldOut.table`.

    trial: None for the base. n_inner × n_seeds members, as a trial has, but each learns from all of the development rows.
    prepared: see `mtl_core.pipeline.Prepared`; part: which of its rows are those of the outer fold.
    """
    chosen = trained_config(config, config.config_of(trial and trial.point), n_repeats=config.n_inner * config.n_seeds)
    spec = prepared.spec.model_copy(update={"inputs": chosen.inputs})
    ensemble, _ = fit_ensemble(prepared.training, prepared.values, spec, chosen, [part], should_stop=should_stop)
    return HeldOut([part], prepared.observations, prepared.values, chosen.tasks).table(ensemble)


def report_of(config: StudyConfig, trials: Sequence[Trial], outer: pd.DataFrame, unit: Mapping[str, float]) -> dict:
    """What report.json says.

    outer: the tables of `held_out` with `configuration` "default" or "tuned"; no "tuned" where nothing beat the default.
    incumbent, changes; inner: score of both and the gain; outer: the same on the outer fold, then by task and for the mean of the
    tasks the difference in R² with a 95 % interval over papers; optimism: the inner gain minus the outer gain.
    """
    best, default = incumbent(trials), next((trial for trial in trials if trial.number == 0), None)
    counts = {status: sum(trial.status == status for trial in trials) for status in ("complete", "pruned", "failed")}
    report = {"n_trials": len(trials), **counts, "objective": config.objective, "split": config.split,
              "incumbent": best and best.number, "changes": best and changes_of(config.config_of(best.point), config.base)}
    if best is None or default is None or default.score is None:
        return report
    tables = {name: rows.drop(columns="configuration") for name, rows in outer.groupby("configuration")}
    tables.setdefault("tuned", tables["default"])
    scores = {name: Scored.of(table, config.objective, unit).score for name, table in tables.items()}
    inner_gain, outer_gain = best.score - default.score, scores["tuned"] - scores["default"]
    return report | {
        "inner": {"default": default.score, "tuned": best.score, "gain": inner_gain, "spread": best.spread},
        "outer": {**scores, "gain": outer_gain, "tasks": compared(tables["default"], tables["tuned"], unit)},
        "optimism": inner_gain - outer_gain}


def compared(default: pd.DataFrame, tuned: pd.DataFrame, unit: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """task, and "mean" of the tasks → n, r2_before (default), r2_after (tuned), difference, and low, high: its 95 % interval by
    resampling papers, None where there is only one."""
    rows = compare(default, tuned)
    found = {row["task"]: {name: row[name] for name in ("n", "r2_before", "r2_after", "difference", "low", "high")}
             for row in rows.to_dict("records")}
    difference, low, high = r2_difference(_side_by_side(default, tuned, unit))
    found["mean"] = {"n": int(rows["n"].sum()), "r2_before": rows["r2_before"].mean(), "r2_after": rows["r2_after"].mean(),
                     "difference": difference, "low": low, "high": high}
    return {name: {key: _plain(value) for key, value in row.items()} for name, row in found.items()}


def _side_by_side(default, tuned, unit):
    """The exact rows of all tasks, each in units of its task and as if it were a fold seed: the mean over tasks of R² is then the
    mean over fold seeds, and the same papers are drawn for all."""
    exact = default[default["low"] == default["high"]]
    keys = ["measurement_id", "task", "split", "fold_seed"]
    pairs = exact.merge(tuned[[*keys, "mean"]], on=keys, suffixes=("_before", "_after"), validate="1:1")
    scale = pairs["task"].map(unit)
    numbers = pairs[["low", "mean_before", "mean_after"]].div(scale, axis=0)
    centred = numbers.sub(numbers["low"].groupby(pairs["task"]).transform("mean"), axis=0)
    return pairs.assign(**centred, fold_seed=pairs["task"] + " " + pairs["fold_seed"].astype(str))


def _plain(value: float) -> float | int | None:
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(value) if np.isfinite(value) else None
