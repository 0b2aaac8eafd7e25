"""What one run folder says: its status with a sentence, whatever is or is not in it."""
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from mtl_core.errors import CheckpointError
from mtl_core.files import read_json
from mtl_core.registry import locks
from mtl_core.registry.runs import (
    CONFIG,
    LABEL,
    LIVE,
    LOCK,
    METRICS,
    SENTENCES,
    STATUS,
    STOP,
    Label,
    Run,
    State,
    Status,
    read_record,
    read_state,
)

SILENT_SECONDS = 30.0  # without a heartbeat, after which it is said; heartbeats come every other second
_SCORES = ("r2", "mae", "rmse")
_LEVEL = "0.9"  # of the band whose coverage is listed


def read_run(folder: Path) -> Run:
    """What the files of a folder say. Whatever is wrong with them is the run's status, never an error."""
    try:
        run = _recorded(folder) if (folder / CONFIG).exists() or (folder / STATUS).exists() else _unrecorded(folder)
    except (CheckpointError, OSError) as error:
        words = str(error).replace(f"{folder.parent}/", "")
        return Run(id=folder.name, status=Status.damaged, sentence=words, created=_created(folder), label=read_label(folder)[0])
    label, complaint = read_label(folder)
    return run.model_copy(update={"label": label, "sentence": f"{run.sentence} {complaint}".rstrip()})


def _recorded(folder):
    record, state = read_record(folder), read_state(folder)
    if state.status is Status.complete:
        _check_sizes(folder, state)
    is_scored = state.status is Status.complete and record.kind == "train"  # others have a report of their own
    report = read_json(folder / METRICS) if is_scored else {}
    return Run(
        id=folder.name, status=state.status, sentence=state.reason or _sentence(record, state), created=record.created,
        queued=state.queued, started=state.started, since=state.since, pid=state.pid, kind=record.kind, preset=record.preset,
        config=record.config, scores=_scores(report), seconds=_seconds(state), data_sha256=record.data_sha256,
        folds_sha256=str(report.get("folds_sha256", "")))


def _sentence(record, state):
    done = {"tune": "All its trials are done, and its report is there.",
            "validate": "All its models are scored, and its report is there."}
    return done.get(record.kind, SENTENCES[state.status]) if state.status is Status.complete else SENTENCES[state.status]


def _unrecorded(folder):
    """A run of the library itself, or of an earlier version: it says no more than what it has made."""
    report, description = read_json(folder / METRICS), read_json(folder / "ensemble.json")
    return Run(id=folder.name, status=Status.complete, sentence=SENTENCES[Status.complete], created=_created(folder),
               config=description.get("config", {}), scores=_scores(report), seconds=report.get("seconds"),
               data_sha256=description.get("data_sha256", ""))


def _check_sizes(folder: Path, state: State) -> None:
    for name, made in state.files.items():
        path = folder / name
        came = f"{path.stat().st_size} bytes" if path.is_file() else "no such file"
        if came != f"{made.bytes} bytes":
            raise CheckpointError(f"{folder.name}/{name}: expected {made.bytes} bytes, as it was written, got {came}; train "
                                  "again, or import the run once more")


def _scores(report: Mapping) -> dict:
    try:
        return {task: {split: {name: float(row[name]) for name in _SCORES} | _coverage(row) for split, row in splits.items()}
                for task, splits in report.get("metrics", {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{METRICS}: expected r2, mae and rmse of each task and split, got another file") from error


def _coverage(row: Mapping) -> dict[str, float]:
    return {"coverage": float(row["coverage"][_LEVEL])} if "coverage" in row else {}


def _seconds(state: State) -> float | None:
    if state.started is None:
        return None
    return None if state.status in LIVE else (state.since - state.started).total_seconds()


def _created(folder: Path) -> datetime:
    with suppress(ValueError):
        return datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)


def read_label(folder: Path) -> tuple[Label, str]:
    """The label, and what is wrong with it: it alone makes no run unusable."""
    if not (folder / LABEL).exists():
        return Label(), ""
    try:
        return Label.model_validate(read_json(folder / LABEL)), ""
    except (CheckpointError, ValidationError, OSError):
        return Label(), f"Its {LABEL} is damaged: name it anew."


def as_seen(run: Run, folder: Path, *, is_held: bool | None = None) -> Run:
    """Whether the process of a run is still there, which no file can know. is_held: whether somebody holds its lock, if known."""
    if run.status not in LIVE:
        return run
    if not (locks.is_held(folder / LOCK) if is_held is None else is_held):
        run = read_run(folder)  # its last word, written before it let go of the lock
        return run.model_copy(update={"status": Status.lost, "sentence": SENTENCES[Status.lost]}) if run.status in LIVE else run
    return run.model_copy(update={"sentence": _heard(run, folder)})


def _heard(run: Run, folder: Path) -> str:
    with suppress(OSError):
        silence = time.time() - (folder / LOCK).stat().st_mtime
        if silence > SILENT_SECONDS:
            return f"Its process {run.pid or ''} is there, but silent for {silence:.0f} s: halted, or short of memory."
        if (folder / STOP).exists():
            return "Asked to stop; it does so after the epochs under way."
    return run.sentence
