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
    seed, paper = (pd.factorize(rows[name])[0] for name in ("fold_seed", "reference_group"))
    n_papers, shape = paper.max() + 1, (seed.max() + 1, paper.max() + 1)
    y = rows["low"].to_numpy() - rows["low"].mean()  # centred, so that the sums of squares below keep their digits
    gain = (rows["low"] - rows["mean_before"]) ** 2 - (rows["low"] - rows["mean_after"]) ** 2

    def sums(values):
        return np.bincount(seed * n_papers + paper, values, n_papers * shape[0]).reshape(shape).T

    def of(drawn):
        """Δ R² [b] of b resamples, NaN where all values are the same; drawn: [b, papers], how often each paper came."""
        n, total, squares, gained = (drawn @ sums(values) for values in (np.ones(len(y)), y, y**2, gain))
        spread = squares - total**2 / n
        return np.divide(gained, spread, where=spread > 1e-9 * squares.max(), out=np.full_like(spread, np.nan)).mean(axis=1)

    draws = np.random.default_rng(0).integers(n_papers, size=(N_BOOTSTRAP, n_papers))
    drawn = np.array([np.bincount(draw, minlength=n_papers) for draw in draws])
    low, high = np.nanquantile(of(drawn), [0.025, 0.975]) if n_papers > 1 else (np.nan, np.nan)
    return float(of(np.ones((1, n_papers)))[0]), float(low), float(high)
