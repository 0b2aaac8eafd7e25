"""From the name of a test solution to its ions in mol/L."""
import re
from dataclasses import dataclass, replace

# Molar mass in g/mol, equivalents a mole, ions and strong acid a mole.
SALTS: dict[str, tuple[float, int, dict[str, int]]] = {
    "NaCl": (58.443, 1, {"chloride_m": 1}),
    "KCl": (74.551, 1, {"chloride_m": 1}),
    "HCl": (36.461, 1, {"chloride_m": 1, "acid_m": 1}),
    "MgCl2": (95.211, 2, {"chloride_m": 2}),
    "FeCl3.6H2O": (270.295, 3, {"chloride_m": 3}),
    "FeCl3": (162.204, 3, {"chloride_m": 3}),
    "Chloride": (35.453, 1, {"chloride_m": 1}),
    "Cl-": (35.453, 1, {"chloride_m": 1}),
    "NaBr": (102.894, 1, {"bromide_m": 1}),
    "NaClO4": (122.440, 1, {"perchlorate_m": 1}),
    "Na2SO4": (142.042, 2, {"sulphate_m": 1}),
    "H2SO4": (98.078, 2, {"sulphate_m": 1, "acid_m": 1}),
}
# Density of a w wt.% solution at 20 °C in g/mL: 0.9982 + a w + b w², fitted to the tables of aqueous solutions in the
# CRC Handbook of Chemistry and Physics (NaCl 10 % 1.0707, 20 % 1.1478; FeCl3 10 % 1.085, 20 % 1.182).
DENSITY = {"NaCl": (7.02e-3, 2.3e-5), "FeCl3": (8.19e-3, 5.0e-5)}
# Standard sea water of salinity 35 (ASTM D1141): mol/L.
SEA_WATER = {"chloride_m": 0.546, "bromide_m": 0.00084, "sulphate_m": 0.0282}

_SPELLING = (
    (r"CI(?![a-z])", "Cl"), (r"NH Cl", "N HCl"), (r"[∙·]", "."), (r"FeCl3\.H2O", "FeCl3.6H2O"), (r"H2SO[5-9]", "H2SO4"),
    (r"([\d.]+)\s*x\s*10\s*[–-]\s*(\d+)", r"\1e-\2"),
    (r"[\d.]+\s*%\s*\(([\d.]+\s*M)\)", r"\1"),  # "10% (0.6M) FeCl3" says one amount twice
    (r"\([^)]*FeCl3[^)]*\)", ""),
)
_SALT = "|".join(re.escape(name) for name in sorted(SALTS, key=len, reverse=True))
_TERM = re.compile(rf"(\d*\.?\d+(?:e-\d+)?)\s*(M|N|ppm|wt\.?\s*%|%)\s*({_SALT})(?![a-z0-9])")
_PH = re.compile(r"p\s?H\s*=?\s*(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_SEA = re.compile(r"sea\s?water(?:\s*1:(\d+))?", re.IGNORECASE)
_ADDITIVE = re.compile(r"[WM]o?[O0]4|S2O3|HCO3|H2S\b|acetic|NaOH")


@dataclass(frozen=True)
class Solution:
    """Ions in mol/L (acid: strong acid molecules). is_understood: every amount was found, so 0 means none."""

    chloride_m: float = 0.0
    bromide_m: float = 0.0
    sulphate_m: float = 0.0
    perchlorate_m: float = 0.0
    acid_m: float = 0.0
    ph: float | None = None
    is_understood: bool = False
    flags: tuple[str, ...] = ()


def parse_solution(text: str) -> Solution:
    """The ions that `text`, such as "0.1 N H2SO4, 0.05N NaCl" or "synthetic sea water", names."""
    spelled = _spelled(text)
    amounts = _sea_water(spelled)
    for number, unit, salt in _TERM.findall(spelled):
        for ion, count in SALTS[salt][2].items():
            amounts[ion] = amounts.get(ion, 0.0) + count * molarity(float(number), unit, salt)
    ph = _PH.search(spelled)
    is_understood = bool(amounts) or "NaOH" in spelled
    return Solution(**amounts, ph=float(ph[1]) if ph else None, is_understood=is_understood, flags=_flags(text))


def molarity(amount: float, unit: str, salt: str) -> float:
    """mol/L of `salt` from an amount in M, N (equivalents), ppm (mg/L) or % (wt.%)."""
    mass, equivalents, _ = SALTS[salt]
    if unit == "M":
        return amount
    if unit == "N":
        return amount / equivalents
    if unit == "ppm":
        return amount / 1000.0 / mass
    a, b = DENSITY.get(salt.split(".")[0], (0.0, 0.0))
    return 10.0 * amount * (0.9982 + a * amount + b * amount**2) / mass


def settle_chloride(solution: Solution, reported_m: float | None) -> Solution:
    """The solution with the reported chloride, unless its own name is understood and contradicts that number."""
    if reported_m is None:
        return solution
    low, high = sorted((solution.chloride_m, reported_m))
    if solution.is_understood and high > 1.25 * low:
        is_trace = high <= 1e-4  # 1e-6 stands for "none" in the source
        flags = solution.flags if is_trace else (*solution.flags, "chloride-contradicted")
        return replace(solution, flags=flags)
    return replace(solution, chloride_m=reported_m)


def _spelled(text: str) -> str:
    for wrong, right in _SPELLING:
        text = re.sub(wrong, right, text)
    return text


def _sea_water(text: str) -> dict[str, float]:
    match = _SEA.search(text)
    dilution = float(match[1] or 1) if match else 1.0
    return {ion: amount / dilution for ion, amount in SEA_WATER.items()} if match else {}


def _flags(text: str) -> tuple[str, ...]:
    typo = ("solution-typo",) if re.search(r"H2SO[5-9]", text) else ()
    return typo + (("unlisted-additive",) if _ADDITIVE.search(text) else ())
