"""One alloy: what pushed each prediction away from the baseline, and how sure the networks are of each push."""
import streamlit as st

from app import state
from app.baselines import Baseline
from app.explained import WAYS, Explained, bars_table
from app.figures.attribution import attribution_figure
from app.figures.style import color_of, signed, written
from app.presets import name_of
from app.selection import Selection
from app.services import desk, explanations
from app.widgets.cards import per_row
from app.widgets.explain_evidence import evidence_panel
from app.widgets.explain_swaps import swaps_panel
from app.widgets.framed import camera, csv_button
from app.widgets.steady import steady_chart
from app.yours import plain

READING = {
    "element": "A bar holds an element by all its routes, its part in every descriptor included; in grey, how many at.% more or "
               "less than the baseline.",
    "feature": "A bar is one column that the networks see. Elements and descriptors change together, so read the bars of "
               "related columns together.",
    "kind": "All columns of one kind together: amounts of elements, what was computed from them, processing and conditions."}
SAID = {
    "typical": "The typical alloy is the measured one from which the alloys of all readings differ least, for each property its "
               "own (the medoid). What it holds and this alloy lacks counts as well.",
    "mean": "The average alloy holds a little of every element and exists nowhere: its prediction is an extrapolation, and what "
            "an alloy lacks counts as well. The most typical measured alloy is better founded."}


def explain_alloy(chosen: Selection, baseline: Baseline) -> None:
    """Bars, then what small swaps would do, then what was measured."""
    by = state.shown("explain_by")
    with st.container():  # a place for the note that it takes a while, so that what follows stays where it was
        explained = explanations.attributions(chosen, baseline, by=by)
    name = name_of(chosen.composition) or chosen.spelled
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Bars for", list(WAYS), key="explain_by", format_func=WAYS.get, required=True)
        st.space("stretch")
        csv_button(bars_table(explained, chosen.composition.formula(digits=4), by, chosen.conditions), "bars", name="explain")
    st.caption("Right: raises the prediction of this alloy against the baseline; left: lowers it. **Whiskers** here: one "
               "standard deviation over the networks, not how far a measurement may lie; that is the band on the Design page. "
               f"**Grey** here: fewer than nine in ten networks agree whether a bar raises or lowers. {READING[by]}")
    columns = st.columns(per_row(len(explained)), gap="large")
    for index, one in enumerate(explained):
        with columns[index % len(columns)].container(border=True, key=f"why_{one.task.key}"):
            _card(one, name, color_of(index))
    if baseline.text in SAID:
        st.caption(SAID[baseline.text])
    swaps_panel(chosen)
    evidence_panel(chosen)


def _card(one: Explained, name: str, color: str) -> None:
    task, found, bars = one.task, one.found, one.bars()
    st.markdown(f"**{task.label}**  \n{plain(one.baseline)}: {written(found.baseline)} {task.unit} → {name}: "
                f"**{written(found.prediction)} {task.unit}** ({signed(found.prediction - found.baseline)} {one.unit})")
    apart = desk.readings_differ_by(state.datasets(), task.key)
    if bars.labels and abs(found.prediction - found.baseline) < apart:
        st.caption(f"Undecided by measurements: two published readings of one alloy under the same conditions differ by about "
                   f"{written(apart)} {one.unit}, more than these two predictions.")
    if one.outside:
        st.markdown(f":orange-badge[outside the domain] {' and '.join(one.outside)}: unlike what was measured for this property")
    if not bars.labels:
        st.info("Nothing differs from the baseline, so there is nothing to explain. Choose another one above.")
        return
    steady_chart(
        attribution_figure(bars.labels, bars.values, bars.whisker, bars.is_sure, unit=one.unit, color=color, notes=bars.notes),
        key=f"bars_{task.key}", config=camera(f"explain-{task.key}"), alt=f"Attribution of {task.label}")
    if one.is_rough:
        st.warning(f"{one.sentence()} Read only bars that are much longer than that, or compare with a single alloy.")
    else:
        st.caption(one.sentence())
