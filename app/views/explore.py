"""Every alloy of the two databases: what was measured of it, and what is left for training after each rule."""
import streamlit as st

from app import state
from app.atlas import color_choices
from app.figures.atlas import map_figure
from app.figures.style import color_of
from app.figures.waterfall import waterfall_figure
from app.presets import opening
from app.services import maps, measured
from mtl_core.tasks import TASKS

st.header("Explore")
st.markdown(__doc__)

table = measured.table()
with st.container(horizontal=True, gap="large"):
    st.metric("Alloys", f"{len(table.alloys):,}", width="content")
    st.metric("Measurements", f"{len(table.measurements):,}", width="content")
    st.metric("Papers", f"{len(table.references):,}", width="content")

left, right = st.columns([1.3, 1], gap="large")
with left:
    choices = color_choices(table)
    color = st.selectbox("Colour by", list(choices), format_func=choices.get, width=320)
    points, task, chosen = maps.map_points(color), TASKS.get(color), state.selection() or opening()
    figure = map_figure(
        maps.map_coordinates(points.ids), points.texts, points.values, unit=task.unit if task else "",
        logarithmic=bool(task) and task.transform == "log10", here=maps.place(chosen.composition))
    st.plotly_chart(figure, key="map", config={"displaylogo": False, "scrollZoom": True},
                    alt=f"Map of all alloys coloured by {choices[color]}")
    st.caption("Neighbours on this map are alike in elements and descriptors (UMAP); distances between clouds mean "
               "little. Pale points: not measured. The ring is the alloy on the Design page.")
with right:
    st.subheader("How much there is")
    st.dataframe(measured.data_counts(), width="stretch", height="content", alt="Counts by property")

st.subheader("From the sources to the training set")
with_data = [key for key in choices if key in TASKS]
shown = st.selectbox("Property", with_data, format_func=choices.get, width=320)
steps = measured.cleaning_steps().query("property == @shown")
st.plotly_chart(waterfall_figure(steps, color=color_of(with_data.index(shown))), key="waterfall",
                config={"displayModeBar": False}, alt=f"Rows of {choices[shown]} left after each rule")
st.caption("Nothing is deleted: excluded rows stay in the tables with the name of the rule. Sources: "
           "[Borg et al. 2020](https://doi.org/10.1038/s41597-020-00768-9), "
           "[Nyby et al. 2021](https://doi.org/10.1038/s41597-021-00840-y).")
