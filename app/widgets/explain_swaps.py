"""What replacing a little of one element by another would do: closure lets nothing change alone."""
import numpy as np
import streamlit as st

from app import state
from app.explained import after_swap, best_swaps, swap_words, swaps_table, unit_of_change
from app.figures.attribution import attribution_figure
from app.figures.style import color_of
from app.figures.swaps import swaps_figure
from app.selection import Selection
from app.services import explanations, model
from app.widgets.cards import per_row
from app.widgets.framed import camera, csv_button, ink
from app.widgets.steady import steady_chart
from mtl_core.errors import ConfigError

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
               "conditions. ±: standard deviation over the networks. (?): they disagree on the sign. (!): outside the domain. "
               "The best bring in different elements, each in an amount that at least five measured alloys hold.")
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
                st.caption("No swap does, by a sign on which the networks agree, inside the domain, and with amounts that were "
                           f"measured.{_outside(found)}")
            for rank, row in enumerate(rows):
                if st.button(swap_words(found, row), key=f"swap_{index}_{rank}", width="stretch", help="Open in Design"):
                    _open(chosen, found, row)


def _outside(found) -> str:
    """Where no swap is inside the domain of a property at all."""
    outside = [task.label.lower() for column, task in enumerate(found.tasks) if not found.in_domain[:, column].any()]
    return f" All of these alloys lie outside that of {' and '.join(outside)}." if outside else ""


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
        csv_button(swaps_table(found, chosen.composition.formula(digits=4)), "swaps", name="explain")
    rows = np.flatnonzero(np.array(found.out) == partner)
    rows = rows[np.lexsort((-found.values[rows, 0], ~found.in_domain[rows].any(axis=1)))]
    columns = st.columns(per_row(len(found.tasks)), gap="large")
    for index, task in enumerate(found.tasks):
        notes = ["" if inside else "outside the domain" for inside in found.in_domain[rows, index]]
        figure = attribution_figure(
            [found.into[row] for row in rows], found.values[rows, index], found.spread[rows, index], found.is_stable[rows, index],
            unit=unit_of_change(task), color=color_of(index), notes=notes, x=f"{step} at.% {partner} replaced by",
            row=24, is_sure=found.in_domain[rows, index])
        with columns[index % len(columns)]:
            st.markdown(f"**{task.label}**")
            steady_chart(figure, key=f"swap_bars_{task.key}", config=camera(f"swaps-{task.key}"),
                         alt=f"Change of {task.label} for each element that replaces {partner}")
    st.caption(f"Both sides in the same order, so that a trade-off shows as bars of opposite sign. Grey: the networks disagree "
               f"on the sign. Pale: outside the domain, maybe longer than the picture. Only {partner} goes out; choose "
               "another above.")


def _matrix(found) -> None:
    columns = st.columns(per_row(len(found.tasks)), gap="large")
    texts = [swap_words(found, row) for row in range(len(found.out))]
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
        is_sure = (found.is_stable & found.in_domain & found.is_usual).all(axis=1)
        row = st.selectbox("Any other swap", np.argsort(~is_sure, kind="stable").tolist(), key="swap_any", width=440,
                           format_func=lambda row: swap_words(found, row))
        if st.button("Open in Design", key="swap_open"):
            _open(chosen, found, row)
