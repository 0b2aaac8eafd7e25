"""The map comes first. The browser says when it is drawn, and only then the rest of the page is sent: on a first visit both
would be drawn at once, and the map would wait for tables that nobody has scrolled to."""
import streamlit as st

from app import state

PAINTED = "map_painted"
LATEST_MS = 10_000  # then the rest comes without it
_say_when_painted = st.components.v2.component("map_paint", js=f"""
export default ({{ setTriggerValue }}) => {{
  const start = performance.now()
  const look = () => document.querySelector('.st-key-map .main-svg') || performance.now() - start > {LATEST_MS}
    ? setTriggerValue('seen', true) : setTimeout(look, 50)
  look()
}}""")


def is_painted() -> bool:
    """Whether the map has been on this visitor's screen."""
    return state.shown(PAINTED, False)


def report_paint() -> None:
    """Have the browser ask for the page again once the map is drawn."""
    _say_when_painted(key="map_paint", on_seen_change=lambda: state.show(PAINTED, True))
