"""Whether learning the properties together harmed one of them."""
import streamlit as st

from app.runs import gain_in_run, transfer_words
from app.services import model
from mtl_core.registry.runs import Run
from mtl_core.tasks import TASKS


def alarm(run: Run) -> None:
    """A loud line a property that the shared networks are worse at, beyond chance; nothing where none is, or nobody looked."""
    for task in model.report(run.id).get("alone", {}):
        if task in TASKS:
            is_worse, words = transfer_words(gain_in_run(model.report(run.id), task), TASKS[task].label)
            if is_worse:
                st.warning(words, icon=":material/warning:")


def transfer_section(run: Run) -> None:
    """The same for the page that is about sharing: every property, with what can be told."""
    report = model.report(run.id)
    tasks = [task for task in report.get("alone", {}) if task in TASKS]
    if not tasks:
        st.caption("Whether this run gains or loses by learning its properties together was not measured: it takes a training "
                   "with **Each property alone as well** (New training, under More).")
    for task in tasks:
        is_worse, words = transfer_words(gain_in_run(report, task), TASKS[task].label)
        if not is_worse:  # what is worse stands at the top of the page
            st.markdown(words)
