"""What the server keeps in memory for as long as it lives."""
import gc

import streamlit as st


@st.cache_resource(show_spinner=False)
def settle(page: str) -> None:
    """What a page has loaded by its first visit stays, and is left out of garbage collection.

    Streamlit collects garbage after every rerun, which costs 0.1 s of processor time with all modules of a page in memory.
    """
    gc.collect()
    gc.freeze()
