"""The alloy under design on the map: typed here or chosen on the Design page, and the alloys nearest to it."""
import pandas as pd
import streamlit as st

from app import state
from app.atlas import PROPERTIES, neighbours
from app.figures.style import written
from app.filters import Filters
from app.presets import name_of
from app.services import maps
from app.widgets.atlas_scene import Scene
from app.widgets.formula import formula_box

SHOWN = ("hardness", "yield_strength", "pitting_potential")


def alloy_under_design(scene: Scene) -> None:
    """The box to type an alloy into, and its neighbours in composition."""
    chosen = state.selection()
    name = name_of(chosen.composition)
    st.subheader(f"Alloy under design: {name}" if name else "Alloy under design", anchor=False)
    st.caption(f"{chosen.spelled}  \nThe red ring on the map, and the alloy of the Design page. Type another one and it moves:")
    formula_box()
    st.markdown("Nearest in **composition**, not on the map; filters leave this list as it is")
    st.dataframe(_nearest(scene, chosen.composition), hide_index=True, width="stretch", key="map_nearest", placeholder="–",
                 height=216, column_config={"Distance": st.column_config.NumberColumn(
                     "Distance (at.%)", format="%.1f", help="How many at.% would have to be exchanged.")})


def _nearest(scene: Scene, composition) -> pd.DataFrame:
    distance = neighbours(scene.atlas, composition)
    alloys = scene.atlas.alloys.loc[distance.index]
    readings = maps.passing(Filters(), (), scene.datasets).readings
    measured = {key: scene.atlas.numbers(key, readings).loc[distance.index] for key in SHOWN}
    ranked = sorted(measured, key=lambda key: measured[key].isna().sum())  # what was measured of them comes first
    columns = {"Alloy (at.%)": alloys["formula"], "Distance": distance} | {
        PROPERTIES[key].title: measured[key].map(lambda value: written(value) if value == value else None) for key in ranked}
    return pd.DataFrame(columns | {"Processing": alloys["process"], "Database": alloys["source"]})
