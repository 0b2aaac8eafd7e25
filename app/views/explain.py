"""Which elements push the prediction away from that of another alloy, and how sure the networks are of each push."""
import streamlit as st

from app import state
from app.figures.attribution import attribution_figure
from app.figures.style import color_of, written
from app.presets import PRESETS, name_of, opening
from app.services import kept, model
from app.widgets.conditions import spoken
from app.widgets.runs_note import answering_note

USUAL = "CoCrFeNi"

st.header("Explain")
st.markdown(__doc__)

if complaint := state.open_link(opening()):
    st.warning(complaint)
chosen = state.selection()
name = name_of(chosen.composition) or chosen.spelled
baselines = {preset.name: preset.composition for preset in PRESETS.values() if preset.name != name}
baselines |= {f"pin: {pin}": selection.composition for pin, selection in kept.read_pins().items()}
left, right = st.columns([2, 1], vertical_alignment="bottom", gap="large")
with left, st.container(gap=None):
    st.subheader(name, anchor=False)
    st.caption(f"{chosen.spelled}  \n{spoken(chosen.conditions)}  \nChosen on the Design page.")
usual = list(baselines).index(USUAL) if USUAL in baselines else 0
baseline = right.selectbox("Compared with", list(baselines), index=usual, key="baseline")

found = model.attributions(chosen, baselines[baseline])
columns = st.columns(min(len(found), 2), gap="large")
for index, (task, bars) in enumerate(found):
    with columns[index % 2].container(border=True, key=f"why_{task.key}"):
        st.markdown(f"**{task.label}**  \n{baseline}: {written(bars.baseline)} {task.unit}  →  {name}: "
                    f"{written(bars.prediction)} {task.unit}")
        st.plotly_chart(
            attribution_figure(bars.names, bars.values, bars.spread, bars.is_stable, unit=task.unit, color=color_of(index)),
            key=f"bars_{task.key}", config={"displayModeBar": False}, alt=f"Attribution of {task.label} to elements")
        st.caption(f"The bars add up to the difference, but for {written(abs(bars.gap))} {task.unit} of the integral's error.")
answering_note("explain")
st.caption("Integrated gradients through path-explain, along the straight line between the two compositions, with the processing "
           "and conditions of the Design page for both. A bar holds an element by all its routes, its part in every "
           "descriptor included. Grey: fewer than nine in ten networks agree on the sign. What the model learnt is not "
           "necessarily a cause.")
state.mirror()
