"""The rules that doubt a measurement, and how what they find is written."""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mtl_core.tasks import TASKS

CERTAIN = 3.0  # severity of what no scatter explains


@dataclass(frozen=True)
class SuspectRule:
    """label: a few words; reason: why what it finds is doubtful, with its threshold."""

    label: str
    reason: str


SUSPECT_RULES: dict[str, SuspectRule] = {
    "wrong-quantity": SuspectRule("Another quantity", (
        "Localised corrosion measured without chloride or bromide: what broke down there was not halide pitting.")),
    "implausible-composition": SuspectRule("Impossible composition", (
        "More of a metalloid than the first compound of iron with it holds, such as 25 at.% C in Fe3C.")),
    "double-entry": SuspectRule("Entered twice", (
        "A block of readings that repeats an earlier one of its paper in order, or two papers that print at least two identical "
        "readings; half as severe, single readings of one paper that agree in everything.")),
    "lone-outlier": SuspectRule("Stands alone", (
        "A reading off both its neighbours in a series on one alloy by more than k times the scatter of repeats.")),
    "implausible-pair": SuspectRule("Impossible together", (
        "A hardness pressure H = 9.807 HV below 2 or above 10 times the yield strength at room temperature of the same alloy and "
        "state. Some 3 is usual; soft annealed fcc comes close to 10.")),
    "above-oxygen-line": SuspectRule("Beyond the passive range", (
        "A pitting potential more than k times the scatter of repeats above the line of oxygen evolution: rather a bound.")),
    "conflict": SuspectRule("Repeats that disagree", (
        "One alloy under the same conditions with values further apart than k times the pooled scatter of repeats; half as "
        "severe within one paper, where something that is not recorded (annealing, grain size) is the usual cause.")),
    "large-residual": SuspectRule("Surprises the model", (
        "Further than k calibrated standard deviations from what models predict that never saw the paper. True of wrong "
        "readings, and of alloys unlike all others: a reason to look, not to exclude; half as severe for pure metals.")),
}


@dataclass(frozen=True)
class Finding:
    """rule: a key of SUSPECT_RULES; ids: the measurements behind it, the one to act on last; severity: 1 at the threshold."""

    rule: str
    ids: tuple[str, ...]
    evidence: str
    severity: float
    suggestion: Literal["exclude", "keep", "lower bound", "upper bound"] = "keep"


def said(row: Mapping) -> str:
    """"352 HV", "> 800 mV vs SCE", "30 to 45 °C": a reading as its paper states it."""
    unit = TASKS[row["property"]].unit
    if row["value"] == row["value"]:
        return f"{row['value']:.4g} {unit}"
    if row["bound"] == "=":
        return f"{row['low']:.4g} to {row['high']:.4g} {unit}"
    return f"{row['bound']} {row['low' if row['bound'] == '>' else 'high']:.4g} {unit}"
