"""Which datasets the pages show: the published one, those of the visitors, or both."""
import streamlit as st

from app import state
from app.services import kept
from mtl_core.data.datasets import PUBLISHED

HELP = "Everything measured that you see comes from these: the map, the data desk, the nearest alloys. Predictions do not change."


def data_picker(place: str) -> str:
    """The choice of datasets, once there is one to choose; `place` tells two of them on one visit apart. Returns what it said."""
    stored = [info.id for info in kept.datasets()]
    if stored:
        key = f"data_{place}"
        state.show(key, list(state.datasets()))
        st.multiselect("Data in use", [PUBLISHED, *reversed(stored)], key=key, on_change=_change, args=(key,), help=HELP,
                       width=480)
    return data_note()


def data_note() -> str:
    """What became of the choice, where not all of it can be used; and the choice goes to the link. Returns the sentence."""
    state.datasets()
    sentence = state.noted("data")
    if sentence:
        st.warning(sentence)
    state.mirror_datasets()
    return sentence


def _change(key: str) -> None:
    wanted = state.shown(key)
    if not wanted:
        state.note("data", "At least one dataset is needed: the published one is back.")
    state.choose_datasets(wanted)
