"""What the columns of an uploaded file mean: questions where it is open, and one line a column to change the rest."""
import streamlit as st

from app import state, yours
from mtl_core.intake import Mapping, Question, Sheet
from mtl_core.intake.mapping import Column
from mtl_core.intake.meanings import ELEMENT, element_of


def questions_form(mapping: Mapping) -> None:
    """One box a question, until none is open."""
    for index, question in enumerate(mapping.questions):
        key = f"answer_{hash(question)}"
        with st.container(border=True, key=f"question_{key}"):
            st.text(question.text)
            st.selectbox(f"Answer {index + 1}", question.choices, index=None, key=key, placeholder="Choose …", width=340,
                         label_visibility="collapsed", on_change=_answer, args=(mapping, question, key))


def _answer(mapping: Mapping, question: Question, key: str) -> None:
    if choice := state.shown(key):
        _remember(mapping.with_unit(question.columns, choice))


def _remember(mapping: Mapping) -> None:
    state.replace("mapping", mapping)


def columns_editor(sheet: Sheet, mapping: Mapping, *, is_open: bool) -> None:
    """The meaning and unit of every column; amounts of elements share one line. What is left out for a reason stands above."""
    for sentence in mapping.left_out:
        st.text(sentence)
    used = sum(bool(column.meaning) for column in mapping.columns)
    with st.expander("Columns", expanded=is_open, key="own_columns"):  # a label that changed would close it
        st.text(f"{used} read, {len(mapping.columns) - used} not used")
        with st.container(horizontal=True):
            _option(mapping, "Decimal sign", "decimal", {".": "18.5 (point)", ",": "18,5 (comma)"})
            _option(mapping, "A row without any alloy", "is_filled_down",
                    {False: "is a problem", True: "means the alloy of the row above"})
        _amounts(mapping)
        for index, column in enumerate(mapping.columns):
            if not column.meaning.startswith(ELEMENT):
                _column(sheet, mapping, column, index)


def _option(mapping: Mapping, label: str, field: str, words: dict) -> None:
    key = f"own_{field}"
    state.show(key, getattr(mapping, field))
    st.selectbox(label, list(words), key=key, format_func=words.get, width=280, on_change=_change_option,
                 args=(mapping, field, key))


def _change_option(mapping: Mapping, field: str, key: str) -> None:
    _remember(mapping.model_copy(update={field: state.shown(key)}))


def _amounts(mapping: Mapping) -> None:
    possible = {column.name: element_of(column.name) for column in mapping.columns if element_of(column.name)}
    if not possible:
        return
    state.show("own_elements", [column.name for column in mapping.elements if column.name in possible])
    units = {column.unit for column in mapping.elements}
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.multiselect("Columns of amounts of elements", list(possible), key="own_elements", on_change=_change_elements,
                     args=(mapping, possible))
    if mapping.elements:
        state.show("own_amounts", next(iter(units)) if len(units) == 1 else "")
        right.selectbox("Unit of the amounts", ["", *mapping.elements[0].choices_of_all], key="own_amounts",
                        on_change=_change_amounts, args=(mapping,), format_func=lambda unit: unit or "as each header says")


def _change_elements(mapping: Mapping, possible: dict[str, str]) -> None:
    wanted = state.shown("own_elements")
    for name, symbol in possible.items():
        is_amount = any(column.name == name for column in mapping.elements)
        if is_amount != (name in wanted):
            mapping = mapping.with_meaning(name, ELEMENT + symbol if name in wanted else "")
    _remember(mapping)


def _change_amounts(mapping: Mapping) -> None:
    if unit := state.shown("own_amounts"):
        _remember(mapping.with_unit([column.name for column in mapping.elements], unit))


def _column(sheet: Sheet, mapping: Mapping, column: Column, index: int) -> None:
    text, meaning, unit = st.columns([1.4, 1.2, 1], vertical_alignment="center")
    with text.container(gap=None):
        st.text(column.name)
        st.text(yours.examples(sheet, column.name))
    key = f"own_meaning_{index}"
    state.show(key, column.meaning)
    meaning.selectbox(f"Meaning of column {index + 1}", yours.single_meanings(), key=key, format_func=yours.meaning_label,
                      label_visibility="collapsed", on_change=_change_meaning, args=(mapping, column.name, key))
    if column.quantity:
        key = f"own_unit_{index}"
        state.show(key, column.unit or None)
        unit.selectbox(f"Unit of column {index + 1}", column.choices_of_all, key=key, label_visibility="collapsed",
                       placeholder="Unit?", on_change=_change_unit, args=(mapping, column.name, key))


def _change_meaning(mapping: Mapping, name: str, key: str) -> None:
    _remember(mapping.with_meaning(name, state.shown(key)))


def _change_unit(mapping: Mapping, name: str, key: str) -> None:
    if unit := state.shown(key):
        _remember(mapping.with_unit((name,), unit))
