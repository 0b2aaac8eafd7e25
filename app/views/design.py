"""Move an alloy and see its properties with honest bands."""
import streamlit as st

from app import state
from app.presets import opening
from app.services import measured, model
from app.widgets.batch import batch_panel
from app.widgets.cards import result_cards
from app.widgets.class_cards import class_cards
from app.widgets.composition import composition_editor
from app.widgets.conditions import conditions_editor
from app.widgets.data_in_use import data_note
from app.widgets.derived import derived_quantities
from app.widgets.downloads import download_buttons
from app.widgets.formula import formula_box
from app.widgets.heading import heading
from app.widgets.neighbours import neighbours_panel
from app.widgets.pinned import pins_panel
from app.widgets.runs_note import answering_note
from app.widgets.start import preset_picker, start_here
from app.widgets.sweep import sweep_plots
from app.widgets.why import why_fold
from mtl_core.tasks import DEFAULT_TASKS

if complaint := state.open_link(opening()):
    st.warning(complaint)
data_note()

if set(DEFAULT_TASKS) <= set(model.report()["metrics"]):  # they are about these
    with st.expander("Start here: three worked cases", icon=":material/school:"):
        start_here()

chosen = state.selection()
results = model.answer(chosen)
with st.container(key="workbench"):
    left, right = st.columns([1, 1.5], gap="large")
with right, st.container(key="answers"):  # drawn first, so that the numbers are on screen while the rest is still on its way
    heading(chosen)
    result_cards(results, measured.measured_values((result.task.key for result in results), state.datasets()))
    class_cards(model.class_answer(chosen), model.report().get("classes", {}))
    answering_note("design")
with right:
    curves = st.container()
    model.let_the_screen_catch_up()
    why_fold(chosen)  # above the curves in time, below them in place: its bars are to follow the slider
with left, st.container(key="controls"):
    formula_box()
    with st.popover("Presets", width="stretch", on_change="rerun", key="presets") as presets:
        if presets.open:
            preset_picker()
    composition_editor()
    conditions_editor(model.needed_conditions())
with curves:
    sweep_plots(chosen)

tabs = st.tabs(["Nearest measured", "Derived quantities", "Pins", "A list of alloys", "Download"],
               on_change="rerun", key="details")
shown = (lambda: neighbours_panel(chosen), lambda: derived_quantities(chosen.composition),
         lambda: pins_panel(chosen, results), lambda: batch_panel(chosen),
         lambda: download_buttons(chosen, results))
for tab, draw in zip(tabs, shown, strict=True):
    if tab.open:
        with tab:
            draw()
state.mirror()
