"""Which alloys the views of all alloys look at, and what they share."""
from collections.abc import Iterator, Sequence

import numpy as np
import streamlit as st

from app import state
from app.evidence import family_words
from app.explained import WAYS, unit_of_change
from app.figures.style import written
from app.many import BASELINES, SHOWS, Focus
from app.widgets.cards import per_row
from mtl_core.chemistry.composition import Composition
from mtl_core.explain.overall import Overall

FOCUS = "all_focus"


def open_focus() -> Focus:
    """What the visitor looks at: at first what the link says, once a session."""
    if state.shown(FOCUS) is None:
        state.show(FOCUS, Focus.from_query(state.linked()))
    return state.shown(FOCUS)


def controls(found: Sequence[Overall]) -> Focus:
    """The row of choices above every view."""
    focus = state.shown(FOCUS)
    families = sorted(set().union(*(one.alloys["family"] for one in found)) - {""})
    symbols = [symbol for index, symbol in enumerate(found[0].symbols) if any(one.at[:, index].any() for one in found)]
    focus = focus.but(family=tuple(one for one in focus.family if one in families),
                      holds=tuple(one for one in focus.holds if one in symbols))
    state.show(FOCUS, focus)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        control(st.segmented_control, "Look at", list(SHOWS), "show", format_func=SHOWS.get, required=True)
        control(st.multiselect, "Families", families, "family", placeholder="all", width=190, format_func=family_words)
        control(st.multiselect, "That hold", symbols, "holds", placeholder="any element", width=150)
        if len(found) > 1:
            control(st.selectbox, "Alloys", [False, True], "same", format_func=_whose, width=230, help=(
                "Each property is explained where it was measured; or both in the same alloys, of which most were measured for "
                "one of them only."))
        control(st.selectbox, "Compared with", list(BASELINES), "baseline", format_func=BASELINES.get, width=180, help=(
            "The measured alloy from which those of all readings differ least, for each property its own; or their mean, which "
            "exists nowhere and whose prediction is an extrapolation. Another choice is explained anew, once."))
    return focus


def _whose(same: bool) -> str:
    return "the same for all properties" if same else "measured for each property"


def control(widget, label: str, options: list, name: str, **more) -> None:
    """What is chosen outlives a change of the page."""
    before = getattr(state.shown(FOCUS), name)
    state.show(f"all_{name}", list(before) if isinstance(before, tuple) else before)
    widget(label, options, key=f"all_{name}", on_change=_take, args=(name,), **more)


def _take(name: str) -> None:
    value = state.shown(f"all_{name}")
    state.show(FOCUS, state.shown(FOCUS).but(**{name: tuple(value) if isinstance(value, list) else value}))


def facts(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    """What was explained, and how well the bars add up."""
    counts = ", ".join(f"{some.sum():,} of {len(some):,} for {one.task.label.lower()}{_strangers(one, some)}"
                       for one, some in zip(found, rows, strict=True))
    gaps = ", ".join(f"{written(one.alloys['gap'].abs().median())} {unit_of_change(one.task)}" for one in found)
    st.caption(f"Alloys explained: {counts}. Each against {_baselines(found)}, under the conditions under which it was measured "
               f"most often. What the bars miss of a difference: {gaps} in the median.",
               help="Integrated gradients of all networks and alloys in a few calls; they agree with those of path-explain, "
                    "which explains single alloys.")


def _baselines(found: Sequence[Overall]) -> str:
    """"AlCoCrFeNi for hardness and Fe-… for pitting potential"."""
    if state.shown(FOCUS).baseline == "mean":
        return "the mean alloy of the property"
    formulas = (Composition.from_array(one.baseline_at, one.symbols, normalise=True).formula(digits=1) for one in found)
    return "the most typical measured alloy, " + " and ".join(
        f"{formula} for {one.task.label.lower()}" for formula, one in zip(formulas, found, strict=True))


def _strangers(one: Overall, rows: np.ndarray) -> str:
    """Of the same alloys for all properties, many are like nothing that one of them was measured on."""
    n = int((rows & ~one.alloys["in_domain"].to_numpy(bool)).sum())
    return f" ({n:,} of them outside its domain)" if n else ""


def task_columns(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> Iterator[tuple[int, Overall, np.ndarray]]:
    """Inside a column for each task that has such alloys: its index, its attributions, which alloys."""
    columns = st.columns(per_row(len(found)), gap="large")
    for index, (one, some) in enumerate(zip(found, rows, strict=True)):
        with columns[index % len(columns)]:
            if some.any():
                yield index, one, some
            else:
                st.markdown(f"**{one.task.label}**")
                st.info("No alloy with this property is like that.")


def ways(offered: Sequence[str]) -> str:
    """What a bar stands for, one of those offered."""
    if state.shown("explain_by") not in offered:
        state.show("explain_by", offered[0])
    return st.segmented_control("Bars for", list(offered), key="explain_by", format_func=WAYS.get, required=True)
