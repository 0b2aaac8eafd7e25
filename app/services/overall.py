"""Attributions of many alloys of the run that answers: made once by a process of its own, stored, and read by all visitors."""
import hashlib
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import streamlit as st

from app.services import model
from mtl_core.errors import CheckpointError
from mtl_core.explain.overall import FORMAT, Overall, OverallSettings, load
from mtl_core.files import read_arrays
from mtl_core.registry.runs import run_folder
from mtl_core.settings import DATA_DIR, ROOT

CACHE = DATA_DIR / "cache" / "explained"
NICENESS = 5  # who moves a slider meanwhile should not notice
_COUNT = re.compile(r"(\d+) of (\d+) alloys")
_starting = threading.Lock()  # the visitors of one server are threads of one process


def found(settings: OverallSettings) -> tuple[Overall, ...] | None:
    """One for each task of the run; None where they have yet to be made (by `make`). A file that cannot be read is made anew."""
    path = _path(settings)
    if not path.is_file():
        return None
    try:
        return _stored(path, path.stat().st_mtime_ns)
    except CheckpointError:
        path.unlink(missing_ok=True)
        return None


@st.cache_resource(show_spinner="Reading the attributions …", max_entries=2)
def _stored(path: Path, seen: int) -> tuple[Overall, ...]:
    return load(path)


def layouts(settings: OverallSettings) -> dict[str, np.ndarray] | None:
    """Task → where its alloys stand [n, 2]; None until they are laid out, which follows the attributions."""
    path = _map_of(_path(settings))
    return _map(path, path.stat().st_mtime_ns) if path.is_file() else None


@st.cache_resource(show_spinner=False, max_entries=4)
def _map(path: Path, seen: int) -> dict[str, np.ndarray]:
    return read_arrays(path)


def _path(settings: OverallSettings) -> Path:
    """Where the attributions are, or will be: another file for another ensemble, other data, or other settings."""
    run = model.answering()[0]
    description = (run_folder(run) / "ensemble.json").read_bytes()
    return CACHE / f"{_key(description, settings.model_dump_json())}.npz"


@st.cache_data(show_spinner=False, max_entries=32)
def _key(description: bytes, settings: str) -> str:
    return hashlib.sha256(description + settings.encode() + f" {FORMAT}".encode()).hexdigest()[:20]


def _map_of(path: Path) -> Path:
    return path.with_suffix(".map.npz")


@st.cache_resource(show_spinner=False)
def _jobs() -> dict[Path, subprocess.Popen]:
    """The processes that explain, by the file they write: one for each, whoever asked for it."""
    return {}


def make(settings: OverallSettings) -> None:
    """Start explaining in a process of its own, unless that is going on; TensorFlow would cost the server memory and time."""
    path = _path(settings)
    with _starting:
        if is_going(settings) or (path.is_file() and _map_of(path).is_file()):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        words = ["--run", model.answering()[0], "--n", str(settings.n), "--output", str(path), "--baseline", settings.baseline,
                 *["--same"] * settings.same]
        with path.with_suffix(".log").open("wb") as log:
            job = subprocess.Popen([sys.executable, "-m", "mtl_core", "explain-all", "--layout", str(_map_of(path)), *words],
                                   start_new_session=True, stdout=log, stderr=log, cwd=ROOT)
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, job.pid, NICENESS)
        _jobs()[path] = job


def is_going(settings: OverallSettings) -> bool:
    """Whether a process is at it right now."""
    job = _jobs().get(_path(settings))
    return job is not None and job.poll() is None


def progress(settings: OverallSettings) -> tuple[int, int]:
    """Alloys explained, and how many there are; (0, 0) before the first."""
    counts = _COUNT.findall(_log(settings))
    return (int(counts[-1][0]), int(counts[-1][1])) if counts else (0, 0)


def failure(settings: OverallSettings) -> str:
    """The last words of a process that ended before it was done; empty otherwise."""
    path = _path(settings)
    job = _jobs().get(path)
    if job is None or job.poll() is None or _map_of(path).is_file():
        return ""
    said = _log(settings).strip().splitlines()
    return said[-1] if said else f"it ended with code {job.returncode} and said nothing"


def _log(settings):
    path = _path(settings).with_suffix(".log")
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
