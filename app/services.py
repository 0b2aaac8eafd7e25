"""Cached calls into mtl_core: the only st.cache_* of the project.

Heavy imports stand inside the functions, so that a page pays only for what it uses. What is cached is shared by all
visitors and never changed.
"""
import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from app import pins
from app.atlas import Points, counts_table, points_by
from app.evidence import Evidence, conditions_of, evidence_of, own_table
from app.evidence import measured_near as near
from app.figures.sweep import Measured, Sweep
from app.lines import POINTS, Line
from app.presets import opening
from app.results import Result, results_of
from app.selection import Selection
from mtl_core.chemistry.composition import Composition
from mtl_core.data.summary import summary
from mtl_core.data.tables import AlloyTable, read_tables
from mtl_core.data.training import observations, waterfall
from mtl_core.features.descriptors import describe
from mtl_core.features.projection import Projection, best_stored
from mtl_core.settings import ASSETS_DIR, DATA_DIR
from mtl_core.tasks import TaskSpec

MAP = DATA_DIR / "cache" / "projection.npz"
PINS = Path(os.environ.get("ALLOYSCOPE_USER", DATA_DIR / "user")) / "pins.json"
SAME_ALLOY = 0.5  # at.%: within this, two published compositions count as one alloy, as in the folds
MOST_REPEATS = 40  # measurements of one alloy that are looked for


@st.cache_resource(show_spinner="Loading the ensemble …")
def predictor():
    """The shipped predictor, warmed up; what is loaded by now never becomes garbage and is left out of its collection."""
    from mtl_core.pipeline import load_predictor

    loaded = load_predictor()
    first = opening()
    reported = first.conditions.model_copy(update={"scan_rate_mv_s": 1.0})
    for conditions in (first.conditions, reported):  # one graph is traced for each size of batch
        for n_alloys in (1, POINTS):
            loaded.predict([first.composition] * n_alloys, conditions, level=first.level)
    _keep_compiled_graphs()
    gc.collect()
    gc.freeze()
    return loaded


def _keep_compiled_graphs() -> None:
    """Streamlit clears the Keras session before every rerun, and with it our compiled graphs: 0.1 s each time."""
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session = lambda: None


def tasks() -> tuple[TaskSpec, ...]:
    """What the loaded predictor predicts, in its order."""
    return predictor().tasks


def needed_conditions() -> set[str]:
    """The conditions on which some task depends."""
    return {condition for task in tasks() for condition in task.conditions}


@st.cache_resource(show_spinner=False)
def table() -> AlloyTable:
    """The fact tables that the project carries."""
    return read_tables()


@st.cache_resource(show_spinner=False)
def evidence(task: str) -> Evidence:
    """The measured values of one task, as default training uses them."""
    return evidence_of(observations(table(), (task,)), task)


def measured_values() -> dict[str, np.ndarray]:
    """Task key → all its exact values."""
    return {task.key: evidence(task.key).values for task in tasks()}


def measured_near(line: Line, task: str) -> Measured:
    """The measured alloys near a line."""
    return near(line, evidence(task))


def answer(selection: Selection) -> tuple[Result, ...]:
    """What each task says about the selected alloy."""
    prediction = predictor().predict([selection.composition], selection.conditions, level=selection.level)
    return results_of(prediction, tasks())


def let_the_screen_catch_up() -> None:
    """A pause in which the server's own thread sends what was drawn so far; it would otherwise wait for the whole script, which
    keeps the interpreter and every core busy."""
    time.sleep(0.05)


def sweeps(selection: Selection, line: Line) -> tuple[Sweep, ...]:
    """Each task along a line through the selected alloy."""
    found = predictor().predict(line.alloys, selection.conditions, level=selection.level)
    here = selection.amounts[selection.moved]
    return tuple(Sweep(line.amounts, found.mean[:, j], found.lower[:, j], found.upper[:, j], found.in_domain[:, j], here)
                 for j in range(len(tasks())))


@st.cache_data(show_spinner="Predicting …", max_entries=256)
def predicted(queries: tuple[tuple[tuple[str, str], ...], ...]) -> tuple[tuple[Result, ...], ...]:
    """Results of several selections, given as the items of their links; each under its own conditions and level."""
    chosen = [Selection.from_query(dict(query)) for query in queries]
    return tuple(
        results_of(predictor().predict([one.composition], one.conditions, level=one.level), tasks()) for one in chosen
    )


def results_for(selections: Iterable[Selection]) -> tuple[tuple[Result, ...], ...]:
    """Results of several selections, cached."""
    return predicted(tuple(tuple(selection.to_query().items()) for selection in selections))


def nearest(composition: Composition, task: str, n: int = 5) -> pd.DataFrame:
    """The nearest measured alloys of one task, as `mtl_core.pipeline.nearest` gives them."""
    from mtl_core import pipeline

    return pipeline.nearest(predictor(), composition, task, n=n)


def others_near(composition: Composition, task: str, n: int = 5) -> pd.DataFrame:
    """The nearest measured alloys of one task that are not this very alloy."""
    found = _nearest_beyond_own(composition, task, n)
    return found[found["distance"] >= SAME_ALLOY].head(n)


def _nearest_beyond_own(composition: Composition, task: str, n: int) -> pd.DataFrame:
    """n rows, and more only where this very alloy was measured: most alloys were not, and rows cost time."""
    found = nearest(composition, task, n)
    return nearest(composition, task, n + MOST_REPEATS) if found["distance"].min() < SAME_ALLOY else found


def own_values(composition: Composition, task: TaskSpec) -> pd.DataFrame:
    """Where this very alloy was measured: measured, out-of-fold and in-sample values, one row a measurement."""
    found = _nearest_beyond_own(composition, task.key, 1)
    own = found[(found["distance"] < SAME_ALLOY) & found["value"].notna()]
    if own.empty:
        return own
    stated = [conditions_of(row) for row in own.to_dict("records")]
    prediction = predictor().predict([composition] * len(own), stated)
    return own_table(own, out_of_fold(), prediction.mean[:, tasks().index(task)], task)


@st.cache_data(show_spinner="Integrating along the path between the two alloys …", max_entries=64)
def _attributions(query: tuple[tuple[str, str], ...], baseline: dict[str, float]) -> tuple:
    from mtl_core.explain.attribution import attribute

    selection, start = Selection.from_query(dict(query)), Composition.from_mapping(baseline)
    return tuple(attribute(predictor(), selection.composition, selection.conditions, task, baseline=start)
                 for task in tasks())


def attributions(selection: Selection, baseline: Composition) -> tuple:
    """An `mtl_core.explain.attribution.Attribution` a task: why the selected alloy differs from a baseline. Cached."""
    return _attributions(tuple(selection.to_query().items()), baseline.at)


def derived(composition: Composition) -> pd.Series:
    """Descriptors of one alloy in physical units, by key."""
    return describe([composition]).iloc[0]


def read_pins() -> dict[str, Selection]:
    """Name → selection; a pin that today's code cannot read is left out."""
    readable = {}
    for name, query in pins.read_pins(PINS).items():
        try:
            readable[name] = Selection.from_query(query)
        except ValueError:
            continue
    return readable


def pin(name: str, selection: Selection) -> None:
    """Keep a selection under a name, for all visits to come."""
    pins.pin(PINS, name, selection.to_query())


def unpin(name: str) -> None:
    """Forget a pin."""
    pins.unpin(PINS, name)


@st.cache_data(show_spinner=False, max_entries=64)
def map_points(color: str) -> Points:
    """All alloys, coloured by one key of `color_choices`."""
    return points_by(table(), color)


@st.cache_data(show_spinner=False)
def data_counts() -> pd.DataFrame:
    """How much there is of each property."""
    return counts_table(summary(table())["properties"])


@st.cache_data(show_spinner=False)
def cleaning_steps() -> pd.DataFrame:
    """Rows left after each cleaning rule, per property."""
    return waterfall(table())


def predict_rows(rows: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """The rows with predictions added; what a row does not state is taken from the selection."""
    from mtl_core.batch import predict_table

    return predict_table(predictor(), rows, default=selection.conditions, level=selection.level)


@st.cache_resource(show_spinner=False, ttl=60)
def projection() -> Projection:
    """The map of all alloys. Where the data have changed since it was made, a new one is laid out in the background."""
    stored, is_current = best_stored(table(), MAP, ASSETS_DIR / MAP.name)
    if not is_current:
        _lay_out_map()
    return stored


@st.cache_resource(show_spinner=False)
def _lay_out_map() -> subprocess.Popen:
    """Once a server: UMAP takes half a minute in a process of its own, and the page goes on with the old map."""
    MAP.parent.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen([sys.executable, "-m", "mtl_core", "data", "map", "--output", str(MAP)], start_new_session=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def map_coordinates(ids: np.ndarray) -> np.ndarray:
    """Where the alloys with these ids stand on the map, [n, 2]; NaN for one that was not mapped."""
    stored = projection()
    frame = pd.DataFrame(stored.coordinates, index=stored.alloy_ids)
    return frame.reindex(ids).to_numpy()


def place(composition: Composition) -> np.ndarray:
    """Where an alloy of any composition stands on the map, [1, 2]; elements that the map lacks are left out."""
    symbols = projection().symbols
    return projection().place(np.array([[composition.at.get(symbol, 0.0) for symbol in symbols]]))


@st.cache_data(show_spinner=False)
def report() -> dict:
    """The stored metrics of the shipped run; no network is loaded for it."""
    from mtl_core import pipeline

    return pipeline.evaluate()


@st.cache_data(show_spinner=False)
def ablations() -> pd.DataFrame:
    """What single choices are worth, as `python -m benchmarks.ablations` found it."""
    return pd.read_csv(ASSETS_DIR / "ablations.csv")


@st.cache_data(show_spinner=False)
def out_of_fold() -> pd.DataFrame:
    """The stored out-of-fold predictions of the shipped run."""
    from mtl_core import pipeline

    return pipeline.read_out_of_fold()
