"""Which search the page is about."""
from collections.abc import Sequence

import streamlit as st

from app import ledger, state
from app.services import studies
from mtl_core.errors import CheckpointError
from mtl_core.registry.runs import LIVE, Run

KEY = "tune_run"


def study_picker(known: Sequence[Run]) -> str:
    """The search that was asked for, by link or by hand; at first the newest. Returns its id, empty where there is none."""
    runs = {run.id: run for run in known}
    asked = state.shown(KEY)
    if asked is not None and asked not in runs:
        asked = _other(asked, runs)
    if not runs:
        return ""
    state.show(KEY, asked or next(iter(runs)))
    titles = ledger.titles(tuple(runs.values()))
    return st.selectbox("Search", list(runs), key=KEY, width=480, format_func=lambda run: _line(runs[run], titles[run]))


def _other(asked: str, runs: dict[str, Run]) -> str | None:
    """A search that no list shows, such as a deleted one; None, with a sentence, for what is not there or is none."""
    try:
        run = studies.find(asked)
    except CheckpointError:
        st.warning("The search of this link is not here; it may have been removed, or belong to another machine.")
        return None
    if run.kind != "tune":
        what, page = {"train": ("training", "Train"), "validate": ("validation", "Validate")}[run.kind]
        st.warning(f"The run of this link is a {what}, not a search; it can be seen on the {page} page.")
        return None
    runs[asked] = run
    return asked


def _line(run: Run, title: str) -> str:
    words = [title] + ([f"{run.created:%d %b %Y, %H:%M} UTC"] if title != run.id else [])
    status = "under way" if run.status in LIVE else str(run.status)  # the page is not drawn anew when a search begins
    return " · ".join(words + ([status] if run.status != "complete" else []))
