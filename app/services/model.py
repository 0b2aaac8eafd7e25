"""What the loaded ensemble answers: the run that was promoted, or the one that the project ships.

Heavy imports stand inside the functions, so that a page pays only for what it uses.
"""
import gc
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from textwrap import shorten

import pandas as pd
import streamlit as st

from app.figures.sweep import Sweep
from app.lines import POINTS, Line
from app.presets import opening
from app.results import Result, results_of
from app.selection import Selection
from mtl_core.chemistry.composition import Composition
from mtl_core.errors import AlloyscopeError
from mtl_core.features.descriptors import describe
from mtl_core.registry import promoted as registry
from mtl_core.registry.runs import SHIPPED, run_folder
from mtl_core.settings import ASSETS_DIR
from mtl_core.tasks import TaskSpec
from mtl_core.types import ClassPrediction

MOST_WORDS = 200  # letters of the reason why a run cannot be loaded


@dataclass
class _Held:
    """The one predictor in memory, the run that it belongs to, and why others could not be loaded, by run and time of file."""

    run: str = ""
    predictor: object = None
    refusals: dict[tuple[str, int], str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)  # the visitors of one server are threads of one process


@st.cache_resource(show_spinner=False)
def _held() -> _Held:
    return _Held()


def answering() -> tuple[str, str]:
    """Id of the run that answers, and a sentence where it is not the one that was promoted. No network is loaded for it."""
    run, complaint = registry.answering()
    if refusal := _held().refusals.get(seen(run)):
        return SHIPPED, f"The run {run} was promoted, but cannot be loaded: {refusal}"
    return run, complaint


def seen(run: str) -> tuple[str, int]:
    """A run as its folder stands now; no answer is kept for longer than that."""
    description = run_folder(run) / "ensemble.json"
    return run, description.stat().st_mtime_ns if description.exists() else 0


def use(run: str) -> None:
    """Let the app answer from a run from now on, once its predictor is loaded; raises AlloyscopeError where it cannot be."""
    predictor_of(run)
    registry.promote(run)


def predictor():
    """The predictor of the run that answers, warmed up; where that cannot be loaded the shipped one, and `answering` says why."""
    run, _ = answering()
    try:
        return predictor_of(run)
    except AlloyscopeError as error:
        if run == SHIPPED:
            raise
        words = str(error).replace(f"{run_folder(run)}", "").lstrip(": /")
        _held().refusals[seen(run)] = shorten(words, MOST_WORDS, placeholder=" …")
        return predictor_of(SHIPPED)


def loaded_run() -> str:
    """The run that answers, once it is known that it can be loaded."""
    predictor()
    return answering()[0]


def predictor_of(run: str):
    """What is loaded by now never becomes garbage and is left out of its collection, until another run takes its place."""
    held = _held()
    with held.lock:
        if held.run != run:
            held.run, held.predictor = "", None
            gc.unfreeze()
            gc.collect()
            held.predictor = _loaded(run)
            held.run = run
            gc.collect()
            gc.freeze()
        return held.predictor


def _loaded(run: str):
    """The predictor of a run, warmed up, with a sentence on each step."""
    with st.spinner("1 of 3: loading TensorFlow, about ten seconds, once …"):
        import tensorflow  # noqa: F401
    with st.spinner("2 of 3: loading the networks of the ensemble …"):
        from mtl_core.pipeline import load_predictor

        loaded = load_predictor(run)
    with st.spinner("3 of 3: a first prediction, which compiles the networks …"):
        first = opening()
        reported = first.conditions.model_copy(update={"scan_rate_mv_s": 1.0})
        for conditions in (first.conditions, reported):  # one graph is traced for each size of batch
            for n_alloys in (1, POINTS):
                loaded.predict([first.composition] * n_alloys, conditions, level=first.level)
    _keep_compiled_graphs()
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
    asked = predictor()
    return {condition for task in (*asked.tasks, *asked.class_tasks) for condition in task.conditions}


def answer(selection: Selection) -> tuple[Result, ...]:
    """What each task says about the selected alloy."""
    asked = predictor()
    return results_of(asked.predict([selection.composition], selection.conditions, level=selection.level), asked.tasks)


def class_answer(selection: Selection) -> tuple[ClassPrediction, ...]:
    """What the selected alloy is, for each task of classes; nothing of most runs."""
    return predictor().predict_classes([selection.composition], selection.conditions)


def let_the_screen_catch_up() -> None:
    """A pause in which the server's own thread sends what was drawn so far; it would otherwise wait for the whole script, which
    keeps the interpreter and every core busy."""
    time.sleep(0.05)


def sweeps(selection: Selection, line: Line) -> tuple[tuple[TaskSpec, Sweep], ...]:
    """Each task along a line through the selected alloy."""
    asked = predictor()
    found = asked.predict(line.alloys, selection.conditions, level=selection.level)
    here = selection.amounts[selection.moved]
    return tuple((task, Sweep(line.amounts, found.mean[:, j], found.lower[:, j], found.upper[:, j], found.in_domain[:, j], here))
                 for j, task in enumerate(asked.tasks))


@st.cache_data(show_spinner="Predicting …", max_entries=256)
def _predicted(run: str, queries: tuple[tuple[tuple[str, str], ...], ...]) -> tuple[tuple[Result, ...], ...]:
    """Results of several selections, given as the items of their links; each under its own conditions and level."""
    asked = predictor_of(run)
    chosen = [Selection.from_query(dict(query)) for query in queries]
    return tuple(
        results_of(asked.predict([one.composition], one.conditions, level=one.level), asked.tasks) for one in chosen
    )


def results_for(selections: Iterable[Selection]) -> tuple[tuple[Result, ...], ...]:
    """Results of several selections, cached."""
    return _predicted(loaded_run(), tuple(tuple(selection.to_query().items()) for selection in selections))


def derived(composition: Composition) -> pd.Series:
    """Descriptors of one alloy in physical units, by key."""
    return describe([composition]).iloc[0]


def predict_rows(rows: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """The rows with predictions added; what a row does not state is taken from the selection."""
    from mtl_core.batch import predict_table

    return predict_table(predictor(), rows, default=selection.conditions, level=selection.level)


def report(run: str = "") -> dict:
    """The stored metrics of a run, of the one that answers unless another is named; no network is loaded for it."""
    return _report(*seen(run or answering()[0]))


@st.cache_data(show_spinner=False, max_entries=16)
def _report(run: str, seen: int) -> dict:
    from mtl_core import pipeline

    return pipeline.evaluate(run)


@st.cache_data(show_spinner=False)
def ablations() -> pd.DataFrame:
    """What single choices are worth, as `python -m benchmarks.ablations` found it."""
    return pd.read_csv(ASSETS_DIR / "ablations.csv")


def out_of_fold(run: str = "") -> pd.DataFrame:
    """The stored out-of-fold predictions of a run, of the one that answers unless another is named."""
    return _out_of_fold(*seen(run or answering()[0]))


@st.cache_data(show_spinner=False, max_entries=8)
def _out_of_fold(run: str, seen: int) -> pd.DataFrame:
    from mtl_core import pipeline

    return pipeline.read_out_of_fold(run)
