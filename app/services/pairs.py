"""Which pairs act together, and whether bars can be believed: of the run that answers, cached."""
from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from app.baselines import Baseline
from app.selection import Selection
from app.services import model, overall
from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.types import Conditions

ANY = "all families"
EVERY = 3  # network of which one answers, where many alloys are averaged
PANELS = (1,)  # of the path there
N_SIZES = 150  # alloys that tell the mean size of bars


def _task(predictor, key):
    return next(task for task in predictor.tasks if task.key == key)


@st.cache_data(show_spinner="Asking how the elements act together …", max_entries=64)
def _interactions(run: str, query: tuple[tuple[str, str], ...], baseline: Baseline, key: str):
    from mtl_core.explain.baselines import baseline_of
    from mtl_core.explain.interactions import interactions

    selection, asked = Selection.from_query(dict(query)), model.predictor_of(run)
    task = _task(asked, key)
    return interactions(asked, selection.composition, selection.conditions, task, baseline_conditions=baseline.conditions,
                        baseline=baseline_of(baseline.text, asked, selection.composition, task))


def interactions(selection: Selection, baseline: Baseline, key: str):
    """`mtl_core.explain.interactions.Interactions` of one task: what elements of the selected alloy do together."""
    return _interactions(model.loaded_run(), tuple(selection.to_query().items()), baseline, key)


def families(key: str) -> list[str]:
    """Families of the alloys that a task was learnt from, the largest first, after `ANY`."""
    rows = model.predictor().observations
    return [ANY, *rows.loc[(rows["task"] == key) & (rows["family"] != ""), "family"].value_counts().index]


def mean_interactions(key: str, family: str, conditions: Conditions, baseline: Baseline, n: int,
                      progress: Callable[[int, int], None]):
    """`MeanInteractions` of n alloys of a family under the same conditions, at even distances among those measured."""
    from mtl_core.explain.interactions import evenly, mean_interactions

    run, found = model.loaded_run(), []
    alloys = evenly(_alloys(run, key, family), n)
    for number, amounts in enumerate(alloys):
        progress(number, len(alloys))
        found.append(_brief(run, key, amounts, conditions, baseline))
    return mean_interactions(found)


@st.cache_data(show_spinner=False, max_entries=64)
def _alloys(run: str, key: str, family: str) -> list[tuple[tuple[str, float], ...]]:
    asked = model.predictor_of(run)
    rows, symbols = asked.observations, asked.ensemble.spec.symbols
    mine = rows[(rows["task"] == key) & ((rows["family"] == family) | (family == ANY))]
    different = np.unique(mine[[AT + symbol for symbol in symbols]].to_numpy(float), axis=0)
    return [tuple((symbol, float(row[index])) for index, symbol in enumerate(symbols) if row[index] > 0) for row in different]


@st.cache_data(show_spinner=False, max_entries=1024)
def _brief(run: str, key: str, amounts: tuple[tuple[str, float], ...], conditions: Conditions, baseline: Baseline):
    from mtl_core.explain.baselines import baseline_of
    from mtl_core.explain.interactions import interactions

    composition, asked = Composition.from_mapping(dict(amounts), normalise=True), _few(run)
    task = _task(asked, key)
    return interactions(asked, composition, conditions, task, n_panels=PANELS, baseline_conditions=baseline.conditions,
                        baseline=baseline_of(baseline.text, asked, composition, task))


@st.cache_resource(show_spinner=False, max_entries=1)
def _few(run: str):
    from mtl_core.explain.interactions import few_members

    return few_members(model.predictor_of(run), EVERY)


@st.cache_data(show_spinner="Asking all subsets of the elements …", max_entries=64)
def _shapley(run: str, query: tuple[tuple[str, str], ...], baseline: Baseline, key: str) -> pd.DataFrame:
    from mtl_core.explain.attribution import attribute
    from mtl_core.explain.baselines import baseline_of
    from mtl_core.explain.checks import shapley
    from mtl_core.explain.groups import groups_between

    selection, asked = Selection.from_query(dict(query)), model.predictor_of(run)
    task, alloy, conditions = _task(asked, key), selection.composition, selection.conditions
    start = baseline_of(baseline.text, asked, alloy, task)
    against = {"baseline": start, "baseline_conditions": baseline.conditions}
    exact, path = shapley(asked, alloy, conditions, task, **against), attribute(asked, alloy, conditions, task, **against)
    groups = groups_between(asked, task, asked.at_matrix([alloy, start]), [conditions, baseline.conditions or conditions])
    return pd.DataFrame({"path": groups.bars(path), "shapley": exact.values}, list(exact.names))


def shapley(selection: Selection, baseline: Baseline, key: str) -> pd.DataFrame:
    """Rows: groups of elements and conditions that differ; columns path, shapley: their bars in the unit of the task."""
    return _shapley(model.loaded_run(), tuple(selection.to_query().items()), baseline, key)


@st.cache_data(show_spinner="Asking networks that learnt nothing …", max_entries=64)
def _random(run: str, query: tuple[tuple[str, str], ...], baseline: Baseline, key: str) -> tuple[np.ndarray, np.ndarray]:
    from mtl_core.explain.attribution import attribute
    from mtl_core.explain.baselines import baseline_of
    from mtl_core.explain.checks import agreement_of_members, untrained

    selection, asked = Selection.from_query(dict(query)), model.predictor_of(run)
    task = _task(asked, key)
    against = {"baseline": baseline_of(baseline.text, asked, selection.composition, task),
               "baseline_conditions": baseline.conditions}
    trained, fresh = (attribute(one, selection.composition, selection.conditions, task, **against)
                      for one in (asked, untrained(asked)))
    return agreement_of_members(trained, trained), agreement_of_members(fresh, trained)


def random_agreement(selection: Selection, baseline: Baseline, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Rank agreement with the bars shown, [M] each: of the trained networks' own bars, and of untrained networks'."""
    return _random(model.loaded_run(), tuple(selection.to_query().items()), baseline, key)


@st.cache_data(show_spinner="Permuting each element and condition among the measurements, once for this run …", max_entries=8)
def _importance(run: str, key: str) -> pd.DataFrame:
    from mtl_core.explain.checks import permutation_importance

    asked = model.predictor_of(run)
    return permutation_importance(asked, _task(asked, key))


def importance(key: str) -> pd.DataFrame:
    """What R² on new papers loses when an element or condition is permuted; see `mtl_core.explain.checks`."""
    return _importance(model.loaded_run(), key)


def sizes(key: str) -> pd.Series:
    """Mean size of the bar of each element over alloys of a task, against the typical one, in its unit: those of the view of
    all alloys where they have been made, else of fewer."""
    from mtl_core.explain.overall import OverallSettings

    made = overall.found(OverallSettings())
    return _mean_size(made, key) if made else _sizes(model.loaded_run(), key)


@st.cache_data(show_spinner="Explaining alloys of all kinds, once for this run …", max_entries=8)
def _sizes(run: str, key: str) -> pd.Series:
    from mtl_core.explain.overall import OverallSettings
    from mtl_core.explain.overall import overall as explain_many

    return _mean_size(explain_many(model.predictor_of(run), OverallSettings(n=N_SIZES)), key)


def _mean_size(explained, key):
    from mtl_core.explain.summary import summary

    bars = next(one for one in explained if one.task.key == key).bars()
    return summary(bars).set_index("name")["importance"]
