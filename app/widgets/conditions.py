"""Processing and test conditions; each can be "not reported", which averages over what was seen in training."""
from collections.abc import Iterable

import streamlit as st

from app import state
from app.evidence import CONDITION_WORDS, PROCESS_WORDS
from mtl_core.types import PROCESSES, Conditions

NOT_REPORTED = "not reported"
NUMBERS = {  # name: label, step, format, where a blank box starts when it is switched on
    "temperature_c": ("Temperature (°C)", 5.0, "%.4g", 25.0),
    "chloride_m": ("Chloride (mol/L)", 0.1, "%.4g", 0.6),
    "ph": ("pH", 0.5, "%.4g", 7.0),
    "scan_rate_mv_s": ("Scan rate (mV/s)", 0.1, "%.4g", 0.167),
}


def conditions_editor(needed: Iterable[str]) -> None:
    """One control for each condition that some task depends on."""
    needed = set(needed)
    conditions = state.selection().conditions
    if "process" in needed:
        _process(conditions)
    shown = [name for name in NUMBERS if name in needed]
    for start in range(0, len(shown), 2):
        for column, name in zip(st.columns(2, wrap=False), shown[start:start + 2], strict=False):
            with column.container(gap="xsmall"):
                _number(name, getattr(conditions, name))


def _process(conditions: Conditions) -> None:
    state.show("process", conditions.process or NOT_REPORTED)
    st.selectbox("Processing", [NOT_REPORTED, *PROCESSES], key="process", on_change=_change_process,
                 format_func=lambda process: PROCESS_WORDS.get(process, process))


def _change_process() -> None:
    process = state.shown("process")
    _change(process=None if process == NOT_REPORTED else process)


def _number(name: str, value: float | None) -> None:
    label, step, style, _ = NUMBERS[name]
    low, high = _bounds(name)
    state.show(name, value)
    st.number_input(label, low, high, step=step, format=style, key=name, placeholder=NOT_REPORTED,
                    disabled=value is None, on_change=_change_number, args=(name,))
    state.show(f"{name}_unknown", value is None)
    st.checkbox(NOT_REPORTED, key=f"{name}_unknown", on_change=_change_unknown, args=(name,))


def _bounds(name: str) -> tuple[float, float]:
    limits = {type(limit).__name__: limit for limit in Conditions.model_fields[name].metadata}
    low = limits["Ge"].ge if "Ge" in limits else limits["Gt"].gt + 1e-3
    return float(low), float(limits["Le"].le)


def _change_number(name: str) -> None:
    _change(**{name: state.shown(name)})


def _change_unknown(name: str) -> None:
    _change(**{name: None if state.shown(f"{name}_unknown") else NUMBERS[name][-1]})


def _change(**conditions) -> None:
    chosen = state.selection()
    state.choose(chosen.but(conditions=Conditions(**chosen.conditions.model_dump() | conditions)))


def spoken(conditions: Conditions) -> str:
    """"wrought · 25 °C · 0.6 mol/L Cl⁻ · pH 7"; what is not reported is left out."""
    stated = conditions.model_dump(exclude_none=True) | {"process": PROCESS_WORDS.get(conditions.process)}
    known = {name: value for name, value in stated.items() if value is not None}
    return " · ".join(words.format(known[name]) for name, words in CONDITION_WORDS.items() if name in known)
