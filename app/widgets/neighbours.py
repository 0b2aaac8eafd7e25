"""The evidence beside a prediction: the nearest measured alloys, with conditions and DOI."""
import pandas as pd
import streamlit as st

from app import state
from app.evidence import PROCESS_WORDS
from app.selection import Selection
from app.services import measured, model
from app.widgets.conditions import NUMBERS
from app.widgets.data_in_use import data_picker
from mtl_core.data.datasets import dataset_of
from mtl_core.tasks import TaskSpec

DOI = "https://doi.org/"


def neighbours_panel(selection: Selection) -> None:
    """One table a task, from the data in use; if this very alloy was measured, its own values come first."""
    data_picker("neighbours")
    for task in model.tasks():
        st.markdown(f"**{task.label}** ({task.unit})")
        _own_values(selection, task)
        nearest = readable(measured.others_near(selection.composition, task.key, state.datasets()), task)
        st.dataframe(nearest, hide_index=True, width="stretch", key=f"nearest_{task.key}", placeholder="–",
                     column_config=columns_of(task))
    st.caption("Distance: how many at.% would have to be exchanged. Values that start with > or < are bounds.")


def columns_of(task: TaskSpec) -> dict:
    headings = {name: label for name, (label, *_) in NUMBERS.items()} | {"process": "Processing"}
    return {name: headings[name] for name in task.conditions} | {
        "alloy": "Alloy (at.%)", "value": f"Measured ({task.unit})", "year": "Year", "dataset": "Dataset",
        "distance": st.column_config.NumberColumn("Distance (at.%)", format="%.2f"),
        "doi": st.column_config.LinkColumn("Source", display_text=rf"{DOI}(.*)")}


def _own_values(selection: Selection, task: TaskSpec) -> None:
    own = measured.own_values(selection.composition, task, state.datasets())
    if own.empty:
        return
    st.caption("This very alloy was measured (within 0.5 at.%). *Out-of-fold*: predicted by members that never saw its "
               "paper. *In-sample*: by all members; some learnt from it, unless it stands in a dataset of your own.")
    st.dataframe(own, hide_index=True, width="stretch", key=f"own_{task.key}", placeholder="–",
                 column_config={"doi": st.column_config.LinkColumn("Source", display_text=rf"{DOI}(.*)")})


def readable(nearest: pd.DataFrame, task: TaskSpec) -> pd.DataFrame:
    """Columns in reading order; conditions that do not matter for the task are left out, DOIs become links."""
    frame = nearest.assign(
        doi=nearest["doi"].map(lambda doi: DOI + doi if doi else None),
        value=[value_of(row) for row in nearest.to_dict("records")],
        process=nearest["process"].map(lambda process: PROCESS_WORDS.get(process, "")),
        year=nearest["year"].astype("Int64"), dataset=nearest["source"].map(dataset_of))
    return frame[["alloy", "value", "distance", *task.conditions, "year", "doi", "dataset"]]


def value_of(row: dict) -> str:
    """"352", "> 800", "30 to 45"."""
    if row["value"] == row["value"]:
        return f"{row['value']:.4g}"
    if row["bound"] == "=":
        return f"{row['low']:.4g} to {row['high']:.4g}"
    return f"{row['bound']} {row['low'] if row['bound'] == '>' else row['high']:.4g}"
