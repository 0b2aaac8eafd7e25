"""Processing and electrolyte as feature columns; "not reported" is a state of its own, never a silent default."""
from collections.abc import Mapping

import numpy as np

from mtl_core.errors import ConfigError

CONCENTRATION_FLOOR = 1e-4  # mol/L; also where a solution counts half as chloride-free
NUMERIC = ("temperature_c", "chloride_m", "ph", "scan_rate_mv_s")
OTHER_ANIONS = ("bromide_m", "sulphate_m")


def number(conditions: Mapping, key: str, n: int, default: float = np.nan) -> np.ndarray:
    """One condition as numbers [n]; None and NaN are NaN, a missing key is `default`."""
    return np.broadcast_to(np.asarray(conditions.get(key, default), dtype=float), (n,))


def log_concentration(mol_per_litre: np.ndarray) -> np.ndarray:
    """log₁₀(c + floor): smooth, and finite where there is none."""
    return np.log10(np.maximum(mol_per_litre, 0.0) + CONCENTRATION_FLOOR)


def without_chloride(mol_per_litre: np.ndarray) -> np.ndarray:
    """floor / (floor + c): 1 without chloride, falling smoothly to 0; 0 where chloride was not reported."""
    return np.nan_to_num(CONCENTRATION_FLOOR / (CONCENTRATION_FLOOR + np.maximum(mol_per_litre, 0.0)))


def electrolyte_columns(conditions: Mapping, n: int) -> dict[str, np.ndarray]:
    """Column name → [n]. A solution whose bromide or sulphate column is missing altogether has none."""
    temperature, chloride, ph, scan_rate = (number(conditions, key, n) for key in NUMERIC)
    bromide, sulphate = (number(conditions, key, n, default=0.0) for key in OTHER_ANIONS)
    reported = {"temperature_c": temperature, "chloride_m": chloride, "ph": ph, "scan_rate_mv_s": scan_rate}
    return {
        "temperature_c": temperature,
        "log_chloride": log_concentration(chloride),
        "no_chloride": without_chloride(chloride),
        "log_bromide": log_concentration(bromide),
        "log_sulphate": log_concentration(sulphate),
        "ph": ph,
        "log_scan_rate": np.log10(np.maximum(scan_rate, 1e-6)),
        **{f"{key}_not_reported": np.isnan(values).astype(float) for key, values in reported.items()},
    }


def process_columns(conditions: Mapping, n: int, processes: tuple[str, ...]) -> dict[str, np.ndarray]:
    """One 0/1 column a process, and one for "not reported" (None, NaN or empty text)."""
    given = np.broadcast_to(np.asarray(conditions.get("process", None), dtype=object), (n,))
    columns = {f"process_{name}": (given == name).astype(float) for name in processes}
    missing = np.array([value is None or value == "" or value != value for value in given], dtype=float)
    known = sum(columns.values()) + missing
    if not np.all(known):
        raise ConfigError(f"expected a process among {', '.join(processes)} or none, got {given[known == 0][0]!r}")
    return columns | {"process_not_reported": missing}


def not_reported(conditions: Mapping, n: int, symbol: str) -> np.ndarray:
    """Whether each row lists `symbol` among its unreported elements, [n] bool."""
    given = np.broadcast_to(np.asarray(conditions.get("not_reported", ""), dtype=object), (n,))
    return np.array([isinstance(text, str) and symbol in text.split() for text in given], dtype=bool)
