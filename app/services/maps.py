"""The atlas of alloys, where each stands on a map, and the process that lays out another map."""
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from scipy.spatial import cKDTree

from app.atlas import Atlas, atlas_of, hover_texts, out_of_fold_errors
from app.filters import Filters
from app.services import measured, model
from mtl_core.chemistry.composition import Composition
from mtl_core.data.datasets import PUBLISHED
from mtl_core.data.schema import AT
from mtl_core.data.training import observations
from mtl_core.features.projection import DEFAULT_MAP, MapSettings, Projection, is_current, key_of, project
from mtl_core.settings import ASSETS_DIR, DATA_DIR
from mtl_core.tasks import DEFAULT_TASKS, TASKS
from mtl_core.types import Conditions

CACHE = DATA_DIR / "cache" / "maps"
SHIPPED = ASSETS_DIR / "projection.npz"
NEARBY = 0.02  # of the map's width: the circle in which the density of points is counted


@dataclass(frozen=True)
class Layout:
    """Which map: how it is laid out, and from the alloys of which datasets; those of others are placed on it."""

    settings: MapSettings = DEFAULT_MAP
    base: tuple[str, ...] = (PUBLISHED,)


@dataclass(frozen=True, eq=False)
class Passing:
    """What passes the filters: readings, whether each alloy does [n], and what the map says of each alloy [n]."""

    readings: pd.DataFrame
    alloys: np.ndarray
    texts: np.ndarray


@st.cache_resource(show_spinner="Reading the measurements …", max_entries=8)
def atlas(datasets: tuple[str, ...]) -> Atlas:
    """All alloys of the datasets with what was measured of them."""
    return atlas_of(measured.table(datasets))


def projection(layout: Layout) -> Projection | None:
    """The map; None where it has yet to be laid out (by `lay_out`, which takes half a minute)."""
    if layout.settings.method == "pca":
        return _computed(layout)
    path = _path(layout)
    return _stored(path) if path.is_file() else None


@st.cache_resource(show_spinner=False)
def shipped() -> Projection:
    """The map that the project carries."""
    return Projection.load(SHIPPED)


@st.cache_resource(show_spinner="Computing principal components …", max_entries=16)
def _computed(layout: Layout) -> Projection:
    return project(measured.table(layout.base), layout.settings)


@st.cache_resource(show_spinner=False, max_entries=16)
def _stored(path: Path) -> Projection:
    return Projection.load(path)


@st.cache_data(show_spinner=False, max_entries=64)
def _path(layout: Layout) -> Path:
    """Where the map is, or will be: the shipped one where it is the one that was asked for."""
    table = measured.table(layout.base)
    if layout == Layout() and is_current(shipped(), table):
        return SHIPPED
    return CACHE / f"{key_of(table, layout.settings)}.npz"


@st.cache_resource(show_spinner=False)
def _jobs() -> dict[Path, subprocess.Popen]:
    """The processes that lay out maps, by the file they write: one for each, whoever asked for it."""
    return {}


def lay_out(layout: Layout) -> None:
    """Start laying out a map in a process of its own, unless that is going on; one that failed is started again."""
    path = _path(layout)
    if is_going(layout) or path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {f"--{name.replace('_', '-')}": str(value) for name, value in layout.settings.model_dump().items()}
    words = [word for pair in options.items() for word in pair] + [word for one in layout.base for word in ("--dataset", one)]
    with path.with_suffix(".log").open("wb") as log:
        _jobs()[path] = subprocess.Popen([sys.executable, "-m", "mtl_core", "data", "map", "--output", str(path), *words],
                                         start_new_session=True, stdout=log, stderr=log)


def is_going(layout: Layout) -> bool:
    """Whether a process lays this map out right now."""
    job = _jobs().get(_path(layout))
    return job is not None and job.poll() is None


def failure(layout: Layout) -> str:
    """The last words of the process where it ended without a map; empty otherwise."""
    path = _path(layout)
    job = _jobs().get(path)
    if job is None or job.poll() is None or path.is_file():
        return ""
    said = path.with_suffix(".log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return said[-1] if said else f"it ended with code {job.returncode} and said nothing"


@st.cache_resource(show_spinner=False, max_entries=16)
def coordinates(_map: Projection, key: str, datasets: tuple[str, ...]) -> np.ndarray:
    """Where the alloys of the atlas stand, [n, 2]: mapped ones on their points, others among their neighbours.

    key: `identity` of the map.
    """
    alloys = atlas(datasets)
    found = pd.DataFrame(_map.coordinates, index=_map.alloy_ids).reindex(alloys.alloys.index).to_numpy()
    lost = np.isnan(found[:, 0])
    if lost.any():
        at = alloys.alloys.loc[lost].reindex(columns=[AT + symbol for symbol in _map.symbols], fill_value=0.0)
        found[lost] = _map.place(at.to_numpy(float))
    return found


def identity(found: Projection) -> str:
    """What tells two maps apart."""
    return found.fingerprint + found.settings.model_dump_json()


def place(found: Projection, composition: Composition) -> np.ndarray:
    """Where an alloy of any composition stands on a map, [2]; elements that the map lacks are left out."""
    return found.place(np.array([[composition.at.get(symbol, 0.0) for symbol in found.symbols]]))[0]


@st.cache_data(show_spinner=False, max_entries=16)
def crowding(_xy: np.ndarray, key: str, datasets: tuple[str, ...]) -> pd.Series:
    """How many alloys stand nearby on the map, itself counted, by alloy_id; key: `identity` of the map."""
    counts = cKDTree(_xy).query_ball_point(_xy, NEARBY * np.ptp(_xy[:, 0]), return_length=True)
    return pd.Series(counts.astype(float), index=atlas(datasets).alloys.index)


@st.cache_resource(show_spinner=False, max_entries=64)
def passing(_filters: Filters, key: tuple[tuple[str, str], ...], datasets: tuple[str, ...]) -> Passing:
    """What passes the filters; key: the items of their link."""
    alloys = atlas(datasets)
    readings = _filters.readings(alloys)
    return Passing(readings, _filters.alloys(alloys, readings, lambda: in_domain(datasets)), hover_texts(alloys, readings))


def errors(datasets: tuple[str, ...]) -> pd.DataFrame:
    """Out-of-fold errors of the run that answers, by alloy, one column a task; see `out_of_fold_errors`."""
    return _errors(datasets, model.answering()[0])


@st.cache_resource(show_spinner=False, max_entries=8)
def _errors(datasets: tuple[str, ...], run: str) -> pd.DataFrame:
    return out_of_fold_errors(model.out_of_fold(run), atlas(datasets).readings)


def error_tasks() -> tuple[str, ...]:
    """Tasks that the run that answers has out-of-fold predictions of."""
    return tuple(model.report()["metrics"])


@st.cache_resource(show_spinner="Asking where the model has support …", max_entries=8)
def in_domain(datasets: tuple[str, ...]) -> pd.Series:
    """Whether all default tasks are supported at an alloy under the default conditions, by alloy_id."""
    from mtl_core.uncertainty.domain import Domain

    learnt, alloys = measured.table((PUBLISHED,)), atlas(datasets)
    rows, symbols = observations(learnt), learnt.elements
    at = alloys.alloys[[AT + symbol for symbol in symbols]].to_numpy(float)
    others = [symbol for symbol in alloys.symbols if symbol not in symbols]
    foreign = [tuple(symbol for symbol in others if row[AT + symbol] > 0) for row in alloys.alloys.to_dict("records")]
    reasons = [Domain.fit(rows, TASKS[key], symbols).reasons(at, foreign, [Conditions()] * len(at)) for key in DEFAULT_TASKS]
    return pd.Series([not any(of_alloy) for of_alloy in zip(*reasons, strict=True)], index=alloys.alloys.index)
