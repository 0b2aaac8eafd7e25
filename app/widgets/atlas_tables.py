"""The selected alloys and readings as tables."""
import hashlib

import pandas as pd
import streamlit as st

from app import state
from app.cloud import DOI, Cloud, alloys_table, doubts_of, readings_table
from app.widgets.atlas_scene import Scene

MARKED = "map_marked"
VIEWS = ("Readings", "Alloys")
LINK = st.column_config.LinkColumn("Paper", display_text=rf"{DOI}(.*)")


def marked_ids() -> tuple[str, ...]:
    """Alloys whose rows were picked in the table."""
    return state.shown(MARKED, ())


def tables(scene: Scene, cloud: Cloud) -> None:
    """Readings or alloys; rows that are picked get a ring on the map."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Read it yourself", anchor=False)
        view = st.segmented_control("Table", VIEWS, default=VIEWS[0], key="map_table_view", required=True,
                                    label_visibility="collapsed")
    frame = readings_table(cloud, doubts_of(scene.suspects)) if view == "Readings" else alloys_table(cloud)
    _table(view, frame)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button("Download as CSV", lambda: frame.to_csv().encode(), f"alloyscope-{view.lower()}.csv", "text/csv",
                           icon=":material/download:", on_click="ignore", key="map_download")
        st.caption("Pick rows to ring their alloys on the map. Click a heading to sort.")


def _table(view: str, frame: pd.DataFrame) -> None:
    """The key changes with the rows, so that a picked row never comes to mean another one."""
    key = f"map_table_{view}_{_fingerprint(frame)}"
    columns = {"Paper": LINK, "Value": st.column_config.NumberColumn(format="%.4g"),
               "Doubts": st.column_config.TextColumn(width="large")}
    words = {name: "category" for name in frame.select_dtypes(object)}  # half the bytes for the browser to read
    st.dataframe(frame.astype(words), hide_index=True, width="stretch", height=420, key=key, placeholder="",
                 column_config=columns, on_select=lambda: _mark(key, frame.index), selection_mode="multi-row")


def _fingerprint(frame: pd.DataFrame) -> str:
    return hashlib.sha256(" ".join(map(str, frame.index)).encode()).hexdigest()[:16]


def _mark(key: str, ids: pd.Index) -> None:
    rows = state.shown(key)["selection"]["rows"]
    state.show(MARKED, tuple(dict.fromkeys(ids[rows].tolist())))
