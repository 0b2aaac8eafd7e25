"""Validations as runs of the store: a config on the rungs of the ladder, beside baselines, cell by cell in a process of its own.

In the folder of a validation, besides what every run has: `cell_RUNG_MODEL.csv`, one out-of-fold table a rung and model; at the
end `report.json`; where settings are searched for in each fold, the trials of each search. Cells are made in a fixed order and
each appears whole: a validation that was stopped or killed loses the cell under way, or its trial, and goes on to the same bytes.
They are kept in data/cache as well, by what they depend on, so the second validation of the same costs nothing.

What needs TensorFlow or scikit-learn is imported by the process that computes; starting and reading a validation costs neither.
"""
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import ValidationError

from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import CheckpointError, RunError, StoppedError, in_words
from mtl_core.files import read_json, write_json, write_table
from mtl_core.fingerprints import code_sha256, versions
from mtl_core.nested import folds_of, nested_cell, searched, with_tensorflow
from mtl_core.pipeline import START_SECONDS
from mtl_core.registry import jobs
from mtl_core.registry.runs import CONFIG, Label, Record, append_progress, read_progress, read_record, run_folder
from mtl_core.settings import CACHE_DIR, SHIPPED_DIR
from mtl_core.subjects import Subject
from mtl_core.validation.config import NESTED, OURS, ValidationConfig
from mtl_core.validation.report import REPORT, Report
from mtl_core.validation.rungs import RungName
from mtl_core.workers import connected

if TYPE_CHECKING:
    from dask.distributed import Client

STATE = "state.npz"
CELLS = CACHE_DIR / "cells"
SHIPPED_REPORT = SHIPPED_DIR / "validation.json"  # of the ensemble that comes along
SAY_SECONDS = 1.0  # between two lines of progress
SETTLED_SECONDS = 3.0  # of work, as it took and as it was guessed, after which the pace is known
# Seconds of one core for one part of the default tasks; only what is left to wait is guessed from them.
_SECONDS = {"mean": 0.02, "class mean": 0.02, "1-NN": 0.03, "ridge": 0.03, "random forest": 1.7, "extra trees": 1.1,
            "gradient boosting": 1.5, "gaussian process": 2.4}
_SECONDS_OF_EPOCH = 0.012  # for one member of ours
_SECONDS_OF_PROCESSES = 0.7  # for the Gaussian processes of one part of ours
_SECONDS_OF_TRIAL, _SECONDS_OF_ITS_EPOCH = 4.0, 0.0095  # once, and for each epoch of a network
_PARTS_BY_ELEMENT, _PARTS_BY_ROW = 15, 1250  # of the default tasks

Say = Callable[[float], None]  # told the share of a cell that is done


@dataclass(frozen=True, eq=False)
class Validation:
    """What the folder of a validation says. report: None until it is complete; progress: the last line of its log."""

    run: str
    config: ValidationConfig
    report: Report | None
    progress: dict


def read_validation(run: str, root: Path | None = None) -> Validation:
    """A validation of the store, finished or not, in milliseconds. Raises CheckpointError for a run that is none or damaged."""
    folder = run_folder(run, root)
    config = validation_config(read_record(folder))
    return Validation(run, config, _read_report(folder), (read_progress(folder) or [{}])[-1])


def _read_report(folder: Path) -> Report | None:
    if not (folder / REPORT).exists():
        return None
    try:
        return Report.model_validate(read_json(folder / REPORT))
    except ValidationError as error:
        raise CheckpointError(f"{folder.name}/{REPORT}: expected the report of a validation, got {in_words(error)}") from error


def shipped_report(path: Path = SHIPPED_REPORT) -> Report | None:
    """Of the ensemble that comes along; None where there is none that can be read."""
    with suppress(ValidationError, CheckpointError):
        return Report.model_validate(read_json(path))
    return None


def read_cell(run: str, rung: RungName, model: str, root: Path | None = None) -> pd.DataFrame:
    """The out-of-fold table of one model on one rung; of ours with std and censored rows, of the others the exact rows alone.

    Raises CheckpointError when it is not there.
    """
    path = run_folder(run, root) / cell_name(rung, model)
    if not path.is_file():
        raise CheckpointError(f"{run}: expected the cell of {model} on {rung}, it is not there")
    return pd.read_csv(path)


def cell_name(rung: RungName, model: str) -> str:
    """File of a cell: "cell_leave_one_out_extra_trees.csv"."""
    return f"cell_{rung}_{model}.csv".lower().replace("-", "_").replace(" ", "_")


def start_validation(config: ValidationConfig, *, label: Label | None = None, root: Path | None = None) -> str:
    """Queue a validation as a process of its own and return the run's id.

    Raises what is wrong with the config, the run that it names and its data at once; RunError when no run can be written.
    """
    return jobs.start(record_of(config, root=root), label=label, root=root)


def validate_here(config: ValidationConfig, *, label: Label | None = None, root: Path | None = None,
                  progress: Callable[[dict], None] | None = None) -> Path:
    """Validate in this process, as a run like any other; returns its folder. progress: told each line of progress.jsonl."""
    record = record_of(config, root=root)
    with jobs.in_foreground(record, label=label, root=root) as (folder, should_stop):
        validate(folder, should_stop, progress=progress)
    return folder


def validate_queued(run: str, *, lock: int | None = None, root: Path | None = None) -> None:
    """Be the process of a queued validation; see `jobs.work`."""
    jobs.work(run, validate, lock=lock, root=root)


def record_of(config: ValidationConfig, *, root: Path | None = None) -> Record:
    """The config with the folds of the run that it names, and the fingerprints of data and code; nothing is written."""
    subject = Subject.of(config, root)
    for rung in subject.config.rungs:
        subject.parts(rung)
    if NESTED in subject.config.models:
        _ = [fold.study for rung, model in subject.config.cells if model == NESTED for fold in folds_of(subject, rung)]
    return Record(kind="validate", config=subject.config.model_dump(mode="json"), data_sha256=subject.table.sha256,
                  code_sha256=code_sha256(), versions=versions())


def validation_config(record: Record) -> ValidationConfig:
    """Raises CheckpointError for a run that does not validate, or the config of another version."""
    if record.kind != "validate":
        raise CheckpointError(f"expected a run that validates, got one that does something else ({record.kind})")
    try:
        return ValidationConfig.model_validate(record.config)
    except ValidationError as error:
        raise CheckpointError(f"{CONFIG}: expected the config of a validation, got {in_words(error)}") from error


def validate(folder: Path, should_stop: jobs.ShouldStop, *, progress: Callable[[dict], None] | None = None) -> None:
    """Go on with a validation where its folder stands, until its report. Raises StoppedError if it should stop."""
    if (folder / REPORT).exists():
        return
    record = read_record(folder)
    subject = Subject.of(validation_config(record), folder.parent)
    if subject.table.sha256 != record.data_sha256:
        raise RunError(f"expected the data with the fingerprint {record.data_sha256[:12]}, as when the validation was started, "
                       f"got {subject.table.sha256[:12]}; start a new one")
    cells = subject.config.cells
    clock = _Clock(folder, subject, cells, progress)
    with connected(subject.config.workers, subject.config.scheduler) if _is_shared(subject.config) else nullcontext() as client:
        for rung, model in cells:
            if should_stop():
                raise StoppedError("stopped between two cells; resumed, it goes on with the next one")
            if not (folder / cell_name(rung, model)).exists():
                clock.begin(rung, model)
                _make_cell(folder, subject, rung, model, should_stop, clock.say, client)
                clock.end(rung, model)
    write_json(folder / REPORT, report_of(folder, subject).model_dump(mode="json"))


def _is_shared(config: ValidationConfig) -> bool:
    """Whether others fit the baselines; a search calls its own workers."""
    return bool(config.workers or config.scheduler) and bool(set(config.models) - {OURS, NESTED})


def _make_cell(folder: Path, subject: Subject, rung: RungName, model: str, should_stop: jobs.ShouldStop, say: Say,
               client: "Client | None") -> None:
    """From the run itself, from the cache, or computed and put there. client: whose workers fit baselines, if any."""
    target, kept = folder / cell_name(rung, model), CELLS / f"{subject.key(rung, model)}.csv"
    if model == NESTED:
        write_table(target, nested_cell(folder, subject, rung, state=folder / STATE, should_stop=should_stop, say=say))
        return
    own = subject.of_run(rung) if model == OURS else None
    if own is not None:
        write_table(target, own)
        return
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_table(kept, _computed(folder, subject, rung, model, should_stop, say, client))
    half_written = target.with_suffix(".part")
    shutil.copyfile(kept, half_written)
    half_written.replace(target)


def _computed(folder, subject, rung, model, should_stop, say, client) -> pd.DataFrame:
    from mtl_core.validation.cells import STOPPED, baseline_cell, baseline_cell_on, our_cell

    def stop_or_say(share: float) -> None:
        if should_stop():
            raise StoppedError(STOPPED)
        say(share)

    of_baseline = subject.prepared, subject.parts(rung), model, subject.base.model_copy(update={"seed": subject.config.seed})
    if model != OURS and client is None:
        return baseline_cell(*of_baseline, progress=stop_or_say)
    if model != OURS:
        return baseline_cell_on(client, *of_baseline, should_stop=should_stop, progress=say)
    with_tensorflow()
    return our_cell(subject.prepared, subject.parts(rung), subject.trained, state=folder / STATE, should_stop=should_stop,
                    progress=say)


class _Clock:
    """Lines of progress.jsonl: the cell under way and its share, n_done of n_cells, seconds_left, time.

    seconds_left is None until this process has done enough to know its pace: small cells cost what loading does, and the work
    of a process before this one says nothing about time.
    """

    def __init__(self, folder: Path, subject: Subject, cells: Sequence[tuple[RungName, str]],
                 progress: Callable[[dict], None] | None):
        self._folder, self._progress, self._n_cells = folder, progress, len(cells)
        self._left = {cell: _guess(subject, *cell) for cell in cells if not (folder / cell_name(*cell)).exists()}
        self._last, self._took, self._did = 0.0, 0.0, 0.0  # seconds of the cells of this process, and what was guessed of them

    def begin(self, rung: RungName, model: str) -> None:
        self._cell, self._start = (rung, model), time.monotonic()
        is_resumed = any(self._folder.glob(f"{Path(STATE).stem}*"))
        self._from = None if is_resumed else 0.0  # its first share is work of another process
        self._write(0.0)

    def say(self, share: float) -> None:
        if time.monotonic() - self._last > SAY_SECONDS:
            self._write(share)

    def end(self, rung: RungName, model: str) -> None:
        took, did = self._so_far(1.0)
        self._took, self._did = self._took + took, self._did + did
        self._left.pop((rung, model))
        self._start, self._from = time.monotonic(), 1.0
        self._write(1.0)

    def _so_far(self, share: float) -> tuple[float, float]:
        """Of the cell under way the seconds that it took here, and what was guessed of as much."""
        if self._from is None and share:
            self._from = share
        return time.monotonic() - self._start, (share - (self._from or 0.0)) * self._left.get(self._cell, 0.0)

    def _write(self, share: float) -> None:
        self._last = time.monotonic()
        took, did = (before + now for before, now in zip((self._took, self._did), self._so_far(share), strict=True))
        is_known = min(took, did) > SETTLED_SECONDS
        left = sum(guess * (1.0 - share if cell == self._cell else 1.0) for cell, guess in self._left.items())
        line = dict(zip(("rung", "model"), self._cell, strict=True)) | {
            "share": round(share, 3), "n_done": self._n_cells - len(self._left), "n_cells": self._n_cells,
            "seconds_left": round(left * took / did, 1) if is_known else None, "time": time.time()}
        append_progress(self._folder, line)
        if self._progress:
            self._progress(line)


def _guess(subject: Subject, rung: RungName, model: str) -> float:
    """Seconds of one core; of a search, which keeps one of them busy, those of all."""
    if model == NESTED:
        n_left = sum(not fold.is_done for fold in folds_of(subject, rung))
        return n_left * _seconds_of_search(subject.config, subject.base) * (os.cpu_count() or 1)
    if (CELLS / f"{subject.key(rung, model)}.csv").exists() or (model == OURS and subject.of_run(rung) is not None):
        return 0.0
    return len(subject.parts(rung)) * _SECONDS.get(model, _of_ours(subject.config, subject.base))


def _of_ours(config: ValidationConfig, base: EnsembleConfig) -> float:
    """Seconds of one core for one part, where ours is trained for this."""
    networks = _SECONDS_OF_EPOCH * (config.epochs or base.train.epochs) * config.n_repeats * base.n_trainings
    return networks + _SECONDS_OF_PROCESSES * (base.kernel_share > 0)


def _seconds_of_search(config: ValidationConfig, base: EnsembleConfig) -> float:
    """Of one outer fold, until what was found is tested there."""
    search = config.nested
    networks = search.n_inner * search.n_seeds * (config.epochs or base.train.epochs)
    return (search.n_trials + 1) * (_SECONDS_OF_TRIAL + _SECONDS_OF_ITS_EPOCH * networks) + _of_ours(config, base)


def nested_seconds(config: ValidationConfig, base: EnsembleConfig) -> float:
    """Of `rough_seconds` those of the nested evaluation."""
    if NESTED not in config.models:
        return 0.0
    n_folds = sum(model == NESTED for _, model in config.cells) * (
        config.nested.n_outer or config.n_folds or base.train.n_folds)
    side_by_side = max(1, min(config.workers, config.nested.batch))
    return n_folds * _seconds_of_search(config, base) / side_by_side


def rough_seconds(config: ValidationConfig, base: EnsembleConfig) -> float:
    """How long a validation takes on this machine when no cell of it is known yet, roughly, from numbers of parts alone.

    base: the config of the run that is validated. A run that was tested on a rung already is not trained again.
    """
    train, seconds = base.train, 0.0
    n_folds, n_seeds = config.n_folds or train.n_folds, config.n_fold_seeds or train.n_fold_seeds
    own = train.splits if (n_folds, n_seeds, config.epochs) == (train.n_folds, train.n_fold_seeds, None) else ()
    for rung in config.rungs:
        n_parts = {"element": _PARTS_BY_ELEMENT, "leave-one-out": _PARTS_BY_ROW}.get(rung, n_folds * n_seeds)
        each = {**_SECONDS, OURS: 0.0 if rung in own else _of_ours(config, base), NESTED: 0.0}
        seconds += n_parts * sum(each[model] for model in config.models)
    n_trainings = sum(rung not in own for rung in config.rungs) * (OURS in config.models)
    return (START_SECONDS + START_SECONDS * n_trainings + seconds / (os.cpu_count() or 1) + nested_seconds(config, base))


def report_of(folder: Path, subject: Subject) -> Report:
    """What the cells of a folder say together."""
    from mtl_core.validation import ladder

    config, base = subject.config, subject.base
    rungs, scores = {}, []
    for rung in config.rungs:
        cells = {model: pd.read_csv(folder / cell_name(rung, model)) for model in config.models_on(rung)}
        scores += ladder.scores_of(rung, cells, base.tasks)
        is_own = OURS in cells and subject.of_run(rung) is not None
        rungs[rung] = ladder.rung_facts(
            rung, subject.parts(rung), subject.prepared.observations, cells, lock=subject.lock(rung),
            origin="run" if is_own else "trained" if OURS in cells else "none",
            members=(base if is_own else subject.trained).train.n_repeats if OURS in cells else 0)
    return Report(
        run=config.run, tasks=base.tasks, models=config.models, config_sha256=subject.config_sha256,
        data_sha256=subject.table.sha256, n_folds=config.n_folds, n_fold_seeds=config.n_fold_seeds, seed=config.seed,
        epochs=subject.trained.train.epochs, rungs=rungs, scores=tuple(scores), noise=ladder.noise_of(subject.table, base.tasks),
        nested=searched(folder, subject) if NESTED in config.models else {})
