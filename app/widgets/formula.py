"""A box to type or paste an alloy into; what cannot be read stays in the box with the reason under it."""
import math

import streamlit as st

from app import state
from app.presets import named
from app.selection import UNITS, Selection
from mtl_core.chemistry.composition import Composition
from mtl_core.chemistry.notation import read_notation
from mtl_core.errors import CompositionError

EXAMPLE = "Type an alloy: Fe-18Cr-10Ni-2Mo wt%  ·  Al0.5CoCrFeNi  ·  316L"
LIKE_PER_CENT = (50.0, 150.0)  # numbers of a formula with such a sum may have been meant as per cent


def formula_box() -> None:
    """The box; under it the reason for a refusal, with the two readings where a text has two meanings."""
    text = st.text_input("Alloy", key="formula", placeholder=EXAMPLE, max_chars=1000, on_change=_read,
                         label_visibility="collapsed")
    error = state.shown("formula_error", "") if text else ""
    if error:
        st.error(error[0].upper() + error[1:])
        _offer_readings(text)
    if sentence := state.noted("formula"):
        st.info(sentence)


def _read(basis: str | None = None) -> None:
    text, chosen = state.shown("formula"), state.selection()
    state.show("formula_error", "")
    if not text.strip():
        return
    if preset := named(text):
        _choose(preset.selection(conditions=chosen.conditions, level=chosen.level))
        return
    try:
        composition, (amounts, said, is_ratio) = Composition.from_text(text, basis), read_notation(text, basis)
    except CompositionError as error:
        state.show("formula_error", str(error))
        return
    _choose(Selection.of(composition, basis=said, conditions=chosen.conditions, level=chosen.level))
    total = math.fsum(amounts.values())
    if is_ratio and total != 100 and LIKE_PER_CENT[0] <= total <= LIKE_PER_CENT[1]:
        state.note("formula", f"Read as atomic ratios that add up to {total:g}: {composition.formula()} in at.%.")


def _choose(selection: Selection) -> None:
    state.choose(selection, fresh=True)
    state.show("formula", "")


def _offer_readings(text: str) -> None:
    """Where both units give an alloy, let the visitor say which one was meant."""
    if not all(_is_readable(text, basis) for basis in UNITS):
        return
    with st.container(horizontal=True):
        for basis, unit in UNITS.items():
            st.button(f"It is {unit}", key=f"read_{basis}", on_click=_read, args=(basis,))


def _is_readable(text: str, basis: str) -> bool:
    try:
        Composition.from_text(text, basis)
    except CompositionError:
        return False
    return True
