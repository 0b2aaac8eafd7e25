"""Which numbers to doubt: cached findings, the curations that visitors keep, and what a change is worth."""
import threading
from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from app.services import measured, model
from mtl_core.data import curations
from mtl_core.data.curations import Curation, Decision
from mtl_core.data.noise import repeat_noise
from mtl_core.data.schema import AT
from mtl_core.data.statistics import column_statistics
from mtl_core.data.summary import sparsity
from mtl_core.data.suspects import find_suspects
from mtl_core.data.training import observations
from mtl_core.features.descriptors import DESCRIPTORS, evaluate
from mtl_core.tasks import DEFAULT_TASKS, PROPERTIES, TASKS

_deciding = threading.Lock()  # the visitors of one server are threads of one process


@st.cache_data(show_spinner=False, max_entries=8)
def counts_of_pairs(datasets: tuple[str, ...]) -> pd.DataFrame:
    """Property × property: alloys that have both."""
    return sparsity(measured.table(datasets))


@st.cache_data(show_spinner=False, max_entries=8)
def noise(datasets: tuple[str, ...]) -> pd.DataFrame:
    """Scatter of repeats by property, and the R² that it leaves possible."""
    return repeat_noise(measured.table(datasets))


def readings_differ_by(datasets: tuple[str, ...], task: str) -> float:
    """Standard deviation of the difference of two readings of one alloy under the same conditions, in the unit of a task that is
    learnt in it; NaN for the others, and where nothing was read twice."""
    if TASKS[task].transform != "none":
        return np.nan
    rows = noise(datasets).set_index(["property", "same"])["sd"]
    return float(np.sqrt(2.0) * rows.get((task, "alloy and conditions"), np.nan))


def suspects(datasets: tuple[str, ...], k: float) -> pd.DataFrame:
    """Readings to doubt, the worst first; residuals are those of the run that answers."""
    return _suspects(datasets, k, model.answering()[0])


@st.cache_data(show_spinner="Looking for readings that contradict each other …", max_entries=32)
def _suspects(datasets: tuple[str, ...], k: float, run: str) -> pd.DataFrame:
    return find_suspects(measured.table(datasets), out_of_fold=model.out_of_fold(run), k=k)


@st.cache_data(show_spinner="Looking at the shape of each column …", max_entries=8)
def statistics(datasets: tuple[str, ...]) -> pd.DataFrame:
    """Moments and quantiles of each column, with a warning where they mislead."""
    table = measured.table(datasets)
    at = table.alloys[[AT + symbol for symbol in table.elements]].to_numpy(float)
    chosen = [descriptor for descriptor in DESCRIPTORS if descriptor.scope == "alloy"]
    descriptors = pd.DataFrame(evaluate(at, table.elements, chosen), columns=[descriptor.key for descriptor in chosen])
    return column_statistics(table, descriptors)


def readings(datasets: tuple[str, ...], measurement_ids: tuple[str, ...]) -> pd.DataFrame:
    """The measurements with these ids, with their alloy and paper."""
    table = measured.table(datasets)
    rows = table.measurements[table.measurements["measurement_id"].isin(measurement_ids)]
    return rows.merge(table.alloys, on="alloy_id").merge(table.references, on="reference_id")


def curation(name: str) -> Curation:
    """The newest version of a curation; an empty one under a name that is not there yet."""
    return curations.load_curation(name) if name in curations.curation_names() else Curation(name=name)


def curation_names() -> tuple[str, ...]:
    """Names of the curations that were kept."""
    return curations.curation_names()


def decide(name: str, decisions: Mapping[str, Decision | None]) -> Curation:
    """Keep one more version of a curation, in which these measurements have these decisions, or (None) none."""
    with _deciding:
        before = curation(name)
        after = {key: made for key, made in {**before.decisions, **decisions}.items() if made is not None}
        return curations.save_curation(before.model_copy(update={"decisions": after}))


def keep(curation: Curation) -> Curation:
    """Keep a curation as its next version."""
    return curations.save_curation(curation)


def take_back(name: str, version: int) -> Curation:
    """Keep one more version that equals an earlier one: the way back from a choice, which is itself not lost."""
    return curations.save_curation(curations.load_curation(f"{name}@{version}") if version else Curation(name=name))


@st.cache_data(show_spinner=False, max_entries=8)
def exact_values(datasets: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Property → its exact values as default training takes them; properties without any are left out."""
    rows = observations(measured.table(datasets), tuple(PROPERTIES)).dropna(subset="value")
    return {key: of_task["value"].to_numpy(float) for key, of_task in rows.groupby("task", sort=False)}


@st.cache_data(show_spinner=False, max_entries=32)
def transformed(datasets: tuple[str, ...], key: str) -> dict[str, np.ndarray]:
    """Name of a transform → values of a property after it; the logarithm only where all values are positive."""
    from scipy.stats import yeojohnson

    values = exact_values(datasets)[key]
    found = {f"as measured ({TASKS[key].unit})": values}
    if (values > 0).all():
        found["logarithm"] = np.log10(values)
    return found | {"Yeo-Johnson": yeojohnson(values)[0]}


def chosen_from_residuals(curation_id: str) -> int:
    """How many choices of a curation came from residuals, and are therefore made anew inside each training part."""
    from mtl_core.ensemble.residual_rule import by_hand

    chosen = curations.load_curation(curation_id)
    return len(chosen.decisions) - len(by_hand(chosen).decisions)


def concerned(datasets: tuple[str, ...], change: dict | None) -> list[str]:
    """The properties that a change most likely is about: those of the readings that a curation names, else the usual ones; for a
    logarithm those that are positive."""
    decided = curations.load_curation(change["curation"]).decisions if change and "curation" in change else {}
    about = set(readings(datasets, tuple(decided))["property"])
    found = [key for key in PROPERTIES if key in about] or list(DEFAULT_TASKS)
    has_logarithm = [key for key in found if (exact_values(datasets)[key] > 0).all()]
    return has_logarithm if change and change.get("target") == "log" else found


@st.cache_data(show_spinner="Training both sides on the same folds …", max_entries=32)
def effect(datasets: tuple[str, ...], change: dict, tasks: tuple[str, ...], model: str) -> pd.DataFrame:
    """What a change is worth: {"curation": id}, or the fields of a Preparation; see `mtl_core.effects`."""
    from mtl_core import effects
    from mtl_core.features.preparation import Preparation

    table = measured.table(datasets)
    if "curation" in change:
        return effects.curation_effect(table, tasks, curations.load_curation(change["curation"]), model=model)
    return effects.preparation_effect(table, tasks, Preparation(**change), model=model)
