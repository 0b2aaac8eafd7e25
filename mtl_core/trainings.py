"""Trainings as runs of the store: checked and pinned when they are queued, trained by a process of their own.

What needs TensorFlow is imported by the process that trains; to start, stop and list runs costs none of it.
"""
from collections.abc import Callable
from pathlib import Path

from mtl_core import pipeline
from mtl_core.console import without_startup_notes
from mtl_core.data.datasets import read_data
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.parts import training_parts
from mtl_core.errors import AlloyscopeError, RunError
from mtl_core.files import read_json
from mtl_core.fingerprints import code_sha256, versions
from mtl_core.registry import archive, jobs
from mtl_core.registry.runs import Label, Record, read_record, run_folder


def start_training(config: EnsembleConfig, *, preset: str | None = None, label: Label | None = None,
                   root: Path | None = None) -> str:
    """Queue a training as a process of its own and return the run's id.

    Raises what is wrong with the config and its data at once (ConfigError, DataError), RunError when no run can be written.
    """
    return jobs.start(record_of(config, preset=preset), label=label, root=root)


def train_here(config: EnsembleConfig, *, preset: str | None = None, root: Path | None = None,
               progress: Callable | None = None) -> Path:
    """Train in this process, as a run like any other; returns its folder. progress: see `pipeline.train`."""
    record = record_of(config, preset=preset)
    with jobs.in_foreground(record, root=root) as (folder, should_stop):
        pipeline.train(_config(record), folder=folder, should_stop=should_stop, progress=progress)
    return folder


def train_queued(run: str, *, lock: int | None = None, root: Path | None = None) -> None:
    """Be the process of a queued run; see `jobs.work`."""
    def body(folder: Path, should_stop: jobs.ShouldStop) -> None:
        record = read_record(folder)
        config = _config(record)
        _check_data(config, record)
        with without_startup_notes():
            import tensorflow  # noqa: F401
        pipeline.train(config, folder=folder, resume=True, should_stop=should_stop)

    jobs.work(run, body, lock=lock, root=root)


def import_training(source: Path, *, root: Path | None = None) -> str:
    """Take a run out of a zip file, see `archive.import_run`; its config and its ensemble are read once before it is listed."""
    return archive.import_run(source, root, check=_check_training)


def record_of(config: EnsembleConfig, *, preset: str | None = None) -> Record:
    """The config with the versions of its data, and the fingerprints of data and code; nothing is written.

    Raises ConfigError or DataError when the config cannot be trained on its data, or these cannot be divided into its folds.
    """
    config, curation = pipeline.pinned(config, None)
    table = read_data(config.data.datasets)
    prepared = pipeline.prepare(table, config, curation=curation)
    training_parts(prepared.observations, config, is_training=prepared.is_training, is_test=prepared.is_test)
    return Record(preset=preset, config=config.model_dump(mode="json"), data_sha256=table.sha256, code_sha256=code_sha256(),
                  versions=versions())


def _config(record: Record) -> EnsembleConfig:
    return EnsembleConfig.model_validate(record.config)


def _check_data(config: EnsembleConfig, record: Record) -> None:
    came = read_data(config.data.datasets).sha256
    if came != record.data_sha256:
        raise RunError(f"expected the data with the fingerprint {record.data_sha256[:12]}, as when the run was started, got "
                       f"{came[:12]}; start a new run")


def _check_training(run: str, root: Path) -> None:
    """That the parts of a run from elsewhere fit together."""
    with without_startup_notes():
        from mtl_core.ensemble import checkpoint
    from mtl_core.tuning.study import TRIALS, StudyConfig, read_trials
    from mtl_core.validation.config import ValidationConfig
    from mtl_core.validation.report import REPORT, Report

    folder = run_folder(run, root)
    try:
        record = read_record(folder)
        if record.kind == "tune":
            StudyConfig.model_validate(record.config)
            read_trials(folder / TRIALS)
            return
        if record.kind == "validate":
            ValidationConfig.model_validate(record.config)
            Report.model_validate(read_json(folder / REPORT))
            return
        config = _config(record)
        trained = checkpoint.load(folder).config
        pipeline.read_out_of_fold(run, root=root)
    except (AlloyscopeError, ValueError) as error:
        words = str(error).replace(f"{root}/", "")
        raise RunError(f"{run}: expected a config, an ensemble and a table of this version, got: {words}") from error
    if trained != config:
        raise RunError(f"{run}: expected an ensemble that was trained with the config of its run, got another config")
