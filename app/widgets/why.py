"""Under the numbers of the Design page: which elements push them, following the sliders."""
import streamlit as st

from app import state
from app.baselines import USUAL, Baseline
from app.figures.attribution import attribution_figure
from app.figures.style import color_of, signed
from app.selection import Selection
from app.services import explanations, model
from app.widgets.cards import STILL, per_row
from app.widgets.steady import steady_chart
from app.yours import plain

MOST = 7  # bars of each property


def why_fold(chosen: Selection) -> None:
    """A fold; as long as it is closed, nothing is computed."""
    with st.expander("Why: what each element adds", icon=":material/bar_chart:", on_change="rerun", key="why") as why:
        if why.open:
            _bars(chosen)
            model.let_the_screen_catch_up()


def _bars(chosen: Selection) -> None:
    baseline = state.shown("vs") or Baseline.read(USUAL, {})
    explained = explanations.compact(chosen, baseline)
    columns = st.columns(per_row(len(explained)))
    for index, one in enumerate(explained):
        bars, change = one.bars(MOST, list(chosen.amounts)), one.found.prediction - one.found.baseline
        figure = attribution_figure(bars.labels, bars.values, bars.spread, bars.is_stable, unit=one.unit, color=color_of(index),
                                    notes=bars.notes, x="push", row=26)
        with columns[index % len(columns)]:
            st.markdown(f"**{one.task.label}** against {plain(one.baseline)}: {signed(change)} {one.unit}")
            steady_chart(figure, key=f"push_{one.task.key}", config=STILL, alt=f"What each element adds to {one.task.label}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Whiskers: standard deviation over the networks. Grey: they disagree on the sign. What the model learnt is "
                   "not necessarily a cause.")
        st.page_link("views/explain.py", label="Other baselines, swaps, evidence", icon=":material/arrow_forward:")
