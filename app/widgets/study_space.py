"""The space of a new search: a row a setting, on or off, with its range or its values."""
from collections.abc import Mapping

import streamlit as st
from pydantic import ValidationError

from app import searches
from app.options import outside
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import in_words
from mtl_core.tuning.space import Choice, Dimension, Integer, Real, value_of

NAME_WIDTH, NUMBER_WIDTH = 250, 100
SIDES = {"low": "from", "high": "to"}


def space_rows(form, now: Mapping, base: EnsembleConfig) -> tuple[dict, tuple[Dimension, ...], list[str]]:
    """All rows as they stand, the dimensions that are on, and what is wrong with them.

    form: with `key` and the `rows` that its widgets start from; now: with `space` and `own_heads`.
    """
    known = searches.catalogue(base.tasks, own_heads=now["own_heads"])
    preset = searches.preset_space(now["space"], base.tasks, own_heads=now["own_heads"])
    st.caption("From, to; *log*: equal steps in the logarithm, so that from 0.001 to 0.01 is as far as from 0.01 to 0.1.")
    half = (len(known) + 1) // 2
    rows, dimensions, wrong = {}, [], []
    for column, part in zip(st.columns(2, gap="large"), (known[:half], known[half:]), strict=True):
        with column:
            for usual in part:
                start = form.start["rows"].get(usual.name) or _start(preset.get(usual.name, usual), usual.name in preset)
                rows[usual.name], found, complaint = _row(form, usual, start, base)
                dimensions += [found] if found else []
                wrong += [complaint] if complaint else []
    return rows, tuple(dimensions), wrong


def _start(dimension: Dimension, is_on: bool) -> dict:
    return {"on": is_on, **dimension.model_dump()}


def _row(form, usual: Dimension, start: Mapping, base: EnsembleConfig) -> tuple[dict, Dimension | None, str]:
    name = usual.name
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=form.key(f"row_{name}".replace(":", "_"))):
        row = dict(start, on=st.toggle(searches.axis(name), start["on"], key=form.key(f"on_{name}"), width=NAME_WIDTH))
        if not row["on"]:
            stays = "stays" if isinstance(usual, Choice) else "stays at"
            st.caption(f"{stays} {searches.said(name, value_of(base, name))}", width="content")
            return row, None, ""
        row |= _values(form, usual, start) if isinstance(usual, Choice) else _range(form, usual, start)
    if complaint := _outside(usual, row):
        st.error(complaint)
        return dict(start, on=True), None, complaint
    try:
        return row, type(usual).model_validate({key: value for key, value in row.items() if key != "on"}), ""
    except ValidationError as error:
        complaint = f"{searches.label(name)}: {in_words(error).removeprefix(': ')}"
        st.error(complaint)
        return row, None, complaint


def _range(form, usual: Integer | Real, start: Mapping) -> dict:
    stem = usual.name.partition(":")[0]
    low, _ = searches.LIMITS[stem]
    ends = {}
    for side, words in SIDES.items():
        ends[side] = st.number_input(
            f"{searches.label(usual.name)}, {words}", value=type(low)(start[side]), step=searches.STEPS.get(stem, 1),
            format="%d" if isinstance(usual, Integer) else "%g", key=form.key(f"{side}_{usual.name}"), width=NUMBER_WIDTH,
            label_visibility="collapsed")
    return ends | {"log": st.checkbox("log", start["log"], key=form.key(f"log_{usual.name}"), width="content")}


def _outside(usual: Dimension, row: Mapping) -> str:
    """What is wrong with the ends of a range; the boxes themselves would keep it to themselves."""
    if isinstance(usual, Choice):
        return ""
    limits = searches.LIMITS[usual.name.partition(":")[0]]
    return next(filter(None, (outside(f"{searches.label(usual.name)}, {words}", row[side], *limits)
                              for side, words in SIDES.items())), "")


def _values(form, usual: Choice, start: Mapping) -> dict:
    chosen = st.pills(searches.label(usual.name), usual.values, selection_mode="multi", key=form.key(f"values_{usual.name}"),
                      default=[value for value in usual.values if value in start["values"]], label_visibility="collapsed",
                      format_func=lambda value: searches.said(usual.name, value), width="content")
    return {"values": tuple(value for value in usual.values if value in chosen)}
