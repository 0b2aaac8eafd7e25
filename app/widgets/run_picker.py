"""Which run the page is about."""
import streamlit as st

from app import ledger, state
from app.services import trainings
from mtl_core.errors import CheckpointError
from mtl_core.registry.runs import LIVE, SHIPPED, Run

KEY = "train_run"


def run_picker(answering: str, *, key: str = KEY) -> str:
    """The run that was asked for, by link or by hand; at first the one that answers in the app. Returns its id.

    key: of the widget, which holds what was asked for.
    """
    runs = {run.id: run for run in (*trainings.runs(), trainings.find(SHIPPED))}
    asked = state.shown(key)
    if asked is not None and asked not in runs:
        asked = _other(asked, runs)
    if asked is None:
        asked = answering if answering in runs else SHIPPED
    titles = ledger.titles(tuple(runs.values()))
    state.show(key, asked)
    return st.selectbox("Run", list(runs), key=key, width=480, format_func=lambda run: _line(runs[run], titles, answering))


def _other(asked: str, runs: dict[str, Run]) -> str | None:
    """A run that no list shows, such as a deleted one; None, with a sentence, for one that is not there."""
    try:
        runs[asked] = trainings.find(asked)
    except CheckpointError:
        st.warning("The run of this link is not here; it may have been removed, or belong to another machine.")
        return None
    return asked


def _line(run: Run, titles: dict[str, str], answering: str) -> str:
    words = [titles[run.id]]
    if run.id not in (SHIPPED, titles[run.id]):
        words.append(f"{run.created:%d %b %Y, %H:%M} UTC")
    if run.status != "complete":  # the page is not drawn anew when a run begins
        words.append("under way" if run.status in LIVE else str(run.status))
    return " · ".join(words + (["answers in the app"] if run.id == answering else []))
