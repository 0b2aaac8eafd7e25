"""What replacing a little of one element by another would do."""
import streamlit as st

from app.selection import Selection


def swaps_panel(chosen: Selection) -> None:
    """Matrix and bars of all swaps, and the best of them."""
    st.info("Not made yet.")
