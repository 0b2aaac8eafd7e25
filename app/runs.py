"""What a finished run says about itself, arranged for reading. Pure: the dictionary of `mtl_core.pipeline.evaluate` in."""
from collections.abc import Mapping

import pandas as pd

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


def verdict(gain: pd.DataFrame) -> str:
    """One sentence on a table of `gain_of_learning_together`."""
    helps, hurts = (gain.index[found].tolist() for found in (gain["low"] > 0, gain["high"] < 0))
    if not helps and not hurts:
        return "Learning it together with the other properties made no difference that these papers can show."
    return "; ".join(f"learning together {word} {', '.join(splits)}" for word, splits in (("helps", helps), ("hurts", hurts))
                     if splits).capitalize() + "."
