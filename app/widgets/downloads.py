"""Take what is on screen along as CSV or JSON."""
from functools import partial

import streamlit as st

from app.exports import as_csv, as_json
from app.results import Result
from app.selection import Selection


def download_buttons(selection: Selection, results: tuple[Result, ...]) -> None:
    """Two buttons; the files are written when they are asked for."""
    with st.container(horizontal=True):
        for kind, write, mime in (("CSV", as_csv, "text/csv"), ("JSON", as_json, "application/json")):
            content = partial(write, selection, results)
            st.download_button(f"Download {kind}", content, f"alloyscope.{kind.lower()}", mime, on_click="ignore",
                               key=f"download_{kind}")
    st.caption("The address of this page reopens the same alloy, conditions and level.")
