"""How much of future measurements the bands should hold."""
import streamlit as st

from app import state


def level_slider() -> None:
    """The level of all bands on the page, 50 to 95 %."""
    state.show("level", round(100 * state.selection().level))
    st.slider("Band", 50, 95, step=1, key="level", format="%d %%", on_change=_change,
              help="Empirical: on papers that the networks had not seen, this share of measurements fell inside such bands.")


def _change() -> None:
    state.choose(state.selection().but(level=state.shown("level") / 100))
