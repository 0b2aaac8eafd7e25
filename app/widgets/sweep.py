"""The property of each task against the element that was moved last."""
import streamlit as st

from app import state
from app.figures.style import color_of
from app.figures.sweep import sweep_figure
from app.lines import line_through
from app.selection import UNITS, Selection
from app.services import measured, model
from app.widgets.cards import per_row


def sweep_plots(selection: Selection) -> None:
    """One plot a task, side by side."""
    if not selection.is_movable:
        st.caption(f"Nothing can make room for {selection.moved}: all else is locked or absent. Unlock or add an element to see "
                   "the properties along it.")
        return
    line = line_through(selection, end=state.span(selection.moved, selection.amounts[selection.moved]))
    sweeps = model.sweeps(selection, line)
    st.markdown(f"##### Along {selection.moved}", help="Sweeps follow the element that was moved last; the others make "
                "room as set on the left. Grey: measured alloys within 5 at.% of this line, under any condition.")
    axis = f"{selection.moved} ({UNITS[selection.basis]})"
    columns = st.columns(per_row(len(sweeps)))
    for index, (task, sweep) in enumerate(sweeps):
        nearby = measured.measured_near(line, task.key, state.datasets())
        figure = sweep_figure(sweep, nearby, axis=axis, label=task.label, unit=task.unit, color=color_of(index),
                              logarithmic=task.transform == "log10")
        columns[index % len(columns)].plotly_chart(figure, key=f"sweep_{task.key}", config={"displaylogo": False},
                                        alt=f"{task.label} against {axis}")
