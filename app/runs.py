"""What a finished run says about itself, arranged for reading. Pure: the dictionary of `mtl_core.pipeline.evaluate` in."""
from collections.abc import Mapping

import pandas as pd

from app.evidence import family_words
from app.figures.scores import SPLIT_WORDS
from app.figures.style import written

LEVEL = "0.9"
MODEL_WORDS = {"ridge": "ridge", "extra_trees": "extra trees", "class_mean": "mean of the alloy family"}


def r2_of_models(report: Mapping, task: str) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """R² of the ensemble by split, and name → split → R² of what it is compared with."""
    metrics = report["metrics"][task]
    ours = {split: scores["r2"] for split, scores in metrics.items()}
    others = {}
    for split, models in report["baselines"][task].items():
        for model, scores in models.items():
            others.setdefault(MODEL_WORDS.get(model, model), {})[split] = scores["r2"]
    return ours, others | {MODEL_WORDS["class_mean"]: {split: scores["class_mean_r2"] for split, scores in metrics.items()}}


def score_table(report: Mapping, task: str, unit: str) -> pd.DataFrame:
    """One row a split; errors and widths in the learning unit."""
    rows = {SPLIT_WORDS.get(split, split): {
        "rows": str(scores["n"]), "R²": f"{scores['r2']:.2f}", f"MAE ({unit})": written(scores["mae"]),
        f"RMSE ({unit})": written(scores["rmse"]), "the 90 % band held": f"{scores['coverage'][LEVEL]:.1%}",
        f"its width ({unit})": written(scores["width"][LEVEL]),
    } for split, scores in report["metrics"][task].items()}
    return pd.DataFrame(rows).T.rename_axis("held out")


def parity_rows(out_of_fold: pd.DataFrame, task: str, split: str) -> pd.DataFrame:
    """Exact rows of one task and split, averaged over the fold seeds: measurement_id, low (= measured), mean, std."""
    rows = out_of_fold[(out_of_fold["task"] == task) & (out_of_fold["split"] == split)]
    exact = rows[rows["low"] == rows["high"]]
    return exact.groupby("measurement_id")[["low", "mean", "std"]].mean().reset_index()


def gain_of_learning_together(ablations: pd.DataFrame, task: str) -> pd.DataFrame:
    """By split: R² alone, and what learning with the other tasks adds to it, with a 95 % interval.

    ablations: rows of `benchmarks.ablations`, whose differences are variant − default.
    """
    rows = ablations[(ablations["variant"] == "single task") & (ablations["task"] == task)]
    return pd.DataFrame({"held out": rows["split"].map(SPLIT_WORDS), "alone": rows["r2"], "gain": -rows["difference"],
                         "low": -rows["high"], "high": -rows["low"]}).set_index("held out")


def gain_in_run(report: Mapping, task: str) -> pd.DataFrame:
    """The same from a run that trained each task alone as well; empty for any other."""
    splits = report.get("alone", {}).get(task, {})
    rows = {SPLIT_WORDS.get(split, split): {"alone": row["r2_before"], "gain": row["difference"], "low": row["low"],
                                            "high": row["high"]} for split, row in splits.items()}
    return pd.DataFrame(rows, dtype=float).T.rename_axis("held out")


def family_errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Errors by alloy family, the largest family first: n, mae, bias (predicted − measured), coverage of the band.

    rows: of `mtl_core.uncertainty.reliability.banded`, one task and split; exact ones count.
    """
    exact = rows[rows["low"] == rows["high"]]
    error = exact["mean"] - exact["low"]
    found = exact.assign(error=error, size=error.abs()).groupby("family").agg(
        n=("error", "size"), mae=("size", "mean"), bias=("error", "mean"), coverage=("is_inside", "mean"))
    return found.sort_values("n", ascending=False)


def parity_texts(rows: pd.DataFrame, alloys: Mapping[str, str]) -> list[str]:
    """What a point says under the pointer. alloys: measurement_id → formula and paper, where they are known."""
    return [f"<b>{alloys.get(row['measurement_id'], row['measurement_id'])}</b><br>measured {_known(row)}, predicted "
            f"{written(row['mean'])} ({written(row['lower'])} to {written(row['upper'])})<br>{family_words(row['family'])}"
            for row in rows.to_dict("records")]


def _known(row: Mapping) -> str:
    low, high = row["low"], row["high"]
    if low == high:
        return written(low)
    if high == float("inf"):
        return f"> {written(low)}"
    return f"< {written(high)}" if low == -float("inf") else f"{written(low)} to {written(high)}"


def verdict(gain: pd.DataFrame) -> str:
    """One sentence on a table of `gain_of_learning_together`."""
    helps, hurts = (gain.index[found].tolist() for found in (gain["low"] > 0, gain["high"] < 0))
    if not helps and not hurts:
        return "Learning it together with the other properties made no difference that these papers can show."
    found = [f"{word} R² of {', '.join(splits)}" for word, splits in (("raises", helps), ("lowers", hurts)) if splits]
    return f"Learning together {' and '.join(found)}."


def transfer_words(gain: pd.DataFrame, label: str) -> tuple[bool, str]:
    """Whether learning together is worse beyond chance on any split, and a sentence that names what won there.

    gain: of `gain_in_run`.
    """
    worse, better = (gain[found] for found in (gain["high"] < 0, gain["low"] > 0))
    if worse.empty and better.empty:
        return False, f"**{label}:** whether it gains or loses by sharing networks cannot be told from these papers."
    losses = [f"{row['gain']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}] of R² on {split}" for split, row in worse.iterrows()]
    gains = [f"{row['gain']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}] of R² on {split}" for split, row in better.iterrows()]
    rest = [split for split in gain.index if split not in worse.index and split not in better.index]
    elsewhere = [f"sharing won on {' and '.join(better.index)}"] if len(better) else []
    elsewhere += [f"on {' and '.join(rest)} it cannot be told"] if rest else []
    said = (f"**{label}: shared networks are worse** than networks of its own: {'; '.join(losses)}. Single‑task networks won "
            f"there{''.join(f'; {words}' for words in elsewhere)}." if losses else
            f"**{label}:** shared networks are better: {'; '.join(gains)}.")
    return bool(losses), said.replace("-", "−").replace("‑", "-")
