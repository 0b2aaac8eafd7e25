"""What a change is worth: out-of-fold predictions before and after, paired on the same folds and the same rows."""
import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

N_BOOTSTRAP = 1000
PAIRED = ["measurement_id", "task", "split", "fold_seed"]


def compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """One row a task and split, of the exact rows that both tables answer.

    before, after: out of fold, with `measurement_id, task, split, fold_seed, reference_group, low, mean`, and `high` where not
    all rows are exact. Columns: task, split, n, r2_before, r2_after, difference, low, high, mae_before, mae_after, in the
    learning unit; R² is pooled over the rows of a fold seed, mean of the fold seeds; low, high: 95 % interval of the difference.
    """
    exact = before[before["low"] == before["high"]] if "high" in before else before
    pairs = exact.merge(after[[*PAIRED, "mean"]], on=PAIRED, suffixes=("_before", "_after"), validate="1:1")
    return pd.DataFrame([{"task": task, "split": split} | _scores(rows)
                         for (task, split), rows in pairs.groupby(["task", "split"], sort=False)])


def _scores(rows: pd.DataFrame) -> dict[str, float]:
    difference, low, high = r2_difference(rows)
    found = {"n": rows["measurement_id"].nunique(), "difference": difference, "low": low, "high": high}
    for side in ("before", "after"):
        mean = f"mean_{side}"
        found[f"r2_{side}"] = np.mean([r2_score(part["low"], part[mean]) for _, part in rows.groupby("fold_seed")])
        found[f"mae_{side}"] = (rows["low"] - rows[mean]).abs().mean()
    return found


def as_report(compared: pd.DataFrame) -> dict[str, dict[str, dict[str, float | None]]]:
    """task → split → the other columns of `compare`, for JSON: None where a single paper leaves an interval undefined."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for row in compared.to_dict("records"):
        task, split = row.pop("task"), row.pop("split")
        found.setdefault(task, {})[split] = {name: value if np.isfinite(value) else None for name, value in row.items()}
    return found


def r2_difference(rows: pd.DataFrame) -> tuple[float, float, float]:
    """R² after − R² before, and its 95 % percentile interval by resampling whole papers (Efron & Tibshirani 1993, ch. 13).

    Readings of one paper share its alloys, its laboratory and its errors: rows are not independent, papers nearly are. The same
    papers are drawn for all fold seeds. The interval is NaN for a single paper.
    """
    gain = (rows["low"] - rows["mean_before"]) ** 2 - (rows["low"] - rows["mean_after"]) ** 2
    return _estimates(rows, lambda sums: {"difference": sums.of(gain) / sums.spread})["difference"]


def accuracies(rows: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """r2, mae and rmse of exact rows with `low, mean, fold_seed, reference_group`, each with its 95 % interval as in
    `r2_difference`: pooled over the rows of a fold seed, mean of the fold seeds."""
    error = rows["low"] - rows["mean"]
    return _estimates(rows, lambda sums: {
        "r2": 1.0 - sums.of(error**2) / sums.spread, "mae": sums.of(error.abs()) / sums.n,
        "rmse": np.sqrt(sums.of(error**2) / sums.n)})


def resampled_papers(paper: pd.Series) -> np.ndarray:
    """How often each row counts in each of the resamples of whole papers, [b, n]; paper [n]: of each row."""
    return _drawn(paper.nunique())[:, pd.factorize(paper)[0]]


def _drawn(n_papers: int) -> np.ndarray:
    """How often each paper comes in each resample, [b, papers]; the same ones every time."""
    draws = np.random.default_rng(0).integers(n_papers, size=(N_BOOTSTRAP, n_papers))
    return np.array([np.bincount(draw, minlength=n_papers) for draw in draws])


class _Sums:
    """Sums over the rows of a fold seed, [b, seeds], when papers count as often as `drawn` [b, papers] says.

    n: how many rows; spread: Σ (y − ȳ)² of the values, NaN where all are the same.
    """

    def __init__(self, rows: pd.DataFrame, drawn: np.ndarray):
        seed, paper = (pd.factorize(rows[name])[0] for name in ("fold_seed", "reference_group"))
        self._shape, self._drawn = (seed.max() + 1, drawn.shape[1]), drawn
        self._place = seed * drawn.shape[1] + paper
        y = rows["low"].to_numpy() - rows["low"].mean()  # centred, so that the sums of squares below keep their digits
        self.n, total, squares = (self.of(values) for values in (np.ones(len(y)), y, y**2))
        spread = squares - total**2 / self.n
        self.spread = np.where(spread > 1e-9 * squares.max(), spread, np.nan)

    def of(self, values: np.ndarray) -> np.ndarray:
        return self._drawn @ np.bincount(self._place, values, np.prod(self._shape)).reshape(self._shape).T


def _estimates(rows, of) -> dict[str, tuple[float, float, float]]:
    """Value, low and high of what of(sums) gives by name, the mean of the fold seeds."""
    n_papers = rows["reference_group"].nunique()
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample may hold no row of a fold seed
        value = of(_Sums(rows, np.ones((1, n_papers))))
        drawn = of(_Sums(rows, _drawn(n_papers))) if n_papers > 1 else {}
    found = {}
    for name in value:
        low, high = np.nanquantile(drawn[name].mean(axis=1), [0.025, 0.975]) if drawn else (np.nan, np.nan)
        found[name] = float(value[name].mean()), float(low), float(high)
    return found
