"""GPyOpt, and nobody else imports it: a Gaussian process over the search space, and the points that its acquisition likes.

Used as parts (model, acquisition, optimiser, evaluator): its driver ignores `maximize` and the batch size without a function to
call, and hands constraint strings to `exec`; no constraint and no text of a user ever reaches it. It minimises; scores are
negated here, once. All that it draws comes from numpy's global generator, which is seeded for the call and then put back.

Coding: integers and reals by their coordinate in the unit cube (integers on the grid of their values), choices one-hot.
Surrogate: Matérn 5/2 with a length scale a coordinate, whose prior grows with the square root of the dimension (Hvarfner et al.
2024, arXiv 2402.02229), and Gaussian noise. The priors of variance and noise keep few scores from being taken for noise alone.
"""
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from mtl_core.tuning.space import Choice, Integer, Point, Space, Value

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pkg_resources, and escapes in docstrings
    import GPy
    from GPyOpt import Design_space
    from GPyOpt.acquisitions import AcquisitionEI, AcquisitionLCB, AcquisitionLP, AcquisitionMPI
    from GPyOpt.core.evaluators import LocalPenalization, Sequential, batch_local_penalization
    from GPyOpt.models import GPModel
    from GPyOpt.optimization.acquisition_optimizer import AcquisitionOptimizer

ACQUISITIONS = {"EI": AcquisitionEI, "LCB": AcquisitionLCB, "MPI": AcquisitionMPI}
LARGEST_DISCRETE = 200  # values of an integer that the optimiser of the acquisition walks as they are
N_POOL = 2000  # random points among which the next best is looked for when a suggestion is no new one
N_AVERAGED = 128  # random points over which a partial dependence averages
N_RESTARTS = 5
NOISE = (np.log(0.03), 1.0)  # median and width of what is expected of the noise's variance, where all scores have variance 1
SMALLEST_LIPSCHITZ = 1e-7


def _estimate_lipschitz(model, bounds, storehistory=True) -> float:
    """The largest norm of the gradient of the surrogate's mean, for local penalisation (González et al. 2016, AISTATS, sec. 3.3).

    In place of GPyOpt's, which takes the result of today's scipy for a matrix; a look at random points and at those known.
    """
    low, high = np.array(bounds, float).T
    points = np.vstack([low + (high - low) * np.random.random_sample((500, len(low))), model.X])
    gradient, _ = model.predictive_gradients(points)
    steepest = float(np.sqrt((gradient[..., 0] ** 2).sum(axis=1)).max())
    return steepest if steepest > SMALLEST_LIPSCHITZ else 10.0


batch_local_penalization.estimate_L = _estimate_lipschitz


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """One thread, because the matrices are small and the sums then always come out the same; a seed, and no complaints."""
    kept = np.random.get_state()
    np.random.seed(seed)
    try:
        with threadpool_limits(1), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(kept)


@dataclass(frozen=True, eq=False)
class Curve:
    """One dimension of the surrogate: values [n] as they are shown, mean and std [n] of the score there."""

    name: str
    values: tuple[Value, ...]
    mean: np.ndarray
    std: np.ndarray


@dataclass(frozen=True, eq=False)
class Surface:
    """Two dimensions: x [nx], y [ny]; mean, std of the score and the acquisition, each [ny, nx]."""

    x_name: str
    y_name: str
    x: tuple[Value, ...]
    y: tuple[Value, ...]
    mean: np.ndarray
    std: np.ndarray
    acquisition: np.ndarray


def _fitted(x: np.ndarray, y: np.ndarray) -> GPModel:
    """The process for standardised values y [n, 1] at coded points x [n, C], by maximum a posteriori."""
    kernel = GPy.kern.Matern52(x.shape[1], ARD=True)
    model = GPModel(kernel=kernel, optimize_restarts=N_RESTARTS, verbose=False)
    model._create_model(x, y)
    kernel.lengthscale.set_prior(GPy.priors.LogGaussian(0.4 + 0.5 * np.log(x.shape[1]), 1.0), warning=False)
    kernel.variance.set_prior(GPy.priors.LogGaussian(0.0, 0.5), warning=False)
    model.model.likelihood.variance.set_prior(GPy.priors.LogGaussian(*NOISE), warning=False)
    model.updateModel(x, y, None, None)
    return model


class Surrogate:
    """A Gaussian process fitted to the scores of some points; it does not change afterwards. Larger scores are better."""

    def __init__(self, space: Space, points: Sequence[Point], scores: Sequence[float], *, acquisition: str = "EI", seed: int = 0):
        scores = np.asarray(scores, float)
        self.space, self.points, self.scores, self._seed = space, tuple(points), scores, seed
        self._centre, self._unit = float(scores.mean()), float(scores.std()) or 1.0
        self._domain = Design_space([_variable(dimension) for dimension in space.dimensions])
        with _alone(seed):
            self._model = _fitted(self._coded(points), -((scores - self._centre) / self._unit)[:, None])
            optimizer = AcquisitionOptimizer(self._domain, "lbfgs")
            self._acquisition = ACQUISITIONS[acquisition](self._model, self._domain, optimizer)
            self._penalised = AcquisitionLP(self._model, self._domain, optimizer, self._acquisition)

    def suggest(self, n: int = 1) -> Iterator[dict[str, Value]]:
        """n points to try together, chosen one after the other by local penalisation, then the best of a random pool."""
        with _alone(self._seed + 1):
            if n == 1:
                found = Sequential(self._acquisition).compute_batch()
            else:
                found = LocalPenalization(self._penalised, n).compute_batch()
            pool = np.random.random_sample((N_POOL, len(self.space.dimensions)))
        yield from (self._decoded(row) for row in self._domain.zip_inputs(np.atleast_2d(found)))
        points = [self.space.from_unit(unit) for unit in pool]
        yield from (points[index] for index in np.argsort(-self.acquisition(points), kind="stable"))

    def predict(self, points: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the score at points, [n] each; without the noise of one more trial."""
        with _alone(self._seed):
            mean, std = self._model.predict(self._coded(points), with_noise=False)
        return self._centre - self._unit * mean[:, 0], self._unit * std[:, 0]

    def acquisition(self, points: Sequence[Point]) -> np.ndarray:
        """What the acquisition thinks of points [n], the larger the better; in its own unit."""
        with _alone(self._seed):
            return -self._acquisition.acquisition_function(self._coded(points))[:, 0]

    def slice(self, name: str, at: Point, *, n: int = 41) -> Curve:
        """The score along one dimension, the others as `at` has them."""
        values = self._values(name, n)
        return Curve(name, values, *self.predict([{**at, name: value} for value in values]))

    def partial_dependence(self, name: str, *, n: int = 21) -> Curve:
        """The score along one dimension, averaged over random values of the others (Friedman 2001, Ann. Stat. 29, 1189, § 8.2).

        std: of that average under the surrogate, with the covariance of the points that it averages over.
        """
        values, averaged = self._values(name, n), self._random_points()
        moments = [self._average([{**point, name: value} for point in averaged]) for value in values]
        return Curve(name, values, *np.array(moments).T)

    def surface(self, x_name: str, y_name: str, at: Point, *, n: int = 31) -> Surface:
        """Score and acquisition over two dimensions, the others as `at` has them."""
        x, y = self._values(x_name, n), self._values(y_name, n)
        points = [{**at, x_name: one, y_name: other} for other in y for one in x]
        mean, std = self.predict(points)
        return Surface(x_name, y_name, x, y, *(of_point.reshape(len(y), len(x))
                                               for of_point in (mean, std, self.acquisition(points))))

    def importance(self) -> dict[str, float]:
        """Share of the variance of the surrogate's mean over the space that one dimension explains alone, the largest first.

        The variance of its partial dependence over the variance of everything: a first-order Sobol' index (Sobol' 2001, Math.
        Comput. Simul. 55, 271; for hyper-parameters Hutter et al. 2014, ICML). What dimensions do together is in none of them.
        """
        rng, units = np.random.default_rng(self._seed), self._random_units(4 * N_AVERAGED)
        total = float(self.predict([self.space.from_unit(unit) for unit in units])[0].var())
        shares = {name: self._explained(name, rng) / total if total > 0 else 0.0 for name in self.space.names}
        return dict(sorted(((name, min(share, 1.0)) for name, share in shares.items()), key=lambda item: -item[1]))

    def _explained(self, name, rng) -> float:
        """Variance of the partial dependence over values that are drawn as the space draws them."""
        averaged, column = self._random_points(), self.space.names.index(name)
        values = [self.space.dimensions[column].from_unit(unit) for unit in (np.arange(12) + rng.random(12)) / 12]
        counted = {repr(value): (value, values.count(value)) for value in values}
        points = [{**point, name: value} for value, _ in counted.values() for point in averaged]
        means = self.predict(points)[0].reshape(len(counted), -1).mean(axis=1)
        weights = np.array([count for _, count in counted.values()])
        return float(np.average((means - np.average(means, weights=weights)) ** 2, weights=weights))

    def _average(self, points) -> tuple[float, float]:
        with _alone(self._seed):
            mean, covariance = self._model.model.predict(self._coded(points), full_cov=True, include_likelihood=False)
        return self._centre - self._unit * float(mean.mean()), self._unit * float(np.sqrt(max(covariance.mean(), 0.0)))

    def _random_units(self, n):
        return np.random.default_rng(self._seed).random((n, len(self.space.dimensions)))

    def _random_points(self):
        return [self.space.from_unit(unit) for unit in self._random_units(N_AVERAGED)]

    def _values(self, name: str, n: int) -> tuple[Value, ...]:
        return self.space[name].grid(n)

    def _coded(self, points: Sequence[Point]) -> np.ndarray:
        """From points to what the model takes, choices one-hot."""
        columns = [_codes(dimension, [point[dimension.name] for point in points]) for dimension in self.space.dimensions]
        return self._domain.unzip_inputs(np.array(columns, float).T)

    def _decoded(self, row: np.ndarray) -> dict[str, Value]:
        return {dimension.name: dimension.values[round(code)] if isinstance(dimension, Choice) else
                dimension.from_unit(min(max(float(code), 0.0), 1.0))
                for dimension, code in zip(self.space.dimensions, row, strict=True)}


def _variable(dimension) -> dict:
    """A dimension as GPyOpt describes it."""
    if isinstance(dimension, Choice):
        return {"name": dimension.name, "type": "categorical", "domain": tuple(range(len(dimension.values)))}
    if isinstance(dimension, Integer) and dimension.high - dimension.low < LARGEST_DISCRETE:
        domain = tuple(dimension.to_unit(value) for value in range(dimension.low, dimension.high + 1))
        return {"name": dimension.name, "type": "discrete", "domain": domain}
    return {"name": dimension.name, "type": "continuous", "domain": (0.0, 1.0)}


def _codes(dimension, values: Sequence[Value]) -> list[float]:
    """Each different value is coded once: those of a surface or an average repeat a thousand times. (True is not 1 here.)"""
    code = dimension.index if isinstance(dimension, Choice) else dimension.to_unit
    known = {key: float(code(key[1])) for key in {(type(value), value) for value in values}}
    return [known[type(value), value] for value in values]
