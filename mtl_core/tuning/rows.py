"""The rows of a study; they travel to workers as they are."""
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtl_core.ensemble.parts import Part
from mtl_core.features.table import FeatureSpec


@dataclass(frozen=True, eq=False)
class Rows:
    """What trials learn from and are scored on: n observations as they are tested and as training sees them, their unscaled
    features [n, F], and the parts of the inner folds. unit: task → standard deviation of its exact values, learning unit."""

    observations: pd.DataFrame
    training: pd.DataFrame
    values: np.ndarray
    spec: FeatureSpec
    parts: tuple[Part, ...]
    unit: Mapping[str, float]
