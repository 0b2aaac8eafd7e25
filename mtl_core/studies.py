"""Studies as runs of the store: a search for a better configuration, trial by trial, in a process of its own.

In the folder of a study, besides what every run has: `trials.jsonl`, one line a finished trial, only ever appended to; at the end
`outer.csv`, what the default and the incumbent say of the outer fold, and `report.json`. What is tried next follows from the
config and the trials so far: a study that was stopped or killed loses the trials under way and goes on with the same sequence.

What needs TensorFlow or GPyOpt is imported by whoever trains or asks for the surrogate; reading a study costs neither.
"""
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import ValidationError

from mtl_core import pipeline
from mtl_core.console import without_startup_notes
from mtl_core.data.datasets import read_data
from mtl_core.errors import CheckpointError, RunError, in_words
from mtl_core.files import append_line, read_json, write_json, write_table
from mtl_core.fingerprints import code_sha256, versions
from mtl_core.registry import jobs
from mtl_core.registry.runs import CONFIG, Label, Record, append_progress, read_progress, read_record, run_folder
from mtl_core.seeds import child_seed
from mtl_core.tuning.ask import ask
from mtl_core.tuning.rows import Rows, development, outer_part, units
from mtl_core.tuning.study import TRIALS, Proposal, StudyConfig, Trial, batch_start, entered, entered_as, incumbent, read_trials

if TYPE_CHECKING:
    from mtl_core.tuning.gpyopt_adapter import Surrogate

OUTER, REPORT = "outer.csv", "report.json"

Batch = Callable[[Sequence[Proposal], Sequence[Trial]], Iterable[Trial]]  # proposals, the trials before them → as they finish


@dataclass(frozen=True, eq=False)
class Study:
    """What the folder of a study says. trials: in the order of their numbers; report: None until the study is complete;
    progress: the last line of its log, which tells of the trial under way."""

    run: str
    config: StudyConfig
    trials: tuple[Trial, ...]
    report: dict | None
    progress: dict

    @property
    def incumbent(self) -> Trial | None:
        """The best complete trial so far."""
        return incumbent(self.trials)

    @property
    def default(self) -> Trial | None:
        """Trial 0, the base that the search has to beat."""
        return self.trials[0] if self.trials and self.trials[0].number == 0 else None

    @property
    def trace(self) -> pd.DataFrame:
        """The best so far: number, score, best, spread (of the best over the fold seeds), is_new; one row a trial, NaN where
        there is none yet."""
        rows = []
        for position, trial in enumerate(self.trials):
            best = incumbent(self.trials[:position + 1])
            rows.append({"number": trial.number, "score": trial.score, "is_new": best is not None and best.number == trial.number,
                         "best": best and best.score, "spread": best and best.spread})
        return pd.DataFrame(rows, columns=["number", "score", "best", "spread", "is_new"]).astype(
            {"score": float, "best": float, "spread": float, "is_new": bool})

    @property
    def distances(self) -> pd.DataFrame:
        """number, distance: how far each suggestion lies from the one before it in the unit cube, 1 = along one whole side."""
        known = [(trial.number, self.config.space.to_unit(trial.point)) for trial in self.trials if trial.point is not None]
        steps = [(number, float(np.linalg.norm(here - there)))
                 for (number, here), (_, there) in zip(known[1:], known[:-1], strict=True)]
        return pd.DataFrame(steps, columns=["number", "distance"])

    def table(self) -> pd.DataFrame:
        """One row a trial: number, status, proposed_by, score, spread, entered_as, r2 of each task ("r2 TASK"), each dimension of
        the space, n_weights, the seconds of each phase ("seconds PHASE") and reason."""
        return pd.DataFrame([
            {"number": trial.number, "status": trial.status, "proposed_by": trial.proposed_by, "score": trial.score,
             "spread": trial.spread, "entered_as": trial.entered_as,
             **{f"r2 {task}": trial.r2.get(task) for task in self.config.base.tasks},
             **{name: (trial.point or {}).get(name) for name in self.config.space.names}, "n_weights": trial.n_weights,
             **{f"seconds {phase}": seconds for phase, seconds in trial.seconds.model_dump().items()}, "reason": trial.reason}
            for trial in self.trials])

    def config_of(self, trial: Trial):
        """The EnsembleConfig to train with the settings of a trial, on the folds of the base."""
        return self.config.config_of(trial.point)


def read_study(run: str, root: Path | None = None) -> Study:
    """A study of the store, finished or not; costs milliseconds. Raises CheckpointError for a run that is no study or damaged."""
    folder = run_folder(run, root)
    config = study_config(read_record(folder))
    report = read_json(folder / REPORT) if (folder / REPORT).exists() else None
    return Study(run, config, tuple(read_trials(folder / TRIALS)), report, (read_progress(folder) or [{}])[-1])


def surrogate_of(study: Study) -> "Surrogate | None":
    """What the search believes now, whatever its method: the surrogate that would make the next suggestion. None while fewer than
    two different scores are known. Takes a second or two (GPyOpt and its fit); the same trials give the same surrogate."""
    known = entered(study.trials)
    if len({score for _, score in known}) < 2:
        return None
    from mtl_core.tuning.gpyopt_adapter import Surrogate

    number = batch_start(len(study.trials), study.config.batch)
    return Surrogate(study.config.space, [trial.point for trial, _ in known], [score for _, score in known],
                     acquisition=study.config.acquisition, seed=child_seed(study.config.seed, "surrogate", number))


def next_proposals(study: Study) -> tuple[Proposal, ...]:
    """What the study tries next, or is trying now; empty when it is over."""
    done = {trial.number for trial in study.trials}
    number = next(number for number in range(len(done) + 1) if number not in done)
    return tuple(proposal for proposal in ask(study.config, study.trials, number) if proposal.number not in done)


def start_study(config: StudyConfig, *, label: Label | None = None, root: Path | None = None) -> str:
    """Queue a study as a process of its own and return the run's id.

    Raises what is wrong with the config and its data at once (ConfigError, DataError), RunError when no run can be written.
    """
    return jobs.start(record_of(config), label=label, root=root)


def tune_here(config: StudyConfig, *, label: Label | None = None, root: Path | None = None,
              progress: Callable[[Trial], None] | None = None) -> Path:
    """Tune in this process, as a run like any other; returns its folder. progress: told each finished trial."""
    record = record_of(config)
    with jobs.in_foreground(record, label=label, root=root) as (folder, should_stop):
        tune(folder, should_stop, progress=progress)
    return folder


def tune_queued(run: str, *, lock: int | None = None, root: Path | None = None) -> None:
    """Be the process of a queued study; see `jobs.work`."""
    jobs.work(run, tune, lock=lock, root=root)


def record_of(config: StudyConfig) -> Record:
    """The config with the versions of its data, and the fingerprints of data and code; nothing is written.

    Raises ConfigError or DataError when its base cannot be trained on its data.
    """
    base, curation = pipeline.pinned(config.base, None)
    table = read_data(base.data.datasets)
    prepared = pipeline.prepare(table, base, curation=curation)
    pinned = config.model_copy(update={"base": base})
    outer_part(prepared, pinned)
    return Record(kind="tune", config=pinned.model_dump(mode="json"), data_sha256=table.sha256, code_sha256=code_sha256(),
                  versions=versions())


def study_config(record: Record) -> StudyConfig:
    """Raises CheckpointError for a run that does not tune, or the config of another version."""
    if record.kind != "tune":
        raise CheckpointError("expected a run that tunes, got one that trains")
    try:
        return StudyConfig.model_validate(record.config)
    except ValidationError as error:
        raise CheckpointError(f"{CONFIG}: expected the config of a study, got {in_words(error)}") from error


def tune(folder: Path, should_stop: jobs.ShouldStop, *, progress: Callable[[Trial], None] | None = None) -> None:
    """Go on with a study where its folder stands, until its last trial and its report. Raises StoppedError if it should stop."""
    if (folder / REPORT).exists():
        return
    record = read_record(folder)
    config, start = study_config(record), time.monotonic()
    with without_startup_notes():
        import tensorflow as tf
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")  # each trial is a new graph, and TensorFlow would advise against that
    prepared = prepared_for(config, record)
    rows = development(prepared, config)
    with evaluation(config, rows, should_stop) as evaluate:
        search(folder, config, evaluate, progress)
    _report(folder, config, prepared, should_stop, start)


@contextmanager
def evaluation(config: StudyConfig, rows: Rows, should_stop: jobs.ShouldStop) -> Iterator[Batch]:
    """What trains trials: workers where the config names some, or this process, one trial after the other."""
    if config.workers or config.scheduler:
        from mtl_core.tuning.cluster import Cluster

        with Cluster(config, rows, should_stop=should_stop) as cluster:
            yield cluster.evaluate
        return
    from mtl_core.tuning.objective import evaluate

    yield lambda proposals, before: (evaluate(one, config, rows, before, should_stop=should_stop) for one in proposals)


def search(folder: Path, config: StudyConfig, evaluate: Batch, progress: Callable[[Trial], None] | None = None) -> None:
    """Ask, evaluate, write down, until nothing is left to ask for."""
    trials = {trial.number: trial for trial in read_trials(folder / TRIALS)}
    while True:
        number = next(number for number in range(len(trials) + 1) if number not in trials)
        before = [trial for trial in trials.values() if trial.number < batch_start(number, config.batch)]
        start = time.monotonic()
        todo = [proposal for proposal in ask(config, before, number) if proposal.number not in trials]
        asked = round((time.monotonic() - start) / max(len(todo), 1), 3)
        if not todo:
            return
        _say(folder, config, trials, todo)
        for trial in evaluate(todo, before):
            trial = trial.model_copy(update={"entered_as": entered_as(trial.status, trial.score, before),
                                             "seconds": trial.seconds.model_copy(update={"ask": asked})})
            _append(folder, trial)
            trials[trial.number] = trial
            trials = {number: trials[number] for number in sorted(trials)}
            if progress:
                progress(trial)


def _append(folder: Path, trial: Trial) -> None:
    """On the disk before anything else happens."""
    append_line(folder / TRIALS, trial.model_dump(mode="json"))
    with (folder / TRIALS).open("rb") as written:
        os.fsync(written.fileno())


def _say(folder, config, trials, todo):
    """One line in the progress log when trials begin."""
    took = [sum(trial.seconds.model_dump().values()) for trial in trials.values()]
    left = config.n_trials + 1 - len(trials)
    append_progress(folder, {
        "trials": [proposal.number for proposal in todo], "proposed_by": todo[0].proposed_by, "n_done": len(trials),
        "n_trials": config.n_trials + 1, "points": [proposal.point for proposal in todo], "time": time.time(),
        "seconds_left": round(left * float(np.mean(took[-20:])), 1) if took else None})


def prepared_for(config: StudyConfig, record: Record | None = None) -> pipeline.Prepared:
    """All rows of a study, featurised. Raises RunError when the data are not those that its record names."""
    base, curation = pipeline.pinned(config.base, None)
    table = read_data(base.data.datasets)
    if record is not None and table.sha256 != record.data_sha256:
        raise RunError(f"expected the data with the fingerprint {record.data_sha256[:12]}, as when the study was started, got "
                       f"{table.sha256[:12]}; start a new study")
    return pipeline.prepare(table, base, curation=curation)


def _report(folder: Path, config: StudyConfig, prepared: pipeline.Prepared, should_stop, start: float) -> None:
    """What tuning was worth on the outer fold, which it never saw."""
    from mtl_core.tuning.outer import held_out, report_of

    trials = read_trials(folder / TRIALS)
    best = incumbent(trials)
    append_progress(folder, {"outer": True, "n_done": len(trials), "n_trials": config.n_trials + 1, "time": time.time()})
    started, part = time.monotonic(), outer_part(prepared, config)
    tables = {"default": held_out(config, None, prepared, part, should_stop)}
    if best is not None and best.number != 0:
        tables["tuned"] = held_out(config, best, prepared, part, should_stop)
    write_table(folder / OUTER, pd.concat([table.assign(configuration=name) for name, table in tables.items()]))
    outer_seconds = round(time.monotonic() - started, 1)
    report = report_of(config, trials, pd.read_csv(folder / OUTER), units(prepared.observations))
    write_json(folder / REPORT, report | {"seconds": _phases(trials) | {"outer": outer_seconds}})


def _phases(trials: Sequence[Trial]) -> dict[str, float]:
    """Sum of the seconds of all trials, by phase."""
    return pd.DataFrame([trial.seconds.model_dump() for trial in trials]).sum().round(1).to_dict()
