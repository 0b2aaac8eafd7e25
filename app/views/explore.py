"""What was measured: every alloy on one map, which numbers to doubt, and your own measurements beside them."""
import streamlit as st

from app.widgets.atlas_panel import atlas_panel
from app.widgets.data_in_use import data_picker
from app.widgets.desk_panel import desk_panel
from app.widgets.your_data import your_data_panel

PANELS = {"map": ("Map", atlas_panel), "desk": ("Data desk", desk_panel), "yours": ("Your data", your_data_panel)}

st.header("Explore")
chosen = st.segmented_control("View", list(PANELS), format_func=lambda key: PANELS[key][0], default="map", key="view",
                              bind="query-params", label_visibility="collapsed")
data_picker("explore")
PANELS[chosen or "map"][1]()
