"""What was measured: the tables, and the readings near an alloy."""
from collections.abc import Iterable

import numpy as np
import pandas as pd
import streamlit as st

from app.atlas import counts_table
from app.evidence import Evidence, conditions_of, evidence_of, own_table
from app.evidence import measured_near as near
from app.figures.sweep import Measured
from app.lines import Line
from app.services import model
from mtl_core.chemistry.composition import Composition
from mtl_core.data.datasets import PUBLISHED, read_data
from mtl_core.data.phases import phase_counts
from mtl_core.data.summary import summary
from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import observations, waterfall
from mtl_core.tasks import PROPERTIES, TASKS, TaskSpec

SAME_ALLOY = 0.5  # at.%: within this, two published compositions count as one alloy, as in the folds
MOST_REPEATS = 40  # measurements of one alloy that are looked for


@st.cache_resource(show_spinner=False, max_entries=8)
def table(datasets: tuple[str, ...] = (PUBLISHED,)) -> AlloyTable:
    """The union of the datasets with these ids; without any, the tables that the project carries."""
    return read_data(datasets)


@st.cache_resource(show_spinner=False, max_entries=32)
def rows(task: str, datasets: tuple[str, ...]) -> pd.DataFrame:
    """The measurements of one task, as default training uses them."""
    return observations(table(datasets), (task,))


@st.cache_resource(show_spinner=False, max_entries=32)
def evidence(task: str, datasets: tuple[str, ...]) -> Evidence:
    """The measured values of one task and the alloys they belong to."""
    return evidence_of(rows(task, datasets), task)


def measured_values(tasks: Iterable[str], datasets: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Task key → all its exact values."""
    return {key: evidence(key, datasets).values for key in tasks}


def measured_near(line: Line, task: str, datasets: tuple[str, ...]) -> Measured:
    """The measured alloys near a line."""
    return near(line, evidence(task, datasets))


def nearest(composition: Composition, task: str, datasets: tuple[str, ...], n: int = 5) -> pd.DataFrame:
    """The nearest measured alloys of one task, as `mtl_core.pipeline.nearest` gives them."""
    from mtl_core import pipeline

    return pipeline.nearest(rows(task, datasets), composition, task, n=n)


def others_near(composition: Composition, task: str, datasets: tuple[str, ...], n: int = 5) -> pd.DataFrame:
    """The nearest measured alloys of one task that are not this very alloy."""
    found = _nearest_beyond_own(composition, task, datasets, n)
    return found[found["distance"] >= SAME_ALLOY].head(n)


def _nearest_beyond_own(composition: Composition, task: str, datasets: tuple[str, ...], n: int) -> pd.DataFrame:
    """n rows, and more only where this very alloy was measured: most alloys were not, and rows cost time."""
    found = nearest(composition, task, datasets, n)
    return nearest(composition, task, datasets, n + MOST_REPEATS) if found["distance"].min() < SAME_ALLOY else found


def own_values(composition: Composition, task: TaskSpec, datasets: tuple[str, ...]) -> pd.DataFrame:
    """Where this very alloy was measured: measured, out-of-fold and in-sample values, one row a measurement."""
    found = _nearest_beyond_own(composition, task.key, datasets, 1)
    own = found[(found["distance"] < SAME_ALLOY) & found["value"].notna()]
    if own.empty:
        return own
    stated = [conditions_of(row) for row in own.to_dict("records")]
    prediction = model.predictor().predict([composition] * len(own), stated)
    return own_table(own, model.out_of_fold(), prediction.mean[:, model.tasks().index(task)], task)


@st.cache_data(show_spinner=False, max_entries=8)
def data_counts(datasets: tuple[str, ...] = (PUBLISHED,)) -> pd.DataFrame:
    """How much there is of each property."""
    return counts_table(summary(table(datasets))["properties"])


def rows_of_tasks(datasets: tuple[str, ...] = (PUBLISHED,)) -> dict[str, int]:
    """Task → how many measurements there are to learn from."""
    counts = data_counts(datasets)["trained on"]
    properties = {key: int(counts.get(task.label, 0)) for key, task in PROPERTIES.items()}
    return properties | {key: len(rows(key, datasets)) for key in TASKS if key not in PROPERTIES}


@st.cache_data(show_spinner=False, max_entries=8)
def alloys_of_phases(datasets: tuple[str, ...]) -> dict[str, int]:
    """Class of the task "phase" → alloys; with those that have a label but no class."""
    return phase_counts(table(datasets).alloys).to_dict()


@st.cache_data(show_spinner=False, max_entries=8)
def cleaning_steps(datasets: tuple[str, ...] = (PUBLISHED,)) -> pd.DataFrame:
    """Rows left after each cleaning rule, per property."""
    return waterfall(table(datasets))
