"""Validations: started and read as runs of the store, and what a run says of itself until there is one."""
from contextlib import suppress
from datetime import UTC, datetime

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from app import rungs, validated
from app.services import model, trainings
from app.services.starting import once
from mtl_core import validations
from mtl_core.data.folds import SPLITS
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import AlloyscopeError
from mtl_core.registry.runs import PROGRESS, Label, Run, Status, run_folder
from mtl_core.registry.store import check_label, find_run, list_runs
from mtl_core.settings import ASSETS_DIR
from mtl_core.validation.config import OURS, ValidationConfig
from mtl_core.validation.report import REPORT, Report
from mtl_core.validations import Validation

SHIPPED_REPORT = validations.SHIPPED_REPORT
DEVELOPMENT = ASSETS_DIR / "development.csv"


def find(run: str) -> Run:
    """One run, as its folder stands now. Raises CheckpointError when it is not there."""
    return find_run(run)


def of_run(subject: str) -> tuple[Run, ...]:
    """The validations of a run, the newest first."""
    return tuple(run for run in list_runs() if run.kind == "validate" and run.config.get("run") == subject)


def validation(run: str) -> Validation:
    """What the folder of a validation says; read anew only when it changed. Raises CheckpointError for a run that is none."""
    folder, seen = run_folder(run), []
    for name in (PROGRESS, REPORT):
        with suppress(FileNotFoundError):
            seen.append((name, (folder / name).stat().st_size))
    return _validation(run, tuple(seen))


@st.cache_resource(show_spinner=False, max_entries=16)
def _validation(run: str, seen: tuple) -> Validation:
    return validations.read_validation(run)


def shipped_report() -> Report | None:
    """The validation that comes along with the shipped ensemble; None where there is none that can be read."""
    return validations.shipped_report(SHIPPED_REPORT)


def development() -> pd.DataFrame | None:
    """What the pieces of the shipped ensemble score on other divisions of the data, as `benchmarks.development` wrote it."""
    return pd.read_csv(DEVELOPMENT) if DEVELOPMENT.exists() else None


def own_report(run: str) -> Report:
    """What a training wrote down itself: ours and a few simple models on its own splits."""
    return _own_report(*model.seen(run))


@st.cache_data(show_spinner="Reading what the run says of itself …", max_entries=16)
def _own_report(run: str, seen: int) -> Report:
    from mtl_core.data.datasets import read_data
    from mtl_core.validation.ladder import noise_of

    found = find_run(run)
    config, metrics = EnsembleConfig.model_validate(found.config), model.report(run)
    try:
        noise = noise_of(read_data(config.data.datasets), config.tasks)
    except AlloyscopeError:  # a dataset that is gone
        noise = {task: {} for task in config.tasks}
    return validated.report_of_run(run, metrics, model.out_of_fold(run), config, found.data_sha256, noise)


def tested_further(subject: str) -> Run | None:
    """The validation of a run that says most of it, if ours was tested on rungs that the run itself does not have."""
    complete = [run for run in of_run(subject) if run.status is Status.complete and OURS in run.config["models"]
                and set(run.config["rungs"]) & set(SPLITS) and set(run.config["rungs"]) - set(SPLITS)]
    return max(complete, key=weight, default=None)


def is_smoke(run: Run, subject: Run) -> bool:
    """Whether a validation trains its subject again for less than that was trained."""
    return (run.config.get("epochs") or float("inf")) < subject.config.get("train", {}).get("epochs", 0)


def weight(run: Run) -> tuple:
    """A run that was trained again for fewer epochs says little of itself; after that more folds count, and more cells."""
    config = run.config
    return (config.get("epochs") is None, (config.get("n_folds") or 1) * (config.get("n_fold_seeds") or 1),
            len(config["rungs"]) * len(config["models"]))


def weight_of(report: Report) -> tuple:
    """The same of the report that comes along, which is never of fewer epochs."""
    return True, report.n_folds * report.n_fold_seeds, len(report.rungs) * len(report.models)


@st.cache_data(show_spinner="Trying bands on harder rungs …", max_entries=8)
def transfer(run: str) -> pd.DataFrame:
    """Coverage of a complete validation's rungs by conformal 90 % bands that are calibrated on each split of training; see
    `mtl_core.validation.bands.transfer`."""
    from mtl_core.validation.bands import measure

    rungs = validation(run).config.rungs
    ours = pd.concat([validations.read_cell(run, rung, OURS) for rung in rungs], ignore_index=True)
    found = [measure(ours, calibrated_on=split, levels=(0.9,)).coverage().assign(calibrated_on=split)
             for split in SPLITS if split in rungs]
    return pd.concat(found, ignore_index=True)


# Starting


def start(config: ValidationConfig, *, name: str, visitor: str) -> str:
    """Queue a validation and return its id; a second click gives the same run. Raises what is wrong with config, data or name."""
    label = Label(name=check_label(name=name).name)
    choice = f"validate {visitor} {name} {config.model_dump_json()}"
    return once(choice, lambda: validations.start_validation(config, label=label))


def rough_seconds(config: ValidationConfig) -> float:
    """How long a validation takes on this machine, roughly, if no cell of it is known yet."""
    return validations.rough_seconds(config, EnsembleConfig.model_validate(find_run(config.run).config))


def nested_seconds(config: ValidationConfig) -> float:
    """Of that the searches that tune anew in each fold."""
    return validations.nested_seconds(config, EnsembleConfig.model_validate(find_run(config.run).config))


def n_cells(run: Run) -> int:
    """Cells of a validation; 0 for a config of another version."""
    with suppress(ValidationError):
        return len(ValidationConfig.model_validate(run.config).cells)
    return 0


def last_said(run: Run) -> tuple[dict, float]:
    """The last line of a validation's progress, and the seconds since."""
    return validation(run.id).progress, trainings.seconds_silent(run.id)


def size(run: Run) -> str:
    """"3 tests × 9 models"; empty for a config of another version."""
    with suppress(ValidationError):
        return rungs.size_of(ValidationConfig.model_validate(run.config))
    return ""


def when(run: Run) -> str:
    """"22 Nov 2026, 12:30 UTC"."""
    return f"{(run.started or run.created or datetime.now(UTC)):%d %b %Y, %H:%M} UTC"
