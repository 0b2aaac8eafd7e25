"""Searches: started and read as runs of the store; what takes seconds is asked of processes of their own."""
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import streamlit as st
from pydantic import ValidationError

from app.services import trainings
from app.services.starting import once
from mtl_core import studies
from mtl_core.ensemble.config import PRESETS, EnsembleConfig
from mtl_core.errors import AlloyscopeError
from mtl_core.prospects import Cost, Landscape
from mtl_core.registry.runs import PROGRESS, Label, Run, run_folder
from mtl_core.registry.store import check_label, find_run, list_runs
from mtl_core.settings import ROOT
from mtl_core.studies import REPORT, Study
from mtl_core.tuning.space import seed_project_space
from mtl_core.tuning.study import TRIALS, StudyConfig, Trial, entered

NICENESS = 15  # a search that goes on matters more than a look at it
N_KEPT = 32  # answers


def find(run: str) -> Run:
    """One run, as its folder stands now. Raises CheckpointError when it is not there."""
    return find_run(run)


def runs() -> tuple[Run, ...]:
    """All searches, the newest first."""
    return tuple(run for run in list_runs() if run.kind == "tune")


def study(run: str) -> Study:
    """What the folder of a search says; read anew only when it changed, whoever looks. Raises CheckpointError for no search."""
    folder, seen = run_folder(run), []
    for name in (TRIALS, PROGRESS, REPORT):
        with suppress(FileNotFoundError):
            seen.append((name, (folder / name).stat().st_size))
    return _study(run, tuple(seen))


@st.cache_resource(show_spinner=False, max_entries=16)
def _study(run: str, seen: tuple) -> Study:
    return studies.read_study(run)


def bases() -> dict[str, EnsembleConfig]:
    """What a search can start from: presets by name, and trainings by id, the newest first."""
    found = dict(PRESETS)
    for run in trainings.runs():
        with suppress(ValidationError):
            found[run.id] = EnsembleConfig.model_validate(run.config)
    return found


def start(config: StudyConfig, *, name: str, visitor: str) -> str:
    """Queue a search and return its id; a second click gives the same run. Raises what is wrong with config, data or name."""
    label = Label(name=check_label(name=name).name)
    return once(f"tune {visitor} {name} {config.model_dump_json()}", lambda: studies.start_study(config, label=label))


def train(found: Study, trial: Trial, *, name: str, visitor: str) -> str:
    """Start a training with the settings of a trial, on the folds of the search's starting point, and return its id."""
    return trainings.start(found.config_of(trial), preset=None, name=name, visitor=visitor)


def obstacle(config: StudyConfig) -> str:
    """Why nothing can be searched with this config; empty when it can."""
    data = {"tasks": config.base.tasks, "data": config.base.data, "preparation": config.base.preparation}
    folds = {"split": config.split, "n_outer": config.n_outer, "outer_fold": config.outer_fold, "seed": config.seed}
    bare = StudyConfig(base=EnsembleConfig(**data), space=seed_project_space(config.base.tasks), **folds)
    return _obstacle(bare.model_dump_json())


@st.cache_data(show_spinner=False, max_entries=64)
def _obstacle(config: str) -> str:
    """Only what concerns the data is looked at, and looked at once."""
    try:
        studies.record_of(StudyConfig.model_validate_json(config))
    except AlloyscopeError as error:
        return str(error)
    return ""


# What takes TensorFlow or GPyOpt is asked of a process, one at a time


@dataclass
class _Desk:
    """Answers by question, and the one process that works at a question."""

    answers: dict[str, dict | str] = field(default_factory=dict)
    process: subprocess.Popen | None = None
    question: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, question: str, command: Sequence[str], *, text: str = "", at_once: bool = False) -> dict | str | None:
        """The answer, why there is none, or None while it is worked out. at_once: another question is no longer of interest."""
        with self.lock:
            if question not in self.answers and self.process is not None and at_once and self.question != question:
                self.process.kill()
                self.process = None
            if question not in self.answers and self.process is None:
                self._begin(question, command, text)
            return self.answers.get(question)

    def _begin(self, question, command, text):
        process = subprocess.Popen([sys.executable, "-m", "mtl_core", *command, "--json"], text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd=ROOT)
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        self.process, self.question = process, question
        threading.Thread(target=self._work, args=(process, question, text), daemon=True).start()

    def _work(self, process, question, text):
        printed, complaint = process.communicate(text)
        with self.lock:
            if self.process is not process:  # its question was given up
                return
            self.process = None
            try:
                self.answers[question] = json.loads(printed)
            except ValueError:
                self.answers[question] = (complaint.strip().splitlines() or ["it ended without a word"])[-1]
            while len(self.answers) > N_KEPT:
                self.answers.pop(next(iter(self.answers)))


@st.cache_resource(show_spinner=False)
def _desk(_name: str) -> _Desk:
    return _Desk()


def cost(config: StudyConfig) -> Cost | str | None:
    """What a search will take; None while it is being measured, or why it cannot be."""
    text = config.model_copy(update={"seed": 0}).model_dump_json()  # another seed takes as long
    found = _desk("cost").ask(text, ["tune-cost", "-"], text=text, at_once=True)
    return Cost.model_validate(found) if isinstance(found, dict) else found


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What is known of the surrogate: the newest landscape, which may be of fewer trials than there are; whether a newer one is
    on its way; and why there is none, if there should be one."""

    landscape: Landscape | None
    is_coming: bool
    complaint: str = ""


def beliefs(found: Study) -> Beliefs:
    """What the surrogate of a search believes after its last trial."""
    n, latest = len(found.trials), _landscapes()
    if len({score for _, score in entered(found.trials)}) < 2:
        return Beliefs(None, False)
    if found.run in latest and latest[found.run].n_trials == n:
        return Beliefs(latest[found.run], False)
    answer = _desk("beliefs").ask(f"{found.run} {n}", ["tune-beliefs", found.run])
    if isinstance(answer, str):
        return Beliefs(latest.get(found.run), False, answer)
    if answer:
        latest[found.run] = Landscape.model_validate(answer)
        while len(latest) > N_KEPT:
            latest.pop(next(iter(latest)))
    return Beliefs(latest.get(found.run), answer is None)


@st.cache_resource(show_spinner=False)
def _landscapes() -> dict[str, Landscape]:
    return {}
