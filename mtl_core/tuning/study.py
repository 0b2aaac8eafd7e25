"""What a study is to do (StudyConfig), what it has found (Trial), and the rules between them. Larger scores are better."""
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mtl_core.data.folds import Split
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import CheckpointError, ConfigError, in_words
from mtl_core.files import read_lines
from mtl_core.tasks import with_classes
from mtl_core.tuning.space import Point, Space, Value, default_space

TRIALS = "trials.jsonl"  # in the folder of a study

Method = Literal["bayesian", "random", "grid"]
Status = Literal["complete", "pruned", "failed"]
ProposedBy = Literal["default", "initial", "acquisition", "random", "grid"]

BLOCKS = (0.125, 0.25, 0.5, 0.75)  # shares of its epochs at which a trial is scored and may be pruned
N_BEFORE_PRUNING = 5  # complete trials
OBJECTIVES = ("mean r2", "nll", "interval")


class StudyConfig(BaseModel):
    """Everything that, with the data, determines a study.

    base: what the space does not change; its folds, repeats and splits are replaced by those of the study, and trials are scored
    without the Gaussian processes that it may have. Trial 0 is the base itself, so that the method has to beat it; n_trials
    counts the trials after it.
    objective: "mean r2" (mean over tasks of the pooled out-of-fold R²), "r2:TASK", "nll" (mean log likelihood of the held-out
    measurements, censored ones too) or "interval" (minus the mean interval score of the 90 % band, in standard deviations of the
    task; Gneiting & Raftery 2007, J. Am. Stat. Assoc. 102, 359, eq. 43).
    The outer fold is never seen: trials are scored on n_inner grouped folds of the rest, drawn n_seeds times.
    batch: trials that are proposed together; pruning: reject hopeless trials early, see `is_hopeless`; levels: of a range, in a
    grid. workers: processes of one thread each that train the trials of a batch side by side, 0 for the study's own process;
    scheduler: address of a Dask cluster that does it instead. Where trials are trained changes no number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: EnsembleConfig = EnsembleConfig()
    space: Space = Field(default_factory=default_space)
    method: Method = "bayesian"
    n_trials: int = Field(40, ge=1, le=1000)
    n_initial: int = Field(10, ge=2)
    initial: Literal["latin", "sobol"] = "latin"
    acquisition: Literal["EI", "LCB", "MPI"] = "EI"
    objective: str = "mean r2"
    split: Split = "reference"
    n_outer: int = Field(5, ge=2)
    outer_fold: int = Field(0, ge=0)
    n_inner: int = Field(4, ge=2)
    n_seeds: int = Field(2, ge=1)
    batch: int = Field(1, ge=1, le=64)
    pruning: bool = True
    levels: int = Field(3, ge=1, le=50)
    workers: int = Field(0, ge=0, le=64)
    scheduler: str | None = None
    seed: int = Field(0, ge=0)

    @field_validator("base")
    @classmethod
    def _is_of_all_tasks_together(cls, base):
        if base.wiring != "multi-task":
            raise ValueError(f"expected the wiring 'multi-task' in a search, whose trials are one training, got {base.wiring!r}")
        if base.n_classes:
            raise ValueError(f"expected properties with values in a search, got {', '.join(with_classes(base.tasks))}")
        return base.model_copy(update={"alone": False})

    @model_validator(mode="after")
    def _fits_together(self):
        objectives = (*OBJECTIVES, *(f"r2:{task}" for task in self.base.tasks))
        if self.objective not in objectives:
            raise ValueError(f"expected an objective out of {', '.join(objectives)}; got {self.objective!r}")
        if self.outer_fold >= self.n_outer:
            raise ValueError(f"expected an outer fold from 0 to {self.n_outer - 1}, got {self.outer_fold}")
        foreign = [name for name in self.space.names if ":" in name and name.partition(":")[2] not in self.base.tasks]
        if foreign:
            raise ValueError(f"expected heads of the tasks {', '.join(self.base.tasks)}; got {', '.join(foreign)}")
        if self.method == "grid":
            try:
                next(self.space.grid(self.levels))
            except ConfigError as error:
                raise ValueError(str(error)) from error
        return self

    def config_of(self, point: Point | None) -> EnsembleConfig:
        """The ensemble that a trial trains on all folds; None is the base."""
        return self.base if point is None else self.space.apply(self.base, point)


class Seconds(BaseModel):
    """Where the time of a trial went. build: the graph and its compilation; score: of the held-out rows, blocks included."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ask: float = 0.0
    build: float = 0.0
    train: float = 0.0
    score: float = 0.0


class Proposal(BaseModel):
    """A trial that is still to be trained. point: None for a base that lies outside the space."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: int
    point: dict[str, Value] | None
    proposed_by: ProposedBy


class Trial(Proposal):
    """A finished trial, one line of trials.jsonl.

    changes: "network.dropout" → value, wherever its config differs from the base; score: None unless complete; scores: of the
    objective, task by task; r2: task → pooled out-of-fold R², mean of the fold seeds; spread: standard deviation of the score
    over the fold seeds; of_seed: the score in each; blocks: the scores at shares of its epochs, up to where it was pruned;
    entered_as: what the surrogate takes for its score; n_weights: of one member; reason, traceback: of a failure.
    """

    changes: dict[str, object] = {}
    status: Status
    score: float | None = None
    scores: dict[str, float] = {}
    r2: dict[str, float] = {}
    spread: float | None = None
    of_seed: tuple[float, ...] = ()
    blocks: tuple[float, ...] = ()
    entered_as: float | None = None
    n_weights: int | None = None
    seconds: Seconds = Seconds()
    reason: str = ""
    traceback: str = ""


def read_trials(path: Path) -> list[Trial]:
    """Finished trials by number; a line that was torn when its process was killed is left out, and its trial is done again.

    Raises CheckpointError for a line that is no trial.
    """
    trials = {}
    for line in read_lines(path):
        try:
            trial = Trial.model_validate(line)
        except ValidationError as error:
            raise CheckpointError(f"{path.parent.name}/{path.name}: expected a trial a line, got {in_words(error)}") from error
        trials.setdefault(trial.number, trial)
    return [trials[number] for number in sorted(trials)]


def changes_of(config: EnsembleConfig, base: EnsembleConfig) -> dict[str, object]:
    """"network.dropout" → value for each setting of a config that differs from the base."""
    def flat(content, path=""):
        for name, value in content.items():
            if isinstance(value, dict) and name != "heads":
                yield from flat(value, f"{path}{name}.")
            else:
                yield f"{path}{name}", value

    before = dict(flat(base.model_dump(mode="json")))
    return {name: value for name, value in flat(config.model_dump(mode="json")) if value != before.get(name)}


def complete(trials: Sequence[Trial]) -> list[Trial]:
    """Those with a score."""
    return [trial for trial in trials if trial.status == "complete"]


def incumbent(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the largest score, the first of equals; a pruned or failed one never is."""
    return max(complete(trials), key=lambda trial: trial.score, default=None)


def is_hopeless(score: float, block: int, before: Sequence[Trial]) -> bool:
    """Whether a trial is rejected at a block: its score there is not finite, or below the median of what the complete trials
    before it had at the same share of their epochs, once there are five of them (the median stopping rule, Golovin et al. 2017,
    KDD, sec. 3.2.2, at equal shares instead of equal steps)."""
    if not np.isfinite(score):
        return True
    scores = [trial.blocks[block] for trial in complete(before) if len(trial.blocks) > block]
    return len(scores) >= N_BEFORE_PRUNING and score < float(np.median(scores))


def entered_as(status: Status, score: float | None, before: Sequence[Trial]) -> float | None:
    """What the surrogate takes for the score of a trial, given the trials before it.

    Complete: its score. Pruned: the lower quartile of the complete scores, because a score after a part of the epochs is no
    score, and because it is known only that the trial was below the median half-way. Failed: the worst complete score, so that
    the search keeps away without being bent by an invented number. None while there is no complete trial.
    """
    scores = [trial.score for trial in complete(before)]
    if status == "complete" or not scores:
        return score if status == "complete" else None
    return float(np.quantile(scores, 0.25)) if status == "pruned" else float(min(scores))


def entered(trials: Sequence[Trial]) -> list[tuple[Trial, float]]:
    """The trials that the surrogate knows, each with its score there; one that failed before any was complete counts as the
    worst that is complete now."""
    worst = min((trial.score for trial in complete(trials)), default=None)
    scored = ((trial, worst if trial.entered_as is None else trial.entered_as) for trial in trials if trial.point is not None)
    return [(trial, score) for trial, score in scored if score is not None]


def batch_start(number: int, batch: int) -> int:
    """Number of the first trial that was proposed together with this one; trial 0 stands alone."""
    return 0 if number == 0 else number - (number - 1) % batch
