"""The only module that touches path-explain (Janizek, Sturmfels & Lee 2021, J. Mach. Learn. Res. 22, 104).

Importing the package as published also imports its PyTorch half. Its TensorFlow explainer needs none of that, so only the
folder with that explainer is opened here, under a private package name. As published it takes the plain mean over evenly spaced
points of the path, ends included, whose error falls with the first power of their number; its hooks are used to place and weigh
the points by Gauss and Legendre instead, and to draw from a generator of our own.
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


def integrated_gradients(function: Function, inputs: np.ndarray, baselines: np.ndarray, *, n_nodes: int) -> np.ndarray:
    """Attributions [n, …] of function([b, …]) → [b], each input [n, …] from its own baseline [n, …], in the function's unit."""
    return _gauss_explainer()(function).attributions(
        np.asarray(inputs, np.float32), np.asarray(baselines, np.float32), batch_size=n_nodes, num_samples=n_nodes,
        use_expectation=False)


def plain_integrated_gradients(function: Function, inputs: np.ndarray, baselines: np.ndarray, *, n_steps: int) -> np.ndarray:
    """The same by the package as published."""
    return _explainer_class()(function).attributions(
        np.asarray(inputs, np.float32), np.asarray(baselines, np.float32), batch_size=n_steps, num_samples=n_steps,
        use_expectation=False)


def expected_gradients(function: Function, inputs: np.ndarray, background: np.ndarray, *, n_draws: int, seed: int,
                       batch: int) -> np.ndarray:
    """Attributions [n, …] averaged over baselines that are drawn, with a place on the path each, from a background [B, …]."""
    return _drawing_explainer()(function, seed).attributions(
        np.asarray(inputs, np.float32), np.asarray(background, np.float32), batch_size=batch, num_samples=n_draws,
        use_expectation=True)


@cache
def _gauss_explainer() -> type:
    class GaussExplainer(_explainer_class()):
        def _sample_alphas(self, num_samples, use_expectation, use_product=False):
            nodes, self.weights = np.polynomial.legendre.leggauss(num_samples)
            return (0.5 * (nodes + 1.0)).astype(np.float32)

        def accumulation_function(self, batch_input, *others, **options):
            products = super().accumulation_function(batch_input, *others, **options)
            shape = (-1,) + (1,) * (len(products.shape) - 1)
            return products * np.reshape(0.5 * self.weights * len(self.weights), shape).astype(np.float32)

        def _get_test_output(self, inputs):
            return tf.zeros(1)  # one answer an input; asking the function would only cost time

    return GaussExplainer


@cache
def _drawing_explainer() -> type:
    class DrawingExplainer(_explainer_class()):
        def __init__(self, function, seed):
            super().__init__(function)
            self.rng = np.random.default_rng(seed)

        def _sample_alphas(self, num_samples, use_expectation, use_product=False):
            strata = (np.arange(num_samples) + self.rng.random(num_samples)) / num_samples
            return self.rng.permutation(strata).astype(np.float32)

        def _sample_baseline(self, baseline, number_to_draw, use_expectation):
            return tf.gather(baseline, self.rng.integers(0, len(baseline), number_to_draw))

        def _get_test_output(self, inputs):
            return tf.zeros(1)

    return DrawingExplainer


@cache
def _explainer_class() -> type:
    found = importlib.util.find_spec("path_explain")
    if found is None or not found.submodule_search_locations:
        raise ImportError("expected the package path-explain; install requirements.txt")
    package = types.ModuleType(_PRIVATE)
    package.__path__ = [str(Path(found.submodule_search_locations[0]) / "explainers")]
    sys.modules[_PRIVATE] = package
    return importlib.import_module(f"{_PRIVATE}.path_explainer_tf").PathExplainerTF
