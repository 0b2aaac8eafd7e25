"""How features and targets are made ready for a model. All of it is fitted on the training part of a fold."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mtl_core.errors import ConfigError
from mtl_core.features.mixture import Array
from mtl_core.tasks import TaskSpec

Scaling = Literal["standard", "min-max", "robust"]
Fill = Literal["mean", "median", "model"]
Transform = Literal["none", "log", "yeo-johnson"]


class Preparation(BaseModel):
    """Choices; what they fit are a `features.scaling.Scaler` and a `TargetTransform` a training part.

    scaling: centre and unit of a feature. "standard": mean and standard deviation; "min-max": middle and half of the range;
    "robust": median and interquartile range / 1.349, the standard deviation of a Gaussian with that range.
    fill: what stands for a feature that was not reported: mean, median, or a ridge regression on the features that are never
    missing ("model"). The columns that say "not reported" stay, and a target is never filled in.
    cap: share of a feature's values that is winsorised at each end; 0 caps nothing.
    target: transform of a task's values in its learning unit, before they are standardised.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scaling: Scaling = "standard"
    fill: Fill = "mean"
    cap: float = Field(0.0, ge=0.0, lt=0.5)
    target: Transform = "none"


DEFAULT_PREPARATION = Preparation()


@dataclass(frozen=True, eq=False)
class TargetTransform:
    """A strictly increasing g, so that a censoring interval goes through it end by end.

    log: g(y) = ln y. yeo-johnson, of u = (y − center) / unit with the power λ (Yeo & Johnson 2000, Biometrika 87, 954):
        g = ((1 + u)^λ − 1) / λ  for u ≥ 0,    g = −((1 − u)^(2 − λ) − 1) / (2 − λ)  for u < 0
    λ stays in 0 … 2, where g reaches every real number and thus every prediction has a way back.
    mean, std: of g over the training values, a network's 0 and 1; center, unit, power: None where the kind has no such number.
    Each is a number of one task, or an array with one for each part, member or task.
    """

    kind: Transform
    mean: Array
    std: Array
    center: Array | None = None
    unit: Array | None = None
    power: Array | None = None

    @classmethod
    def fit(cls, y: np.ndarray, kind: Transform) -> "TargetTransform":
        """From the exact training values [n] of a task in its learning unit, which must pass `check_target`."""
        plain = cls(kind, np.float64(0.0), np.float64(1.0), **_fitted_power(y) if kind == "yeo-johnson" else {})
        t = plain.forward(y)
        return replace(plain, mean=t.mean(), std=t.std() or np.float64(1.0)) if len(y) else plain

    def forward(self, y: np.ndarray) -> np.ndarray:
        """g(y); ±∞, an open side, stays where it is."""
        if self.kind == "none":
            return y
        if self.kind == "log":
            with np.errstate(divide="ignore"):  # a bound at or below zero is no bound to a positive quantity
                return np.log(np.maximum(y, 0.0))
        u = (y - self.center) / self.unit
        sign, power = _side(u, self.power, np)
        return sign * np.expm1(power * np.log1p(sign * u)) / power

    def inverse(self, t: Array, xp: ModuleType = np) -> tuple[Array, Array | float]:
        """y = g⁻¹(t) and the slope dy/dt there, with which a standard deviation comes back by the delta method:

            mean y ≈ g⁻¹(mean t),    std y ≈ (dy/dt) std t        (first order; Oehlert 1992, Am. Stat. 46, 27)

        so what comes back for a mean is, for one member, the median of y.
        """
        if self.kind == "none":
            return t, 1.0
        if self.kind == "log":
            y = xp.exp(t)
            return y, y
        sign, power = _side(t, self.power, xp)
        growth = xp.log1p(power * sign * t) / power  # ln (1 + |u|)
        return self.center + self.unit * sign * xp.expm1(growth), self.unit * xp.exp((1.0 - power) * growth)


def check_target(y: np.ndarray, kind: Transform, task: TaskSpec) -> np.ndarray:
    """The values of a task in its learning unit; raises ConfigError when they do not go through the transform."""
    if kind == "log" and (y <= 0).any():
        raise ConfigError(f"expected values above zero for the target transform 'log', got {task.label.lower()} down to "
                          f"{np.min(y):.4g} {task.learning_unit}; choose 'yeo-johnson' or 'none', or leave this task out")
    return y


def _side(u: Array, power: Array, xp: ModuleType) -> tuple[Array, Array]:
    """Sign of u, and the exponent of its side of Yeo-Johnson: λ above zero, 2 − λ below."""
    is_above = u >= 0
    sign = xp.where(is_above, xp.ones_like(u), -xp.ones_like(u))
    return sign, xp.maximum(xp.where(is_above, power, 2.0 - power), 1e-6)  # (1 + u)^0 / 0 as its limit, the logarithm


def _fitted_power(y: np.ndarray) -> dict[str, np.float64]:
    """center, unit and the λ in 0 … 2 of the highest likelihood; of fewer than three different values, what changes nothing."""
    from scipy.optimize import minimize_scalar
    from scipy.stats import yeojohnson_llf

    if len(np.unique(y)) < 3:
        return dict(center=np.float64(0.0), unit=np.float64(1.0), power=np.float64(1.0))
    center, unit = y.mean(), y.std()
    u = (y - center) / unit
    found = minimize_scalar(lambda power: -yeojohnson_llf(power, u), bounds=(0.0, 2.0), method="bounded")
    return dict(center=center, unit=unit, power=np.float64(found.x))


Fitted = TypeVar("Fitted")  # a frozen dataclass of arrays


def arrays_of(fitted: Fitted) -> dict[str, Array]:
    """Its arrays by name, without those that it has no need for."""
    return {name: value for name, value in vars(fitted).items() if hasattr(value, "shape")}


def mapped(fitted: Fitted, change: Callable[[Array], Array]) -> Fitted:
    """The same with each array changed."""
    return replace(fitted, **{name: change(value) for name, value in arrays_of(fitted).items()})


def stacked(several: Sequence[Fitted]) -> Fitted:
    """One whose arrays have a leading axis for the several that were fitted."""
    return replace(several[0], **{name: np.stack([getattr(one, name) for one in several]) for name in arrays_of(several[0])})
