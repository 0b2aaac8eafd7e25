"""Why the selected alloy is predicted as it is: bars, swaps and compact bars of the run that answers, cached."""
from dataclasses import replace

import numpy as np
import streamlit as st

from app.baselines import Baseline
from app.explained import Explained
from app.selection import Selection
from app.services import model
from mtl_core.explain.words import changes, changes_of_conditions

Query = tuple[tuple[str, str], ...]
STANDS_IN = "typical"  # for a distribution, where only one baseline will do


def attributions(selection: Selection, baseline: Baseline, *, by: str = "element") -> tuple[Explained, ...]:
    """Each task: why the selected alloy differs from a baseline, by path-explain. Cached."""
    return _attributions(model.loaded_run(), _query(selection), baseline, by)


def compact(selection: Selection, baseline: Baseline) -> tuple[Explained, ...]:
    """The same by element, quick enough to follow a slider: under the alloy's own conditions, and not against a distribution."""
    from mtl_core.explain.compact import compact

    asked, text = model.predictor(), STANDS_IN if baseline.is_distribution else baseline.text
    return tuple(_explained(asked, selection, task, baseline.under(None), text, compact) for task in asked.tasks)


@st.cache_data(show_spinner="Integrating along the path between the two alloys …", max_entries=64)
def _attributions(run: str, query: Query, baseline: Baseline, by: str) -> tuple[Explained, ...]:
    from functools import partial

    from mtl_core.explain.attribution import attribute

    asked, selection = model.predictor_of(run), Selection.from_query(dict(query))
    explain = partial(attribute, by=by, baseline_conditions=baseline.conditions)
    found = [_explained(asked, selection, task, baseline, baseline.text, explain) for task in asked.tasks]
    return tuple(replace(one, outside=_outside(asked, selection, baseline, one.task)) for one in found)


def _outside(asked, selection, baseline, task):
    from mtl_core.explain.baselines import baseline_of, outside_domain

    start = baseline_of(baseline.text, asked, selection.composition, task)
    return outside_domain(asked, selection.composition, selection.conditions, task, start)


def _explained(asked, selection, task, baseline, text, explain):
    from mtl_core.explain.baselines import baseline_of

    alloy, start = selection.composition, baseline_of(text, asked, selection.composition, task)
    found = explain(asked, alloy, selection.conditions, task, baseline=start)
    several = start if isinstance(start, tuple) else (start,)
    middle = dict(zip(asked.ensemble.spec.symbols, np.mean(asked.at_matrix(several), axis=0).tolist(), strict=True))
    called = {"typical": several[0].formula(digits=1), "nearest": several[0].formula(digits=1), "mean": "average alloy",
              "distribution": "measured alloys"}
    moved = changes(middle, alloy.at) | changes_of_conditions(baseline.conditions or selection.conditions, selection.conditions)
    return Explained(task, found, called.get(text, baseline.name), moved)


@st.cache_data(show_spinner="Trying all swaps …", max_entries=64)
def _swaps(run: str, query: Query, step: float):
    from mtl_core.explain.swaps import swaps

    selection = Selection.from_query(dict(query))
    return swaps(model.predictor_of(run), selection.composition, selection.conditions, step=step)


def swaps(selection: Selection, step: float):
    """An `mtl_core.explain.swaps.Swaps`; raises ConfigError where nothing can be swapped. Cached."""
    return _swaps(model.loaded_run(), _query(selection), step)


@st.cache_data(show_spinner=False, max_entries=16)
def _ranges(run: str) -> dict[str, float]:
    from mtl_core.explain.attribution import typical_range

    asked = model.predictor_of(run)
    return {task.key: typical_range(asked, task) for task in asked.tasks}


def ranges() -> dict[str, float]:
    """Task → its 5-95 % range in the training data, in its unit."""
    return _ranges(model.loaded_run())


def _query(selection: Selection) -> Query:
    """What the bars and swaps depend on; the level of the band, locks, the balance and the moved element change neither."""
    plain = selection.but(level=0.9, locked=frozenset(), balance=None, moved=next(iter(selection.amounts)))
    return tuple(plain.to_query().items())
