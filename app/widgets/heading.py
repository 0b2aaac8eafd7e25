"""What is on screen: the alloy, its conditions, and the level of every band."""
import streamlit as st

from app import state
from app.presets import name_of
from app.selection import Selection
from app.widgets.conditions import spoken


def heading(chosen: Selection) -> None:
    """The alloy's name where it has one, what it is made of and tested in; beside it the level of the bands."""
    title, level = st.columns([2, 1], vertical_alignment="bottom", gap="large")
    with title, st.container(gap=None):
        name = name_of(chosen.composition)
        st.subheader(name or chosen.spelled, anchor=False)
        st.caption("  \n".join(filter(None, [chosen.spelled if name else "", spoken(chosen.conditions)])))
    with level:
        _level_slider(chosen)


def _level_slider(chosen: Selection) -> None:
    state.show("level", round(100 * chosen.level))
    st.slider("Level of the bands", 50, 95, step=1, key="level", format="%d %%", on_change=_change,
              help="Empirical: of the measurements in papers that the networks had not seen, this share fell inside. Outside "
                   "the domain nothing was checked, and the cards say so.")


def _change() -> None:
    state.choose(state.selection().but(level=state.shown("level") / 100))
