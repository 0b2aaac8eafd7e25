"""What a training is worth on alloys and papers it had never seen; and the next one, watched while it learns."""
import streamlit as st

from app import state
from app.services import model
from app.widgets.run_panel import run_panel

st.header("Train")
run_panel(state.linked().get("run", model.answering()[0]))
