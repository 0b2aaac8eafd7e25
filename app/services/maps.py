"""Where alloys stand on a map."""
import subprocess
import sys

import numpy as np
import pandas as pd
import streamlit as st

from app.atlas import Points, points_by
from app.services import measured
from mtl_core.chemistry.composition import Composition
from mtl_core.features.projection import Projection, best_stored
from mtl_core.settings import ASSETS_DIR, DATA_DIR

MAP = DATA_DIR / "cache" / "projection.npz"


@st.cache_data(show_spinner=False, max_entries=64)
def map_points(color: str) -> Points:
    """All alloys, coloured by one key of `color_choices`."""
    return points_by(measured.table(), color)


@st.cache_resource(show_spinner=False, ttl=60)
def projection() -> Projection:
    """The map of all alloys. Where the data have changed since it was made, a new one is laid out in the background."""
    stored, is_current = best_stored(measured.table(), MAP, ASSETS_DIR / MAP.name)
    if not is_current:
        _lay_out_map()
    return stored


@st.cache_resource(show_spinner=False)
def _lay_out_map() -> subprocess.Popen:
    """Once a server: UMAP takes half a minute in a process of its own, and the page goes on with the old map."""
    MAP.parent.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen([sys.executable, "-m", "mtl_core", "data", "map", "--output", str(MAP)], start_new_session=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def map_coordinates(ids: np.ndarray) -> np.ndarray:
    """Where the alloys with these ids stand on the map, [n, 2]; NaN for one that was not mapped."""
    stored = projection()
    frame = pd.DataFrame(stored.coordinates, index=stored.alloy_ids)
    return frame.reindex(ids).to_numpy()


def place(composition: Composition) -> np.ndarray:
    """Where an alloy of any composition stands on the map, [1, 2]; elements that the map lacks are left out."""
    symbols = projection().symbols
    return projection().place(np.array([[composition.at.get(symbol, 0.0) for symbol in symbols]]))
