"""A Gaussian process with a smooth and a linear kernel: few data, nearly linear between papers."""
import numpy as np
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

N_OPTIMISED = 250  # training rows, at most, from which the parameters of the kernel come
N_ITERATIONS = 60
_WIDE = (1e-6, 1e6)


class GaussianProcess:
    """Regression with the kernel a RBF(l) + b (σ² + x · x') + white noise (Rasmussen & Williams 2006, ch. 4-5).

    Its five parameters maximise the marginal likelihood of at most 250 training rows, drawn at random; the better of two starts
    counts. With them, all training rows are learnt from. Features are scaled already; values are standardised here.
    """

    def __init__(self, seed: int):
        self._seed = seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> "GaussianProcess":
        rng = np.random.default_rng(self._seed)
        chosen = rng.permutation(len(y))[:N_OPTIMISED]
        kernel = self._best(x[chosen], y[chosen], rng) if np.ptp(y) > 0 else _kernel(x.shape[1])
        self._model = GaussianProcessRegressor(kernel, normalize_y=True, optimizer=None).fit(x, y)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self._model.predict(x)

    @staticmethod
    def _best(x, y, rng):
        """scikit-learn's own optimiser warns of each parameter that ends at its bound, which says nothing here."""
        model = GaussianProcessRegressor(_kernel(x.shape[1]), normalize_y=True, optimizer=None).fit(x, y)

        def loss(theta):
            value, slope = model.log_marginal_likelihood(theta, eval_gradient=True, clone_kernel=False)
            return -value, -slope

        first, bounds = model.kernel_.theta, np.log(np.tile(_WIDE, (len(model.kernel_.theta), 1)))
        starts = (first, first + rng.normal(0.0, 1.0, len(first)))
        ends = [minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": N_ITERATIONS})
                for start in starts]
        return model.kernel_.clone_with_theta(min(ends, key=lambda end: end.fun).x)


def _kernel(n_features: int):
    """Where the search starts: neighbours are as far apart as standard scores of that many features are."""
    smooth = ConstantKernel(0.5, _WIDE) * RBF(np.sqrt(n_features), _WIDE)
    linear = ConstantKernel(0.5 / n_features, _WIDE) * DotProduct(1.0, _WIDE)
    return smooth + linear + WhiteKernel(0.1, _WIDE)
