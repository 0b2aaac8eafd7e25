"""What the selected alloy is compared with: something measured, a preset, a pin, or any alloy that is typed."""
import streamlit as st
from pydantic import ValidationError

from app import state
from app.baselines import MEASURED, PIN, USUAL, Baseline, choices
from app.presets import name_of
from app.selection import Selection
from app.services import kept, model
from app.widgets.conditions import condition_boxes, spoken
from app.yours import plain
from mtl_core.errors import CompositionError, in_words
from mtl_core.types import Conditions

TYPED = "typed"  # the choice behind which a box to type into opens
EXAMPLES = "Fe-18Cr-10Ni-2Mo wt%  ·  Al0.5CoCrFeNi  ·  316L"


def open_baseline() -> str:
    """Take the baseline from the URL, once a session. Returns a sentence where the link cannot be followed."""
    if state.shown("vs") is not None:
        return ""
    state.show("vs", Baseline.read(USUAL, {}))
    try:
        state.show("vs", Baseline.from_query(state.linked(), kept.read_pins()))
    except ValueError as error:
        said = in_words(error) if isinstance(error, ValidationError) else str(error)
        return f"The baseline of this link cannot be used, so {USUAL} stands in its place: {plain(said)}"
    return ""


def baseline_picker(chosen: Selection) -> Baseline:
    """The list, a box for any other alloy, and what else a comparison needs; what is chosen outlives a change of the page."""
    baseline = state.shown("vs")
    links = (TYPED, *choices(kept.read_pins()))
    is_typed = state.shown("vs_typing", False) or baseline.link not in links
    state.show("vs_list", TYPED if is_typed else baseline.link)
    with st.container(horizontal=True, vertical_alignment="bottom", wrap=False):
        st.selectbox("Compared with: choose, or type any alloy", links, key="vs_list", on_change=_take, format_func=_called,
                     accept_new_options=True, help=f"Click and type, for example: {EXAMPLES}")
        st.button("", key="vs_swap", icon=":material/swap_horiz:", on_click=_swap, args=(chosen, baseline),
                  disabled=baseline.composition is None,
                  help="Swap the two: explain the baseline, compared with this alloy. Needs a single alloy as baseline.")
    if is_typed:
        _box(baseline)
    _conditions(chosen, baseline)
    return baseline


def _called(link: str) -> str:
    if link == TYPED:
        return "another alloy: type it …"
    return f"pin: {link.removeprefix(PIN)}" if link.startswith(PIN) else MEASURED.get(link, link)


def _take() -> None:
    """What was chosen from the list, or typed into it."""
    link, pins = state.shown("vs_list"), kept.read_pins()
    is_chosen = link in choices(pins)
    state.show("vs_typing", not is_chosen)
    state.show("vs_error", "")
    if is_chosen:
        _compare_with(Baseline.read(link, pins))
    elif link != TYPED:
        state.show("vs_text", link)
        _read()
        state.show("vs_typing", bool(state.shown("vs_error")))


def _compare_with(baseline: Baseline) -> None:
    """Another baseline; where conditions are compared, it comes with its own."""
    before = state.shown("vs").conditions
    state.show("vs", baseline.under(before and (baseline.own or before)))


def _box(baseline: Baseline) -> None:
    if not state.shown("vs_text") and baseline.link not in choices(kept.read_pins()):
        state.show("vs_text", baseline.name)  # of a link, of two alloys that were swapped, or after a visit of another page
    st.text_input("Another alloy", key="vs_text", placeholder=EXAMPLES, max_chars=1000,
                  on_change=_read, label_visibility="collapsed")
    if error := state.shown("vs_error", ""):
        st.error(f"{plain(error[0].upper() + error[1:])}; a grade such as 316L will do as well.  \nStill compared with "
                 f"{plain(baseline.name)}.")


def _read() -> None:
    text = state.shown("vs_text").strip()
    state.show("vs_error", "")
    if text:
        try:
            _compare_with(Baseline.read(text, {}))
        except CompositionError as error:
            state.show("vs_error", str(error))


def _swap(chosen: Selection, baseline: Baseline) -> None:
    """The baseline becomes the alloy, under the conditions that it was compared under, and the other way round."""
    name = name_of(chosen.composition)
    before = Baseline.read(name, {}) if name else Baseline.alloy(chosen.composition)
    conditions = baseline.conditions or chosen.conditions
    state.choose(Selection.of(baseline.composition, basis=chosen.basis, conditions=conditions, level=chosen.level), fresh=True)
    state.show("vs", before.under(chosen.conditions if baseline.conditions else None))
    state.show("vs_typing", False)
    state.show("vs_text", "")


def _conditions(chosen: Selection, baseline: Baseline) -> None:
    """The tick, and the conditions of the baseline behind it."""
    state.show("vs_own", baseline.conditions is not None)
    st.checkbox("Compare conditions as well", key="vs_own", on_change=_own, args=(chosen, baseline),
                help="Otherwise the baseline has the processing and conditions of the alloy, and only compositions are compared.")
    if baseline.conditions is None:
        return
    with st.container(border=True, key="vs_conditions"):
        st.caption(f"Conditions of the baseline: {spoken(baseline.conditions) or 'nothing reported'}")
        condition_boxes(baseline.conditions, model.needed_conditions(), _compare_under, place="vs_")


def _own(chosen: Selection, baseline: Baseline) -> None:
    state.show("vs", baseline.under((baseline.own or chosen.conditions) if state.shown("vs_own") else None))


def _compare_under(conditions: Conditions) -> None:
    state.show("vs", state.shown("vs").under(conditions))
