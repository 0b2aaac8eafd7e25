"""What the selected alloy is compared with: something measured, a preset, a pin, or any alloy that is typed."""
import streamlit as st
from pydantic import ValidationError

from app import state
from app.baselines import PIN, USUAL, Baseline, choices
from app.selection import Selection
from app.services import kept
from app.yours import plain
from mtl_core.errors import in_words

TYPED = "typed"  # the choice behind which a box to type into opens


def open_baseline() -> str:
    """Take the baseline from the URL, once a session. Returns a sentence where the link cannot be followed."""
    if state.shown("vs") is not None:
        return ""
    state.show("vs", Baseline.read(USUAL, {}))
    try:
        state.show("vs", Baseline.from_query(state.linked(), kept.read_pins()))
    except ValueError as error:
        said = in_words(error) if isinstance(error, ValidationError) else str(error)
        return f"The baseline of this link cannot be used, so {USUAL} stands in its place: {plain(said)}"
    return ""


def baseline_picker(chosen: Selection) -> Baseline:
    """The list; what is chosen outlives a change of the page."""
    pins, baseline = kept.read_pins(), state.shown("vs")
    links = choices(pins)
    if baseline.link not in links:
        links = (*links, baseline.link)
    state.show("vs_list", baseline.link)
    st.selectbox("Compared with", links, key="vs_list", on_change=_take, format_func=_called)
    return baseline


def _called(link: str) -> str:
    try:
        return Baseline.read(link, kept.read_pins()).name
    except ValueError:
        return link.removeprefix(PIN)


def _take() -> None:
    state.show("vs", Baseline.read(state.shown("vs_list"), kept.read_pins()))
