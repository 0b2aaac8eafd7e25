"""What a training is worth on alloys and papers it had never seen; and the next one, watched while it learns."""
import streamlit as st

from app import state
from app.services import model
from app.widgets.run_panel import run_panel
from app.widgets.run_picker import KEY, run_picker
from app.widgets.train_form import training_form

VIEWS = {"run": "Runs and results", "new": "New training"}


linked = state.linked()
if run := state.noted("started_training"):
    state.show("train_view", "run")
    state.show(KEY, run)
if state.shown("train_view") is None:
    state.show("train_view", "new" if linked.get("view") == "new" else "run")
if "run" in linked and state.shown("train_linked") != linked["run"]:  # a link that was followed just now
    state.show("train_view", "run")
if "run" in linked and (state.shown(KEY) is None or state.shown("train_linked") != linked["run"]):
    state.show(KEY, linked["run"])
st.header("Train")
view = st.segmented_control("View", list(VIEWS), format_func=VIEWS.get, key="train_view", required=True,
                            label_visibility="collapsed")
if view == "new":
    if run := training_form():
        state.note("started_training", run)
        st.rerun()
    query = {"view": "new"}
else:
    run = run_picker(model.answering()[0])
    run_panel(run)
    query = {"run": run}
state.show("train_linked", query.get("run"))
state.mirror_part(query, {"run", "view"})
