"""Units that laboratories write, and the stated constants that convert them to those of the tables.

A quantity has units; `find_units` looks for the ones that a header or a cell may mean. Every conversion is increasing, so that
bounds and ranges convert end by end.
"""
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from mtl_core.data.solution import molarity

GRAVITY = 9.80665e-3  # GPa in 1 kgf/mm², exact: standard gravity
CONTACT = 0.9270  # projected / contact area of a Vickers indent, 24.50 h² / 26.43 h²
KELVIN = 273.15
# Electrode potentials in mV against the standard hydrogen electrode at 25 °C.
_HANDBOOK = "Bard & Faulkner, Electrochemical Methods (2001)"
_ACTIVITY = "222.3 mV − (RT/F) ln(γ± c), γ± of Robinson & Stokes, Electrolyte Solutions (1959)"
ELECTRODES: dict[str, tuple[float, str, str, str]] = {  # name → mV, source, pattern, pattern without its solution
    "SCE": (241.0, f"saturated KCl; {_HANDBOOK}", r"sce|calomel", ""),
    "SHE": (0.0, f"SCE with saturated KCl; {_HANDBOOK}", r"she|nhe|hydrogen", ""),
    "Ag/AgCl (saturated KCl)": (197.0, _HANDBOOK, r"agcl.*sat|sat.*agcl|agcl.*4\.2 ?m", r"agcl"),
    "Ag/AgCl (3.5 M KCl)": (205.0, "Sawyer et al., Electrochemistry for Chemists (1995)", r"agcl.*3\.5 ?m|3\.5 ?m.*agcl",
                            r"agcl"),
    "Ag/AgCl (3 M KCl)": (209.0, _ACTIVITY, r"agcl.*(?<![\d.])3(\.0)? ?m|(?<![\d.])3(\.0)? ?m.*agcl", r"agcl"),
    "Ag/AgCl (1 M KCl)": (235.0, _ACTIVITY, r"agcl.*(?<![\d.])1(\.0)? ?m|(?<![\d.])1(\.0)? ?m.*agcl", r"agcl"),
    "Ag/AgCl (0.1 M KCl)": (288.0, _ACTIVITY, r"agcl.*0\.1 ?m|0\.1 ?m.*agcl", r"agcl"),
    "Hg/Hg2SO4 (saturated K2SO4)": (640.0, _HANDBOOK, r"mse|hg2so4|mercurous sul", ""),
    "Cu/CuSO4 (saturated)": (316.0, "NACE SP0169 (2013)", r"cse|cuso4", ""),
}


@dataclass(frozen=True)
class Unit:
    """key: how the choice is written; scale, kind, family: patterns of its size, of what it refers to, of that without detail.

    convert: to the unit of the tables; None where there is no constant that converts it, and `source` says why.
    """

    key: str
    scale: str
    convert: Callable[[float], float] | None
    source: str = ""
    kind: str = ""
    family: str = ""


def _times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


def _against(offset: float, scale: float) -> Callable[[float], float]:
    return lambda value: value * scale + offset - ELECTRODES["SCE"][0]


def _potentials() -> tuple[Unit, ...]:
    electrode_follows = r"(?=vs|sce|she|nhe|ag|mse|cse)"
    scales = (("mV", rf"(?<![a-z])mv(?![a-z/])|mv{electrode_follows}", 1.0),
              ("V", rf"(?<![a-zμ])v(?![a-z/])|(?<![a-zμ])v{electrode_follows}", 1000.0))
    said = f"E(SCE) = E + {{:g}} − {ELECTRODES['SCE'][0]:g} mV at 25 °C; {{}}"
    return tuple(Unit(f"{name} vs {electrode}", pattern, _against(offset, scale), said.format(offset, source), kind, family)
                 for name, pattern, scale in scales for electrode, (offset, source, kind, family) in ELECTRODES.items())


def _chloride(unit: str, salt: str) -> Callable[[float], float]:
    def convert(value: float) -> float:
        found = molarity(1000.0 * value, "ppm", salt) if unit == "g/L" else molarity(value, unit, salt)
        if salt == "NaCl" and found > MOST_NACL_M:
            raise ValueError(TOO_MUCH_NACL)
        return found
    return convert


# NaCl saturates at 26.4 wt.%: 35.9 g in 100 g of water at 25 °C, CRC Handbook of Chemistry and Physics.
MOST_NACL_WT = 26.5
MOST_NACL_M = molarity(MOST_NACL_WT, "%", "NaCl")
TOO_MUCH_NACL = (f"at most {MOST_NACL_WT:g} wt.% NaCl ({MOST_NACL_M:.2f} mol/L): more does not dissolve (35.9 g in 100 g of "
                 "water, 26.4 wt.%, at 25 °C; CRC Handbook of Chemistry and Physics); is the unit right?")
ADVICE = "; measure HV, or leave the column out"
_ROCKWELL = ("a depth under another load: no constant leads to HV, and the tables of ASTM E140 hold for one class of materials "
             f"each{ADVICE}")
_BY_ALLOY = f"a number whose ratio to HV depends on the load and the alloy (ASTM E140){ADVICE}"
_SALTS = (("Cl⁻", "Cl-", r"cl ?-|\[ ?cl|cl\]"), ("NaCl", "NaCl", r"nacl"))
_CM2 = r"[ /·*.]*(cm|per cm)"
_WEIGHT, _ATOMS = r"wt|weight|mass|gew|\bma?\.? ?-?%", r"\bat|atom|mol"
_PER_CENT, _SHARE = rf"%|per ?cent|pct|{_WEIGHT}|{_ATOMS}", r"fraction|ratio|\bx\b"

UNITS: dict[str, tuple[Unit, ...]] = {
    "hardness": (
        Unit("HRC", r"\bhrc\b|rockwell ?c", None, _ROCKWELL), Unit("HRB", r"\bhrb\b|rockwell ?b", None, _ROCKWELL),
        Unit("HRA", r"\bhra\b|rockwell", None, _ROCKWELL), Unit("HB", r"\bhbw?\b|\bbhn\b|brinell", None, _BY_ALLOY),
        Unit("HK", r"\bhk\b|knoop", None, _BY_ALLOY),
        Unit("GPa (nanoindentation)", r"gpa", _times(CONTACT / GRAVITY), kind=r"nano|h ?it\b|indentation|oliver",
             source="HV = 94.53 × H_IT / GPa: projected to contact area 0.9270, 1 kgf/mm² = 9.80665 MPa; ISO 14577-1, annex F"),
        Unit("GPa", r"gpa", _times(1 / GRAVITY), "HV = 101.97 × H / GPa: 1 kgf/mm² = 9.80665 MPa",
             r"^(?!.*(nano|h ?it\b|indentation)).*gpa"),
        Unit("MPa", r"mpa", _times(1e-3 / GRAVITY), "HV = 0.10197 × H / MPa: 1 kgf/mm² = 9.80665 MPa"),
        Unit("HV", r"\bhv|vickers|kgf? ?/ ?mm", float, "HV is kgf/mm² of contact area"),
    ),
    "strength": (
        Unit("GPa", r"gpa", _times(1e3)), Unit("MPa", r"mpa|n ?/ ?mm", float),
        Unit("ksi", r"ksi", _times(6.894757), "1 ksi = 6.894757 MPa"),
        Unit("psi", r"psi", _times(6.894757e-3), "1 ksi = 6.894757 MPa"),
        Unit("kgf/mm²", r"kgf? ?/ ?mm", _times(9.80665), "1 kgf/mm² = 9.80665 MPa"),
    ),
    "strain": (Unit("%", r"%|per ?cent|pct", float), Unit("fraction", r"fraction|mm/mm|m/m|\[-\]|\(-\)", _times(100.0))),
    "potential": _potentials(),
    "temperature": (
        Unit("°C", r"(°|deg\w*|\bo) ?c\b|\bc\b|celsius|centigrade|℃", float),
        Unit("K", r"\bk\b|kelvin", lambda value: value - KELVIN, "°C = K − 273.15"),
        Unit("°F", r"(°|deg\w*) ?f\b|\bf\b|fahrenheit|℉", lambda value: (value - 32) / 1.8, "°C = (°F − 32) / 1.8"),
    ),
    "current": (
        Unit("log10(A/cm²)", r"log", lambda value: 10.0**value),
        Unit("mA/cm²", rf"(?<![a-z])ma{_CM2}", _times(1e-3)), Unit("µA/cm²", rf"[μu]a{_CM2}", _times(1e-6)),
        Unit("nA/cm²", rf"(?<![a-z])na{_CM2}", _times(1e-9)), Unit("A/cm²", rf"(?<![a-zμ])a{_CM2}", float),
        Unit("A/m²", r"(?<![a-zμ])a[ /·*.]*(m|per m)(?![a-z])", _times(1e-4)),
    ),
    "chloride": (
        Unit("mmol/L", r"mmol|(?<![a-z])mm\b", _times(1e-3)), Unit("mol/L", r"mol|\bm\b|molar", float),
        *(Unit(f"ppm {ion}", r"ppm|mg ?/ ?l", _chloride("ppm", salt), f"ppm as mg/L; molar mass of {ion}", kind)
          for ion, salt, kind in _SALTS),
        *(Unit(f"g/L {ion}", r"g ?/ ?l|g[ ·.]l", _chloride("g/L", salt), f"molar mass of {ion}", kind)
          for ion, salt, kind in _SALTS),
        Unit("wt.% NaCl", r"%|per ?cent", _chloride("%", "NaCl"),
             "density of the solution at 20 °C, CRC Handbook of Chemistry and Physics: 3.5 wt.% NaCl is 0.613 mol/L"),
    ),
    "amount": (Unit("mmol/L", r"mmol|(?<![a-z])mm\b", _times(1e-3)), Unit("mol/L", r"mol|\bm\b|molar", float)),
    "scan rate": (
        Unit("mV/min", r"mv ?(/|per) ?min|mv ?min", _times(1 / 60)), Unit("mV/h", r"mv ?(/|per) ?h|mv ?h", _times(1 / 3600)),
        Unit("mV/s", r"mv ?(/|per|·)? ?s|mv s", float), Unit("V/h", r"\bv ?(/|per) ?h", _times(1000 / 3600)),
        Unit("V/s", r"\bv ?(/|per) ?s", _times(1000.0)),
    ),
    "content": (
        Unit("wt. ppm", r"ppm", _times(1e-4)), Unit("wt. fraction", _SHARE, _times(100.0), kind=_WEIGHT),
        Unit("at. ratio", _SHARE, float, "atomic ratios or fractions: only their proportions count",
             kind=rf"{_ATOMS}|ratio|\bx\b"),
        Unit("wt.%", _PER_CENT, float, kind=_WEIGHT), Unit("at.%", _PER_CENT, float, kind=_ATOMS),
    ),
    "basis": (Unit("wt.%", _PER_CENT, float, kind=_WEIGHT), Unit("at.%", _PER_CENT, float, kind=_ATOMS),
              Unit("as written", r"$^", float, "the text says at% or wt%, or is a formula of atomic ratios")),
}
OF_TABLES = ("HV", "MPa", "%", "mV vs SCE", "°C", "A/cm²", "mol/L", "mV/s", "wt.%", "at.%", "as written")  # nothing is converted
WEIGHT = ("wt.%", "wt. ppm", "wt. fraction")


def plain(text: str) -> str:
    """Lower case, one kind of dash, blanks for underscores: how headers and units are compared."""
    folded = unicodedata.normalize("NFKC", text).replace("_", " ").lower()
    return re.sub(r"\s+", " ", re.sub(r"[‐‑‒–—−]", "-", folded)).strip()


def units_of(quantity: str) -> tuple[str, ...]:
    """The keys of all units of a quantity; none for a quantity without units."""
    return tuple(unit.key for unit in UNITS.get(quantity, ()))


def unit_of(quantity: str, key: str) -> Unit:
    """The unit with this key; raises KeyError for another."""
    return {unit.key: unit for unit in UNITS[quantity]}[key]


def find_units(quantity: str, text: str) -> tuple[Unit, ...]:
    """The units that `text` may mean: one when it says it all, several when something is left open, none when it says nothing."""
    said, known = plain(text), UNITS.get(quantity, ())
    sized = [unit for unit in known if re.search(unit.scale, said)]
    sized = [unit for unit in sized if unit.scale == sized[0].scale]  # the order says which pattern is the narrower one
    for pattern in ("kind", "family"):
        among = [unit for unit in sized or known if getattr(unit, pattern) and re.search(getattr(unit, pattern), said)]
        if among:
            return tuple(among)
    return tuple(sized)
