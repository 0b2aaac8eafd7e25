"""Named alloys that stay: pin what is on screen, compare, reopen, forget."""
import pandas as pd
import streamlit as st

from app import state
from app.figures.forest import forest_figure
from app.figures.style import color_of
from app.results import Result
from app.selection import Selection
from app.services import kept, model
from app.widgets.cards import per_row
from app.widgets.conditions import spoken

NOW = "on screen now"


def pins_panel(chosen: Selection, results: tuple[Result, ...]) -> None:
    """A box to pin the alloy on screen, then all pins beside it."""
    with st.form("pin", clear_on_submit=True, border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name this alloy", max_chars=60, placeholder="for example: 316L, warmer", width=320)
            if st.form_submit_button("Pin", icon=":material/keep:") and name.strip():
                kept.pin(name, chosen)
    pinned = kept.read_pins()
    if not pinned:
        st.caption("Pins stay here through reload and restart, to be compared side by side.")
        return
    compared = {NOW: (chosen, results)} | {
        name: (selection, predicted) for (name, selection), predicted
        in zip(pinned.items(), model.results_for(pinned.values()), strict=True)}
    _plots(compared)
    _table(compared)
    _manage(pinned)


def _plots(compared: dict[str, tuple[Selection, tuple[Result, ...]]]) -> None:
    by_task = list(zip(*(results for _, results in compared.values()), strict=True))
    columns = st.columns(per_row(len(by_task)))
    for index, results in enumerate(by_task):
        columns[index % len(columns)].plotly_chart(forest_figure(list(compared), results, color=color_of(index)),
                                        key=f"forest_{index}", config={"displayModeBar": False})


def _table(compared: dict[str, tuple[Selection, tuple[Result, ...]]]) -> None:
    st.dataframe(pd.DataFrame({name: _column(*entry) for name, entry in compared.items()}), width="stretch")


def _column(selection: Selection, results: tuple[Result, ...]) -> dict[str, str]:
    return {"Alloy": selection.spelled, "Conditions": spoken(selection.conditions)} | {
        result.task.label: f"{result.value}  ({result.interval}; {result.claim})" for result in results}


def _manage(pinned: dict[str, Selection]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("A pin", list(pinned), width=320)
        st.button("Open", key="pin_open", on_click=state.choose, args=(pinned[name],), kwargs={"fresh": True})
        st.button("Forget", key="pin_forget", on_click=kept.unpin, args=(name,))
