"""The search space: named dimensions, their coding in the unit cube, and what a point of it changes in an EnsembleConfig.

A point is a plain dict, dimension → value, that goes through JSON unchanged. In the unit cube each dimension takes one
coordinate: integers and choices own a cell of it each, on a logarithmic scale if asked for, reals a place.
"""
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig, TrainConfig
from mtl_core.errors import ConfigError, in_words
from mtl_core.tasks import DEFAULT_TASKS

Value = bool | int | float | str
Point = Mapping[str, Value]

DIGITS = 4  # significant ones of a real value: what people read is what is trained
LARGEST_GRID = 100_000
_LAYERS = ("trunk_width", "trunk_depth", "head_width", "head_depth")
_OF_NETWORK = ("dropout", "linear_skip", "likelihood", "noise", "activation", "input_gain")
_OF_TRAIN = ("learning_rate", "batch_size", "epochs", "weight_decay")
_OF_ENSEMBLE = ("inputs",)
NAMES = (*_LAYERS, *_OF_NETWORK, *_OF_TRAIN, *_OF_ENSEMBLE)


class _Dimension(BaseModel):
    """name: one of NAMES; head_width and head_depth may end in ":" and a task, and are then that task's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str

    @field_validator("name")
    @classmethod
    def _is_known(cls, name):
        stem, colon, _ = name.partition(":")
        if stem not in NAMES or (colon and not stem.startswith("head_")):
            raise ValueError(f"expected a dimension out of {', '.join(NAMES)}, head_width:TASK or head_depth:TASK; got {name!r}")
        return name


class _Range(_Dimension):
    @model_validator(mode="after")
    def _is_a_range(self):
        if not self.low < self.high:
            raise ValueError(f"expected low < high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"expected a lower end above 0 for a logarithmic scale, got {self.low}")
        return self

    def _ends(self) -> tuple[float, float]:
        low, high = self._edges()
        return (math.log(low), math.log(high)) if self.log else (low, high)

    def _position(self, value: float) -> float:
        low, high = self._ends()
        return ((math.log(value) if self.log else value) - low) / (high - low)

    def _at(self, unit: float) -> float:
        low, high = self._ends()
        place = low + unit * (high - low)
        return math.exp(place) if self.log else place


class Integer(_Range):
    """Whole numbers from low to high, both included."""

    kind: Literal["integer"] = "integer"
    low: int
    high: int
    log: bool = False

    def _edges(self):
        return self.low - 0.5, self.high + 0.5

    def from_unit(self, unit: float) -> int:
        """The value at a coordinate in [0, 1]."""
        return min(max(round(self._at(unit)), self.low), self.high)

    def to_unit(self, value: int) -> float:
        """The coordinate that stands for a value."""
        return self._position(value)

    def holds(self, value: object) -> bool:
        """Whether a value lies in it."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def grid(self, levels: int) -> tuple[int, ...]:
        """At most so many values, evenly spread, both ends included."""
        return tuple(dict.fromkeys(self.from_unit(unit) for unit in _spread(levels)))


class Real(_Range):
    """Numbers from low to high, with four significant digits."""

    kind: Literal["real"] = "real"
    low: float
    high: float
    log: bool = False

    def _edges(self):
        return self.low, self.high

    def from_unit(self, unit: float) -> float:
        """The value at a coordinate in [0, 1]."""
        return min(max(float(f"{self._at(unit):.{DIGITS}g}"), self.low), self.high)

    def to_unit(self, value: float) -> float:
        """The coordinate that stands for a value."""
        return self._position(value)

    def holds(self, value: object) -> bool:
        """Whether a value lies in it."""
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high

    def grid(self, levels: int) -> tuple[float, ...]:
        """So many values, evenly spread, both ends included."""
        return tuple(self.from_unit(unit) for unit in _spread(levels))


class Choice(_Dimension):
    """One of some values that have no order."""

    kind: Literal["choice"] = "choice"
    values: tuple[Value, ...] = Field(min_length=2)

    @field_validator("values")
    @classmethod
    def _are_different(cls, values):
        if len({repr(value) for value in values}) != len(values):
            raise ValueError(f"expected different values, got {values}")
        return values

    def from_unit(self, unit: float) -> Value:
        """The value at a coordinate in [0, 1]."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def to_unit(self, value: Value) -> float:
        """The coordinate that stands for a value."""
        return (self.index(value) + 0.5) / len(self.values)

    def index(self, value: Value) -> int:
        """Position of a value; True is not 1 here."""
        return [repr(known) for known in self.values].index(repr(value))

    def holds(self, value: object) -> bool:
        """Whether a value lies in it."""
        return repr(value) in map(repr, self.values)

    def grid(self, levels: int) -> tuple[Value, ...]:
        """All of them, however many levels the others have."""
        return self.values


Dimension = Annotated[Integer | Real | Choice, Field(discriminator="kind")]


class Space(BaseModel):
    """Dimensions with different names; D of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dimensions: tuple[Dimension, ...] = Field(min_length=1)

    @field_validator("dimensions")
    @classmethod
    def _names_differ(cls, dimensions):
        names = [dimension.name for dimension in dimensions]
        if len(set(names)) != len(names):
            raise ValueError(f"expected each dimension once, got {', '.join(names)}")
        if any(":" in name and name.partition(":")[0] in names for name in names):
            raise ValueError(f"expected heads of each task or one for all, got both among {', '.join(names)}")
        return dimensions

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dimension.name for dimension in self.dimensions)

    def __getitem__(self, name: str) -> Dimension:
        return self.dimensions[self.names.index(name)]

    def from_unit(self, coordinates: Sequence[float]) -> dict[str, Value]:
        """The point at coordinates [D] in the unit cube."""
        return {dimension.name: dimension.from_unit(float(unit))
                for dimension, unit in zip(self.dimensions, coordinates, strict=True)}

    def to_unit(self, point: Point) -> np.ndarray:
        """Coordinates [D] of a point."""
        return np.array([dimension.to_unit(point[dimension.name]) for dimension in self.dimensions])

    def grid_size(self, levels: int) -> int:
        """Points of the full grid with so many levels a range."""
        return math.prod(len(dimension.grid(levels)) for dimension in self.dimensions)

    def grid(self, levels: int) -> Iterator[dict[str, Value]]:
        """All points of the grid, the last dimension fastest. Raises ConfigError for a grid that nobody can finish."""
        size = self.grid_size(levels)
        if size > LARGEST_GRID:
            raise ConfigError(f"expected a grid of at most {LARGEST_GRID:,} points, got {size:,}; fewer levels or dimensions")
        for values in product(*(dimension.grid(levels) for dimension in self.dimensions)):
            yield dict(zip(self.names, values, strict=True))

    def apply(self, base: EnsembleConfig, point: Point) -> EnsembleConfig:
        """The base with what the point says. Raises ConfigError when that is no valid config, or one of other tasks."""
        network, train = base.network.model_dump(), base.train.model_dump()
        network |= {name: point[name] for name in _OF_NETWORK if name in point} | _layers(base, point)
        train |= {name: point[name] for name in _OF_TRAIN if name in point}
        changed = {name: point[name] for name in _OF_ENSEMBLE if name in point}
        try:
            return EnsembleConfig.model_validate(base.model_dump() | changed | {
                "network": NetworkConfig.model_validate(network), "train": base.train.model_copy(update=_checked(train))})
        except ValidationError as error:
            raise ConfigError(f"expected a point that gives a valid config, got {in_words(error)}") from error

    def point_of(self, config: EnsembleConfig) -> dict[str, Value] | None:
        """The point that gives a config, or None where no point of the space does."""
        point = {name: value_of(config, name) for name in self.names}
        if not all(dimension.holds(point[dimension.name]) for dimension in self.dimensions):
            return None
        return point if self.apply(config, point) == config else None


def _checked(train: Mapping) -> dict:
    """Values of TrainConfig within their ranges; the splits of a study need not hold the deployed one."""
    checked = TrainConfig.model_validate({name: value for name, value in train.items() if name != "splits"})
    return {name: getattr(checked, name) for name in train if name != "splits"}


def _layers(base: EnsembleConfig, point: Point) -> dict[str, object]:
    """trunk, head and heads of the network, where the point says something about their widths or depths."""
    found: dict[str, object] = {}
    for part, layers in (("trunk", base.network.trunk), ("head", base.network.head)):
        if {f"{part}_width", f"{part}_depth"} & point.keys():
            found |= {part: _repeated(point, part, "", layers)} | ({"heads": ()} if part == "head" else {})
    tasks = dict.fromkeys(name.partition(":")[2] for name in point if ":" in name)
    unknown = [task for task in tasks if task not in base.tasks]
    if unknown:
        raise ConfigError(f"expected heads of the tasks {', '.join(base.tasks)}, got {', '.join(unknown)}")
    return found | _heads(base, point) if tasks else found


def _heads(base, point):
    """Heads of their own, or one for all where they come out equal: what is the same network is the same config."""
    heads = tuple(_repeated(point, "head", f":{task}", _head_of(base, task)) for task in base.tasks)
    return {"head": heads[0], "heads": ()} if len(set(heads)) == 1 else {"heads": heads}


def _head_of(config: EnsembleConfig, task: str) -> tuple[int, ...]:
    heads = config.network.heads
    return heads[config.tasks.index(task)] if heads else config.network.head


def _repeated(point, part, suffix, layers):
    """Layers of one width, which the point gives, or the layers that there are."""
    if not {f"{part}_width{suffix}", f"{part}_depth{suffix}"} & point.keys():
        return layers
    width, depth = point.get(f"{part}_width{suffix}", layers[0]), point.get(f"{part}_depth{suffix}", len(layers))
    return (width,) * depth


def value_of(config: EnsembleConfig, name: str) -> Value:
    """What a config has for a dimension, inside any range or not; of layers that differ the first."""
    stem, colon, task = name.partition(":")
    if stem in _LAYERS:
        part, what = stem.split("_")
        layers = _head_of(config, task) if colon else getattr(config.network, part)
        return layers[0] if what == "width" else len(layers)
    holder = config.network if name in _OF_NETWORK else config.train if name in _OF_TRAIN else config
    return getattr(holder, name)


def default_space(tasks: Sequence[str] = DEFAULT_TASKS) -> Space:
    """What the network offers, in ranges around its default; a head of its own for each task."""
    heads = [dimension for task in tasks for dimension in (Integer(name=f"head_width:{task}", low=8, high=96, log=True),
                                                           Integer(name=f"head_depth:{task}", low=1, high=3))]
    return Space(dimensions=(
        Integer(name="trunk_width", low=16, high=128, log=True), Integer(name="trunk_depth", low=1, high=3), *heads,
        Real(name="dropout", low=0.0, high=0.5), Real(name="learning_rate", low=3e-4, high=1e-2, log=True),
        Integer(name="batch_size", low=16, high=128, log=True), Integer(name="epochs", low=40, high=200, log=True),
        Real(name="weight_decay", low=1e-3, high=1.0, log=True), Choice(name="linear_skip", values=(True, False)),
        Choice(name="likelihood", values=("logistic", "gaussian")), Choice(name="noise", values=("alloy", "task")),
        Choice(name="inputs", values=("both", "elements", "descriptors"))))


def seed_project_space(tasks: Sequence[str] = DEFAULT_TASKS) -> Space:
    """The small search that the seed project reports: trunk 64-128 wide and 1-3 deep, each head 32-64 wide and 2-6 deep."""
    heads = [dimension for task in tasks for dimension in (Integer(name=f"head_width:{task}", low=32, high=64),
                                                           Integer(name=f"head_depth:{task}", low=2, high=6))]
    return Space(dimensions=(Integer(name="trunk_width", low=64, high=128), Integer(name="trunk_depth", low=1, high=3), *heads))


def _spread(levels: int) -> np.ndarray:
    return np.linspace(0.0, 1.0, levels) if levels > 1 else np.array([0.5])
