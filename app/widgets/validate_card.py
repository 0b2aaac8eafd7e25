"""The record of a run to take along."""
import streamlit as st

from mtl_core.registry.runs import Run


def card_panel(run: Run) -> None:
    """The model card and checklist."""
    st.info("The model card is not written yet.")
