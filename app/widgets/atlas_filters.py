"""Which alloys and readings are looked at: the filters as controls, and those that are set as chips to take away."""
import math

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.atlas import CONDITIONS, LABELS, Quantity
from app.evidence import family_words
from app.filters import SUPPORT, Filters
from app.widgets.atlas_scene import Scene

WORDS = ("family", "process", "source")
STEPS = 100  # of a range slider, about
WIDE = "filter_wide"  # ranges whose slider is shown at full width: no filters yet


def filter_controls(scene: Scene) -> None:
    """The button with all filters behind it. Its label never changes: a popover with another label closes."""
    with st.popover("Filters", icon=":material/filter_list:", key="filters_open", on_change="rerun") as popover:
        if popover.open:
            _elements(scene)
            _words(scene)
            _support(scene)
            _ranges(scene)


def filter_chips(scene: Scene) -> None:
    """What is set, in words; a click takes it away."""
    parts = scene.filters.spoken(scene.choices)
    if not parts:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="chips"):
        for words, without in parts.items():
            st.button(words, key=f"chip_{words}", icon=":material/close:", help="Take this filter away", on_click=_take_away,
                      args=(without,))
        st.button("Clear all", key="chip_all", type="tertiary", on_click=_take_away, args=(Filters(),))


def _set(filters: Filters) -> None:
    state.show("filters", filters)


def _take_away(left: Filters) -> None:
    state.show(WIDE, ())
    _set(left)


def _change(name: str) -> None:
    value = state.shown(f"filter_{name}")
    _set(state.shown("filters").but(**{name: tuple(value) if isinstance(value, list) else value}))


def _elements(scene: Scene) -> None:
    symbols = [key.removeprefix("at_") for key, one in scene.choices.items() if one.kind == "Element"]
    for column, (name, label) in zip(st.columns(2), (("contains", "Contains"), ("excludes", "Does not contain")), strict=True):
        state.show(f"filter_{name}", list(getattr(scene.filters, name)))
        column.multiselect(label, sorted({*symbols, *getattr(scene.filters, name)}), key=f"filter_{name}", on_change=_change,
                           args=(name,), placeholder="any element", help="From 0.05 at.% on; less is a trace.")


def _words(scene: Scene) -> None:
    for column, name in zip(st.columns(3), WORDS, strict=True):
        state.show(f"filter_{name}", list(getattr(scene.filters, name)))
        column.multiselect(LABELS[name], sorted(scene.atlas.alloys[name].unique()), key=f"filter_{name}", on_change=_change,
                           args=(name,), placeholder="any", format_func=family_words if name == "family" else str)


def _support(scene: Scene) -> None:
    state.show("filter_support", scene.filters.support)
    st.selectbox("Where there is support", list(SUPPORT), format_func=SUPPORT.get, key="filter_support", on_change=_change,
                 args=("support",), help="Measured: this alloy or one within 0.5 at.% of it. Inside the model's domain: near "
                 "enough to the alloys that each property was learnt from.")
    state.show("filter_with_excluded", scene.filters.with_excluded)
    st.checkbox("Also readings that a rule leaves out of training (hot tests, compression, halide-free acid …)",
                key="filter_with_excluded", on_change=_change, args=("with_excluded",))


def _ranges(scene: Scene) -> None:
    """A slider for each range that is set or about to be, and a box for one more."""
    known = {**CONDITIONS, **{key: one for key, one in scene.choices.items() if key in scene.atlas.quantities}}
    sliders = dict.fromkeys(state.shown(WIDE, ()), (None, None)) | scene.filters.ranges
    for key, ends in sliders.items():
        if key in known:
            _slider(scene, known[key], ends)
    if sliders:
        st.caption("A range filters once it is narrowed; then it keeps only what reports the value.")
    left = [key for key in known if key not in sliders]
    state.show("filter_range", None)
    st.selectbox("Add a range", left, index=None, format_func=lambda key: f"{known[key].kind} · {known[key].title}",
                 key="filter_range", on_change=_add_range, placeholder="property, condition, year, element, descriptor …")


def _add_range() -> None:
    if key := state.shown("filter_range"):
        state.show(WIDE, (*state.shown(WIDE, ()), key))


def _slider(scene: Scene, quantity: Quantity, ends: tuple[float | None, float | None]) -> None:
    """Two handles over all values; a handle at its end leaves that side open. Decades are counted where they matter."""
    low, high, step = _scale(_values(scene, quantity), quantity.logarithmic)
    shown = [_on_scale(end, quantity.logarithmic) for end in ends]
    start = low if shown[0] is None else min(max(shown[0], low), high)
    stop = high if shown[1] is None else max(min(shown[1], high), start)
    name = f"range_{quantity.key}"
    state.show(name, (start, stop))
    st.slider(f"log₁₀ {quantity.title}" if quantity.logarithmic else quantity.title, low, high, step=step, key=name,
              format="%.4g", on_change=_change_range, args=(quantity.key, quantity.logarithmic, low, high))


def _values(scene: Scene, quantity: Quantity) -> pd.Series:
    if quantity.key in CONDITIONS:
        return scene.atlas.readings[quantity.key]
    return scene.atlas.numbers(quantity.key, scene.passing.readings)


def _scale(values: pd.Series, logarithmic: bool) -> tuple[float, float, float]:
    """Lowest and highest value on round numbers, and the step between two stops."""
    found = values.dropna().to_numpy(float)
    found = np.log10(found[found > 0]) if logarithmic else found
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, 1.0)
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-6) / STEPS) + 0.5)
    low, high = step * math.floor(low / step), step * math.ceil(high / step)
    return low, max(high, low + step), step


def _on_scale(end: float | None, logarithmic: bool) -> float | None:
    return math.log10(max(end, 1e-300)) if logarithmic and end is not None else end


def _change_range(key: str, logarithmic: bool, low: float, high: float) -> None:
    start, stop = state.shown(f"range_{key}")
    ends = (None if start <= low else start, None if stop >= high else stop)
    ends = tuple(10.0**end if logarithmic and end is not None else end for end in ends)
    state.show(WIDE, tuple(dict.fromkeys((*state.shown(WIDE, ()), key))))  # it stays in sight when it is opened fully again
    _set(state.shown("filters").within(key, ends))
