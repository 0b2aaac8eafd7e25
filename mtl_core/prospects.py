"""What a study will cost, and what its surrogate believes: answers that take seconds, for whoever plans or watches a study.

Each is plain data, so that a page can ask a process of its own: GPyOpt and TensorFlow are not loaded where people wait.
"""
import os
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from mtl_core import pipeline
from mtl_core.data.datasets import read_data
from mtl_core.errors import ConfigError
from mtl_core.studies import Study, development, next_proposals, read_study, surrogate_of
from mtl_core.tuning.ask import initial_design
from mtl_core.tuning.space import Point, Value
from mtl_core.tuning.study import StudyConfig

if TYPE_CHECKING:
    from mtl_core.tuning.gpyopt_adapter import Surrogate

N_VALUES, N_CELLS = 25, 21  # of a curve; of a plane along each side
N_TIMED = 3  # points of the space at which a trial is timed, besides the base
ASK_SECONDS = 1.5  # until the surrogate is fitted and has made a suggestion


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Line(_Frozen):
    """mean, std [n] of the score along one dimension, at `values` [n]."""

    values: tuple[Value, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Plane(_Frozen):
    """Two dimensions, the others as the next point has them: x [nx], y [ny]; mean, std, acquisition [ny][nx]."""

    x_name: str
    y_name: str
    x: tuple[Value, ...]
    y: tuple[Value, ...]
    mean: tuple[tuple[float, ...], ...]
    std: tuple[tuple[float, ...], ...]
    acquisition: tuple[tuple[float, ...], ...]


class Next(_Frozen):
    """A point to try next. proposed_by: how it was chosen; mean, std: of its score, as the surrogate expects it;
    improvement: expected, over the incumbent, in units of the score (Jones et al. 1998, J. Glob. Optim. 13, 455, eq. 15);
    chance: that it beats the incumbent."""

    number: int
    point: dict[str, Value]
    proposed_by: str
    mean: float
    std: float
    improvement: float
    chance: float


class Landscape(_Frozen):
    """What the surrogate believes after n_trials trials. importance: see `Surrogate.importance`; slices: through the incumbent;
    dependences: averaged over all other dimensions; planes: of each two dimensions."""

    n_trials: int
    importance: dict[str, float]
    slices: dict[str, Line]
    dependences: dict[str, Line]
    planes: tuple[Plane, ...]
    next: tuple[Next, ...]


def landscape(run: str, root: Path | None = None) -> Landscape | None:
    """What the surrogate of a study believes now; None while it knows too little. Takes some seconds.

    Raises CheckpointError for a run that is no study.
    """
    study = read_study(run, root)
    surrogate = surrogate_of(study)
    if surrogate is None:
        return None
    names, best = study.config.space.names, study.incumbent
    through = best.point if best.point is not None else surrogate.points[int(np.argmax(surrogate.scores))]
    after = _next(study, surrogate)
    at = after[0].point if after else through
    return Landscape(
        n_trials=len(study.trials), importance=surrogate.importance(), next=after,
        slices={name: _line(surrogate.slice(name, through, n=N_VALUES)) for name in names},
        dependences={name: _line(surrogate.partial_dependence(name, n=N_VALUES)) for name in names},
        planes=[_plane(surrogate.surface(x, y, at, n=N_CELLS)) for x, y in combinations(names, 2)])


def _next(study: Study, surrogate: "Surrogate") -> list[Next]:
    """What the study tries now; after its end, what the acquisition would have tried."""
    proposals = [(proposal.number, proposal.point, proposal.proposed_by) for proposal in next_proposals(study)]
    if not proposals:
        proposals = [(len(study.trials), next(iter(surrogate.suggest(1))), "acquisition")]
    best = study.incumbent.score
    return [Next(number=number, point=point, proposed_by=by, **_hopes(surrogate, point, best))
            for number, point, by in proposals if point is not None]


def _hopes(surrogate, point: Point, best: float) -> dict[str, float]:
    from scipy.stats import norm

    mean, std = (float(values[0]) for values in surrogate.predict([point]))
    z = (mean - best) / max(std, 1e-12)
    return {"mean": mean, "std": std, "improvement": float((mean - best) * norm.cdf(z) + std * norm.pdf(z)),
            "chance": float(norm.cdf(z))}


def _line(curve) -> Line:
    return Line(values=curve.values, mean=_short(curve.mean), std=_short(curve.std))


def _plane(surface) -> Plane:
    return Plane(x_name=surface.x_name, y_name=surface.y_name, x=surface.x, y=surface.y,
                 **{name: [_short(row) for row in getattr(surface, name)] for name in ("mean", "std", "acquisition")})


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


class Cost(_Frozen):
    """seconds: of the whole study, with nothing pruned; of_trial: of a trial on average, fastest and slowest of those timed;
    n_trials: how many it will be, the base included; grid: points of the grid, None for other methods."""

    seconds: float
    of_trial: tuple[float, float, float]
    n_trials: int
    grid: int | None = None


def cost(config: StudyConfig) -> Cost:
    """What a study will take on this machine when nothing else keeps it busy, from a few steps of the graphs of some trials.

    Where its workers have one thread each, this process should have one as well. Raises ConfigError or DataError when the base
    cannot be trained on its data.
    """
    base, curation = pipeline.pinned(config.base, None)
    prepared = pipeline.prepare(read_data(base.data.datasets), base, curation=curation)
    grid = config.space.grid_size(config.levels) if config.method == "grid" else None
    n_trials = 1 + min(config.n_trials, config.n_trials if grid is None else grid)
    took = _timed(config, development(prepared, config))
    outer = 2 * took[0]  # the base and the incumbent, as many members as a trial has
    side_by_side = max(1, min(config.workers, config.batch, os.cpu_count() or 1))
    asking = ASK_SECONDS * max(0, config.n_trials - config.n_initial) if config.method == "bayesian" else 0.0
    seconds = (pipeline.START_SECONDS + took[0] + (n_trials - 1) / side_by_side * float(np.mean(took[1:] or took)) + asking
               + outer)
    return Cost(seconds=seconds, of_trial=(float(np.mean(took)), min(took), max(took)), n_trials=n_trials, grid=grid)


def _timed(config: StudyConfig, rows) -> list[float]:
    """Seconds of the trial of the base, and of some points of the space that give a valid config."""
    from mtl_core.ensemble.fit import seconds_to_fit
    from mtl_core.tuning.objective import trained_config

    seconds = []
    for point in (None, *map(config.space.from_unit, initial_design(config)[:N_TIMED])):
        try:
            chosen = trained_config(config, config.config_of(point))
        except ConfigError:
            continue
        spec = rows.spec.model_copy(update={"inputs": chosen.inputs})
        seconds.append(seconds_to_fit(rows.training, rows.values, spec, chosen, rows.parts))
    return seconds
