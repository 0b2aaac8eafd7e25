"""Where a path is looked at: points of Gauss and Legendre, closer together where the features change fast.

Networks are smooth in their features, but some descriptors turn sharply on the way from one alloy to another: log Ω where the
mixing enthalpy passes zero, the base of an alloy where one main element takes over from another; and a score stands still once it
has reached the end of its scale. A path cut into panels along which the features move and bend alike needs far fewer points than
one that is looked at evenly. Bends count by their root, as the knots of a good approximation lie as densely as a root of a
derivative is large (de Boor 1973, Lect. Notes Math. 363, 12): a short sharp turn gets a panel without taking those of all others.
"""
import numpy as np

from mtl_core.features.scaling import CLIP
from mtl_core.features.table import featurize
from mtl_core.tasks import TaskSpec
from mtl_core.uncertainty.predictor import Predictor

GRID = 200  # steps by which the way in features is measured
EVEN = 0.15  # part of the way that is counted evenly along the path, so that no panel becomes too long


def nodes_along(predictor: Predictor, task: TaskSpec, at: np.ndarray, baseline: np.ndarray, *, n_nodes: int,
                n_panels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Places 0 … 1 and weights on the straight lines from baselines to alloys, at.% [n, E] each: [n, n_panels × n_nodes]."""
    points, weights = np.polynomial.legendre.leggauss(n_nodes)
    ends = panels(predictor, task, at, baseline, n_panels)
    widths = np.diff(ends)[..., None]
    t = ends[:, :-1, None] + 0.5 * (points + 1.0) * widths
    return t.reshape(len(at), -1), (0.5 * weights * widths).reshape(len(at), -1)


def panels(predictor: Predictor, task: TaskSpec, at: np.ndarray, baseline: np.ndarray, n_panels: int) -> np.ndarray:
    """The ends of the panels [n, n_panels + 1]."""
    if n_panels == 1:
        return np.tile([0.0, 1.0], (len(at), 1))
    t = np.linspace(0.0, 1.0, GRID + 1)
    way = np.stack([_way(predictor, task, end, start, t) for end, start in zip(at, baseline, strict=True)])
    wanted = np.linspace(0.0, 1.0, n_panels + 1)
    return np.stack([np.interp(wanted, one, t) for one in way])


def _way(predictor, task, end, start, t):
    """How far the scores of all features that the task sees have moved, and how much they have bent, as a share of the whole way
    [GRID + 1]; the scores are those of the average network."""
    spec, scaler = predictor.ensemble.spec, predictor.ensemble.scaler(task.key)
    columns = slice(spec.n_of_composition)
    values = featurize(start + t[:, None] * (end - start), {}, spec).values[:, columns]
    mean, scale = (array.mean(axis=0)[columns] for array in (scaler.mean, scaler.scale))
    steps = np.diff(np.clip((values - mean) / scale, -CLIP, CLIP) * spec.visible(task)[columns], axis=0)
    bends = np.sqrt(np.linalg.norm(np.diff(steps, axis=0), axis=1))
    beside = 0.5 * (np.append(bends, bends[-1]) + np.append(bends[0], bends))
    return EVEN * t + 0.5 * (1.0 - EVEN) * (_share(np.linalg.norm(steps, axis=1)) + _share(beside))


def _share(amounts):
    """What has come together before each place, as a share of all [GRID + 1]."""
    return np.concatenate([[0.0], np.cumsum(amounts)]) / max(amounts.sum(), 1e-12)
