"""The runs of the store: the list, what can be done with them, and what a few of them say side by side."""
import io
from collections.abc import Callable, Iterable

import pandas as pd
import streamlit as st

from app import ledger
from app.curves import members_spread
from app.services import model, trainings
from mtl_core.errors import AlloyscopeError
from mtl_core.files import last_line
from mtl_core.registry import archive, jobs, store
from mtl_core.registry.runs import PROGRESS, SHIPPED, Run, Status, read_state, run_folder
from mtl_core.tasks import TASKS


def listed() -> tuple[Run, ...]:
    """All runs, the newest first, deleted ones included; the ensemble that the project ships stands last."""
    return (*store.list_runs(deleted=True), store.find_run(SHIPPED))


def find(run: str) -> Run | None:
    """One run as it stands now; None where it is not there."""
    try:
        return store.find_run(run)
    except AlloyscopeError:
        return None


def each(runs: Iterable[str], act: Callable[[str], object]) -> tuple[list[str], list[str]]:
    """Do the same with several runs: those with which it was done, and why it was not with the others."""
    done, complaints = [], []
    for run in runs:
        try:
            act(run)
            done.append(run)
        except (AlloyscopeError, OSError, TimeoutError) as error:
            complaints.append(str(error))
    return done, complaints


stop, resume, delete, restore, purge = jobs.stop, jobs.resume, store.delete_run, store.restore_run, store.purge_run


def megabytes(runs: Iterable[str]) -> float:
    """What runs hold on the disk."""
    return sum(store.size_of(run) for run in runs) / 1e6


def rename(run: str, name: str, note: str, tags: Iterable[str]) -> None:
    """Name, note and tags; raises RunError for what cannot be one."""
    store.set_label(run, name=name, note=note, tags=tuple(tags))


def add_tags(run: str, tags: Iterable[str]) -> None:
    """More tags for a run; raises RunError for what cannot be one."""
    store.set_label(run, tags=tuple(dict.fromkeys([*store.find_run(run).label.tags, *tags])))


def traceback(run: str) -> str:
    """The traceback of a run that failed; empty for any other."""
    try:
        return read_state(run_folder(run)).traceback
    except AlloyscopeError:
        return ""


def export_obstacle(run: str) -> str:
    """Why a run cannot be handed on; empty where it can."""
    return _export_obstacle(run, store.signature_of(run_folder(run)))


@st.cache_data(show_spinner=False, max_entries=64)
def _export_obstacle(run: str, signature: str) -> str:
    try:
        archive.check_export(run)
    except AlloyscopeError as error:
        return str(error)
    return ""


def exported(run: str) -> bytes:
    """The run as a zip file; raises RunError when it is not what training wrote."""
    file = io.BytesIO()
    archive.export_run(run, file)
    return file.getvalue()


def bring_in(content: bytes) -> str:
    """Take a run out of a zip file and return its id; raises RunError that says what is wrong with it."""
    from mtl_core.trainings import import_training

    return import_training(io.BytesIO(content))


def reports(runs: Iterable[Run]) -> dict[str, dict]:
    """Run id → its metrics, of those that are complete."""
    return {run.id: model.report(run.id) for run in runs if run.scores}


def differences(one: str, other: str) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Paired differences of two complete runs; see `ledger.differences`."""
    return _differences(*model.seen(one), *model.seen(other))


@st.cache_data(show_spinner="Comparing on the same folds …", max_entries=32)
def _differences(one: str, seen: int, other: str, also_seen: int) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    return ledger.differences(model.out_of_fold(one), model.out_of_fold(other))


def losses(run: str) -> dict[str, pd.DataFrame]:
    """Task → epoch, and middle, low, high of the members' losses; empty for a run without a log."""
    said = trainings.said(run).together
    return {} if said is None else {
        key: members_spread(values).assign(epoch=said.epochs) for key, values in said.loss.items() if key in TASKS}


def doing(run: Run) -> str:
    """How far a run that is at work has come, in a few words."""
    line = last_line(run_folder(run.id) / PROGRESS) if run.status == Status.running else {}
    if "epoch" not in line and "n_cells" not in line:
        return ""
    left = line.get("seconds_left")
    words = "" if not left else f", {left / 60:.0f} min left" if left > 90 else f", {left:.0f} s left"
    if "n_cells" in line:
        return f"cell {min(line['n_done'] + 1, line['n_cells'])} of {line['n_cells']}{words}"
    return f"epoch {line['epoch']} of {line.get('n_epochs', '?')}{words}"
