"""Why the selected alloy is predicted as it is: bars, swaps and compact bars of the run that answers, cached."""
import streamlit as st

from app.baselines import Baseline
from app.selection import Selection
from app.services import model


@st.cache_data(show_spinner="Integrating along the path between the two alloys …", max_entries=64)
def _attributions(run: str, query: tuple[tuple[str, str], ...], baseline: Baseline, by: str) -> tuple:
    from mtl_core.explain.attribution import attribute
    from mtl_core.explain.baselines import baseline_of

    selection, asked = Selection.from_query(dict(query)), model.predictor_of(run)
    return tuple(
        (task, attribute(asked, selection.composition, selection.conditions, task, by=by,
                         baseline=baseline_of(baseline.text, asked, selection.composition, task),
                         baseline_conditions=baseline.conditions))
        for task in asked.tasks)


def attributions(selection: Selection, baseline: Baseline, *, by: str = "element") -> tuple:
    """Each task with an `mtl_core.explain.attribution.Attribution`: why the selected alloy differs from a baseline."""
    return _attributions(model.loaded_run(), tuple(selection.to_query().items()), baseline, by)
