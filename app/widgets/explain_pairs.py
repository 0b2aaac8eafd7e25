"""Which pairs of elements act together."""
import streamlit as st

from app.baselines import Baseline
from app.selection import Selection


def pairs_panel(chosen: Selection, baseline: Baseline) -> None:
    """Interactions as heat maps."""
    st.info("Not made yet.")
