"""Every training, search and validation: what it is worth, how it stands, and which one the app answers from."""
import streamlit as st

from app.widgets.runs_compare import comparison_panel
from app.widgets.runs_in import import_button
from app.widgets.runs_list import runs_list

with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
    st.header("Runs", width="content")
    import_button()
st.markdown(__doc__)
runs_list()
comparison_panel()
