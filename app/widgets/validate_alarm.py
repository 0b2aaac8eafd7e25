"""Whether learning the properties together harmed one of them."""
import pandas as pd
import streamlit as st

from app.runs import gain_in_run, gain_of_learning_together, transfer_words
from app.services import model
from mtl_core.registry.runs import SHIPPED, Run
from mtl_core.tasks import TASKS


def alarm(run: Run) -> None:
    """A loud line a property that the shared networks are worse at, beyond chance; nothing where none is, or nobody looked."""
    for task, gain in _gains(run).items():
        is_worse, words = transfer_words(gain, TASKS[task].label)
        if is_worse:
            st.warning(words, icon=":material/warning:")


def transfer_section(run: Run) -> None:
    """The same for the page that is about sharing: every property, with what can be told."""
    gains = _gains(run)
    if not gains:
        st.caption("Whether this run gains or loses by learning its properties together was not measured: it takes a training "
                   "with **And each property alone, on the same folds** (New training, under Properties).")
    for task, gain in gains.items():
        is_worse, words = transfer_words(gain, TASKS[task].label)
        if not is_worse:  # what is worse stands at the top of the page
            st.markdown(words)


def _gains(run: Run) -> dict[str, pd.DataFrame]:
    """Task → gain by split: of this run where it was asked for, of the benchmarks for the shipped one, as its results say."""
    report = model.report(run.id)
    found = {task: gain_in_run(report, task) for task in report["metrics"] if task in TASKS}
    if run.id == SHIPPED:
        found |= {task: gain_of_learning_together(model.ablations(), task) for task, gain in found.items() if gain.empty}
    return {task: gain for task, gain in found.items() if len(gain)}
