"""What was measured near the alloy, and which measurements decide its prediction."""
import streamlit as st

from app.selection import Selection


def evidence_panel(chosen: Selection) -> None:
    """Tables of the nearest and of the most influential measurements."""
    st.info("Not made yet.")
