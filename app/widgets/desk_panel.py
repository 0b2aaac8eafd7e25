"""Which numbers to doubt, and what to do about them."""
import streamlit as st

from app.atlas import color_choices
from app.figures.style import color_of
from app.figures.waterfall import waterfall_figure
from app.services import measured
from mtl_core.tasks import TASKS


def desk_panel() -> None:
    """What is left for training after each rule."""
    choices = color_choices(measured.table())
    st.subheader("From the sourcesto the training set")
    with_data = [key for key in choices if key in TASKS]
    shown = st.selectbox("Property", with_data, format_func=choices.get, width=320)
    steps = measured.cleaning_steps().query("property == @shown")
    st.plotly_chart(waterfall_figure(steps, color=color_of(with_data.index(shown))), key="waterfall",
                    config={"displayModeBar": False}, alt=f"Rows of {choices[shown]} left after each rule")
    st.caption("Nothing is deleted: excluded rows stay in the tables with the name of the rule. Sources: "
               "[Borg et al. 2020](https://doi.org/10.1038/s41597-020-00768-9), "
               "[Nyby et al. 2021](https://doi.org/10.1038/s41597-021-00840-y).")
