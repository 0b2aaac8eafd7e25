"""How much more data would help."""
import streamlit as st


def curves_panel() -> None:
    """Learning curves."""
    st.info("Learning curves are not measured yet.")
