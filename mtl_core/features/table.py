"""The feature table: what every network sees of an alloy, in one stable order of columns."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, field_validator

from mtl_core.chemistry.elements import SYMBOLS, check_symbols
from mtl_core.errors import ConfigError
from mtl_core.features.conditions import electrolyte_columns, not_reported, process_columns
from mtl_core.features.descriptors import DESCRIPTORS, evaluate
from mtl_core.features.mixture import Array
from mtl_core.tasks import ELECTROLYTE, TaskSpec
from mtl_core.types import PROCESSES

Kind = Literal["element", "descriptor", "corrosion", "process", "condition"]
Inputs = Literal["both", "elements", "descriptors"]

_BY_KEY = {descriptor.key: descriptor for descriptor in DESCRIPTORS}
# The condition that a task must list to see the column.
_CONDITION_OF = {
    "temperature_c": "temperature_c", "log_chloride": "chloride_m", "no_chloride": "chloride_m",
    "log_bromide": "chloride_m", "log_sulphate": "chloride_m", "ph": "ph", "log_scan_rate": "scan_rate_mv_s",
    **{f"{key}_not_reported": key for key in ELECTROLYTE},
}


def _keys(scope: str) -> tuple[str, ...]:
    return tuple(descriptor.key for descriptor in DESCRIPTORS if descriptor.scope == scope)


class FeatureSpec(BaseModel):
    """Which columns there are, and which of them each task may see; round-trips through JSON.

    symbols: elements whose at.% are columns, by atomic number. masked: elements with a "not reported" column.
    inputs: which columns of the composition are looked at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: tuple[str, ...]
    descriptors: tuple[str, ...] = _keys("alloy")
    corrosion: tuple[str, ...] = _keys("corrosion")
    masked: tuple[str, ...] = ("Mo", "W", "N")
    processes: tuple[str, ...] = PROCESSES
    inputs: Inputs = "both"

    @field_validator("symbols")
    @classmethod
    def _by_atomic_number(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        check_symbols(symbols)
        return tuple(sorted(set(symbols), key=SYMBOLS.index))

    @field_validator("descriptors", "corrosion")
    @classmethod
    def _in_catalogue(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(keys) - set(_BY_KEY))
        if unknown:
            raise ConfigError(f"expected descriptors among {', '.join(_BY_KEY)}, got {', '.join(unknown)}")
        return keys

    @cached_property
    def _kind_of(self) -> dict[str, Kind]:
        return {
            **{f"at_{symbol}": "element" for symbol in self.symbols},
            **dict.fromkeys(self.descriptors, "descriptor"),
            **dict.fromkeys(self.corrosion, "corrosion"),
            **{f"{symbol.lower()}_not_reported": "corrosion" for symbol in self.masked},
            **{f"process_{name}": "process" for name in (*self.processes, "not_reported")},
            **dict.fromkeys(_CONDITION_OF, "condition"),
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the F columns, in order."""
        return tuple(self._kind_of)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kind of each column, in the same order."""
        return tuple(self._kind_of.values())

    @property
    def origins(self) -> tuple[str, ...]:
        """What each column speaks of: an element, a descriptor, or a condition."""
        masks = {f"{symbol.lower()}_not_reported": symbol for symbol in self.masked}
        origin = {"element": lambda name: name.removeprefix("at_"), "process": lambda name: "process",
                  "condition": _CONDITION_OF.get, "descriptor": str, "corrosion": lambda name: masks.get(name, name)}
        return tuple(origin[kind](name) for name, kind in self._kind_of.items())

    @property
    def n_of_composition(self) -> int:
        """How many columns, the first ones, follow from the composition alone: elements and descriptors."""
        return len(self.symbols) + len(self.descriptors) + len(self.corrosion)

    def visible(self, task: TaskSpec) -> np.ndarray:
        """Which columns may move the task's prediction, [F] bool: of the conditions, nothing but what its `conditions` list."""
        in_electrolyte = bool(set(task.conditions) & set(ELECTROLYTE))
        allowed = {"element": True, "descriptor": True, "corrosion": in_electrolyte,
                   "process": "process" in task.conditions}
        hidden = {"both": (), "elements": _BY_KEY, "descriptors": [f"at_{symbol}" for symbol in self.symbols]}[self.inputs]
        return np.array([(_CONDITION_OF[name] in task.conditions if kind == "condition" else allowed[kind]) and name not in hidden
                         for name, kind in self._kind_of.items()])


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Unscaled features [n, F] with their names and kinds; NaN means not reported."""

    values: Array
    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]

    def __len__(self) -> int:
        return len(self.values)


def featurize(at: Array, conditions: pd.DataFrame | Mapping[str, Sequence], spec: FeatureSpec, *,
              xp: ModuleType = np) -> FeatureTable:
    """Features of n alloys from at.% [n, E] in the order of `spec.symbols`, and their conditions.

    conditions: columns process, temperature_c, chloride_m, bromide_m, sulphate_m, ph, scan_rate_mv_s and not_reported
    (symbols of unreported elements, with spaces between); each [n] or one value for all; None and NaN: not reported.
    With `xp` = tensorflow.experimental.numpy the values are a tensor, differentiable in `at`.
    """
    if at.shape[-1] != len(spec.symbols):
        raise ConfigError(f"expected at.% of {len(spec.symbols)} elements, got {at.shape[-1]}")
    n = at.shape[0]
    unreported = {symbol: not_reported(conditions, n, symbol) for symbol in _needed(spec)}
    context = {
        **{f"{symbol.lower()}_not_reported": unreported[symbol].astype(float) for symbol in spec.masked},
        **process_columns(conditions, n, spec.processes),
        **electrolyte_columns(conditions, n),
    }
    values = xp.concatenate([
        xp.asarray(at, dtype=np.float64),
        _descriptor_values(at, spec, unreported, xp),
        xp.stack([context[name] for name in spec.columns if name in context], axis=-1),
    ], axis=-1)
    return FeatureTable(values, spec.columns, spec.kinds)


def _needed(spec: FeatureSpec) -> set[str]:
    return {*spec.masked, *(symbol for key in (*spec.descriptors, *spec.corrosion) for symbol in _BY_KEY[key].needs)}


def _descriptor_values(at: Array, spec: FeatureSpec, unreported: Mapping[str, np.ndarray], xp: ModuleType) -> Array:
    """Descriptors [n, D], NaN where an element that one needs was not reported."""
    chosen = [_BY_KEY[key] for key in (*spec.descriptors, *spec.corrosion)]
    values = evaluate(at, spec.symbols, chosen, xp)
    unknown = np.zeros(values.shape, dtype=bool)
    for position, descriptor in enumerate(chosen):
        for symbol in descriptor.needs:
            unknown[:, position] |= unreported[symbol]
    return xp.where(unknown, np.nan, values)
