"""Tables that the benchmarks of sharing and of learning curves wrote."""
from pathlib import Path

import pandas as pd
import streamlit as st

from mtl_core.settings import ASSETS_DIR


def sharing() -> pd.DataFrame | None:
    """What each wiring is worth, see `mtl_core.validation.sharing.worth`; None where it was not measured. Before it: target,
    source, model ("networks" or "forests"), gradients (of networks) and against, which the difference is to."""
    table = _read(ASSETS_DIR / "sharing.csv")
    return None if table is None else table.fillna({"gradients": ""})


def curves() -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Points and fits of the learning curves, see `mtl_core.validation.curves`; None where they were not measured."""
    points, fits = _read(ASSETS_DIR / "curves.csv"), _read(ASSETS_DIR / "curve_fits.csv")
    return None if points is None or fits is None else (points, fits)


def fans() -> pd.DataFrame | None:
    """The intervals of the learning curves, see `mtl_core.validation.curves.fan`; None where they were not measured."""
    return _read(ASSETS_DIR / "curve_fans.csv")


def _read(path: Path) -> pd.DataFrame | None:
    return _table(path, path.stat().st_mtime_ns) if path.exists() else None


@st.cache_data(show_spinner=False, max_entries=6)
def _table(path: Path, seen: int) -> pd.DataFrame:
    return pd.read_csv(path)
