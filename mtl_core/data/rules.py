"""Every decision about the source data, by name, with its reason in one sentence.

A flag marks measurements; a table that is read may carry only flags named here. Rules that are `excluded` keep their
rows in the table but out of default training.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """name: the word in the `flags` column; reason: one sentence; excluded: left out of default training."""

    name: str
    reason: str
    excluded: bool = False


MERGES = (
    Rule("repeated-reading",
         "One hardness reading stood on several rows of one alloy and paper (one a temperature of the "
         "tensile test, or a repeat of it) and is kept once."),
    Rule("double-entry", "The same row was entered twice for one paper and is kept once."),
    Rule("re-entered",
         "A paper was typed in or read off a second time: at least three readings in a row repeat earlier ones in their "
         "order; what agrees is kept once."),
    Rule("cross-paper",
         "Two papers that share at least two identical readings print one measurement; it is kept once, "
         "and the papers share one group."),
)

EXCLUSIONS = (
    Rule("elevated-temperature",
         "Mechanical test above 35 °C, or a hardness that stands only on rows of such tests.", excluded=True),
    Rule("cryogenic", "Mechanical test below 10 °C.", excluded=True),
    Rule("compression-test",
         "Strength limit or strain under compression, another quantity than the tensile one.", excluded=True),
    Rule("halide-free-acid",
         "Acid without chloride or bromide: what broke down there was not halide pitting.", excluded=True),
    Rule("perchlorate",
         "Perchlorate is the only aggressive ion, although the source's chloride column repeats it.", excluded=True),
    Rule("suspect",
         "The reading stands off both its neighbours in a series on one alloy by more than three times the scatter of "
         "repeats, or its composition is that of a compound, not of an alloy.", excluded=True),
)

NOTES = (
    Rule("transpassive",
         "No pit up to the transpassive range: a lower bound at the oxygen evolution line of the row's pH "
         "and temperature."),
    Rule("header-unit",
         "The header says volts over values that can only be millivolts; they are read as millivolts."),
    Rule("range-swapped", "Highest and lowest value stood in each other's column."),
    Rule("standard-error-unit",
         "The standard error of the current stands in microamperes beside amperes; one larger than its own "
         "value has an unknown unit and is left out."),
    Rule("chloride-contradicted",
         "The chloride column differs from the solution's name by more than a quarter; the name wins."),
    Rule("solution-typo",
         "The solution's name counts up (H2SO5, H2SO6, H2SO7) as a dragged spreadsheet cell does; read as "
         "H2SO4."),
    Rule("unlisted-additive",
         "The solution holds a species that has no column here (bicarbonate, molybdate, tungstate, "
         "thiosulphate, sulphide, acetic acid, hydroxide)."),
    Rule("nb-plus-ta", "A column Nb+Ta is booked as niobium, and tantalum counts as not reported."),
    Rule("balance-corrected",
         "The stated composition exceeds 102 wt.% by the Nb+Ta that its balance element forgot; the "
         "balance gives way."),
    Rule("composition-range", "An element is stated as a range; its middle is taken."),
)

RULES: tuple[Rule, ...] = MERGES + EXCLUSIONS + NOTES
FLAG_NAMES: frozenset[str] = frozenset(rule.name for rule in RULES)
DEFAULT_EXCLUDED: tuple[str, ...] = tuple(rule.name for rule in RULES if rule.excluded)

MECHANICAL = ("hardness", "yield_strength", "ultimate_strength", "elongation")
LOCALISED_CORROSION = (
    "pitting_potential", "repassivation_potential", "crevice_potential", "pitting_temperature", "crevice_temperature",
)
ROOM_TEMPERATURE_C = (10.0, 35.0)
HALIDE_TRACE_M = 1e-4
