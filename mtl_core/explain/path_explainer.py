"""The only module that touches path-explain (Janizek, Sturmfels & Lee 2021, J. Mach. Learn. Res. 22, 104).

Importing the package as published also imports its PyTorch half. Its TensorFlow explainer needs none of that, so only the
folder with that explainer is opened here, under a private package name. As published it takes the plain mean over evenly spaced
points of the path, ends included, whose error falls with the first power of their number; its hooks are used to place and weigh
the points by Gauss instead. Expected gradients are the mean of these integrals over the baselines: with a point drawn at random
for each baseline, as published, some hundred draws missed the difference by as much as it was.
"""
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import tensorflow as tf

Function = Callable[[tf.Tensor], tf.Tensor]
_PRIVATE = "_alloyscope_path_explain"


def integrated_gradients(function: Function, inputs: np.ndarray, baselines: np.ndarray, *, nodes: np.ndarray,
                         weights: np.ndarray, batch: int = 24) -> np.ndarray:
    """Attributions [n, …] of function([b, …]) → [b], each input [n, …] from its own baseline [n, …], in the function's unit.

    nodes, weights: [b], where on the path 0 … 1 the gradient is taken and how much each counts, such as `even_nodes` gives;
    batch: nodes at once.
    """
    ends, parts = (np.asarray(inputs, np.float32), np.asarray(baselines, np.float32)), range(batch, len(nodes), batch)
    return sum(_weighing_explainer()(function, some, counts).attributions(
        *ends, batch_size=len(some), num_samples=len(some), use_expectation=False)
        for some, counts in zip(np.split(nodes, parts), np.split(weights, parts), strict=True))


def even_nodes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """n nodes of Gauss and Legendre from 0 to 1, and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def plain_integrated_gradients(function: Function, inputs: np.ndarray, baselines: np.ndarray, *, n_steps: int) -> np.ndarray:
    """The same by the package as published."""
    return _explainer_class()(function).attributions(
        np.asarray(inputs, np.float32), np.asarray(baselines, np.float32), batch_size=n_steps, num_samples=n_steps,
        use_expectation=False)


def integrated_hessians(function: Function, n_coordinates: int, nodes: np.ndarray, weights: np.ndarray, *, n_functions: int,
                        batch: int) -> np.ndarray:
    """Interactions [P, A, A] of P functions of A coordinates u, on the straight path from all 0 to all 1, in the functions' unit.

        Γ_ij = ∫∫ αβ ∂²f/∂u_i∂u_j (αβ) dα dβ  +  δ_ij ∫∫ ∂f/∂u_i (αβ) dα dβ

    function: [n, P, A] → [n, P], each function at coordinates of its own; nodes, weights: see `log_weighted_nodes`, rising;
    batch: nodes at once. The cells of a row add up to the attribution of its coordinate. All that is integrated depends on t = αβ
    alone, whose density on the unit square is −ln t: the package is asked at α = t, β = 1. Asked for one row of the map, as
    published it multiplies by the length of that row's coordinate where that of the column's belongs; here every length is 1.
    """
    explainer = _hessian_explainer()(function, n_functions, nodes, weights)
    ends = np.ones((1, n_coordinates), np.float32), np.zeros((1, n_coordinates), np.float32)
    rows = [explainer.interactions(*ends, batch_size=batch * n_functions, num_samples=len(nodes) * n_functions,
                                   use_expectation=False, interaction_index=index)[0] for index in range(n_coordinates)]
    return np.stack(rows, axis=1)


def plain_integrated_hessians(function: Function, end: np.ndarray, start: np.ndarray, *, n_steps: int) -> np.ndarray:
    """Interactions [A, A] of one function [n, A] → [n] by the package as published, at n_steps × n_steps points."""
    ends = [np.asarray(one, np.float32)[None] for one in (end, start)]
    return _explainer_class()(function).interactions(*ends, batch_size=n_steps**2, num_samples=n_steps**2,
                                                     use_expectation=False)[0]


def log_weighted_nodes(n: int, start: float = 0.0, end: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights [n] for ∫ −ln t h(t) dt from start to end, exact where h is a polynomial of degree 2n − 1 or less.

    Golub & Welsch 1969, Math. Comp. 23, 221: nodes are the eigenvalues of the matrix of the recurrence of the polynomials that
    are orthogonal under the weight; the inner products are taken by many points of Gauss and Legendre in s, t = start + s².
    """
    points, weights = np.polynomial.legendre.leggauss(400)
    s = 0.5 * (points + 1.0)
    t = start + (end - start) * s**2
    weights = weights * s * (end - start) * -np.log(t)
    total, diagonal, beside = weights.sum(), np.zeros(n), np.zeros(n)
    before, polynomial = np.zeros_like(t), np.full_like(t, total**-0.5)
    for degree in range(n):
        diagonal[degree] = (weights * t * polynomial**2).sum()
        following = (t - diagonal[degree]) * polynomial - beside[degree - 1] * before
        beside[degree] = np.sqrt((weights * following**2).sum())
        before, polynomial = polynomial, following / beside[degree]
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    return nodes, total * vectors[0] ** 2


@cache
def _weighing_explainer() -> type:
    class WeighingExplainer(_explainer_class()):
        def __init__(self, function, nodes, weights):
            super().__init__(function)
            self.nodes, self.weights = nodes, weights

        def _sample_alphas(self, num_samples, use_expectation, use_product=False):
            return self.nodes.astype(np.float32)

        def accumulation_function(self, batch_input, *others, **options):
            products = super().accumulation_function(batch_input, *others, **options)
            shape = (-1,) + (1,) * (len(products.shape) - 1)
            return products * np.reshape(self.weights * len(self.weights), shape).astype(np.float32)

        def _get_test_output(self, inputs):
            return tf.zeros(1)  # one answer an input; asking the function would only cost time

    return WeighingExplainer


@cache
def _hessian_explainer() -> type:
    class HessianExplainer(_explainer_class()):
        """What the package takes for a sample is one node of one of the functions, the functions side by side."""

        def __init__(self, function, n_functions, nodes, weights):
            self.n_functions, self.nodes, self.weights = n_functions, nodes.astype(np.float32), weights
            super().__init__(lambda z: tf.reshape(function(self._by_function(z)), (-1,)))

        def _by_function(self, rows):
            return tf.reshape(rows, (-1, self.n_functions, rows.shape[-1]))

        def _sample_alphas(self, num_samples, use_expectation, use_product=False):
            return np.repeat(self.nodes, self.n_functions), np.ones(num_samples, np.float32)

        def accumulation_function(self, batch_input, batch_baseline, batch_alphas, **options):
            products = self._by_function(super().accumulation_function(batch_input, batch_baseline, batch_alphas, **options))
            nodes = np.ravel(batch_alphas[0])[::self.n_functions]
            weights = len(self.nodes) * self.weights[np.searchsorted(self.nodes, nodes)]
            return products * weights[:, None, None].astype(np.float32)

        def _init_array(self, inputs, *options):
            return np.zeros((len(inputs), self.n_functions, inputs.shape[-1])), False, 1

    return HessianExplainer


@cache
def _explainer_class() -> type:
    found = importlib.util.find_spec("path_explain")
    if found is None or not found.submodule_search_locations:
        raise ImportError("expected the package path-explain; install requirements.txt")
    package = types.ModuleType(_PRIVATE)
    package.__path__ = [str(Path(found.submodule_search_locations[0]) / "explainers")]
    sys.modules[_PRIVATE] = package
    return importlib.import_module(f"{_PRIVATE}.path_explainer_tf").PathExplainerTF
