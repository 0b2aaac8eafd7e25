"""What was measured near an alloy, and which measurements decide its prediction, by the run that answers."""
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app.selection import Selection
from app.services import measured, model
from mtl_core.chemistry.composition import Composition
from mtl_core.tasks import TaskSpec

CHANGE = ["change", "spread", "is_stable", "n_members"]
KEPT = ["measurement_id", "reference_group", "alloy", "value", "low", "high", "bound", "process", "temperature_c", "chloride_m",
        "ph", "scan_rate_mv_s", "doi", "year", "source", "distance", *CHANGE]


@dataclass(frozen=True)
class Deciding:
    """The readings and the papers that one prediction of a task was learnt from, those that move it most first.

    Columns as in `mtl_core.explain.influence.Influence`; alloy, distance, doi and year of a paper are of its nearest reading.
    """

    task: TaskSpec
    readings: pd.DataFrame
    papers: pd.DataFrame


@st.cache_resource(show_spinner="Leaving out each measurement in turn; this is done once …", max_entries=1)
def _left_out(run: str, seen: int) -> tuple:
    """Of each task, for one run at a time."""
    from mtl_core.explain.influence import leave_out

    asked = model.predictor_of(run)
    return tuple(leave_out(asked, task) for task in asked.tasks)


@st.cache_data(show_spinner="Asking what each measurement does to this prediction; 30 s the first time …", max_entries=32)
def _deciding(run: str, seen: int, query: tuple[tuple[str, str], ...]) -> tuple[Deciding, ...]:
    from mtl_core.explain.influence import influence

    selection, asked = Selection.from_query(dict(query)), model.predictor_of(run)
    found = [influence(asked, left_out, selection.composition, selection.conditions) for left_out in _left_out(run, seen)]
    return tuple(Deciding(one.task, by_size(one.rows)[KEPT], by_size(_papers(one.papers, one.rows))) for one in found)


def deciding(selection: Selection) -> tuple[Deciding, ...]:
    """What decides each prediction of the selected alloy."""
    return _deciding(*model.seen(model.loaded_run()), tuple(selection.to_query().items()))


def nearest(selection: Selection, one: Deciding, datasets: tuple[str, ...], n: int = 12) -> pd.DataFrame:
    """The nearest readings in the data in use, with what they do to the prediction: NaN where no network learnt from one."""
    near = measured.nearest(selection.composition, one.task.key, datasets, n)
    near["alloy"] = [Composition.from_text(formula).formula(digits=1) for formula in near["alloy"]]
    return near.join(one.readings.set_index("measurement_id")[CHANGE], on="measurement_id")


def by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """The largest change first; what no network learnt from last."""
    return rows.sort_values("change", key=lambda change: -change.abs(), kind="stable", ignore_index=True)


def _papers(papers: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    nearest = rows.sort_values("distance", kind="stable").groupby("reference_group").first()
    return papers.join(nearest[["alloy", "distance", "doi", "year", "source"]]).reset_index(names="reference_group")
