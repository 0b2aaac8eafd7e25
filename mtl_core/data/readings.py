"""The common shape of what both source readers return."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Electrolyte:
    """What the sample stood in: mol/L of each ion and of strong acid, °C, mV/s; None = not reported."""

    temperature_c: float | None = None
    chloride_m: float | None = None
    bromide_m: float | None = None
    sulphate_m: float | None = None
    perchlorate_m: float | None = None
    acid_m: float | None = None
    ph: float | None = None
    scan_rate_mv_s: float | None = None


@dataclass(frozen=True)
class Material:
    """An alloy as a source states it: amounts in `basis` ("at" ratio or "wt" percent), symbols by state, labels."""

    source: str
    amounts: tuple[tuple[str, float], ...]
    basis: str
    not_reported: tuple[str, ...] = ()
    upper_bound: tuple[str, ...] = ()
    process: str | None = None
    phases: str | None = None
    family: str | None = None


@dataclass(frozen=True)
class Value:
    """A measured value: exact, bounded (">" with low, "<" with high) or a range (low and high, number None)."""

    number: float | None = None
    low: float | None = None
    high: float | None = None
    bound: str = "="


@dataclass(frozen=True)
class Reading:
    """One value of one property on one row of a source.

    row: the source's own row number; detail: everything else the row says, only compared to tell repeats from copies.
    """

    property: str
    value: Value
    material: Material
    reference: str
    row: int
    electrolyte: Electrolyte = field(default_factory=Electrolyte)
    test_type: str | None = None
    flags: tuple[str, ...] = ()
    detail: str = ""
