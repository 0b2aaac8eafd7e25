"""Moments and quantiles of each column, with a warning where they mislead."""
import numpy as np
import pandas as pd

from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import observations
from mtl_core.tasks import ELECTROLYTE, PROPERTIES

UNITS = {"temperature_c": "°C", "chloride_m": "mol/L", "ph": "", "scan_rate_mv_s": "mV/s"}
QUANTILES = {"q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}
SMALLEST = 20  # values; fewer have no shape
SKEWED = 1.0  # Bulmer, Principles of Statistics (1979): highly skewed beyond ±1
HEAVY = 3.0  # excess kurtosis of a Laplace distribution
LEVEL, N_DRAWS, N_BINS, BULK = 0.05, 200, 512, (0.05, 0.95)


def column_statistics(table: AlloyTable, descriptors: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row a column: properties and conditions of the rows of default training, then `descriptors`, one row an alloy.

    Columns: column, kind ("property", "condition", "descriptor"), unit, n, missing (not exact, or not reported), mean, median,
    std, min, max, skewness, kurtosis (in excess of a normal distribution), q05 to q95, warning (one sentence, or "").
    Conditions are counted over the properties that depend on them.
    """
    rows = observations(table, tuple(PROPERTIES))
    in_solution = rows[rows["task"].isin([key for key, task in PROPERTIES.items() if set(task.conditions) & set(ELECTROLYTE)])]
    columns = [(key, "property", PROPERTIES[key].unit, values) for key, values in rows.groupby("task", sort=False)["value"]]
    columns += [(key, "condition", UNITS[key], in_solution[key]) for key in ELECTROLYTE]
    columns += [(key, "descriptor", "", descriptors[key]) for key in (() if descriptors is None else descriptors)]
    return pd.DataFrame([{"column": key, "kind": kind, "unit": unit, **statistics_of(values)}
                         for key, kind, unit, values in columns])


def statistics_of(values: pd.Series) -> dict:
    """Counts, moments, quantiles and the warning of one column."""
    known = values.dropna().astype(float)
    return {"n": len(known), "missing": len(values) - len(known), "mean": known.mean(), "median": known.median(),
            "std": known.std(), "min": known.min(), "max": known.max(), "skewness": known.skew(), "kurtosis": known.kurt(),
            **{name: known.quantile(share) for name, share in QUANTILES.items()}, "warning": warning(known.to_numpy())}


def warning(values: np.ndarray) -> str:
    """Why mean and standard deviation do not describe these values; "" where they do, or where there are fewer than 20."""
    if len(values) < SMALLEST or np.ptp(values) == 0:
        return ""
    skewness, kurtosis, several = pd.Series(values).skew(), pd.Series(values).kurt(), unimodality(values)
    reasons = [text for text, holds in (
        (f"skewed (skewness {skewness:.1f}, beyond ±{SKEWED:g}; Bulmer 1979)", abs(skewness) > SKEWED),
        (f"heavy tails (excess kurtosis {kurtosis:.1f}, above the {HEAVY:g} of a Laplace distribution)", kurtosis > HEAVY),
        (f"several modes (Silverman 1981, p {'< 0.01' if several < 0.01 else f'= {several:.2f}'})", several < LEVEL)) if holds]
    return f"Mean and deviation mislead: {', '.join(reasons)}." if reasons else ""


def unimodality(values: np.ndarray, *, seed: int = 0) -> float:
    """p-value of one mode against several: Silverman, J. R. Stat. Soc. B 43, 97 (1981).

    h is the smallest bandwidth at which a Gaussian kernel density has one mode. p is the share of samples from that density,
    scaled to the variance of the values, whose own density at h has more: few, where only much smoothing hides the modes. They
    are counted between the 5 and 95 % quantiles, as single values far out are no modes (Hall & York, Stat. Sin. 11, 515 (2001)).
    """
    values = (values - values.mean()) / values.std()
    h = _critical_bandwidth(values)
    random = np.random.default_rng(seed)
    drawn = random.choice(values, (N_DRAWS, len(values))) + h * random.standard_normal((N_DRAWS, len(values)))
    return float(np.mean([_n_modes(sample, h) > 1 for sample in drawn / np.sqrt(1.0 + h**2)]))


def _critical_bandwidth(values: np.ndarray) -> float:
    """By bisection: more bandwidth leaves fewer modes."""
    low, high = 0.01, 3.0
    for _ in range(20):
        middle = np.sqrt(low * high)
        low, high = (low, middle) if _n_modes(values, middle) <= 1 else (middle, high)
    return high


def _n_modes(values: np.ndarray, bandwidth: float) -> int:
    """Maxima of the kernel density within the bulk, on a grid; differences below rounding are level."""
    from scipy.ndimage import gaussian_filter1d

    margin = 4.0 * bandwidth
    counts, edges = np.histogram(values, N_BINS, (values.min() - margin, values.max() + margin))
    density = gaussian_filter1d(counts / len(values), bandwidth / (edges[1] - edges[0]), mode="constant", truncate=6.0)
    first, last = np.searchsorted(edges, np.quantile(values, BULK))
    slopes = np.diff(density[first - 1:last + 1])
    signs = np.sign(slopes[np.abs(slopes) > 1e-12])
    return int(np.count_nonzero(np.diff(np.r_[1, signs, -1]) < 0))
