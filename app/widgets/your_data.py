"""Your own measurements: upload, map the columns, keep as a named version."""
import streamlit as st


def your_data_panel() -> None:
    """The upload and the datasets that were kept."""
    st.caption("Upload comes here.")
