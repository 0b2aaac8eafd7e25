"""Presets with a domain badge for each task, and three worked cases to begin with."""
from dataclasses import dataclass

import streamlit as st

from app import state
from app.presets import PRESETS
from app.results import Result
from app.selection import Selection
from app.services import model


@dataclass(frozen=True)
class Case:
    """A question, what to do on the page, and the selection that it starts from."""

    question: str
    steps: str
    selection: Selection


def cases() -> tuple[Case, ...]:
    """Three demonstrations: a strong effect, a trade-off, and a place where the model says that it does not know."""
    return (
        Case("How much does aluminium harden CoCrFeNi?",
             "Drag **Al** from 0 to 20 at.% and watch the hardness rise as the alloy turns from fcc to bcc. The plot "
             "below shows the measured alloys beside the prediction.",
             PRESETS["CoCrFeNi"].selection().with_element("Al").with_moved("Al", 5.0)),
        Case("Is molybdenum worth its price in sea water?",
             "316L in 0.6 mol/L chloride: drag **Mo** to 6 wt.% and compare the gain in pitting potential with the "
             "width of its band. Then raise the temperature to 60 °C.",
             PRESETS["316L"].selection().but(moved="Mo")),
        Case("What does the model not know?",
             "HfNbTaTiZr has a well supported hardness, but no such alloy was ever tested for pitting: its band is "
             "dashed, and the reason stands beside the number.",
             PRESETS["HfNbTaTiZr"].selection()),
    )


def start_here() -> None:
    """Three cards, each with a button that sets the page up."""
    for column, case in zip(st.columns(3), cases(), strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{case.question}**\n\n{case.steps}")
            st.button("Try it", key=f"case_{case.question}", on_click=_open, args=(case.selection,))


def preset_picker() -> None:
    """One row a preset: its name as a button, and for each task whether it lies in the domain."""
    chosen = {name: preset.selection(level=state.selection().level) for name, preset in PRESETS.items()}
    for (name, selection), results in zip(chosen.items(), model.results_for(chosen.values()), strict=True):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
            st.button(name, key=f"preset_{name}", width=150, on_click=_open, args=(selection,))
            for result in results:
                _badge(result)


def _badge(result: Result) -> None:
    st.badge(result.task.label, color="green" if result.in_domain else "grey", width="content",
             icon=":material/check:" if result.in_domain else ":material/question_mark:",
             help=result.reason or "inside the domain")


def _open(selection: Selection) -> None:
    state.choose(selection, fresh=True)
    state.show("presets", False)
