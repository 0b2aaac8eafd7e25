"""The one door to st.session_state: what this visitor chose, and its mirror in the URL."""
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from uuid import uuid4

import streamlit as st
from pydantic import ValidationError

from app.selection import Selection
from mtl_core.data.datasets import PUBLISHED, find_dataset, is_name, is_stored
from mtl_core.errors import DataError, in_words

_SELECTION, _SPANS, _DATASETS = "selection", "spans", "datasets"
_DATA = "data"  # how a link calls the datasets
SPANS = (5.0, 10.0, 20.0, 50.0, 100.0)


def selection() -> Selection | None:
    """What the visitor chose; None before anything was chosen or opened."""
    return st.session_state.get(_SELECTION)


def choose(chosen: Selection, *, fresh: bool = False) -> None:
    """Keep a new choice; `fresh` = another alloy, whose sliders get spans of their own."""
    st.session_state[_SELECTION] = chosen
    if fresh:
        st.session_state[_SPANS] = {}


def open_link(otherwise: Selection) -> str:
    """Take the selection from the URL, once a session. Returns a sentence where the link cannot be followed."""
    if selection() is not None:
        return ""
    choose(otherwise, fresh=True)
    if "alloy" not in st.query_params:
        return ""
    try:
        choose(Selection.from_query(st.query_params.to_dict()), fresh=True)
    except ValueError as error:
        said = in_words(error) if isinstance(error, ValidationError) else str(error)
        return f"This link cannot be followed, so the page opens on its usual alloy: {said}"
    return ""


def mirror(also: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write the selection to the URL, and what else a page was asked, so that it reopens the same view."""
    query = selection().to_query() | _datasets_query() | dict(also)
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def linked() -> dict[str, str]:
    """What the link says."""
    return st.query_params.to_dict()


def mirror_part(query: dict[str, str], names: Collection[str]) -> None:
    """Write some parts of the link, those of `names` that the query lacks out of it, and leave the rest."""
    before = linked()
    after = {name: text for name, text in before.items() if name not in names} | query
    if after != before:
        st.query_params.from_dict(after)


def datasets() -> tuple[str, ...]:
    """Ids of the datasets in use: at first those of the link; one that is no longer there is left out, and a note says so."""
    wanted = st.session_state.get(_DATASETS) or _linked_datasets()
    if _DATASETS not in st.session_state or not all(map(is_stored, wanted)):
        choose_datasets(wanted)
    return st.session_state[_DATASETS]


def choose_datasets(wanted: Sequence[str]) -> None:
    """Use these datasets, given by id or name, the last version of each; without any that can be used, the published one."""
    found: dict[str, str] = {}
    missing = []
    for one in wanted:
        try:
            found[one.partition("@")[0]] = one if one == PUBLISHED else find_dataset(one).id
        except DataError:  # a link may hold anything, and none of it is to be shown as markup
            missing.append(one if is_name(one.replace("@", "_", 1)) else "with such a name")
    if missing:
        note("data", f"There is no dataset {' and none '.join(missing)} here; it may have been deleted. "
                     "The page goes on without it.")
    st.session_state[_DATASETS] = tuple(found.values()) or (PUBLISHED,)


def mirror_datasets() -> None:
    """Write the datasets in use to the URL, and leave the rest of it."""
    mirror_part(_datasets_query(), {_DATA})


def _datasets_query() -> dict[str, str]:
    """The usual data stand in no link."""
    return {} if datasets() == (PUBLISHED,) else {_DATA: ",".join(datasets())}


def _linked_datasets() -> list[str]:
    return [one for one in st.query_params.get(_DATA, "").split(",") if one] or [PUBLISHED]


def show(key: str, value) -> None:
    """Set what the widget with this key shows; call it just before the widget is drawn."""
    st.session_state[key] = value


def shown(key: str, otherwise=None):
    """What the widget with this key shows now."""
    return st.session_state.get(key, otherwise)


def remembered(name: str, key: object, make: Callable[[], object]):
    """What `make` gave for this key: kept for this visitor, until it is asked for with another key."""
    held = st.session_state.get(f"kept_{name}")
    if held is None or held[0] != key:
        held = st.session_state[f"kept_{name}"] = (key, make())
    return held[1]


def replace(name: str, value: object) -> None:
    """Put another value in the place of what is remembered."""
    st.session_state[f"kept_{name}"] = (st.session_state[f"kept_{name}"][0], value)


def visitor() -> str:
    """A name for this visit, told to nobody."""
    return st.session_state.setdefault("visitor", uuid4().hex)


def note(place: str, sentence: str) -> None:
    """Leave a sentence beside one control, until the next action there."""
    st.session_state[f"note_{place}"] = sentence


def noted(place: str) -> str:
    """What was left for this place, handed out once."""
    return st.session_state.pop(f"note_{place}", "")


def span(symbol: str, amount: float) -> float:
    """The upper end of an element's slider: about twice its first amount, growing but never jumping back."""
    spans = st.session_state.setdefault(_SPANS, {})
    needed = next(span for span in SPANS if span >= min(100.0, amount if symbol in spans else max(2 * amount, 10.0)))
    spans[symbol] = max(needed, spans.get(symbol, 0.0))
    return spans[symbol]
