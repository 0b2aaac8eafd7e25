"""What report.json of a validation says; reading it costs milliseconds.

All numbers are in the task's learning unit and of exact rows only. Accuracy is pooled over the rows of one fold seed, then the
mean of the fold seeds; on the rung "element" a row is tested once an element that it holds. Intervals are 95 %, by resampling
whole papers. An example, cut short:

    {"format": 1,
     "run": "shipped", "tasks": ["hardness", "pitting_potential"], "models": ["ridge", "ours"],
     "config_sha256": "…", "data_sha256": "…", "n_folds": 10, "n_fold_seeds": 3, "seed": 0, "epochs": 100,
     "rungs": {"composition": {
       "label": "Compositions", "holds_out": "alloys that …", "forbids": "Twins of …", "allows": "Other alloys of its own paper.",
       "folds_sha256": "…", "lock": "locked folds", "origin": "run", "members": 2,
       "parts": [{"name": "", "fold_seed": 0, "fold": 0, "n_training": {"hardness": 447, "pitting_potential": 671},
                  "n_test": {"hardness": 49, "pitting_potential": 75}, "mae": {}}]}},
     "scores": [{"task": "hardness", "rung": "composition", "model": "ridge", "n": 496, "n_papers": 120,
                 "r2": {"value": 0.638, "low": 0.551, "high": 0.702}, "mae": {"value": 101.2, "low": 92.4, "high": 111.0},
                 "rmse": {"value": 138.4, "low": 124.1, "high": 153.0},
                 "difference": {"value": 0.156, "low": 0.101, "high": 0.223}}],
     "noise": {"hardness": {"alloy": {"r2_ceiling": 0.87, "sd": 79.4, "n_groups": 41, "n_rows": 99, "note": ""},
                            "alloy and conditions": {"r2_ceiling": null, "sd": null, "n_groups": 0, "n_rows": 0,
                                                     "note": "No repeats."}}}}
"""
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from mtl_core.validation.config import NESTED, OURS
from mtl_core.validation.rungs import RungName

REPORT = "report.json"  # in the folder of a validation


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Frozen):
    """A number with its 95 % interval over papers, None where a single paper leaves it undefined."""

    value: float
    low: float | None = None
    high: float | None = None


class PartFacts(_Frozen):
    """One part of a rung. name: of what is held out ("Mo", "cluster 3"), empty where it has none; n_training, n_test: task →
    rows, censored ones included; mae: task → model → mean absolute error of its exact rows, for parts with a name."""

    name: str
    fold_seed: int
    fold: int
    n_training: dict[str, int]
    n_test: dict[str, int]
    mae: dict[str, dict[str, float]] = {}


class RungFacts(_Frozen):
    """What a rung is. lock: "locked folds", or how they differ from those of assets/folds.json. origin: of ours, the out-of-fold
    table of the run, or trained for this; members: of ours that answer for a row, 0 where ours was not asked."""

    label: str
    holds_out: str
    forbids: str
    allows: str
    folds_sha256: str
    lock: str
    origin: Literal["run", "trained", "none"]
    members: int
    parts: tuple[PartFacts, ...]


class Score(_Frozen):
    """One model on one rung. difference: R² of ours less that of this model, on the rows that both answer; above 0 ours is
    better, and None for ours itself or where it was not asked."""

    task: str
    rung: RungName
    model: str
    n: int
    n_papers: int
    r2: Estimate
    mae: Estimate
    rmse: Estimate
    difference: Estimate | None = None


class Searched(_Frozen):
    """One fold of the nested evaluation, and what a search found that never saw it.

    n_trials: those that were begun, the settings of the run among them; changes: "network.dropout" → value, wherever what was
    chosen differs from the run; before, after: task → R² of the settings of the run and of the chosen ones on the inner folds,
    empty where a trial was not complete; seconds: of the trials.
    """

    fold_seed: int
    fold: int
    n_trials: int
    changes: dict[str, object]
    before: dict[str, float]
    after: dict[str, float]
    seconds: float


class Noise(_Frozen):
    """Scatter of repeats and the R² that it leaves possible, see `mtl_core.data.noise`; None where there are no repeats."""

    r2_ceiling: float | None
    sd: float | None
    n_groups: int
    n_rows: int
    note: str


class Report(_Frozen):
    """report.json. scores: in the order of rungs, tasks and models; noise: task → what counts as the same → its scatter;
    epochs: of ours where it was trained for this; config_sha256: of the config of the run; nested: rung → its folds, where
    settings were searched for in each."""

    format: Literal[1] = 1
    run: str
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    config_sha256: str
    data_sha256: str
    n_folds: int
    n_fold_seeds: int
    seed: int
    epochs: int
    rungs: dict[RungName, RungFacts]
    scores: tuple[Score, ...]
    noise: dict[str, dict[str, Noise]]
    nested: dict[RungName, tuple[Searched, ...]] = {}

    def table(self) -> pd.DataFrame:
        """One row a score: task, rung, model, n, n_papers and, for each of r2, mae, rmse and difference, NAME, NAME_low and
        NAME_high; NaN where there is none."""
        rows = []
        for score in self.scores:
            row = score.model_dump(include={"task", "rung", "model", "n", "n_papers"})
            for name in ("r2", "mae", "rmse", "difference"):
                found = getattr(score, name)
                row |= {f"{name}{end}": found and getattr(found, side)
                        for end, side in (("", "value"), ("_low", "low"), ("_high", "high"))}
            rows.append(row)
        numbers = [column for column in rows[0] if column.startswith(("r2", "mae", "rmse", "difference"))] if rows else []
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))

    def best_baseline(self, task: str, rung: RungName) -> Score | None:
        """The model with the largest R² that is no ensemble of ours."""
        return max(self.baselines(task, rung), key=lambda score: score.r2.value, default=None)

    def baselines(self, task: str, rung: RungName) -> tuple[Score, ...]:
        """The scores of a rung without those of ours, as it is and tuned anew."""
        return tuple(score for score in self.scores
                     if (score.task, score.rung) == (task, rung) and score.model not in (OURS, NESTED))

    def score(self, task: str, rung: RungName, model: str) -> Score | None:
        """The score of a model; None where it was not asked."""
        return next((one for one in self.scores if (one.task, one.rung, one.model) == (task, rung, model)), None)

    def is_stand_in(self, epochs: int) -> bool:
        """Whether ours was trained for this, and for fewer epochs than the run, as the smoke size does."""
        return self.epochs < epochs and any(facts.origin == "trained" for facts in self.rungs.values())

    def tuned(self) -> pd.DataFrame:
        """One row a rung and task where settings were tuned anew: rung, task, n_folds, n_trials; ours, tuned: R² on the same
        rows; difference (ours less tuned), low, high; promised: by how much the searches were better than the run on the folds
        that they saw, mean of the folds; optimism: of that what did not come true; minutes: of the trials of one fold, mean."""
        rows = [_tuned(self.score(task, rung, NESTED), folds) for rung, folds in self.nested.items() for task in self.tasks]
        return pd.DataFrame([row for row in rows if row], columns=[
            "rung", "task", "n_folds", "n_trials", "ours", "tuned", "difference", "low", "high", "promised", "optimism",
            "minutes"]).astype({"low": float, "high": float})


def _tuned(score: Score | None, folds: tuple[Searched, ...]) -> dict[str, object] | None:
    if score is None or score.difference is None:
        return None
    found, task = score.difference, score.task
    gains = [fold.after[task] - fold.before[task] for fold in folds if task in fold.after and task in fold.before]
    promised = sum(gains) / len(gains) if gains else float("nan")
    return {"rung": score.rung, "task": task, "n_folds": len(folds), "n_trials": max(fold.n_trials for fold in folds),
            "ours": score.r2.value + found.value, "tuned": score.r2.value, "difference": found.value, "low": found.low,
            "high": found.high, "promised": promised, "optimism": promised + found.value,
            "minutes": sum(fold.seconds for fold in folds) / len(folds) / 60.0}
