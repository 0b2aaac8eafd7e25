"""What to try next: a pure function of the study's config and of its trials so far, so that a resumed study goes on with the same
sequence."""
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from mtl_core.errors import ConfigError
from mtl_core.seeds import child_seed
from mtl_core.tuning.space import Point, Value
from mtl_core.tuning.study import Proposal, StudyConfig, Trial, batch_start, entered

REDRAWS = 1000  # random points until one is new; after that, the space counts as searched through


def ask(config: StudyConfig, trials: Sequence[Trial], number: int) -> tuple[Proposal, ...]:
    """The proposals of the batch that trial `number` belongs to, in the order of their numbers; empty at the end of the study.

    Only the trials before the batch are looked at: a batch that was half done when its process died is proposed again as it was.
    No proposal gives the config of an earlier trial.
    """
    start = batch_start(number, config.batch)
    before = [trial for trial in trials if trial.number < start]
    if start == 0:
        return (Proposal(number=0, point=config.space.point_of(config.base), proposed_by="default"),)
    wanted = min(config.batch, config.n_trials + 1 - start)
    points = islice(_new(config, before, _points(config, before, start, wanted)), max(wanted, 0))
    proposals = tuple(Proposal(number=start + index, point=point, proposed_by=by) for index, (point, by) in enumerate(points))
    return proposals if number < start + len(proposals) else ()


def _new(config: StudyConfig, before: Sequence[Trial], points: Iterator[tuple[Point, str]]) -> Iterator[tuple[Point, str]]:
    """Those that give a config which no earlier one gives."""
    seen = {_key(config, trial.point) for trial in before}
    for point, by in points:
        if (key := _key(config, point)) not in seen:
            seen.add(key)
            yield point, by


def _key(config: StudyConfig, point: Point | None) -> str:
    """Equal for points that come to the same; a point that gives no valid config is only equal to itself, and will fail."""
    try:
        return config.config_of(point).model_dump_json()
    except ConfigError:
        return repr(point)


def _points(config, before, start, wanted) -> Iterator[tuple[dict[str, Value], str]]:
    """An endless supply where the method has one: what it wants first, then random points."""
    if config.method == "grid":
        yield from _grid(config)
        return
    if config.method == "bayesian":
        if start <= config.n_initial:
            design = initial_design(config)[start - 1:start - 1 + wanted]
            yield from ((config.space.from_unit(unit), "initial") for unit in design)
        if start + wanted - 1 > config.n_initial:
            yield from ((point, "acquisition") for point in _suggested(config, before, start, wanted))
    rng = np.random.default_rng(child_seed(config.seed, "random", start))
    for _ in range(REDRAWS):
        yield config.space.from_unit(rng.random(len(config.space.dimensions))), "random"


def _suggested(config, before, start, wanted):
    """What the acquisition likes best, in order; nothing while there are too few scores for a surrogate."""
    known = entered(before)
    if len({score for _, score in known}) < 2:
        return []
    from mtl_core.tuning.gpyopt_adapter import Surrogate  # seconds

    surrogate = Surrogate(config.space, [trial.point for trial, _ in known], [score for _, score in known],
                          acquisition=config.acquisition, seed=child_seed(config.seed, "surrogate", start))
    return surrogate.suggest(wanted)


def _grid(config):
    """The whole grid in an order drawn from the seed: a study that ends before the grid has then seen all of the space."""
    points = list(config.space.grid(config.levels))
    order = np.random.default_rng(child_seed(config.seed, "grid")).permutation(len(points))
    return ((points[index], "grid") for index in order)


def initial_design(config: StudyConfig) -> np.ndarray:
    """n_initial points in the unit cube, [n_initial, D]: a Latin hypercube or a scrambled Sobol sequence."""
    from scipy.stats import qmc

    kind = qmc.LatinHypercube if config.initial == "latin" else qmc.Sobol
    sampler = kind(len(config.space.dimensions), rng=child_seed(config.seed, "initial"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The balance properties of Sobol", UserWarning)  # of a length that is no power of 2
        return sampler.random(config.n_initial)
