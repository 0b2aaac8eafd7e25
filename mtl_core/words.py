"""How numbers and conditions are written for readers, on the pages and on the command line."""
import math

from mtl_core.types import Conditions

CONDITION_WORDS = {"process": "{}", "temperature_c": "{:.3g} °C", "chloride_m": "{:.3g} mol/L Cl⁻", "ph": "pH {:.3g}",
                   "scan_rate_mv_s": "{:.3g} mV/s"}
PROCESS_WORDS = {"CAST": "cast", "WROUGHT": "wrought", "ANNEAL": "annealed", "POWDER": "powder route", "OTHER": "other"}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def written(value: float) -> str:
    """A number as a reader wants it: whole from 100 on, three digits below, powers of ten where it is tiny."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size and not 1e-3 <= size < 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}·10{str(int(exponent)).translate(RAISED)}".replace("-", "−")
    text = f"{value:.0f}" if size >= 100 else f"{value:.3g}"
    return text.replace("-", "−") if float(text) else "0"


def signed(value: float) -> str:
    """The same with its sign in front: "+4.2", "−20"."""
    return f"{'+' if value > 0 else ''}{written(value)}"


def with_spread(value: float, spread: float) -> str:
    """"+86 ± 15", "−0.43 ± 0.12": no more digits than the spread, with two of its own, leaves a meaning."""
    if not (math.isfinite(value) and math.isfinite(spread)):
        return "–"
    digits = max(0, 1 - math.floor(math.log10(spread))) if spread > 0 else 2
    text = f"{value:+.{digits}f}"
    text = text if float(text) else text[1:]
    return f"{text} ± {spread:.{digits}f}".replace("-", "−")


def spoken(conditions: Conditions) -> str:
    """"wrought · 25 °C · 0.6 mol/L Cl⁻ · pH 7"; what is not reported is left out."""
    stated = conditions.model_dump(exclude_none=True) | {"process": PROCESS_WORDS.get(conditions.process)}
    known = {name: value for name, value in stated.items() if value is not None}
    return " · ".join(words.format(known[name]) for name, words in CONDITION_WORDS.items() if name in known)
