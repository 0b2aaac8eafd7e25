"""Design: move an alloy, see its properties with honest bands."""
import streamlit as st

from app import state
from app.presets import OPENING, PRESETS
from app.widgets.composition import composition_editor
from app.widgets.conditions import conditions_editor
from app.widgets.formula import formula_box

sentence = state.open_link(PRESETS[OPENING].selection())
if sentence:
    st.warning(sentence)
left, right = st.columns([1, 1.45], gap="large")
with left:
    formula_box()
    composition_editor()
    conditions_editor(("process", "temperature_c", "chloride_m", "ph", "scan_rate_mv_s"))
state.mirror()
