"""The only module that touches path-explain (Janizek, Sturmfels & Lee 2021, J. Mach. Learn. Res. 22, 104).

Importing the package as published also imports its PyTorch half. Its TensorFlow explainer needs none of that, so only the
folder with that explainer is opened here, under a private package name.
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

_PRIVATE = "_alloyscope_path_explain"


def integrated_gradients(function: Callable[[tf.Tensor], tf.Tensor], inputs: np.ndarray, baseline: np.ndarray, *,
                         n_steps: int) -> np.ndarray:
    """Attributions [n, F] of function([b, F]) → [b], from one baseline [F] to inputs [n, F], in the function's unit."""
    explainer = _explainer_class()(function)
    return explainer.attributions(
        np.asarray(inputs, np.float32), np.asarray(baseline, np.float32)[None], batch_size=n_steps, num_samples=n_steps,
        use_expectation=False)


@cache
def _explainer_class() -> type:
    found = importlib.util.find_spec("path_explain")
    if found is None or not found.submodule_search_locations:
        raise ImportError("expected the package path-explain; install requirements.txt")
    package = types.ModuleType(_PRIVATE)
    package.__path__ = [str(Path(found.submodule_search_locations[0]) / "explainers")]
    sys.modules[_PRIVATE] = package
    return importlib.import_module(f"{_PRIVATE}.path_explainer_tf").PathExplainerTF
