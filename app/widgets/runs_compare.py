"""Two to four runs side by side: what they are worth, on the same folds in pairs; how they differ; how they learnt."""
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import ledger, state
from app.figures.compared import losses_figure, parities_figure
from app.figures.scores import SPLIT_WORDS
from app.runs import parity_rows
from app.services import model, runs
from app.yours import plain
from mtl_core.registry.runs import SHIPPED, Run
from mtl_core.tasks import TASKS

STILL = {"displaylogo": False}


def comparison_panel() -> None:
    """What is compared stands in the link."""
    if state.shown("runs_compared") is None:
        state.show("runs_compared", tuple(filter(None, state.linked().get("compare", "").split(","))))
    wanted = state.shown("runs_compared")[:ledger.MOST_COMPARED]
    found = sorted((run for one in set(wanted) if (run := runs.find(one))), key=lambda run: (run.id != SHIPPED, run.id))
    state.mirror_part({"compare": ",".join(run.id for run in found)} if found else {}, {"compare"})
    if wanted and len(found) < len(wanted):
        st.warning("Some of the runs in this link are not here; they may stand in another run store.")
    if len(found) > 1:
        with st.container(border=True, key="comparison"):
            _panel(found)


def _panel(found: list[Run]) -> None:
    names = ledger.titles(found)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("Compared", anchor=False, width="content")
        st.button("Close", icon=":material/close:", key="compare_close", on_click=state.show, args=("runs_compared", ()))
    first = st.selectbox("Measured against", [run.id for run in found], format_func=names.get, key="compare_first", width=320)
    found = sorted(found, key=lambda run: run.id != first)
    reports = runs.reports(found)
    for run in found:
        if run.id not in reports:
            st.caption(f"{plain(names[run.id])}: {run.status}. {plain(run.sentence)} It has no scores to compare.")
    if reports:
        _scores(found, reports)
    _differences([run for run in found if run.id in reports], names)
    _config(found)
    _losses(found, names)
    if reports:
        _parity([run for run in found if run.id in reports], names)


def _scores(found: Sequence[Run], reports: dict) -> None:
    st.markdown("##### What they are worth")
    metric = st.segmented_control("Score", list(ledger.METRICS), format_func=ledger.METRICS.get, default="r2", required=True,
                                  key="compare_metric", label_visibility="collapsed")
    table = ledger.side_by_side(found, reports, metric)
    form = "percent" if metric == "coverage" else "%.3f" if metric == "r2" else "%.3g"
    columns = {name: st.column_config.NumberColumn(format=form) for name in table if name not in ("Property", "Held out")}
    st.dataframe(table, hide_index=True, column_config=columns, placeholder=ledger.ABSENT, height="content",
                 alt="Scores side by side")


def _differences(scored: Sequence[Run], names: dict[str, str]) -> None:
    """Each of the others against the first."""
    if len(scored) < 2:
        return
    st.markdown("##### Is the difference more than luck?")
    first, *others = scored
    for other in others:
        compared, unpaired = runs.differences(first.id, other.id)
        st.markdown(f"**{plain(names[other.id])}** against {plain(names[first.id])}")
        if len(compared):
            forms = {"R² of the first": "%.3f", "R² of this one": "%.3f", "Difference": "%+.3f"}
            st.dataframe(ledger.difference_lines(compared), hide_index=True, height="content", alt="Paired differences of R²",
                         column_config={name: st.column_config.NumberColumn(format=form) for name, form in forms.items()})
            st.caption("Paired on the same folds and rows, with a 95 % interval by resampling whole papers.")
        if unpaired:
            words = "; ".join(f"{TASKS[key].label.lower()}, {SPLIT_WORDS[split]}" for key, split in unpaired)
            st.caption(f"{'Not paired' if len(compared) else 'Nothing is paired'}, because the two were tested on other folds "
                       f"(another seed, other properties or other data), and fold luck alone moves a score: {words}.")
        if not len(compared) and not unpaired:
            st.caption("They share no property.")


def _config(found: Sequence[Run]) -> None:
    st.markdown("##### How they were made")
    differing = ledger.config_differences(found)
    if differing.empty:
        st.caption("With the same options, on the same data.")
    else:
        st.dataframe(differing, height="content", alt="Options that differ")


def _losses(found: Sequence[Run], names: dict[str, str]) -> None:
    curves = {run.id: runs.losses(run.id) for run in found}
    keys = [key for key in TASKS if any(key in of_run for of_run in curves.values())]
    if not keys:
        return
    st.markdown("##### How they learnt")
    columns = st.columns(min(len(keys), 2), gap="large")
    for index, key in enumerate(keys):
        shown = [(names[run], of_run[key]) for run, of_run in curves.items() if key in of_run]
        with columns[index % 2]:
            st.markdown(f"Training loss of {TASKS[key].label.lower()}")
            st.plotly_chart(losses_figure(shown), key=f"compare_loss_{key}", config=STILL,
                            alt=f"Training loss of {TASKS[key].label} by epoch")
    silent = ", ".join(plain(names[run]) for run, of_run in curves.items() if not of_run)
    st.caption("The median network as a line, nine in ten inside the shade." + (
        f" No log of epochs: {silent}." if silent else ""))


def _parity(scored: Sequence[Run], names: dict[str, str]) -> None:
    tables = {run.id: model.out_of_fold(run.id) for run in scored}
    keys = [key for key in TASKS if any((table["task"] == key).any() for table in tables.values())]
    st.markdown("##### Predicted out of fold against measured")
    with st.container(horizontal=True):
        key = st.segmented_control("Property", keys, default=keys[0], required=True, key="compare_task",
                                   format_func=lambda key: TASKS[key].label)
        split = st.segmented_control("Held out", list(SPLIT_WORDS), default=ledger.NEW_PAPERS, required=True, key="compare_split",
                                     format_func=SPLIT_WORDS.get)
    panels = [(names[run], rows) for run, rows in _rows(tables, key, split).items() if len(rows)]
    if panels:
        st.plotly_chart(parities_figure(panels, unit=TASKS[key].learning_unit), key="compare_parity", config=STILL,
                        alt=f"Predictions of {TASKS[key].label} side by side")
    if len(panels) < len(scored):
        st.caption("The others were not tested on this property in this way.")


def _rows(tables: dict[str, pd.DataFrame], key: str, split: str) -> dict[str, pd.DataFrame]:
    return {run: parity_rows(table, key, split) for run, table in tables.items()}
