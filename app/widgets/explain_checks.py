"""Whether the bars can be believed."""
import streamlit as st

from app.baselines import Baseline
from app.selection import Selection


def checks_panel(chosen: Selection, baseline: Baseline) -> None:
    """The same question asked by other methods."""
    st.info("Not made yet.")
