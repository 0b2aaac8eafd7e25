"""The selected alloys and readings as tables."""
import hashlib

import pandas as pd
import streamlit as st

from app import state
from app.cloud import DOI, Cloud, alloys_table, doubts_of, full_alloys, full_readings, readings_table
from app.widgets.atlas_scene import Scene

MARKED, VIEW = "map_marked", "map_table_view"
VIEWS = ("Readings", "Alloys")
LINK = st.column_config.LinkColumn("Paper", display_text=rf"{DOI}(.*)")


def marked_ids(cloud: Cloud) -> tuple[str, ...]:
    """Alloys whose rows are picked in the table that is on screen; another table starts without any."""
    key, ids = state.shown(MARKED, ("", ()))
    return ids if key == _key(state.shown(VIEW, VIEWS[0]), cloud) else ()


def tables(scene: Scene, cloud: Cloud) -> None:
    """Readings or alloys; rows that are picked get a ring on the map."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Read it yourself", anchor=False, width="content")
        view = st.segmented_control("Table", VIEWS, default=VIEWS[0], key=VIEW, required=True,
                                    label_visibility="collapsed")
    doubts = doubts_of(scene.suspects)
    frame = readings_table(cloud, doubts) if view == "Readings" else alloys_table(cloud)
    _table(_key(view, cloud), frame)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button("Download as CSV", lambda: _csv(view, cloud, doubts), f"alloyscope-{view.lower()}.csv", "text/csv",
                           icon=":material/download:", on_click="ignore", key="map_download")
        st.caption("Pick rows to ring their alloys on the map. Click a heading to sort.")


def _csv(view: str, cloud: Cloud, doubts: dict[str, str]) -> bytes:
    """The table with all that identifies its rows."""
    frame = full_readings(cloud, doubts) if view == "Readings" else full_alloys(cloud)
    return frame.to_csv(index=False).encode()


def _key(view: str, cloud: Cloud) -> str:
    """It changes with the rows, so that a picked row never comes to mean another one."""
    ids = cloud.readings["measurement_id"] if view == "Readings" else cloud.ids
    return f"map_table_{view}_{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:16]}"


def _table(key: str, frame: pd.DataFrame) -> None:
    columns = {"Paper": LINK, "Value": st.column_config.NumberColumn(format="%.4g"),
               "Doubts": st.column_config.TextColumn(width="large")}
    words = {name: "category" for name in frame.select_dtypes(object)}  # half the bytes for the browser to read
    st.dataframe(frame.astype(words), hide_index=True, width="stretch", height=420, key=key, placeholder="",
                 column_config=columns, on_select=lambda: _mark(key, frame.index), selection_mode="multi-row")


def _mark(key: str, ids: pd.Index) -> None:
    rows = state.shown(key)["selection"]["rows"]
    state.show(MARKED, (key, tuple(dict.fromkeys(ids[rows].tolist()))))
