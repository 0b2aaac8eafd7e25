"""What pushes the predictions of many alloys."""
import streamlit as st


def overall_panel() -> None:
    """Bars, trade-offs and maps over many alloys."""
    st.info("Not made yet.")
