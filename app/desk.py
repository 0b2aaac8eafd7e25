"""What the data desk shows, arranged for reading: findings, choices, repeats, statistics, effects. Pure pandas."""
from collections.abc import Mapping

import numpy as np
import pandas as pd

from app.evidence import circumstances
from app.figures.scores import SPLIT_WORDS
from app.figures.style import written
from mtl_core.chemistry.composition import Composition
from mtl_core.data.curations import Curation, Decision
from mtl_core.data.rules import RULES
from mtl_core.data.schema import AT
from mtl_core.data.suspects import SUSPECT_RULES
from mtl_core.features.descriptors import DESCRIPTORS
from mtl_core.features.words import COLUMN_WORDS
from mtl_core.tasks import TASKS

UNITS = {descriptor.key: descriptor.unit for descriptor in DESCRIPTORS}
MISLEADING = "Mean and deviation mislead: "
STATISTIC_WORDS = {"mean": "Mean", "median": "Median", "std": "Deviation", "min": "Smallest", "q05": "5 %", "q95": "95 %",
                   "max": "Largest", "skewness": "Skewness", "kurtosis": "Excess kurtosis"}
DOI = "https://doi.org/"
DOI_TEXT = rf"{DOI}(.*)"


def suspect_lines(suspects: pd.DataFrame, curation: Curation) -> pd.DataFrame:
    """One line a finding, with what the curation says about its readings."""
    return pd.DataFrame({
        "Rule": suspects["rule"].map(rule_label), "Evidence": suspects["evidence"], "Severity": suspects["severity"].map(written),
        "Choice": [_choices(ids, curation) for ids in suspects["measurement_ids"]],
        "Property": suspects["property"].map(label), "Alloy (at.%)": suspects["alloy"],
        "Paper": [_link(dois) for dois in suspects["dois"]]})


def rule_label(rule: str) -> str:
    """What readers call a rule; a word of the visitor's own stays."""
    return SUSPECT_RULES[rule].label if rule in SUSPECT_RULES else rule


def _choices(ids: tuple[str, ...], curation: Curation) -> str:
    made = [curation.decisions[one].choice for one in ids if one in curation.decisions]
    return ", ".join(f"{choice} × {made.count(choice)}" if made.count(choice) > 1 else choice for choice in dict.fromkeys(made))


def _link(dois: tuple[str, ...]) -> str | None:
    return DOI + dois[0] if dois else None


def label(key: str) -> str:
    """What readers call a property."""
    return TASKS[key].label if key in TASKS else key


def reading_lines(readings: pd.DataFrame, curation: Curation) -> pd.DataFrame:
    """One line a measurement: what was measured, on what, under which conditions, by whom, and what was decided."""
    symbols = tuple(name.removeprefix(AT) for name in readings if name.startswith(AT))
    at = readings[[AT + symbol for symbol in symbols]].fillna(0.0).to_numpy(float)
    rows = readings.to_dict("records")
    return pd.DataFrame({
        "Reading": readings["measurement_id"], "Property": [label(row["property"]) for row in rows],
        "Value": [f"{value_of(row)} {row['unit']}" for row in rows],
        "Alloy (at.%)": [Composition.from_array(row, symbols, normalise=True).formula(digits=1) for row in at],
        "Conditions": [circumstances(row) + _bromide(row) for row in rows], "Flags": readings["flags"],
        "Choice": [_choices((row["measurement_id"],), curation) for row in rows],
        "Paper": [_link((row["doi"],) if row["doi"] else ()) for row in rows]})


def _bromide(row: dict) -> str:
    return f" · {row['bromide_m']:.3g} mol/L Br⁻" if row["bromide_m"] > 0 else ""


def value_of(row: dict) -> str:
    """"352", "> 800", "30 to 45": a measurement as its source states it."""
    if row["value"] == row["value"]:
        return written(row["value"])
    if row["bound"] == "=":
        return f"{written(row['value_low'])} to {written(row['value_high'])}"
    return f"{row['bound']} {written(row['value_low' if row['bound'] == '>' else 'value_high'])}"


def to_act_on(chosen: pd.DataFrame) -> tuple[str, ...]:
    """The readings that a choice most likely concerns: of several, the last, which repeats or contradicts the others."""
    return tuple(dict.fromkeys(ids[-1] for ids in chosen["measurement_ids"]))


def decisions(chosen: pd.DataFrame, ids: tuple[str, ...], choice: str, reason: str) -> dict[str, Decision]:
    """The same choice for some readings, each with the rule and the evidence of the finding that names it."""
    found = {one: row for row in reversed(chosen.to_dict("records")) for one in row["measurement_ids"]}
    return {one: Decision(choice=choice, rule=found[one]["rule"], reason=reason.strip() or found[one]["evidence"]) for one in ids}


def decision_lines(curation: Curation) -> pd.DataFrame:
    """One line a choice, by reading."""
    return pd.DataFrame([{"Reading": one, "Choice": made.choice, "Rule": rule_label(made.rule), "Why": made.reason}
                         for one, made in sorted(curation.decisions.items())])


def in_short(curation: Curation) -> str:
    """"12 excluded, 2 kept, 1 lower bounds", or that there are none."""
    made = [decision.choice for decision in curation.decisions.values()]
    words = {"exclude": "excluded", "keep": "kept", "lower bound": "lower bounds", "upper bound": "upper bounds"}
    return ", ".join(f"{made.count(choice)} {word}" for choice, word in words.items() if choice in made) or "none yet"


def waterfall_lines(steps: pd.DataFrame) -> pd.DataFrame:
    """The steps of `training.waterfall` with the names of rules in plain words, and their reasons."""
    reasons = {rule.name: rule.reason for rule in RULES}
    return steps.assign(reason=steps["step"].map(reasons).fillna(""), step=steps["step"].str.replace("-", " "))


def noise_lines(noise: pd.DataFrame) -> pd.DataFrame:
    """One line a property and notion of "the same"; s in the learning unit."""
    noise = noise[noise["n_groups"] > 0]
    return pd.DataFrame({
        "Property": noise["property"].map(label), "Same": noise["same"], "Groups": noise["n_groups"], "Readings": noise["n_rows"],
        "Scatter s": [f"{written(sd)} {unit}" for sd, unit in zip(noise["sd"], noise["unit"], strict=True)],
        "Robust s": [f"{written(sd)} {unit}" for sd, unit in zip(noise["robust_sd"], noise["unit"], strict=True)],
        "R² ceiling": noise["r2_ceiling"].map(lambda r2: "–" if r2 != r2 else f"{r2:.2f}"), "Note": noise["note"]})


def ceilings(noise: pd.DataFrame, metrics: Mapping) -> tuple[list[str], dict[str, list], dict[str, list]]:
    """Labels of properties with repeats; ceilings by notion of "the same"; R² that the ensemble reaches, by split."""
    table = noise.pivot(index="property", columns="same", values="r2_ceiling").reindex(
        [key for key in TASKS if key in set(noise["property"])])
    table = table.where(table > 0)  # repeats that scatter more widely than all values set no ceiling; the table's note says so
    splits = list(next(iter(metrics.values())))
    reached = {split: [metrics[key][split]["r2"] if key in metrics else None for key in table.index] for split in splits}
    return [label(key) for key in table.index], {same: table[same].tolist() for same in table}, reached


def skewness(values: np.ndarray) -> float:
    """Third standardised moment; 0 for a symmetric spread."""
    spread = values.std()
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread else 0.0


def verdict_of(effects: pd.DataFrame) -> str:
    """One sentence on the effects on one task: which splits gain or lose beyond their interval, and how much."""
    rows = effects[effects["scored_on"] == "all rows"]
    words = rows["split"].map(SPLIT_WORDS) + rows["difference"].map(" (R² {:+.3f})".format)
    better, worse = words[rows["low"] > 0].tolist(), words[rows["high"] < 0].tolist()
    if not better and not worse:
        return "no difference that these papers can show."
    return "; ".join(f"{word} on {', '.join(splits)}" for word, splits in (("better", better), ("worse", worse)) if splits) + "."


def effect_lines(effects: pd.DataFrame) -> pd.DataFrame:
    """One line a split and set of rows scored."""
    return pd.DataFrame({
        "Held out": effects["split"].map(SPLIT_WORDS), "Scored on": effects["scored_on"], "Rows": effects["n"],
        "R² before": effects["r2_before"].map("{:.3f}".format), "R² after": effects["r2_after"].map("{:.3f}".format),
        "Difference": [f"{d:+.3f} [{low:+.3f}, {high:+.3f}]" for d, low, high in
                       effects[["difference", "low", "high"]].itertuples(index=False)],
        "MAE": [f"{written(before)} → {written(after)}" for before, after in
                effects[["mae_before", "mae_after"]].itertuples(index=False)]})


def statistics_lines(statistics: pd.DataFrame) -> pd.DataFrame:
    """One line a column that has values, numbers as readers want them."""
    rows = statistics[statistics["n"] > 0]
    numbers = {words: rows[name].map(written) for name, words in STATISTIC_WORDS.items()}
    names = rows["column"].map(lambda key: COLUMN_WORDS.get(key) or label(key))
    units = [unit or UNITS.get(key, "") for key, unit in zip(rows["column"], rows["unit"], strict=True)]
    return pd.DataFrame({"Column": names, "Unit": units, "Values": rows["n"], "Bound or missing": rows["missing"],
                         "The mean misleads": rows["warning"].str.removeprefix(MISLEADING), **numbers})
