"""The catalogue of tasks: whatever a network can learn, a measured property or another view of the tables, is one row of data."""
from collections.abc import Iterable
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

Condition = Literal["process", "temperature_c", "chloride_m", "ph", "scan_rate_mv_s"]

ELECTROLYTE: tuple[Condition, ...] = ("temperature_c", "chloride_m", "ph", "scan_rate_mv_s")


class TaskSpec(BaseModel):
    """One property: how it is named, measured and learnt.

    measured_as: the property whose measurements it learns from, those of one test_type, where it is not a property of its own.
    classes: what it distinguishes, where it has no values: networks then give a probability to each.
    transform: applied to the value before the network sees it ("log10" for quantities that span decades).
    conditions: what the property depends on besides composition; nothing else may move its prediction.
    lower, upper: physical bounds in `unit`; a band never leaves them.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    label: str
    symbol: str
    unit: str
    measured_as: str = ""
    test_type: str = ""
    classes: tuple[str, ...] = ()
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

PROPERTIES: dict[str, TaskSpec] = {task.key: task for task in (
    TaskSpec(key="hardness", label="Hardness", symbol="HV", unit="HV", **_ROOM_TEMPERATURE),
    TaskSpec(key="yield_strength", label="Yield strength", symbol="σ_y", unit="MPa", **_ROOM_TEMPERATURE),
    TaskSpec(key="ultimate_strength", label="Ultimate tensile strength", symbol="UTS", unit="MPa", test_type="tension",
             **_ROOM_TEMPERATURE),
    TaskSpec(key="elongation", label="Elongation", symbol="ε_f", unit="%", test_type="tension", **_ROOM_TEMPERATURE),
    TaskSpec(key="pitting_potential", label="Pitting potential", symbol="E_pit", **_POTENTIAL),
    TaskSpec(key="repassivation_potential", label="Repassivation potential", symbol="E_rp", **_POTENTIAL),
    TaskSpec(key="crevice_potential", label="Crevice potential", symbol="E_crev", **_POTENTIAL),
    TaskSpec(key="pitting_temperature", label="Critical pitting temperature", symbol="T_pit", **_CRITICAL_TEMPERATURE),
    TaskSpec(key="crevice_temperature", label="Critical crevice temperature", symbol="T_crev", **_CRITICAL_TEMPERATURE),
    TaskSpec(key="corrosion_potential", label="Corrosion potential", symbol="E_corr", **_POTENTIAL),
    TaskSpec(key="corrosion_current", label="Corrosion current density", symbol="i_corr", **_CURRENT),
    TaskSpec(key="passive_current", label="Passive current density", symbol="i_pass", **_CURRENT),
)}

# Tests in compression are many and cheap, those in tension few; a barrelling cylinder does not fail as a necking rod does.
FIDELITIES: dict[str, TaskSpec] = {task.key: task for task in (
    TaskSpec(key="tensile_yield_strength", label="Yield strength in tension", symbol="σ_y,t", unit="MPa",
             measured_as="yield_strength", test_type="tension", **_ROOM_TEMPERATURE),
    TaskSpec(key="compressive_yield_strength", label="Yield strength in compression", symbol="σ_y,c", unit="MPa",
             measured_as="yield_strength", test_type="compression", **_ROOM_TEMPERATURE),
    TaskSpec(key="compressive_strength", label="Ultimate strength in compression", symbol="UCS", unit="MPa",
             measured_as="ultimate_strength", test_type="compression", **_ROOM_TEMPERATURE),
    TaskSpec(key="compressive_elongation", label="Strain to failure in compression", symbol="ε_c", unit="%",
             measured_as="elongation", test_type="compression", **_ROOM_TEMPERATURE),
)}

# By lattice, as papers label the phases: an ordered one counts as its parent (B2 as BCC, L1₂ as FCC). Both lattices, or any other
# phase beside them (Laves, sigma, HCP, "secondary"), are mixed; amorphous, nanocrystalline and other labels are left out.
CLASSES: dict[str, TaskSpec] = {"phase": TaskSpec(
    key="phase", label="Phase", symbol="phase", unit="", classes=("BCC", "FCC", "mixed"), conditions=("process",))}

TASKS: dict[str, TaskSpec] = PROPERTIES | FIDELITIES | CLASSES

DEFAULT_TASKS: tuple[str, ...] = ("hardness", "pitting_potential")


def task_key(text: str) -> str:
    """The key of the task that is called so, by key, symbol or label: "HV", "Epit", "e-pit", "Pitting potential". Any other text
    comes back as it is."""
    found = {_plain(name): task.key for task in TASKS.values() for name in (task.label, task.symbol, task.key)}
    return found.get(_plain(text), text)


def with_values(tasks: Iterable[str]) -> tuple[str, ...]:
    """The tasks that have values, without those of classes."""
    return tuple(key for key in tasks if not TASKS[key].classes)


def with_classes(tasks: Iterable[str]) -> tuple[str, ...]:
    """The others."""
    return tuple(key for key in tasks if TASKS[key].classes)


def overlapping(tasks: Iterable[str]) -> tuple[str, str] | None:
    """Two tasks that would learn from the same measurements, if there are any."""
    seen: dict[tuple[str, str], str] = {}
    for key in tasks:
        measured, test = TASKS[key].measured_as or key, TASKS[key].test_type
        for (other, its_test), earlier in seen.items():
            if measured == other and (test == its_test or not test or not its_test):
                return earlier, key
        seen[measured, test] = key
    return None


def _plain(name: str) -> str:
    return name.lower().translate(str.maketrans("", "", " _-"))
