"""The computer looks for better settings of the networks; see, trial by trial, what it believes and why it tries the next."""
import streamlit as st

from app import state
from app.services import studies
from app.widgets.study_form import study_form
from app.widgets.study_panel import study_panel
from app.widgets.study_picker import KEY, study_picker

VIEWS = {"run": "Searches and results", "new": "New search"}

linked, known = state.linked(), studies.runs()
if run := state.noted("started_study"):
    state.show("tune_view", "run")
    state.show(KEY, run)
if state.shown("tune_view") is None:
    state.show("tune_view", "new" if linked.get("view") == "new" else "run")
if "run" in linked and state.shown("tune_linked") != linked["run"]:  # a link that was followed just now
    state.show("tune_view", "run")
if "run" in linked and (state.shown(KEY) is None or state.shown("tune_linked") != linked["run"]):
    state.show(KEY, linked["run"])
st.header("Tune")
view = st.segmented_control("View", list(VIEWS), format_func=VIEWS.get, key="tune_view", required=True,
                            label_visibility="collapsed")
if view == "new":
    st.markdown(__doc__)
    if run := study_form():
        state.note("started_study", run)
        st.rerun()
    query = {"view": "new"}
else:
    run = study_picker(known)
    if run:
        study_panel(run)
    else:
        st.markdown(__doc__)
        st.button("Set up a search", type="primary", icon=":material/tune:", on_click=state.show, args=("tune_view", "new"))
    query = {"run": run} if run else {}
state.show("tune_linked", query.get("run"))
state.mirror_part(query, {"run", "view"})
