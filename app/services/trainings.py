"""Trainings: started, stopped and resumed as runs of the store, and what each says about itself."""
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from html import escape

import pandas as pd
import streamlit as st

from app.curves import Curves, alone_of, curves_of
from app.services import measured, model
from app.services.starting import once
from mtl_core.chemistry.composition import Composition
from mtl_core.data.curations import curation_names, load_curation
from mtl_core.data.datasets import PUBLISHED
from mtl_core.data.schema import AT
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import AlloyscopeError, CheckpointError
from mtl_core.files import read_arrays
from mtl_core.registry import jobs
from mtl_core.registry.runs import LIVE, METRICS, PROGRESS, Label, Run, read_progress, read_state, run_folder
from mtl_core.registry.store import check_label, find_run, list_runs
from mtl_core.settings import ROOT
from mtl_core.tasks import TASKS
from mtl_core.uncertainty import reliability as bands

OUT_OF_FOLD = "out_of_fold.csv"


@dataclass(frozen=True, eq=False)
class Said:
    """What the progress log of a run says: the training of all tasks together, and those of each task alone."""

    together: Curves | None
    alone: dict[str, Curves]

    @property
    def last(self):
        """The last line, or None."""
        found = list(self.alone.values())[-1] if self.alone else self.together
        return found.last if found else None


def find(run: str) -> Run:
    """One run, as its folder stands now. Raises CheckpointError when it is not there."""
    return find_run(run)


def runs() -> tuple[Run, ...]:
    """All trainings, the newest first."""
    return tuple(run for run in list_runs() if run.kind == "train")


def live() -> tuple[Run, ...]:
    """Runs that train or wait for their turn."""
    return tuple(run for run in list_runs() if run.status in LIVE)


def said(run: str) -> Said:
    """What a run has said so far; read anew only when it said more, whoever looks."""
    with suppress(FileNotFoundError):
        return _said(run, (run_folder(run) / PROGRESS).stat().st_size)
    return Said(None, {})


@st.cache_resource(show_spinner=False, max_entries=16)
def _said(run: str, size: int) -> Said:
    lines = read_progress(run_folder(run))
    return Said(curves_of(lines), alone_of(lines))


def seconds_silent(run: str) -> float:
    """Since the last line of the progress log."""
    with suppress(FileNotFoundError):
        return max(0.0, time.time() - (run_folder(run) / PROGRESS).stat().st_mtime)
    return 0.0


def before(run: Run) -> tuple[Run, ...]:
    """The runs that a queued one waits for."""
    since = run.queued or run.created
    return tuple(other for other in live() if other.id != run.id and (other.queued or other.created) <= since)


def traceback(run: str) -> str:
    """What a failed run left behind."""
    with suppress(CheckpointError):
        return read_state(run_folder(run)).traceback
    return ""


def stop(run: str) -> None:
    """Ask a run to stop. Raises RunError when it has no process."""
    jobs.stop(run)


def resume(run: str) -> None:
    """Go on with a run. Raises RunError for one that cannot be."""
    jobs.resume(run)


@st.cache_resource(show_spinner=False, max_entries=16)
def last_epochs(run: str):
    """The epoch whose weights each member keeps, [M]; None where the run does not say."""
    with suppress(CheckpointError):
        return read_arrays(run_folder(run) / "history.npz").get("last_epoch")
    return None


@st.cache_data(show_spinner="Drawing the bands …", max_entries=8)
def banded(run: str) -> pd.DataFrame:
    """Each measurement with the 90 % band that others' residuals give it, see `mtl_core.uncertainty.reliability`."""
    return bands.banded(model.out_of_fold(run))


@st.cache_data(show_spinner=False, max_entries=8)
def reliability(run: str) -> pd.DataFrame:
    """Whether bands of each level hold what they say."""
    return bands.reliability(model.out_of_fold(run))


@st.cache_data(show_spinner=False, max_entries=16)
def readings(run: str, task: str) -> pd.DataFrame:
    """What was measured on which alloy, by measurement_id: alloy, the conditions of the task, doi, reference_id; empty where the
    data that the run learnt from are gone."""
    columns = ["alloy", *TASKS[task].conditions, "doi", "reference_id"]
    data = find(run).config.get("data", {})
    try:
        rows = measured.rows(task, tuple(data.get("datasets", (PUBLISHED,))))
    except AlloyscopeError:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="measurement_id"))
    symbols = tuple(name.removeprefix(AT) for name in rows if name.startswith(AT))
    formulas = [Composition.from_array(at, symbols, normalise=True).formula(digits=1)
                for at in rows[[AT + symbol for symbol in symbols]].to_numpy(float)]
    return rows.assign(alloy=formulas, doi=rows["doi"].fillna("")).set_index("measurement_id")[columns]


def alloys(run: str, task: str) -> dict[str, str]:
    """measurement_id → formula and paper, as markup."""
    known = readings(run, task)
    papers = known["doi"].where(known["doi"] != "", known["reference_id"])
    return {one: "<br>".join(filter(None, map(escape, (formula, str(paper)))))
            for one, formula, paper in zip(known.index, known["alloy"], papers, strict=True)}


def out_of_fold_file(run: str) -> bytes:
    """out_of_fold.csv as it stands."""
    return (run_folder(run) / OUT_OF_FOLD).read_bytes()


def metrics_file(run: str) -> bytes:
    """metrics.json as it stands."""
    return (run_folder(run) / METRICS).read_bytes()


def curations() -> tuple[str, ...]:
    """Ids of the newest versions of the curations that were kept."""
    return tuple(load_curation(name).id for name in curation_names())


# Starting


def start(config: EnsembleConfig, *, preset: str | None, name: str, visitor: str) -> str:
    """Queue a training and return its id; a second click gives the same run. Raises what is wrong with config, data or name."""
    from mtl_core.trainings import start_training

    label = Label(name=check_label(name=name).name)
    return once(f"train {visitor} {name} {config.model_dump_json()}", lambda: start_training(config, preset=preset, label=label))


def obstacle(config: EnsembleConfig) -> str:
    """Why this config cannot be trained on its data; empty when it can."""
    return _obstacle(config.model_dump_json())


@st.cache_data(show_spinner=False, max_entries=64)
def _obstacle(config: str) -> str:
    from mtl_core.trainings import record_of

    try:
        record_of(EnsembleConfig.model_validate_json(config))
    except AlloyscopeError as error:
        return str(error)
    return ""


# How long it will take: measured by a process of its own, because TensorFlow would cost the server seconds and half a gigabyte


@dataclass
class _Estimates:
    """seconds, or what went wrong: by config; the one process that measures, for which config, asked for by whom."""

    seconds: dict[str, float | str]
    process: subprocess.Popen | None = None
    config: str = ""
    visitor: str = ""


_measuring = threading.Lock()  # the visitors of one server are threads of one process


@st.cache_resource(show_spinner=False)
def _estimates() -> _Estimates:
    return _Estimates({})


def _key(config: EnsembleConfig) -> str:
    return config.model_copy(update={"seed": 0}).model_dump_json()  # another seed takes as long


def estimate(config: EnsembleConfig, visitor: str) -> float | str | None:
    """Seconds that a training will take; None while it is being measured, or why it cannot be.

    One config is measured at a time; a visitor who asks for another one gives up the first, and leaves those of others alone.
    """
    held, key = _estimates(), _key(config)
    with _measuring:
        if key not in held.seconds and held.process is not None and held.process.poll() is not None:
            held.seconds[held.config] = _answer(held.process)
            held.process = None
        if key not in held.seconds and held.config != key and held.process is not None and held.visitor == visitor:
            held.process.kill()
            _answer(held.process)
            held.process = None
        if key not in held.seconds and held.process is None:
            held.process, held.config, held.visitor = _measure(key), key, visitor
    return held.seconds.get(key)


def _measure(config: str) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-m", "mtl_core", "runs", "estimate", "--config", "-", "--json"], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True, cwd=ROOT)
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, 10)  # a training that goes on matters more
    process.stdin.write(config)
    process.stdin.close()
    return process


def _answer(process: subprocess.Popen) -> float | str:
    with process.stdout, process.stderr:
        printed, complaint = process.stdout.read(), process.stderr.read()
    process.wait()
    with suppress(ValueError, KeyError, TypeError):
        return float(json.loads(printed)["seconds"])
    return complaint.strip().splitlines()[-1] if complaint.strip() else "it ended without a word"
