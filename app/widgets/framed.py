"""A figure with its camera, its numbers as CSV and a sentence that says how to read it."""
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import state
from app.exports import table_csv

FORMATS = ("PNG", "SVG")


def picture_switch() -> None:
    """What the camera above a figure gives; once a page."""
    st.segmented_control("Pictures as", FORMATS, default=FORMATS[0], required=True, key="pictures",
                         help="What the camera above a figure gives.")


def framed_figure(title: str, figure: go.Figure, table: pd.DataFrame, what: str, caption: str, *, name: str) -> None:
    """title: markdown; what: a word that no other figure of the page has; name: what the files are called."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title, width="content")
        st.space("stretch")
        csv_button(table, what, name=name)
    st.plotly_chart(figure, key=f"figure_{what}", alt=title.replace("*", ""), config=camera(f"{name}-{what}"))
    if caption:
        st.caption(caption)


def csv_button(table: pd.DataFrame, what: str, *, name: str) -> None:
    """The file is written when it is asked for."""
    st.download_button("CSV", partial(table_csv, table), f"{name}-{what}.csv", "text/csv", on_click="ignore", type="tertiary",
                       icon=":material/download:", key=f"csv_{what}")


def ink() -> str:
    """The colour of the theme's text, for words that stand on colours of a figure."""
    return "#e6eaea" if st.context.theme.type == "dark" else "#1d2629"


def camera(filename: str) -> dict:
    """Plotly's mode bar with a camera that gives the chosen kind of picture."""
    picture = state.shown("pictures") or FORMATS[0]
    options = {"format": picture.lower(), "filename": filename, **({"scale": 3} if picture == "PNG" else {})}
    return {"displaylogo": False, "toImageButtonOptions": options,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
