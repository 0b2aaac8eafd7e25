"""Run folders: one a training, each file written by rename; a finished run never changes, but for its label.

config.json     written once: preset, config, fingerprints of data and code, versions
status.json     what its process said last; at the end how it ended, with size and fingerprint of every file that it made
label.json      name, note, tags, deleted: may change at any time
progress.jsonl  one line an epoch
lock            held by the process of the run for as long as it lives, and touched as its heartbeat
stop            there from the moment that somebody asks the process to stop
run.log         what the process printed
"""
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mtl_core.errors import CheckpointError, RunError, in_words
from mtl_core.files import append_line, read_json, read_lines, write_json
from mtl_core.registry import locks
from mtl_core.settings import RUNS_DIR, SHIPPED_DIR

SHIPPED = "shipped"
CONFIG, STATUS, LABEL, PROGRESS, LOCK, STOP, LOG = (
    "config.json", "status.json", "label.json", "progress.jsonl", "lock", "stop", "run.log")
METRICS = "metrics.json"
_OF_PROCESS = {STATUS, LABEL, LOCK, STOP, LOG}  # no result of the training
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
_NAMED = 5  # runs that are named in an error, the newest first

Kind = Literal["train", "tune", "validate"]


class Status(StrEnum):
    """Where a run stands. Lost or stopped, or failed for a reason that is gone, it can be resumed."""

    queued = "queued"
    running = "running"
    complete = "complete"
    failed = "failed"
    stopped = "stopped"
    lost = "lost"
    damaged = "damaged"


SENTENCES = {
    Status.queued: "Waits until the runs before it have ended.",
    Status.running: "Its process is at work.",
    Status.complete: "It ran to its end; all its files are there.",
    Status.failed: "Ended by an error.",
    Status.stopped: "Stopped when asked to; resume continues where it was.",
    Status.lost: "Its process is gone; resume continues from what was saved last.",
    Status.damaged: "Its folder cannot be read.",
}
LIVE = (Status.queued, Status.running)
RESUMABLE = (Status.stopped, Status.lost, Status.failed)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Record(_Frozen):
    """config.json: what a run is to do, with which data and code.

    config: in JSON the EnsembleConfig of a run that trains, the StudyConfig of one that tunes, the ValidationConfig of one that
    validates; its seed is the root of all that is random.
    """

    format: Literal[1] = 1
    kind: Kind = "train"
    preset: str | None = None
    config: dict[str, object]
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))
    data_sha256: str = ""
    code_sha256: str = ""
    versions: dict[str, str] = {}


class Made(_Frozen):
    """Size and SHA-256 of a file that training made."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class State(_Frozen):
    """status.json. since: of this status; files: by name, once complete."""

    status: Status
    since: datetime
    queued: datetime
    started: datetime | None = None
    pid: int | None = None
    reason: str = ""
    traceback: str = ""
    files: dict[str, Made] = {}


class Label(_Frozen):
    """label.json: what people say about a run. deleted: since when it is not listed any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f]*$")] = Field("", max_length=80)
    note: str = Field("", max_length=5000)
    tags: tuple[Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f,]{1,30}$")], ...] = Field(
        (), max_length=20)
    deleted: datetime | None = None


class Run(_Frozen):
    """A run as it is listed. scores: task → split → r2, mae, rmse, coverage (of the 90 % band); seconds: from its first start
    to its end, None before; folds_sha256: equal for runs that were tested on the same folds."""

    id: str
    status: Status
    sentence: str
    created: datetime
    queued: datetime | None = None
    started: datetime | None = None
    since: datetime | None = None
    pid: int | None = None
    kind: Kind = "train"
    preset: str | None = None
    config: dict[str, object] = {}
    label: Label = Label()
    scores: dict[str, dict[str, dict[str, float]]] = {}
    seconds: float | None = None
    data_sha256: str = ""
    folds_sha256: str = ""


def new_id() -> str:
    """The UTC time and four random digits."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def is_id(text: str) -> bool:
    """Whether a text could be the id of a run."""
    return _ID.fullmatch(text) is not None


def new_run(root: Path | None = None) -> Path:
    """Make the empty folder of a new run; its name is the run's id."""
    folder = (root or RUNS_DIR) / new_id()
    folder.mkdir(parents=True)
    return folder


def recorded_run(record: Record, label: Label, root: Path | None = None) -> tuple[Path, int]:
    """A new run that waits, and the lock that its process is to hold; seen whole or not at all.

    Raises RunError when the folder cannot be written.
    """
    home, run, now = root or RUNS_DIR, new_id(), datetime.now(UTC)
    draft = home / f".new-{run}"
    try:
        draft.mkdir(parents=True)
        write_json(draft / CONFIG, record.model_dump(mode="json"))
        write_json(draft / LABEL, label.model_dump(mode="json"))
        write_state(draft, State(status=Status.queued, since=now, queued=now))
        lock = locks.claim(draft / LOCK)
        return draft.rename(home / run), lock
    except OSError as error:
        raise RunError(f"{home}: expected a folder with space in which runs can be written, got: {error.strerror}; free some "
                       "space, or set ALLOYSCOPE_RUNS to another folder") from error


def run_folder(run: str, root: Path | None = None) -> Path:
    """The folder of a run id, or of "shipped". Raises CheckpointError for a run that is not there."""
    if run == SHIPPED:
        return SHIPPED_DIR
    folder = (root or RUNS_DIR) / run
    if not is_id(run) or not folder.is_dir():
        ids = run_ids(root)
        known = ", ".join([SHIPPED, *ids[:_NAMED]]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
        raise CheckpointError(f"expected one of the runs {known}; got {run[:80]!r}")
    return folder


def own_folder(run: str, root: Path | None = None) -> Path:
    """The same for a run of the user; raises RunError for "shipped", which nobody changes."""
    if run == SHIPPED:
        raise RunError(f"expected a run of your own, got {run!r}, which belongs to the program")
    return run_folder(run, root)


def run_ids(root: Path | None = None) -> list[str]:
    """Ids of all run folders, the newest first."""
    return sorted((path.name for path in (root or RUNS_DIR).glob("*") if is_id(path.name)), reverse=True)


def append_progress(folder: Path, line: Mapping) -> None:
    """Add one JSON line to the run's progress log."""
    append_line(folder / PROGRESS, line)


def read_progress(folder: Path) -> list[dict]:
    """The lines of the progress log, see `files.read_lines`."""
    return read_lines(folder / PROGRESS)


def write_state(folder: Path, state: State) -> None:
    """For the process that holds the run's lock, and nobody else."""
    write_json(folder / STATUS, state.model_dump(mode="json"))


def read_record(folder: Path) -> Record:
    """Raises CheckpointError when config.json is missing or damaged."""
    return _valid(Record, folder / CONFIG)


def read_state(folder: Path) -> State:
    """Raises CheckpointError when status.json is missing or damaged."""
    return _valid(State, folder / STATUS)


def made_files(folder: Path) -> list[Path]:
    """What belongs to the result of a run, by name: all but the papers of its process, its label and what is half written."""
    return sorted(path for path in folder.iterdir()
                  if path.is_file() and path.name not in _OF_PROCESS and path.suffix != ".part" and path.name[0] != ".")


def _valid(kind, path):
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        raise CheckpointError(f"{path.parent.name}/{path.name}: {in_words(error)}") from error
