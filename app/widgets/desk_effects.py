"""What a curation, or another preparation of the numbers, is worth: before and after on the same untouched test rows."""
import pandas as pd
import streamlit as st

from app import desk, state
from app.figures.effects import effect_figure
from app.figures.style import color_of
from app.services import desk as findings
from mtl_core.errors import AlloyscopeError
from mtl_core.tasks import PROPERTIES

MODELS = {"extra trees": "extra trees (a minute)", "ridge": "ridge (seconds)", "ensemble": "networks (minutes)"}
OPTIONS = {
    "scaling": ("Feature scaling", {"standard": "mean and deviation", "min-max": "smallest and largest",
                                    "robust": "median and quartiles"}),
    "fill": ("Fill in missing conditions", {"mean": "mean", "median": "median", "model": "a regression on the others"}),
    "cap": ("Cap features at each end", {0.0: "not at all", 0.01: "1 %", 0.05: "5 %"}),
    "target": ("Target transform", {"none": "none", "log": "logarithm", "yeo-johnson": "Yeo-Johnson"}),
}


def effects_panel(datasets: tuple[str, ...]) -> None:
    """Choose what to change, score it, read the difference with its interval."""
    st.markdown("Changes act on training rows only. Both sides answer the same test rows, which stay as they were measured; "
                "everything is fitted inside the fold. A filled-in *property* would be an invented measurement, so only features "
                "and conditions are filled in or capped.")
    kinds = ["A curation", "The preparation"]
    kind = st.segmented_control("What to change", kinds, default=kinds[0], key="effect_kind", required=True)
    change = _curation() if kind == "A curation" else _preparation()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tasks = tuple(st.multiselect("Properties", list(PROPERTIES), findings.concerned(datasets, change), format_func=desk.label,
                                     width=420, key=f"effect_tasks_{change}"))
        model = st.selectbox("Model", list(MODELS), format_func=MODELS.get, width=260, key="effect_model")
        if st.button("Score before and after", type="primary", disabled=not (change and tasks), key="score_effect"):
            state.show("scored", (datasets, change, tasks, model))
    if state.shown("scored") == (datasets, change, tasks, model):
        _show(datasets, change, tasks, model)


def _curation() -> dict | None:
    names = findings.curation_names()
    if not names:
        st.info("No curation yet: choose what to do with some readings under *Readings to doubt*.")
        return None
    current = state.shown("curation")
    name = st.selectbox("Curation", names, index=names.index(current) if current in names else 0, width=320,
                        key=f"effect_curation_{current}")
    curation = findings.curation(name)
    st.caption(f"{curation.id}: {desk.in_short(curation)}.")
    if n := findings.chosen_from_residuals(curation.id):
        st.info(f"{n} of these choices came from how far a model missed, and that model had seen the test rows. The score "
                "therefore lets the rule choose anew inside each training part: it may leave out other readings, or more.")
    return {"curation": curation.id}


def _preparation() -> dict:
    with st.container(horizontal=True):
        return {key: st.selectbox(label, list(words), format_func=words.get, key=f"prepare_{key}", width=220)
                for key, (label, words) in OPTIONS.items()}


def _show(datasets: tuple[str, ...], change: dict, tasks: tuple[str, ...], model: str) -> None:
    try:
        effects = findings.effect(datasets, change, tasks, model)
    except AlloyscopeError as error:
        st.error(str(error))
        return
    for index, (task, rows) in enumerate(effects.groupby("task", sort=False)):
        st.markdown(f"**{desk.label(task)}** · {desk.verdict_of(rows)}")
        _of_task(rows, index)
    st.caption("R² pooled over out-of-fold rows, mean of the fold seeds; intervals of 95 % by resampling whole papers, paired. "
               "*Kept rows*: the same without the readings that the curation leaves out. Rules that use residuals run again "
               "inside each training part. Of the networks, another seed alone moves R² by up to 0.04; a smaller gain is luck.")


def _of_task(rows: pd.DataFrame, index: int) -> None:
    left, right = st.columns([1, 1.5], gap="medium")
    left.plotly_chart(effect_figure(rows, color=color_of(index)), key=f"effect_{index}", config={"displayModeBar": False},
                      alt="Change of R² with its interval")
    right.dataframe(desk.effect_lines(rows), hide_index=True, width="stretch", alt="R² before and after")
