"""What the benchmarks of sharing and of learning curves found, in words. Pure."""
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.figures.style import written
from mtl_core.tasks import TASKS
from mtl_core.validation.sharing import ALONE, advice

WIRING_WORDS = {"single-task": "a network each", "multi-task": "one network for all", "difference": "corrects the other",
                "latent": "is told the other"}
WIRING_SENTENCES = {
    "single-task": "nothing is shared (single-task)",
    "multi-task": "both properties share the first layers (multi-task)",
    "difference": "what is predicted for the other property is scaled, and what must be added to it is learnt (difference)",
    "latent": "what is predicted for the other property is one more input (latent variable)"}
MODEL_WORDS = {"ours": "networks", "ridge": "ridge", "extra trees": "extra trees"}
HELD_OUT = {"composition": "new compositions", "reference": "new papers"}


def pair_label(target: str, source: str) -> str:
    """"Hardness, with yield strength"."""
    other = TASKS[source].label
    return f"{TASKS[target].label}, with {other if other.isupper() else other[0].lower() + other[1:]}"


def labels_words(share: float, n: float) -> str:
    """"10 % (40)"."""
    return f"{share:.0%} ({n:.0f})".replace("%", " %")


def sharing_verdict(rows: pd.DataFrame) -> str:
    """What won at each share of the labels, and what did harm, beyond chance; rows: of one target, source and model."""
    by_share = [(advice(part), part) for _, part in rows.groupby("share")]
    won = [_gain(part, found.winner) for found, part in by_share if found.winner not in (None, ALONE)]
    harm = [_gain(part, wiring) for found, part in by_share for wiring in found.harmful]
    said = f"**Helps most:** {'; '.join(won)}." if won else "No way of sharing is better than a network each, beyond chance."
    return said + (f"  \n**Harms:** {'; '.join(harm)}." if harm else "")


def _gain(rows: pd.DataFrame, wiring: str) -> str:
    row = rows[rows["wiring"] == wiring].iloc[0]
    return (f"*{WIRING_WORDS[wiring]}* with {labels_words(row['share'], row['n_labels'])} of the labels, "
            f"{interval(row['difference'], row['low'], row['high'])} of R², to {row['r2']:.2f}".replace("to -", "to −"))


def interval(value: float, low: float, high: float) -> str:
    """"+0.012 [+0.003, +0.028]"."""
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "−")


def recommendations(table: pd.DataFrame) -> pd.DataFrame:
    """By property and what it may be learnt with, the wiring to choose with all its labels and with a tenth of them."""
    rows = []
    for (target, source), part in table.groupby(["target", "source"], sort=False):
        found = {"Property": TASKS[target].label, "learnt with": TASKS[source].label}
        for share, words in ((1.0, "all its labels"), (0.1, "a tenth of them")):
            found[words] = recommended(part[part["share"] == share])
        rows.append(found)
    return pd.DataFrame(rows).set_index("Property")


def recommended(rows: pd.DataFrame) -> str:
    """"one network for all: R² 0.78 (0.77 alone)"; rows: of one target, source, model and share."""
    if rows.empty:
        return "not measured"
    found, r2 = advice(rows), rows.set_index("wiring")["r2"].map(lambda value: f"{value:.2f}".replace("-", "−"))
    if found.winner == ALONE:
        return f"{WIRING_WORDS[ALONE]}: R² {r2[ALONE]}, less otherwise"
    if found.winner is not None:
        return f"{WIRING_WORDS[found.winner]}: R² {r2[found.winner]} ({r2[ALONE]} alone)"
    against = f"; not: {' or '.join(WIRING_WORDS[wiring] for wiring in found.harmful)}" if found.harmful else ""
    return f"cannot be told (R² {r2[ALONE]} alone){against}"


def tip(table: pd.DataFrame, tasks: Sequence[str]) -> str:
    """What was found, with all labels, for pairs of the tasks that are to be learnt; empty where none was measured."""
    rows = table[table["target"].isin(tasks) & table["source"].isin(tasks) & (table["share"] == 1.0)]
    said = [f"{pair_label(*pair)}: {recommended(of_pair)}" for pair, of_pair in rows.groupby(["target", "source"], sort=False)]
    return f"Measured on the published data, new compositions: {'; '.join(said)}." if said else ""


def by_chance(table: pd.DataFrame) -> str:
    """How many of the differences are beyond chance, and how many would be if there were none."""
    shared = table[table["wiring"] != ALONE]
    beyond = ((shared["low"] > 0) | (shared["high"] < 0)).sum()
    return (f"{beyond} of {len(shared)} differences have an interval without 0; where sharing did nothing at all, about "
            f"{math.ceil(len(shared) / 20)} would.")


def curve_verdict(fits: pd.DataFrame, task: str, split: str) -> str:
    """What the next measurements would be worth to the networks; fits: of one task and split."""
    row = fits[fits["model"] == "ours"].iloc[0]
    unit, kind = TASKS[task].learning_unit, "alloys" if split == "composition" else "papers"
    said = (f"**{TASKS[task].label}, {HELD_OUT[split]}:** {row['more']:.0f} more measurements, of {kind} like those that are "
            f"there, would be worth {interval(row['gain'], row['gain_low'], row['gain_high'])} of R²; RMSE would fall by "
            f"{row['fall']:.1f} {unit} [{row['fall_low']:.1f}, {row['fall_high']:.1f}].")
    return said + (" More data would help." if row["gain_low"] > 0.001 else " That may be next to nothing.")


def curve_lines(points: pd.DataFrame, unit: str) -> pd.DataFrame:
    """The points of one task and split as a reader wants them."""
    return pd.DataFrame({
        "model": points["model"].map(MODEL_WORDS),
        "labels": [labels_words(*row) for row in points[["share", "n_labels"]].to_numpy()],
        "R²": [_with_ends(row, 2) for row in points[["r2", "r2_low", "r2_high"]].to_numpy()],
        f"RMSE ({unit})": [_written_ends(row) for row in points[["rmse", "rmse_low", "rmse_high"]].to_numpy()],
        f"MAE ({unit})": [_written_ends(row) for row in points[["mae", "mae_low", "mae_high"]].to_numpy()]})


def _with_ends(numbers: Sequence[float], digits: int) -> str:
    value, low, high = (f"{number:.{digits}f}".replace("-", "−") for number in numbers)
    return f"{value} [{low}, {high}]"


def _written_ends(numbers: Sequence[float]) -> str:
    value, low, high = map(written, numbers)
    return f"{value} [{low}, {high}]"


def fitted_curve(fit: pd.Series, fewest: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels and RMSE along the law that was fitted, until the next measurements."""
    n = np.geomspace(fewest, fit["n"] + fit["more"], 80)
    return n, fit["floor"] + fit["scale"] * n ** -fit["exponent"]
