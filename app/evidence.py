"""The measurements of one task as arrays, and the words that name a measured point. Pure pandas and NumPy."""
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import ValidationError

from app.figures.style import written
from app.figures.sweep import Measured
from app.lines import NEAR, Line, near_line
from mtl_core.chemistry.composition import Composition
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data.datasets import PUBLISHED, dataset_of
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.words import CONDITION_WORDS, PROCESS_WORDS

FAMILY_WORDS = {"HEA": "high-entropy alloys", "Fe": "Fe-based (steels)", "": "not reported"}


@dataclass(frozen=True)
class Evidence:
    """Exact values [m] of one task, their alloys at [m, E] in at.% of `symbols`, and a text [m] for each."""

    values: np.ndarray
    at: np.ndarray
    symbols: tuple[str, ...]
    texts: np.ndarray


def evidence_of(observations: pd.DataFrame, task: str) -> Evidence:
    """The uncensored measurements of a task out of `mtl_core.data.training.observations`."""
    rows = observations[(observations["task"] == task) & observations["value"].notna()]
    columns = [name for name in rows if name.startswith("at_")]
    symbols = tuple(name.removeprefix("at_") for name in columns)
    at = rows[columns].to_numpy(float)
    formulas = [Composition.from_array(row, symbols, normalise=True).formula(digits=1) for row in at]
    around = [circumstances(row) for row in rows.to_dict("records")]
    texts = [f"{formula}<br>{words}" for formula, words in zip(formulas, around, strict=True)]
    return Evidence(rows["value"].to_numpy(float), at, symbols, np.array(texts))


def family_words(family: str) -> str:
    """"Fe-based (steels)", "Al-based": what people call a family that the data name by its base element."""
    return FAMILY_WORDS.get(family) or (f"{family}-based" if family in SYMBOLS else family)


def circumstances(row: dict) -> str:
    """"cast · 25 °C · 2014 · mylab": what is reported, in the order of `CONDITION_WORDS`, the year, a dataset of one's own."""
    row = row | {"process": PROCESS_WORDS.get(row["process"], "")}
    said = [words.format(row[name]) for name, words in CONDITION_WORDS.items() if not _is_missing(row[name])]
    said += [] if _is_missing(row["year"]) else [f"{row['year']:.0f}"]
    return " · ".join([*said, *({dataset_of(row["source"])} - {PUBLISHED})])


def _is_missing(cell: object) -> bool:
    return cell is None or cell == "" or cell != cell


def measured_near(line: Line, evidence: Evidence) -> Measured:
    """The measured alloys within `NEAR` at.% of the line."""
    if line.symbol not in evidence.symbols:
        return Measured(*(np.array([]) for _ in range(3)), ())
    amount, distance = near_line(line, evidence.at, evidence.symbols)
    near = distance <= NEAR
    return Measured(amount[near], evidence.values[near], distance[near], tuple(evidence.texts[near]))


def conditions_of(row: dict) -> Conditions:
    """The reported conditions of one measurement; what `Conditions` does not accept counts as not reported."""
    reported = {name: None if _is_missing(row[name]) else row[name] for name in CONDITION_WORDS}
    try:
        return Conditions(**reported)
    except ValidationError as error:
        return Conditions(**reported | {wrong["loc"][0]: None for wrong in error.errors()})


def own_table(own: pd.DataFrame, out_of_fold: pd.DataFrame, in_sample: np.ndarray, task: TaskSpec) -> pd.DataFrame:
    """Measured beside predicted values of one alloy, under the conditions of each measurement.

    own: rows of `nearest`; in_sample: [n] predictions for them; out-of-fold ones are those of the by-paper split.
    """
    by_paper = out_of_fold[(out_of_fold["task"] == task.key) & (out_of_fold["split"] == "reference")]
    held_out = by_paper.groupby("measurement_id")["mean"].mean().reindex(own["measurement_id"]).to_numpy(float)
    return pd.DataFrame({
        "Measured": own["value"].map(written).to_numpy(),
        "Out-of-fold": [written(value) for value in task.from_learning(held_out)],
        "In-sample": [written(value) for value in in_sample],
        "Conditions": [circumstances(row) for row in own.to_dict("records")],
        "doi": own["doi"].map(lambda doi: f"https://doi.org/{doi}" if doi else None).to_numpy()})
