"""What replacing a little of one element by another would do: closure lets nothing change alone."""
import numpy as np
import streamlit as st

from app import state
from app.explained import after_swap, swaps_table
from app.figures.attribution import attribution_figure
from app.figures.style import color_of
from app.figures.swaps import swaps_figure
from app.selection import Selection
from app.services import explanations, model
from app.widgets.cards import per_row
from app.widgets.framed import camera, csv_button, ink
from app.widgets.steady import steady_chart
from mtl_core.errors import ConfigError
from mtl_core.explain.words import FEWEST, MARKS, best_swaps, no_swap_words, support_words, swap_words, unit_of_change

STEPS = ("0.1", "0.25", "0.5", "1")  # at.%


def swaps_panel(chosen: Selection) -> None:
    """The best swaps, then all of them against one partner, or as a matrix."""
    step = state.shown("explain_step")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("What would a small swap do?", anchor=False, width="content")
        st.space("stretch")
        st.segmented_control("at.% that are replaced", STEPS, key="explain_step", required=True)
    model.let_the_screen_catch_up()
    try:
        with st.container():
            found = explanations.swaps(chosen, float(step))
    except ConfigError as error:
        st.info(f"{str(error)[0].upper()}{str(error)[1:]}.")
        return
    st.caption(f"{step} at.% of one element out, as much of another in, and the whole prediction anew: same networks, masks and "
               f"conditions. ±: standard deviation over the networks. {MARKS} The best bring in different elements and "
               "have none of these marks where it counts.")
    _best(chosen, found)
    partners = list(dict.fromkeys(found.out))
    bars, matrix = st.tabs([f"Replace {_usual(chosen, partners)}" if len(partners) == 1 else "Replace one element", "All pairs"],
                           on_change="rerun", key="swaps_as")
    if bars.open:
        with bars:
            _bars(chosen, found, partners, step)
    if matrix.open:
        with matrix:
            _matrix(found)
    _any(chosen, found)


def _best(chosen: Selection, found) -> None:
    """A column for what is looked for, with a button for each swap."""
    best = best_swaps(found, explanations.ranges())
    columns = st.columns(min(len(best), 3), gap="medium")
    for index, (wanted, rows) in enumerate(best.items()):
        with columns[index % len(columns)]:
            st.markdown(f"**{wanted}**")
            if not rows:
                st.caption(no_swap_words(found))
            for rank, row in enumerate(rows):
                if st.button(swap_words(found, row), key=f"swap_{index}_{rank}", width="stretch",
                             help=f"Open in Design; {support_words(found, row)}"):
                    _open(chosen, found, row)


def _open(chosen: Selection, found, row: int) -> None:
    state.choose(after_swap(chosen, found.alloys[row], found.into[row]), fresh=True)
    st.switch_page("views/design.py")


def _usual(chosen: Selection, partners: list[str]) -> str:
    """The balance of the Design page, or the element of which there is most."""
    return chosen.balance if chosen.balance in partners else max(partners, key=chosen.composition.at.__getitem__)


def _bars(chosen: Selection, found, partners: list[str], step: str) -> None:
    if state.shown("swap_partner") not in partners:
        state.show("swap_partner", _usual(chosen, partners))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        partner = st.selectbox("What goes out", partners, key="swap_partner", width=160,
                               help="At first the balance element of the Design page.")
        st.space("stretch")
        csv_button(swaps_table(found, chosen.composition.formula(digits=4), chosen.conditions), "swaps", name="explain")
    rows = np.flatnonzero(np.array(found.out) == partner)
    rows = found.ranked(rows)
    columns = st.columns(per_row(len(found.tasks)), gap="large")
    for index, task in enumerate(found.tasks):
        is_sure = found.in_domain[rows, index] & (found.n_measured[rows, index] >= FEWEST)
        notes = [f"n = {n:,}" + ("" if inside else ", outside")
                 for n, inside in zip(found.n_measured[rows, index], found.in_domain[rows, index], strict=True)]
        figure = attribution_figure(
            [found.into[row] for row in rows], found.values[rows, index], found.spread[rows, index], found.is_stable[rows, index],
            unit=unit_of_change(task), color=color_of(index), notes=notes, x=f"{step} at.% {partner} replaced by",
            row=24, is_sure=is_sure)
        with columns[index % len(columns)]:
            st.markdown(f"**{task.label}**")
            steady_chart(figure, key=f"swap_bars_{task.key}", config=camera(f"swaps-{task.key}"),
                         alt=f"Change of {task.label} for each element that replaces {partner}")
    st.caption("Both sides in the same order, doubtful swaps last, so that a trade-off shows as bars of opposite sign. n: "
               "measured alloys that hold as much of what comes in. Grey: the networks disagree on the sign. Pale: outside the "
               f"domain or n below {FEWEST}, maybe longer than the picture. Only {partner} goes out; choose another above.")


def _matrix(found) -> None:
    columns = st.columns(per_row(len(found.tasks)), gap="large")
    texts = [f"{swap_words(found, row)}<br>{support_words(found, row)}" for row in range(len(found.out))]
    for index, task in enumerate(found.tasks):
        figure = swaps_figure(found.out, found.into, found.values[:, index], found.is_stable[:, index], found.in_domain[:, index],
                              texts, unit=unit_of_change(task), color=color_of(index), ink=ink())
        with columns[index % len(columns)]:
            st.markdown(f"**{task.label}**")
            steady_chart(figure, key=f"swap_matrix_{task.key}", config=camera(f"swap-matrix-{task.key}"),
                         alt=f"Change of {task.label} for each pair of elements")
    st.caption("The element of the row goes out, that of the column comes in; the colour says how much the property changes. "
               "Grey: the networks disagree on the sign. !: the alloy leaves the domain.")


def _any(chosen: Selection, found) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        row = st.selectbox("Any other swap", found.ranked(range(len(found.out))).tolist(), key="swap_any", width=440,
                           format_func=lambda row: swap_words(found, row))
        if st.button("Open in Design", key="swap_open"):
            _open(chosen, found, row)
