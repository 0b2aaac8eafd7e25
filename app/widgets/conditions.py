"""Processing and test conditions; each can be "not reported", which averages over what was seen in training."""
from collections.abc import Callable, Iterable

import streamlit as st

from app import state
from mtl_core.types import PROCESSES, Conditions
from mtl_core.words import PROCESS_WORDS
from mtl_core.words import spoken as spoken

NOT_REPORTED = "not reported"
NUMBERS = {  # name: label, step, format, where a blank box starts when it is switched on
    "temperature_c": ("Temperature (°C)", 5.0, "%.4g", 25.0),
    "chloride_m": ("Chloride (mol/L)", 0.1, "%.4g", 0.6),
    "ph": ("pH", 0.5, "%.4g", 7.0),
    "scan_rate_mv_s": ("Scan rate (mV/s)", 0.1, "%.4g", 0.167),
}


def conditions_editor(needed: Iterable[str]) -> None:
    """One control for each condition that some task depends on, for those of the selection."""
    condition_boxes(state.selection().conditions, needed, _choose)


def condition_boxes(conditions: Conditions, needed: Iterable[str], change: Callable[[Conditions], None], place: str = "") -> None:
    """The same for any conditions; `change` takes the new ones, and `place` tells two editors of one page apart."""
    needed = set(needed)
    if "process" in needed:
        _process(conditions, change, place)
    shown = [name for name in NUMBERS if name in needed]
    for start in range(0, len(shown), 2):
        for column, name in zip(st.columns(2, wrap=False), shown[start:start + 2], strict=False):
            with column.container(gap="xsmall"):
                _number(name, conditions, change, place)


def _choose(conditions: Conditions) -> None:
    state.choose(state.selection().but(conditions=conditions))


def _process(conditions, change, place):
    key = f"{place}process"
    state.show(key, conditions.process or NOT_REPORTED)
    st.selectbox("Processing", [NOT_REPORTED, *PROCESSES], key=key, on_change=_change_process, args=(conditions, change, key),
                 format_func=lambda process: PROCESS_WORDS.get(process, process))


def _change_process(conditions, change, key):
    process = state.shown(key)
    change(conditions.model_copy(update={"process": None if process == NOT_REPORTED else process}))


def _number(name, conditions, change, place):
    label, step, style, _ = NUMBERS[name]
    key, value, (low, high) = f"{place}{name}", getattr(conditions, name), _bounds(name)
    state.show(key, value)
    st.number_input(label, low, high, step=step, format=style, key=key, placeholder=NOT_REPORTED, disabled=value is None,
                    on_change=_change_number, args=(name, conditions, change, key))
    state.show(f"{key}_unknown", value is None)
    st.checkbox(NOT_REPORTED, key=f"{key}_unknown", on_change=_change_unknown, args=(name, conditions, change, key))


def _bounds(name: str) -> tuple[float, float]:
    limits = {type(limit).__name__: limit for limit in Conditions.model_fields[name].metadata}
    low = limits["Ge"].ge if "Ge" in limits else limits["Gt"].gt + 1e-3
    return float(low), float(limits["Le"].le)


def _change_number(name, conditions, change, key):
    change(conditions.model_copy(update={name: state.shown(key)}))


def _change_unknown(name, conditions, change, key):
    change(conditions.model_copy(update={name: None if state.shown(f"{key}_unknown") else NUMBERS[name][-1]}))
