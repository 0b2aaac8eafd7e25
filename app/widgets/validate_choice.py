"""A choice of the Validate page that its link keeps, and that the next view begins with."""
from collections.abc import Callable, Sequence

import streamlit as st

from app import state
from mtl_core.tasks import TASKS


def linked_choice(label: str, options: Sequence[str], name: str, *, default: str, key: str,
                  format_func: Callable[[str], str]) -> str:
    """name: of the choice in the link; what a link says that is no option is passed over."""
    if state.shown(key) not in options:
        asked = state.linked().get(name)
        state.show(key, asked if asked in options else default)
    chosen = st.segmented_control(label, options, required=True, key=key, format_func=format_func)
    state.mirror_part({name: chosen} if chosen != default else {}, {name})
    return chosen


def task_choice(tasks: Sequence[str], *, key: str) -> str:
    """One of the properties of a run."""
    return linked_choice("Property", tasks, "property", default=tasks[0], key=key, format_func=lambda task: TASKS[task].label)
