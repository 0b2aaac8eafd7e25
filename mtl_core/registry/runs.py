"""Run folders: one a training, written in order, each file by rename; a finished run never changes."""
import datetime
import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from mtl_core.errors import CheckpointError
from mtl_core.settings import RUNS_DIR, SHIPPED_DIR

SHIPPED = "shipped"
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")


def new_run(root: Path | None = None) -> Path:
    """Make the folder of a new run; its name, the run's id, is the UTC time and four random digits."""
    now = datetime.datetime.now(datetime.UTC)
    folder = (root or RUNS_DIR) / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    return folder


def run_folder(run: str, root: Path | None = None) -> Path:
    """The folder of a run id, or of "shipped". Raises CheckpointError for a run that is not there."""
    if run == SHIPPED:
        return SHIPPED_DIR
    folder = (root or RUNS_DIR) / run
    if not _ID.fullmatch(run) or not folder.is_dir():
        known = ", ".join([SHIPPED, *list_runs(root)])
        raise CheckpointError(f"expected one of the runs {known}; got {run!r}")
    return folder


def list_runs(root: Path | None = None) -> list[str]:
    """Ids of all run folders, the newest first."""
    return sorted((path.name for path in (root or RUNS_DIR).glob("*") if _ID.fullmatch(path.name)), reverse=True)


def append_progress(folder: Path, line: Mapping) -> None:
    """Add one JSON line to the run's progress log."""
    with (folder / "progress.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
