"""The questions that a sceptical referee asks about a run, and what the run can answer."""
import streamlit as st

from app import state
from app.services import model, validations
from app.widgets.run_picker import run_picker
from app.widgets.validate_alarm import alarm, transfer_section
from app.widgets.validate_bands import bands_panel
from app.widgets.validate_card import card_panel
from app.widgets.validate_curves import curves_panel
from app.widgets.validate_ladder import ladder_panel
from app.widgets.validate_leaks import leaks_panel
from app.widgets.validate_sharing import sharing_panel
from mtl_core.errors import CheckpointError
from mtl_core.registry.runs import Run, Status

VIEWS = {"ladder": ("Ladder", ladder_panel), "bands": ("Bands", lambda run, _: bands_panel(run)),
         "leaks": ("Leaks", lambda run, _: leaks_panel(run)), "sharing": ("Sharing", lambda run, _: _sharing(run)),
         "curves": ("Learning curves", lambda *_: curves_panel()), "card": ("Model card", lambda run, _: card_panel(run))}
KEY = "validate_run"


def _follow(linked: dict[str, str]) -> None:
    """Let the page begin where the link says; a link to a validation opens the run that it is about."""
    run = linked.get("run")
    if run is None or (state.shown("validate_linked") == run and state.shown(KEY) is not None):
        return
    try:
        found = validations.find(run)
    except CheckpointError:
        found = None
    if found is not None and found.kind == "validate":
        state.show("validate_wanted", run)
        run = found.config.get("run", run)
    state.show(KEY, run)


def _sharing(run: Run) -> None:
    transfer_section(run)
    sharing_panel(run.config["tasks"])


linked = state.linked()
_follow(linked)
if state.shown("validate_view") is None:
    state.show("validate_view", linked["view"] if linked.get("view") in VIEWS else "ladder")
st.header("Validate")
st.markdown(__doc__)
view = st.segmented_control("View", list(VIEWS), format_func=lambda key: VIEWS[key][0], key="validate_view", required=True,
                            label_visibility="collapsed")
answering = model.answering()[0]
pickers = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
with pickers:
    run_id = run_picker(answering, key=KEY)
query = ({"run": run_id} if run_id != answering else {}) | ({} if view == "ladder" else {"view": view})
state.show("validate_linked", query.get("run"))
state.mirror_part(query, {"run", "view"})
run = validations.find(run_id)
if run.kind != "train" or run.status is not Status.complete:
    st.info("There is nothing to validate here: it takes a training that is complete.")
else:
    if classes := list(model.report(run.id).get("classes", {})):
        st.info(f"This run also learns classes ({', '.join(classes)}). What is asked here is about properties with values, so "
                "its folds are not validated anew; the scores of the classes stand in its results on the Train page.")
    alarm(run)
    VIEWS[view][1](run, pickers)
