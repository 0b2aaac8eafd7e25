"""What was measured: every alloy on one map, which numbers to doubt, and your own measurements beside them."""
import streamlit as st

from app import state
from app.widgets.atlas_paint import is_painted
from app.widgets.atlas_panel import atlas_panel
from app.widgets.data_in_use import data_picker
from app.widgets.desk_panel import desk_panel
from app.widgets.your_data import your_data_panel

PANELS = {"map": ("Map", atlas_panel), "desk": ("Data desk", desk_panel), "yours": ("Your data", your_data_panel)}

st.header("Explore")
if state.shown("view") is None:
    asked = state.linked().get("view")
    state.show("view", asked if asked in PANELS else "map")
chosen = st.segmented_control("View", list(PANELS), format_func=lambda key: PANELS[key][0], key="view", required=True,
                              label_visibility="collapsed")
said = data_picker("explore")
PANELS[chosen][1]()
if chosen == "map" and not is_painted():
    state.note("data", said)  # the page that follows at once says it again
state.mirror_part({} if chosen == "map" else {"view": chosen}, {"view"})
