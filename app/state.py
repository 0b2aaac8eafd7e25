"""The one door to st.session_state: what this visitor chose, and its mirror in the URL."""
import streamlit as st
from pydantic import ValidationError

from app.selection import Selection
from mtl_core.errors import in_words

_SELECTION, _SPANS = "selection", "spans"
SPANS = (5.0, 10.0, 20.0, 50.0, 100.0)


def selection() -> Selection | None:
    """What the visitor chose; None before anything was chosen or opened."""
    return st.session_state.get(_SELECTION)


def choose(chosen: Selection, *, fresh: bool = False) -> None:
    """Keep a new choice; `fresh` = another alloy, whose sliders get spans of their own."""
    st.session_state[_SELECTION] = chosen
    if fresh:
        st.session_state[_SPANS] = {}


def open_link(otherwise: Selection) -> str:
    """Take the selection from the URL, once a session. Returns a sentence where the link cannot be followed."""
    if selection() is not None:
        return ""
    choose(otherwise, fresh=True)
    if "alloy" not in st.query_params:
        return ""
    try:
        choose(Selection.from_query(st.query_params.to_dict()), fresh=True)
    except ValueError as error:
        said = in_words(error) if isinstance(error, ValidationError) else str(error)
        return f"This link cannot be followed, so the page opens on its usual alloy: {said}"
    return ""


def mirror() -> None:
    """Write the selection to the URL, so that it reopens the same view."""
    query = selection().to_query()
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def show(key: str, value) -> None:
    """Set what the widget with this key shows; call it just before the widget is drawn."""
    st.session_state[key] = value


def shown(key: str, otherwise=None):
    """What the widget with this key shows now."""
    return st.session_state.get(key, otherwise)


def note(place: str, sentence: str) -> None:
    """Leave a sentence beside one control, until the next action there."""
    st.session_state[f"note_{place}"] = sentence


def noted(place: str) -> str:
    """What was left for this place, handed out once."""
    return st.session_state.pop(f"note_{place}", "")


def span(symbol: str, amount: float) -> float:
    """The upper end of an element's slider: about twice its first amount, growing but never jumping back."""
    spans = st.session_state.setdefault(_SPANS, {})
    needed = next(span for span in SPANS if span >= min(100.0, amount if symbol in spans else max(2 * amount, 10.0)))
    spans[symbol] = max(needed, spans.get(symbol, 0.0))
    return spans[symbol]
