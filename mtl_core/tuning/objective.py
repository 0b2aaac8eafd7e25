"""What a trial is worth: its members learn on inner folds, all in one graph, and are scored on the rows that each holds out."""
import gc
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from mtl_core.ensemble import network
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.errors import AlloyscopeError, ConfigError, StoppedError
from mtl_core.features.table import FeatureSpec
from mtl_core.tuning.rows import Rows
from mtl_core.tuning.study import BLOCKS, Proposal, Seconds, StudyConfig, Trial, changes_of, is_hopeless
from mtl_core.uncertainty.held_out import Z_90, HeldOut

SCALE_OF_STD = math.sqrt(3.0) / math.pi  # of a logistic distribution
ALPHA = 0.1  # of the band whose interval score counts


class _PrunedError(Exception):
    """Ends a training from inside."""


@dataclass
class _Looks:
    """Scores at the blocks, and where the time goes."""

    config: StudyConfig
    epochs: int
    held_out: HeldOut
    unit: Mapping[str, float]
    before: Sequence[Trial]
    blocks: list[float] = field(default_factory=list)
    scoring: float = 0.0
    ends: list[float] = field(default_factory=list)

    def __post_init__(self):
        self._due = {max(1, round(share * self.epochs)): block for block, share in enumerate(BLOCKS)}

    def look(self, epoch, ensemble):
        """See `fit.Look`; called after each epoch."""
        start = time.monotonic()
        self.ends.append(start - self.scoring)
        if self.config.pruning and epoch in self._due and epoch < self.epochs:
            score = self.scored(ensemble()).score
            self.blocks += [score] * (self._due[epoch] + 1 - len(self.blocks))  # blocks of few epochs may fall together
            self.scoring += time.monotonic() - start
            if is_hopeless(score, self._due[epoch], self.before):
                raise _PrunedError

    def scored(self, ensemble):
        return Scored.of(self.held_out.table(ensemble), self.config.objective, self.unit)


@dataclass(frozen=True)
class Scored:
    """score and spread over the fold seeds; of_task: the objective of each task; r2 of each task; of_seed: the score of each."""

    score: float
    spread: float
    of_seed: tuple[float, ...]
    of_task: Mapping[str, float]
    r2: Mapping[str, float]

    @classmethod
    def of(cls, table: pd.DataFrame, objective: str, unit: Mapping[str, float]) -> "Scored":
        """From an out-of-fold table, see `HeldOut.table`. Raises FloatingPointError when a prediction is not finite."""
        if not np.isfinite(table[["mean", "std"]].to_numpy()).all():
            raise FloatingPointError("expected finite predictions of the held-out rows, got others: the training diverged")
        score_of, only = _objective(objective)
        of_task, r2 = ({task: np.array([score(rows, unit[task]) for _, rows in of_task.groupby("fold_seed")])
                        for task, of_task in table.groupby("task", sort=False)} for score in (score_of, _r2))
        of_seed = np.mean([of_task[task] for task in ([only] if only else of_task)], axis=0)
        return cls(float(of_seed.mean()), float(of_seed.std()), tuple(map(float, of_seed)),
                   *({task: float(values.mean()) for task, values in found.items()} for found in (of_task, r2)))


def evaluate(proposal: Proposal, config: StudyConfig, rows: Rows, before: Sequence[Trial], *,
             should_stop: Callable[[], bool] = lambda: False) -> Trial:
    """Train and score a proposal; an error of its own is a failed trial. before: the trials that it is compared with.

    Raises StoppedError when it should stop, and what is no fault of the trial: MemoryError, OSError.
    """
    try:
        return _trained(proposal, config, rows, before, should_stop)
    except (StoppedError, MemoryError, OSError):
        raise
    except Exception as error:
        words = str(error) if isinstance(error, AlloyscopeError) else f"{type(error).__name__}: {error}"
        return Trial(**proposal.model_dump(), status="failed", reason=words, traceback=traceback.format_exc(),
                     changes=_changes(proposal, config))
    finally:
        gc.collect()  # a graph refers to itself, and holds the rows of all parts


def _trained(proposal, config, rows, before, should_stop):
    start, ensemble_config = time.monotonic(), trained_config(config, config.config_of(proposal.point))
    looks = _Looks(config, ensemble_config.train.epochs, HeldOut(rows.parts, rows.observations, rows.values, config.base.tasks),
                   rows.unit, before)
    facts = {**proposal.model_dump(), "changes": _changes(proposal, config), "n_weights": n_weights(ensemble_config, rows.spec)}
    spec = rows.spec.model_copy(update={"inputs": ensemble_config.inputs})
    try:
        ensemble, _ = fit_ensemble(rows.training, rows.values, spec, ensemble_config, rows.parts, look=looks.look,
                                   should_stop=should_stop)
        scored = looks.scored(ensemble)
    except _PrunedError:
        return Trial(**facts, status="pruned", blocks=looks.blocks, seconds=_seconds(looks, start))
    return Trial(**facts, status="complete", score=scored.score, scores=scored.of_task, r2=scored.r2, spread=scored.spread,
                 of_seed=scored.of_seed, blocks=looks.blocks, seconds=_seconds(looks, start))


def trained_config(config: StudyConfig, ensemble_config: EnsembleConfig, *, n_repeats: int = 1) -> EnsembleConfig:
    """The same with the study's seed, so that all trials draw alike, with so many members a part, and networks alone: no trial
    changes what Gaussian processes say beside them, and fitting those takes longer than a trial."""
    return ensemble_config.model_copy(update={
        "seed": config.seed, "kernel_share": 0.0, "train": ensemble_config.train.model_copy(update={"n_repeats": n_repeats})})


def n_weights(config: EnsembleConfig, spec: FeatureSpec) -> int:
    """Numbers that one member learns."""
    shapes = network.shapes(config.network, n_features=len(spec.columns), n_tasks=config.n_outputs)
    return int(sum(math.prod(shape) for shape in shapes.values()))


def _changes(proposal, config):
    try:
        return changes_of(config.config_of(proposal.point), config.base)
    except ConfigError:
        return {}


def _seconds(looks: _Looks, start: float) -> Seconds:
    """The first epoch compiles; what it took beyond the median of the others is not training."""
    end, ends = time.monotonic(), looks.ends
    epoch = float(np.median(np.diff(ends))) if len(ends) > 1 else 0.0
    built = max(ends[0] - start - epoch, 0.0)
    train = ends[-1] - start - built
    return Seconds(build=round(built, 3), train=round(train, 3), score=round(end - start - built - train, 3))


def _objective(name: str):
    """The score of one task and fold seed, and the only task that counts, if one does."""
    if name.startswith("r2:"):
        return _r2, name.removeprefix("r2:")
    return {"mean r2": _r2, "nll": log_likelihood, "interval": _interval}[name], None


def _r2(rows, unit):
    exact = rows[rows["low"] == rows["high"]]
    return r2_score(exact["low"], exact["mean"])


def log_likelihood(rows: pd.DataFrame, unit: float) -> float:
    """Mean log likelihood of measurements under a logistic distribution with the predicted mean and std, in units of the task.

    Exact rows by the density, others by the probability of their interval; see `mtl_core.ensemble.losses`.
    """
    scale = rows["std"].to_numpy() * SCALE_OF_STD
    low, high = ((rows[side].to_numpy() - rows["mean"].to_numpy()) / scale for side in ("low", "high"))
    is_exact = low == high
    z = np.where(is_exact, low, 0.0)
    exact = -z - 2.0 * np.logaddexp(0.0, -z) - np.log(scale / unit)
    share = _logistic(np.where(is_exact, np.inf, high)) - _logistic(np.where(is_exact, -np.inf, low))
    return float(np.where(is_exact, exact, np.log(np.maximum(share, 1e-12))).mean())


def _logistic(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def _interval(rows, unit):
    """Minus the mean interval score of the exact rows, with bands as the networks state them, before calibration."""
    exact = rows[rows["low"] == rows["high"]]
    outside = (exact["low"] - exact["mean"]).abs() - Z_90 * exact["std"]
    return -float((2 * Z_90 * exact["std"] + 2 / ALPHA * outside.clip(lower=0.0)).mean()) / unit
