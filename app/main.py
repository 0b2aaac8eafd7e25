"""Alloyscope in the browser: page frame, navigation, and the link that reopens what is on screen."""
import sys
from pathlib import Path

import streamlit as st
from plotly.graph_objects import Figure  # in memory by now, through streamlit

from app.services.memory import settle
from mtl_core.errors import AlloyscopeError

ASSETS = Path(__file__).parents[1] / "assets"
PAGES = (("design", "Design"), ("explore", "Explore"), ("train", "Train"), ("tune", "Tune"), ("runs", "Runs"),
         ("validate", "Validate"), ("explain", "Explain"))

st.set_page_config("Alloyscope", ASSETS / "mark.png", layout="wide", initial_sidebar_state="collapsed")
st.html(ASSETS / "style.css")
st.logo(ASSETS / f"logo-{st.context.theme.type or 'light'}.svg", size="large")
page = st.navigation(
    [st.Page(f"views/{key}.py", title=title, url_path=key, default=key == "design") for key, title in PAGES],
    position="top")
ready = st.empty()
if "app.state" not in sys.modules:  # the first visit: while the page is imported, the browser loads what draws its figures
    with ready.container():
        st.caption("Opening for the first time: what the pages need is loaded once; that takes up to a minute …")
        st.plotly_chart(Figure(layout={"height": 10, "xaxis": {"visible": False}, "yaxis": {"visible": False}}), key="ready")
try:
    page.run()
    settle(page.url_path)
except AlloyscopeError as error:  # it says what is wrong and what to do; other errors are bugs, and stay in the log
    st.error(str(error))
ready.empty()
