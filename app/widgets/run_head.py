"""The head of a run, be it a training or a search: its name, its status with a sentence, and what can be done about it."""
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app import state
from app.services import trainings
from app.yours import plain
from mtl_core.errors import AlloyscopeError
from mtl_core.registry.runs import LIVE, RESUMABLE, Run, Status

EVERY = 1.5  # seconds from one look at a live run to the next
COLORS = {Status.queued: "gray", Status.running: "blue", Status.complete: "green", Status.failed: "red", Status.damaged: "red",
          Status.stopped: "orange", Status.lost: "orange"}
PLACE = "run"  # of the sentences that actions leave


@dataclass(frozen=True)
class Words:
    """How a kind of run calls itself, and what stopping and resuming mean for it."""

    noun: str
    stopping: str
    resuming: str


def run_head(run: Run, name: str, words: Words, more: Callable[[], None] = lambda: None) -> None:
    """name: where people gave it none; more: draws further buttons."""
    with st.container(horizontal=True, vertical_alignment="center", key="run_head"):
        st.subheader(plain(run.label.name) or name, anchor=False, width="content")
        st.badge(run.status.value, color=COLORS[run.status])
        st.space("stretch")
        if run.status in LIVE:
            _button(f"Stop {words.noun}", ":material/stop_circle:", trainings.stop, run, words.stopping)
        elif run.status in RESUMABLE and not run.label.deleted:
            _button(f"Resume {words.noun}", ":material/play_circle:", trainings.resume, run, words.resuming)
        more()
    st.text(_queue(run) if run.status is Status.queued else run.sentence)
    if said := state.noted(PLACE):
        st.error(plain(said))


def what_went_wrong(run: Run) -> None:
    """The traceback of a run that failed, folded away."""
    if run.status is Status.failed and (traceback := trainings.traceback(run.id)):
        with st.expander("What went wrong, in the words of the program"):
            st.code(traceback, language=None)


def _queue(run: Run) -> str:
    before = len(trainings.before(run))
    runs = f"{before} run{'s' if before > 1 else ''}"
    return f"Waits until {runs} before it ended; one trains at a time." if before else "It is about to begin."


def _button(words: str, icon: str, act: Callable[[str], None], run: Run, help: str) -> None:
    st.button(words, icon=icon, key=f"run_{words.split()[0].lower()}", help=help, on_click=_do, args=(act, run.id))


def _do(act: Callable[[str], None], run: str) -> None:
    try:
        act(run)
    except AlloyscopeError as error:
        state.note(PLACE, str(error))
