"""Every alloy on one map, and all that follows a selection there."""
import streamlit as st

from app import state
from app.atlas import color_choices
from app.figures.atlas import map_figure
from app.presets import opening
from app.services import maps, measured
from mtl_core.tasks import TASKS


def atlas_panel() -> None:
    """The map, coloured as the visitor likes."""
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
