"""What the benchmarks of sharing and of learning curves found, in words. Pure."""
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.figures.style import written
from app.validated import listed, number
from mtl_core.tasks import TASKS
from mtl_core.validation.sharing import ALONE, FORESTS, NETWORKS, TOGETHER, advice

KINDS = {NETWORKS: "Networks", FORESTS: "Random forests"}
WIRING_WORDS = {
    kind: {"single-task": f"a {one} each", "multi-task": f"one {one} for all", "difference": "corrects the other",
             "latent": "is told the other"}
    for kind, one in ((NETWORKS, "network"), (FORESTS, "forest"))}
GRADIENT_WORDS = {"sum": "added up", "uncertainty": "weighted by doubt", "pcgrad": "projected (PCGrad)"}
WIRING_SENTENCES = {
    "single-task": "nothing is shared (single-task)",
    "multi-task": "both properties share the first layers of a network; a forest is told which of them is asked (multi-task)",
    "difference": "what is predicted for the other property is scaled, and what must be added to it is learnt (difference)",
    "latent": "what is predicted for the other property is one more input (latent variable)"}
MODEL_WORDS = {"ours": "networks", "ridge": "ridge", "extra trees": "extra trees"}
USELESS = 0.1  # R² below which a way that won is of no use all the same
HELD_OUT = {"composition": "new compositions", "reference": "new papers"}


def pair_label(target: str, source: str) -> str:
    """"Hardness, with yield strength"."""
    other = TASKS[source].label
    return f"{TASKS[target].label}, with {other if other.isupper() else other[0].lower() + other[1:]}"


def labels_words(share: float, n: float) -> str:
    """"10 % (40)"."""
    return f"{share:.0%} ({n:.0f})".replace("%", " %")


def of_kind(table: pd.DataFrame, kind: str, against: str = ALONE) -> pd.DataFrame:
    """The rows of networks with summed gradients, or those of forests, whose differences are to one reference."""
    is_usual = table["gradients"].isin(["", "sum"])
    return table[is_usual & (table["model"] == kind) & (table["against"] == against)]


def kinds_of(table: pd.DataFrame) -> list[str]:
    """Those that were measured."""
    return [kind for kind in KINDS if len(of_kind(table, kind))]


RULE = "better than alone beyond chance, and with each of three draws of labels"


def answer(table: pd.DataFrame) -> str:
    """In how many pairs sharing helps networks, with all labels and with a tenth of them: the answer in a line."""
    table = of_kind(table, NETWORKS)
    n = table.groupby(["target", "source"]).ngroups
    of_all, of_tenth = (sum(advice(part).winner not in (None, ALONE)
                            for _, part in table[table["share"] == share].groupby(["target", "source"])) for share in (1.0, 0.1))
    return (f"**Sharing helps networks in {of_all} of {n} pairs of properties with all labels, and in {of_tenth} with a tenth of "
            f"them:** {RULE}, on new compositions.")


def sharing_verdict(rows: pd.DataFrame) -> str:
    """What won at each share of the labels, and what did harm, beyond chance; rows: of one target, source and kind."""
    words, by_share = WIRING_WORDS[rows["model"].iloc[0]], [(advice(part), part) for _, part in rows.groupby("share")]
    won = [_gain(part, found.winner) for found, part in by_share if found.winner not in (None, ALONE)]
    harm = [_gain(part, wiring) for found, part in by_share for wiring in found.harmful]
    said = f"**Helps most** ({RULE})**:** {'; '.join(won)}." if won else (
        f"No way of sharing is better than {words[ALONE]}, beyond chance.")
    return said + (f"  \n**Harms:** {'; '.join(harm)}." if harm else "")


def _gain(rows: pd.DataFrame, wiring: str) -> str:
    row = rows[rows["wiring"] == wiring].iloc[0]
    return (f"*{WIRING_WORDS[row['model']][wiring]}* with {labels_words(row['share'], row['n_labels'])} of the labels, "
            f"{interval(row['difference'], row['low'], row['high'])} of R², to {row['r2']:.2f}".replace("to -", "to −"))


def bands_verdict(rows: pd.DataFrame) -> str:
    """How many readings the 90 % bands of the target alone hold; rows: of one target, source and kind."""
    held = rows[rows["wiring"] == ALONE].set_index("share")["coverage"]
    few = held.index.min()
    return f"The 90 % bands, as stated, hold {_percent(held[1.0])} of the readings ({_percent(held[few])} with {_percent(few)} " \
           "of the labels), each property alone."


def kinds_verdict(table: pd.DataFrame) -> str:
    """Whether forests or networks are better where the target is learnt alone; table: of one target and source."""
    rows = of_kind(table, FORESTS, against=NETWORKS)
    rows = rows[rows["wiring"] == ALONE]
    if rows.empty:
        return ""
    better = _shares(rows[(rows["low"] > 0) & (rows["better"] == rows["n_draws"])])
    worse = _shares(rows[(rows["high"] < 0) & (rows["better"] == 0)])
    said = [f"random forests are better with {better}"] if better else []
    said += [f"networks are better with {worse}"] if worse else []
    all_labels = rows[rows["share"] == 1.0].iloc[0]
    gap = interval(all_labels["difference"], all_labels["low"], all_labels["high"])
    return (f"**Forests against networks,** each property alone: {'; '.join(said) or 'which is better cannot be told'}. "
            f"With all labels, forests less networks: {gap} of R².")


def _shares(rows: pd.DataFrame) -> str:
    shares = [_percent(share) for share in sorted(rows["share"])]
    return f"{', '.join(shares[:-1])} and {shares[-1]} of the labels" if len(shares) > 1 else "".join(
        f"{share} of the labels" for share in shares)


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def gradient_lines(table: pd.DataFrame) -> pd.DataFrame:
    """One network for all, by how the gradients of its properties become one step; empty where that was not compared.

    table: of one target and source.
    """
    rows = table[(table["model"] == NETWORKS) & (table["wiring"] == TOGETHER)]
    tried = rows[~rows["gradients"].isin(["", "sum"])]
    found = []
    of_both = rows[rows["share"].isin(tried["share"])].groupby(["share", "gradients"], sort=False)
    for (share, gradients), part in sorted(of_both, key=lambda one: (one[0][0], list(GRADIENT_WORDS).index(one[0][1]))):
        less = {row["against"]: row for _, row in part.iterrows()}
        alone, usual = less[ALONE], less.get(TOGETHER)
        found.append({
            "labels": labels_words(share, alone["n_labels"]), "gradients": GRADIENT_WORDS[gradients],
            "R²": f"{alone['r2']:.2f}".replace("-", "−"),
            "more than alone": interval(alone["difference"], alone["low"], alone["high"]),
            "more than added up": "" if usual is None else interval(usual["difference"], usual["low"], usual["high"])})
    return pd.DataFrame(found)


def interval(value: float, low: float, high: float) -> str:
    """"+0.012 [+0.003, +0.028]"."""
    return f"{number(value, '+.3f')} [{number(low, '+.3f')}, {number(high, '+.3f')}]"


def recommendations(table: pd.DataFrame) -> pd.DataFrame:
    """By property and what it may be learnt with, the wiring to choose with all its labels and with a tenth of them."""
    rows = []
    for (target, source), part in table.groupby(["target", "source"], sort=False):
        found = {"Property": pair_label(target, source)}
        for kind in kinds_of(table):
            of_pair = of_kind(part, kind)
            for share, words in ((1.0, "all labels"), (0.1, "a tenth")):
                found[f"{KINDS[kind].lower()}, {words}"] = recommended(of_pair[of_pair["share"] == share])
        rows.append(found)
    return pd.DataFrame(rows).set_index("Property")


def recommended(rows: pd.DataFrame) -> str:
    """"one network for all: R² 0.78 (0.77 alone)"; rows: of one target, source, kind and share."""
    if rows.empty:
        return "not measured"
    found, words = advice(rows), WIRING_WORDS[rows["model"].iloc[0]]
    r2 = rows.set_index("wiring")["r2"].map(lambda value: f"{value:.2f}".replace("-", "−"))
    if found.winner == ALONE:
        return f"{words[ALONE]}: R² {r2[ALONE]}, less otherwise"
    if found.winner is not None:
        is_useless = rows.set_index("wiring").loc[found.winner, "r2"] < USELESS
        return f"{words[found.winner]}: R² {r2[found.winner]} ({r2[ALONE]} alone){', still of no use' if is_useless else ''}"
    against = f"; worse: {' or '.join(words[wiring] for wiring in found.harmful)}" if found.harmful else ""
    return f"none helps beyond chance (alone: R² {r2[ALONE]}){against}"


def tip(table: pd.DataFrame, tasks: Sequence[str]) -> str:
    """What was found for networks, with all labels, for pairs of the tasks that are to be learnt; empty where there are none."""
    table = of_kind(table, NETWORKS)
    rows = table[table["target"].isin(tasks) & table["source"].isin(tasks) & (table["share"] == 1.0)]
    said = [f"{pair_label(*pair)}: {recommended(of_pair)}" for pair, of_pair in rows.groupby(["target", "source"], sort=False)]
    return f"Measured with networks on the published data, new compositions: {'; '.join(said)}." if said else ""


def by_chance(table: pd.DataFrame) -> str:
    """How many of the differences are beyond chance, and how many would be if there were none."""
    shared = pd.concat([of_kind(table, kind) for kind in KINDS])
    shared = shared[shared["wiring"] != ALONE]
    beyond = ((shared["low"] > 0) | (shared["high"] < 0)).sum()
    return (f"{beyond} of {len(shared)} differences have an interval without 0; where sharing did nothing at all, about "
            f"{math.ceil(len(shared) / 20)} would.")


SIZES = {"next to nothing": 0.01, "a little": 0.05, "much": math.inf}  # of what R² rises by, up to


def curve_verdict(fits: pd.DataFrame, task: str, split: str) -> str:
    """What the next measurements would be worth to networks, by the curve and by its last step; fits: of one task and split."""
    row = fits[fits["model"] == "ours"].iloc[0]
    unit, kind = TASKS[task].learning_unit, "alloys" if split == "composition" else "papers"
    ends = min(row["gain_low"], row["step_low"]), max(row["gain_high"], row["step_high"])
    low, high = (next(words for words, most in SIZES.items() if end < most) for end in ends)
    size = high if low == high else "cannot be told" if high == "much" else f"{low} to {high}"
    return (f"**{TASKS[task].label}, {HELD_OUT[split]}: {size}, {number(ends[0], '+.2f')} to {number(ends[1], '+.2f')} of R²** "
            f"by {row['more']:.0f} more measurements, of {kind} like those that there are: "
            f"{interval(row['gain'], row['gain_low'], row['gain_high'])} by the fitted curve (RMSE {written(row['rmse'])} → "
            f"{written(row['rmse'] - row['fall'])} {unit}), {interval(row['step'], row['step_low'], row['step_high'])} if it "
            f"went on as in its last step.{_better(fits, row, unit)}")


def _better(fits: pd.DataFrame, ours: pd.Series, unit: str) -> str:
    """Names what does better than networks with all measurements, by the fitted curves."""
    found = [f"{MODEL_WORDS[row['model']]} {written(row['rmse'])}" for _, row in fits.sort_values("rmse").iterrows()
             if row["model"] != "ours" and row["rmse"] < ours["rmse"]]
    return f" With all measurements a smaller RMSE than the {written(ours['rmse'])} {unit} of these networks: {listed(found)}." \
        if found else ""


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
