"""Where sharing networks between properties pays."""
import streamlit as st


def sharing_panel() -> None:
    """The four ways of sharing, side by side."""
    st.info("What single-task, multi-task, difference and latent-variable networks are worth side by side is not measured yet.")
