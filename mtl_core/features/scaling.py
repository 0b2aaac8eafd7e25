"""Standard scores for features, fitted on the training part of a fold only."""
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from mtl_core.features.mixture import Array

CLIP = 5.0  # a rare element has huge standard scores; unclipped they make networks diverge


@dataclass(frozen=True, eq=False)
class Scaler:
    """Column means and scales, [F] each; a column without variance (or without values) has scale 1."""

    mean: np.ndarray
    scale: np.ndarray
    clip: float = CLIP

    @classmethod
    def fit(cls, values: np.ndarray, *, clip: float = CLIP) -> "Scaler":
        """From training rows [n, F]; NaN (not reported) is left out of both moments."""
        known = np.isfinite(values)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, values, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count)
        return cls(mean, np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0), clip)

    def transform(self, values: Array, xp: ModuleType = np) -> Array:
        """Scaled features [..., F], clipped at ±clip; NaN becomes 0, the training mean (its mask column tells)."""
        scaled = xp.clip((values - self.mean) / self.scale, -self.clip, self.clip)
        return xp.where(xp.isnan(scaled), xp.zeros_like(scaled), scaled)

    def to_dict(self) -> dict:
        """Numbers only, for JSON."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist(), "clip": self.clip}

    @classmethod
    def from_dict(cls, stored: dict) -> "Scaler":
        """The inverse of `to_dict`."""
        return cls(np.array(stored["mean"], float), np.array(stored["scale"], float), float(stored["clip"]))
