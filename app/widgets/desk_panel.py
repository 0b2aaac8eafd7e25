"""The data desk: how much there is, how well it repeats, what to doubt, and what a cure is worth."""
import streamlit as st

from app import state
from app.widgets.desk_amounts import amounts_panel
from app.widgets.desk_effects import effects_panel
from app.widgets.desk_shapes import shapes_panel
from app.widgets.desk_suspects import suspects_panel

PANELS = {"How much there is": amounts_panel, "Readings to doubt": suspects_panel, "Distributions": shapes_panel,
          "Before and after": effects_panel}


def desk_panel() -> None:
    """Four tabs; only the open one is drawn."""
    for tab, draw in zip(st.tabs(list(PANELS), on_change="rerun", key="desk"), PANELS.values(), strict=True):
        if tab.open:
            with tab:
                draw(state.datasets())
