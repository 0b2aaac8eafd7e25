"""What pushes a prediction up or down, by how much, and how sure the networks are of each push."""
import streamlit as st

from app import state
from app.baselines import QUERY_KEYS
from app.explained import WAYS
from app.presets import name_of, opening
from app.services import model
from app.widgets.baseline_picker import baseline_picker, open_baseline
from app.widgets.conditions import spoken
from app.widgets.explain_all import overall_panel
from app.widgets.explain_alloy import explain_alloy
from app.widgets.explain_checks import checks_panel
from app.widgets.explain_pairs import pairs_panel
from app.widgets.explain_swaps import STEPS
from app.widgets.framed import picture_switch
from app.widgets.runs_note import answering_note

VIEWS = {"alloy": ("This alloy", explain_alloy), "pairs": ("Interactions", pairs_panel), "all": ("All alloys", None),
         "checks": ("Checks", checks_panel)}


def _opened(key: str, name: str, allowed, usual: str) -> None:
    """Let a switch start where the link says."""
    if state.shown(key) is None:
        asked = state.linked().get(name)
        state.show(key, asked if asked in allowed else usual)


st.header("Explain")
st.markdown(__doc__)
for complaint in filter(None, (state.open_link(opening()), open_baseline())):
    st.warning(complaint)
_opened("explain_view", "view", VIEWS, "alloy")
_opened("explain_by", "by", WAYS, "element")
_opened("explain_step", "step", STEPS, STEPS[-1])
with st.container(horizontal=True, vertical_alignment="bottom"):
    view = st.segmented_control("View", list(VIEWS), format_func=lambda key: VIEWS[key][0], key="explain_view", required=True,
                                label_visibility="collapsed")
    st.space("stretch")
    picture_switch()
query = {} if view == "alloy" else {"view": view}
if view == "all":
    state.mirror_part(query, {"view", "by", "step", *QUERY_KEYS})
    overall_panel()
else:
    chosen = state.selection()
    left, right = st.columns([2, 1], vertical_alignment="top", gap="large")
    with left, st.container(gap=None):
        name = name_of(chosen.composition)
        st.subheader(name or chosen.spelled, anchor=False)
        st.caption("  \n".join(filter(None, (name and chosen.spelled, spoken(chosen.conditions)))))
        st.page_link("views/design.py", label="Chosen on the Design page", icon=":material/tune:")
    with right:
        baseline = baseline_picker(chosen)
    if view == "alloy":
        query |= {name: state.shown(f"explain_{name}") for name, usual in (("by", "element"), ("step", STEPS[-1]))
                  if state.shown(f"explain_{name}") != usual}
    state.mirror(query | baseline.to_query())  # before what may take long
    VIEWS[view][1](chosen, baseline)
if "classes" in model.report():
    st.caption("The run that answers also tells classes, such as the phase. They have no single value that could be divided into "
               "pushes, so they stand on the Design page only.")
answering_note("explain")
st.caption("What the model learnt is not necessarily a cause. Attributions through path-explain, along the straight line between "
           "the two alloys: integrated gradients, and expected gradients where there is a distribution of baselines.")
