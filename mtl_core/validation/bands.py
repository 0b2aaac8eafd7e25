"""What the bands are worth: raw, rescaled by one number, and conformal; by level, family, paper and domain, and away from home.

Everything comes from an out-of-fold table and is in the task's learning unit. A row's band is that of all members that never saw
it (`conformal.pooled`), and what calibrates it comes from rows outside its fold. Only exact rows are tested. Proper scores after
Gneiting & Raftery 2007, J. Am. Stat. Assoc. 102, 359: smaller is better.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import logistic, norm

from mtl_core.uncertainty.comparison import resampled_papers
from mtl_core.uncertainty.conformal import outside_folds, pooled, quantile

LEVELS = (0.5, 0.68, 0.9, 0.95)
GRID = tuple(np.round(np.arange(0.05, 1.0, 0.05), 2).tolist())  # of a reliability diagram
KINDS: dict[str, str] = {
    "raw": "As the run states it.",
    "rescaled": "Each std times one factor, such that the squared errors of the other folds are, on average, the variances.",
    "conformal": "Half-widths that held in the other folds, in units of the std.",
}
Shape = Literal["normal", "logistic"]
LOGISTIC_SCALE = np.sqrt(3.0) / np.pi  # of a logistic distribution with standard deviation 1
NUMBERS = ("coverage", "width", "interval_score")


def normal_crps(z: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of N(0, 1) at z, [n]: z (2 Φ(z) − 1) + 2 φ(z) − 1/√π (Gneiting & Raftery, eq. 21)."""
    return z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi)


def logistic_crps(z: np.ndarray) -> np.ndarray:
    """The same of the logistic distribution with standard deviation 1: s (x − 2 ln F(x) − 1), x = z / s (Jordan et al. 2019,
    J. Stat. Softw. 90 (12))."""
    x = z / LOGISTIC_SCALE
    return LOGISTIC_SCALE * (x - 2.0 * logistic.logcdf(x) - 1.0)


def conformal_crps(z: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """The same of the distribution that takes each of the m scores `reached`, with either sign, equally often.

    CRPS = E|Z − z| − ½ E|Z − Z′|, where ½ (|s − z| + |s + z|) = max(s, |z|) leaves sums over sorted scores.
    """
    s, z = np.sort(reached), np.abs(z)
    m, below = len(s), np.searchsorted(s, z, side="right")
    above = np.append(np.cumsum(s[::-1])[::-1], 0.0)[below]
    return (below * z + above) / m - 0.5 * ((2.0 * np.arange(m) + 1.0) @ s) / m**2


class _Form(NamedTuple):
    """A distribution with mean 0 and std 1: half-width of the central band, CRPS, −ln density."""

    half: Callable[[np.ndarray], np.ndarray]
    crps: Callable[[np.ndarray], np.ndarray]
    nll: Callable[[np.ndarray], np.ndarray]


FORMS: dict[Shape, _Form] = {
    "normal": _Form(lambda level: norm.ppf(0.5 + level / 2), normal_crps, lambda z: -norm.logpdf(z)),
    "logistic": _Form(lambda level: logistic.ppf(0.5 + level / 2, scale=LOGISTIC_SCALE), logistic_crps,
                      lambda z: -logistic.logpdf(z, scale=LOGISTIC_SCALE)),
}


@dataclass(frozen=True, eq=False)
class Bands:
    """n tests of exact values, each row once a fold seed, K kinds and L levels.

    rows: task, split, fold_seed, measurement_id, reference_group, family, y, mean, std, and what was joined to them;
    factor: [n], by which "rescaled" multiplies the std; half: [K, n, L] half-widths; crps: [K, n]; nll: [K, n], NaN for conformal
    bands, which have no density.
    """

    rows: pd.DataFrame
    levels: tuple[float, ...]
    factor: np.ndarray
    half: np.ndarray
    crps: np.ndarray
    nll: np.ndarray

    def joined(self, others: pd.DataFrame) -> "Bands":
        """With further columns of the rows, by task, split, fold_seed and measurement_id; see `separation.domain_scores`."""
        keys = ["task", "split", "fold_seed", "measurement_id"]
        return replace(self, rows=self.rows.merge(others, on=keys, how="left", validate="m:1"))

    def coverage(self, by: Sequence[str] = ()) -> pd.DataFrame:
        """One row a task, split, `by`, kind and level.

        n (tests), n_readings (each tested once a fold seed), n_papers, coverage (share inside), width (mean), interval_score
        (mean of width + what is missed × 2 / (1 − level)); papers (mean of the papers' own coverages), whole_papers (share of
        papers with all readings inside), held_papers (with at least the share `level` of them inside). A paper counts once a
        fold seed.
        """
        tables = []
        for k, kind in enumerate(KINDS):
            for column, level in enumerate(self.levels):
                half, error = self.half[k, :, column], (self.rows["y"] - self.rows["mean"]).abs()
                missed = np.maximum(error - half, 0.0)
                tests = self.rows.assign(kind=kind, level=level, coverage=(missed == 0).astype(float), width=2 * half,
                                         interval_score=2 * half + 2.0 / (1.0 - level) * missed)
                tables.append(_averaged(tests, ["task", "split", *by, "kind", "level"], level))
        return pd.concat(tables, ignore_index=True)

    def over_papers(self, level: float = 0.9) -> pd.DataFrame:
        """How sure the coverage of conformal bands of one level is: one row a task and split with n_papers and, 95 % by
        resampling papers, coverage_low and coverage_high (share of all readings), papers_low and papers_high (mean of the papers'
        own)."""
        column, kind = self.levels.index(level), list(KINDS).index("conformal")
        inside = (self.rows["y"] - self.rows["mean"]).abs() <= self.half[kind, :, column]
        groups = self.rows.assign(inside=inside).groupby(["task", "split"], sort=False)
        return pd.DataFrame([dict(zip(("task", "split"), key, strict=True)) | _ends(rows) for key, rows in groups])

    def accuracy(self, by: Sequence[str] = ()) -> pd.DataFrame:
        """One row a task, split, `by` and kind: n, mean_z2 (squared error over variance; 1 where the std is honest, NaN for
        conformal), factor, crps, nll, mae, rmse."""
        error, tables = self.rows["y"] - self.rows["mean"], []
        for k, kind in enumerate(KINDS):
            scale = {"raw": 1.0, "rescaled": self.factor, "conformal": np.nan}[kind]
            tests = self.rows.assign(kind=kind, factor=scale, mean_z2=(error / (scale * self.rows["std"])) ** 2,
                                     crps=self.crps[k], nll=self.nll[k], mae=error.abs(), mse=error**2)
            groups = tests.groupby(["task", "split", *by, "kind"], sort=False, observed=True)
            found = groups[["mean_z2", "factor", "crps", "nll", "mae", "mse"]].mean().assign(n=groups.size())
            tables.append(found.assign(rmse=np.sqrt(found.pop("mse"))).reset_index())
        return pd.concat(tables, ignore_index=True)

    def error_by_std(self, n_bins: int = 10) -> pd.DataFrame:
        """Does a larger std mean a larger error? One row a task, split and bin (equal numbers, by std): n, std (root mean
        square), rmse, mae; points on the diagonal std = rmse are honest."""
        bins = self.rows.groupby(["task", "split"], sort=False)["std"].transform(
            lambda std: pd.qcut(std.rank(method="first"), min(n_bins, len(std)), labels=False))
        error = self.rows["y"] - self.rows["mean"]
        tests = self.rows.assign(bin=bins.astype(int), variance=self.rows["std"] ** 2, mae=error.abs(), mse=error**2)
        groups = tests.groupby(["task", "split", "bin"])
        found = groups[["variance", "mae", "mse"]].mean().assign(n=groups.size())
        return found.assign(std=np.sqrt(found.pop("variance")), rmse=np.sqrt(found.pop("mse"))).reset_index()


def _ends(rows: pd.DataFrame) -> dict[str, float]:
    papers = rows.groupby("reference_group", sort=False)["inside"].agg(["sum", "size", "mean"]).reset_index()
    drawn = resampled_papers(papers["reference_group"])
    held = {"coverage": drawn @ papers["sum"] / (drawn @ papers["size"]), "papers": drawn @ papers["mean"] / drawn.sum(axis=1)}
    return {"n_papers": len(papers)} | {f"{name}_{side}": float(np.quantile(found, q)) for name, found in held.items()
                                        for side, q in (("low", 0.025), ("high", 0.975))}


def _averaged(tests: pd.DataFrame, keys: list[str], level: float) -> pd.DataFrame:
    groups = tests.groupby(keys, sort=False, observed=True)
    of_paper = tests.groupby([*keys, "fold_seed", "reference_group"], sort=False, observed=True)["coverage"].mean()
    shares = pd.DataFrame({"papers": of_paper, "whole_papers": of_paper == 1.0, "held_papers": of_paper >= level - 1e-9})
    return groups[list(NUMBERS)].mean().assign(
        n=groups.size(), n_readings=groups["measurement_id"].nunique(), n_papers=groups["reference_group"].nunique()).join(
        shares.groupby(keys, sort=False, observed=True).mean()).reset_index()


def measure(out_of_fold: pd.DataFrame, *, calibrated_on: str | None = None, levels: Sequence[float] = LEVELS,
            shape: Shape = "normal") -> Bands:
    """Test all bands of an out-of-fold table, see `metrics.out_of_fold`, each split by itself.

    calibrated_on: the split whose residuals calibrate all of them; None: each its own. shape: of raw and rescaled distributions.
    """
    rows = pooled(out_of_fold)
    home = rows if calibrated_on is None else rows[rows["split"] == calibrated_on]
    of_home = dict(iter(home.groupby(["task", "split", "fold_seed"], sort=False)))
    tables, found = [], []
    for (task, split, seed), part in rows.groupby(["task", "split", "fold_seed"], sort=False):
        exact = part[part["low"] == part["high"]]
        tables.append(exact)
        found.append(_tested(of_home[task, calibrated_on or split, seed], exact, np.array(levels), FORMS[shape]))
    tests = pd.concat(tables, ignore_index=True)
    columns = ["task", "split", "fold_seed", "measurement_id", "reference_group", "family", "low", "mean", "std"]
    arrays = (np.concatenate(some, axis=axis) for some, axis in zip(zip(*found, strict=True), (0, 1, 1, 1), strict=True))
    return Bands(tests[columns].rename(columns={"low": "y"}), tuple(levels), *arrays)


def _tested(home: pd.DataFrame, tested: pd.DataFrame, levels: np.ndarray, form: _Form) -> tuple[np.ndarray, ...]:
    """factor [n], half [K, n, L], crps [K, n], nll [K, n] of rows of one task, split and fold seed."""
    std, z = tested["std"].to_numpy(), ((tested["low"] - tested["mean"]) / tested["std"]).to_numpy()
    factor, held, crps = np.empty(len(z)), np.empty((len(z), len(levels))), np.empty(len(z))
    for positions, reached in outside_folds(home, tested):
        factor[positions] = np.sqrt(np.mean(reached**2))
        held[positions] = [quantile(reached, level) for level in levels]
        crps[positions] = conformal_crps(z[positions], reached)
    half = np.stack([np.broadcast_to(form.half(levels), held.shape), factor[:, None] * form.half(levels), held])
    scale = np.stack([np.ones_like(factor), factor])
    return (factor, std[:, None] * half, std * np.vstack([scale * form.crps(z / scale), crps]),
            np.vstack([np.log(scale * std) + form.nll(z / scale), np.full(len(z), np.nan)]))


def transfer(out_of_fold: pd.DataFrame, *, levels: Sequence[float] = (0.9,), shape: Shape = "normal") -> pd.DataFrame:
    """`Bands.coverage` of every split with bands calibrated on every other: one more column, calibrated_on. Per row in
    `coverage`, per paper in `papers`. Away from its own split a band promises nothing; what happens there is to be known."""
    return pd.concat([measure(out_of_fold, calibrated_on=split, levels=levels, shape=shape).coverage().assign(calibrated_on=split)
                      for split in out_of_fold["split"].unique()], ignore_index=True)
