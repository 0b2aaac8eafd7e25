"""A run is started once, however often its button is pressed."""
import threading
import time
from collections.abc import Callable

import streamlit as st

CLICKS_SECONDS = 5.0  # in which the same choice gives the same run

_starting = threading.Lock()  # the visitors of one server are threads of one process


@st.cache_resource(show_spinner=False)
def _started() -> dict[str, tuple[float, str]]:
    return {}


def once(choice: str, start: Callable[[], str]) -> str:
    """The id of the run that `start` gives, or of the one that the same choice gave a moment ago."""
    with _starting:
        when, run = _started().get(choice, (0.0, ""))
        if time.monotonic() - when > CLICKS_SECONDS:
            run = start()
            _started()[choice] = time.monotonic(), run
        return run
