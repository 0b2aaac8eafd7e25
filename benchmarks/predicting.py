"""How long predictions with their full uncertainty take, and descriptors alone."""
import time
from collections.abc import Callable

import numpy as np

from mtl_core.chemistry.composition import Composition
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.features.descriptors import DESCRIPTORS, evaluate
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

REPORTED = Conditions(process="CAST", scan_rate_mv_s=1.0)
ELEMENTS = ("Fe", "Cr", "Ni", "Mo", "Co", "Mn", "Al", "Ti")


def random_alloys(n: int, *, seed: int = 0) -> list[Composition]:
    """n different alloys of eight common elements."""
    amounts = np.random.default_rng(seed).dirichlet(np.ones(len(ELEMENTS)), n)
    return [Composition.from_array(100.0 * row, ELEMENTS) for row in amounts]


def one_alloy(predictor: Predictor, conditions: Conditions, *, n_calls: int = 200) -> np.ndarray:
    """Seconds of each call for one alloy, a new one each time, [n_calls]; three more calls go before, to warm up."""
    alloys = random_alloys(n_calls + 3)
    return np.array([seconds(lambda alloy=alloy: predictor.predict([alloy], conditions)) for alloy in alloys])[3:]


def many_alloys(predictor: Predictor, conditions: Conditions, n: int = 10_000) -> float:
    """Seconds for n alloys in one call."""
    alloys = random_alloys(n)
    predictor.predict(alloys[:20], conditions)
    return seconds(lambda: predictor.predict(alloys, conditions))


def descriptors(n: int = 100_000) -> float:
    """Seconds for all descriptors of n alloys over all elements."""
    at = 100.0 * np.random.default_rng(0).dirichlet(np.full(len(SYMBOLS), 0.1), n)
    evaluate(at[:20], SYMBOLS, DESCRIPTORS)
    return seconds(lambda: evaluate(at, SYMBOLS, DESCRIPTORS))


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
