"""The catalogue of tasks: each measured property that a network can learn is one row of data."""
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

Condition = Literal["process", "temperature_c", "chloride_m", "ph", "scan_rate_mv_s"]

ELECTROLYTE: tuple[Condition, ...] = ("temperature_c", "chloride_m", "ph", "scan_rate_mv_s")


class TaskSpec(BaseModel):
    """One property: how it is named, measured and learnt.

    transform: applied to the value before the network sees it ("log10" for quantities that span decades).
    conditions: what the property depends on besides composition; nothing else may move its prediction.
    lower, upper: physical bounds in `unit`; a band never leaves them.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    label: str
    symbol: str
    unit: str
    transform: Literal["none", "log10"] = "none"
    conditions: tuple[Condition, ...] = ()
    lower: float | None = None
    upper: float | None = None

    @property
    def learning_unit(self) -> str:
        """The unit in which networks and metrics see the task."""
        return self.unit if self.transform == "none" else f"log10({self.unit})"

    def to_learning(self, y: np.ndarray) -> np.ndarray:
        """From `unit` to `learning_unit`."""
        if self.transform == "none":
            return y
        with np.errstate(divide="ignore"):  # an open lower bound stands at −∞ in either unit
            return np.log10(np.maximum(y, 0.0))

    def from_learning(self, z: np.ndarray) -> np.ndarray:
        """The inverse of `to_learning`; a mean becomes a geometric mean where the task is logarithmic."""
        return 10.0**z if self.transform == "log10" else z


_ROOM_TEMPERATURE = dict(conditions=("process",), lower=0.0)
_POTENTIAL = dict(unit="mV vs SCE", conditions=ELECTROLYTE)
# Immersion tests ramp the temperature itself, so it is the result and not a condition.
_CRITICAL_TEMPERATURE = dict(unit="°C", conditions=("chloride_m", "ph"))
_CURRENT = dict(unit="A/cm²", transform="log10", conditions=ELECTROLYTE, lower=0.0)

TASKS: dict[str, TaskSpec] = {task.key: task for task in (
    TaskSpec(key="hardness", label="Hardness", symbol="HV", unit="HV", **_ROOM_TEMPERATURE),
    TaskSpec(key="yield_strength", label="Yield strength", symbol="σ_y", unit="MPa", **_ROOM_TEMPERATURE),
    TaskSpec(key="ultimate_strength", label="Ultimate tensile strength", symbol="UTS", unit="MPa", **_ROOM_TEMPERATURE),
    TaskSpec(key="elongation", label="Elongation", symbol="ε_f", unit="%", **_ROOM_TEMPERATURE),
    TaskSpec(key="pitting_potential", label="Pitting potential", symbol="E_pit", **_POTENTIAL),
    TaskSpec(key="repassivation_potential", label="Repassivation potential", symbol="E_rp", **_POTENTIAL),
    TaskSpec(key="crevice_potential", label="Crevice potential", symbol="E_crev", **_POTENTIAL),
    TaskSpec(key="pitting_temperature", label="Critical pitting temperature", symbol="T_pit", **_CRITICAL_TEMPERATURE),
    TaskSpec(key="crevice_temperature", label="Critical crevice temperature", symbol="T_crev", **_CRITICAL_TEMPERATURE),
    TaskSpec(key="corrosion_potential", label="Corrosion potential", symbol="E_corr", **_POTENTIAL),
    TaskSpec(key="corrosion_current", label="Corrosion current density", symbol="i_corr", **_CURRENT),
    TaskSpec(key="passive_current", label="Passive current density", symbol="i_pass", **_CURRENT),
)}

DEFAULT_TASKS: tuple[str, ...] = ("hardness", "pitting_potential")


def task_key(text: str) -> str:
    """The key of the task that is called so, by key, symbol or label: "HV", "Epit", "e-pit", "Pitting potential". Any other text
    comes back as it is."""
    found = {_plain(name): task.key for task in TASKS.values() for name in (task.label, task.symbol, task.key)}
    return found.get(_plain(text), text)


def _plain(name: str) -> str:
    return name.lower().translate(str.maketrans("", "", " _-"))
