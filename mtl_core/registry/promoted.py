"""Which run the app answers from: one small file of the user, written by rename; without it, the ensemble that comes along."""
from functools import lru_cache
from pathlib import Path

from mtl_core.errors import CheckpointError, RunError
from mtl_core.files import read_json, write_json
from mtl_core.registry import locks
from mtl_core.registry.reading import as_seen, read_run
from mtl_core.registry.runs import METRICS, SHIPPED, Status, run_folder
from mtl_core.registry.store import signature_of
from mtl_core.settings import USER_DIR

PROMOTED = "promoted.json"


def promote(run: str, root: Path | None = None, *, user_root: Path | None = None) -> None:
    """Let the app answer from this run from now on; "shipped" for the ensemble that the project ships.

    Raises CheckpointError for a run that is not there, RunError for one that has no ensemble to answer with.
    """
    if obstacle := _obstacle(run, root):
        raise RunError(f"{run}: expected a complete training, {obstacle}")
    home = user_root or USER_DIR
    try:
        home.mkdir(parents=True, exist_ok=True)
        with locks.alone(home / ".promoted"):
            write_json(home / PROMOTED, {"run": run})
    except OSError as error:
        raise RunError(f"{home}: expected a folder that can be written, got: {error.strerror or error}") from error


def promoted(user_root: Path | None = None) -> str:
    """The run that was promoted last, whatever became of it; "shipped" where none was, or where the file cannot be read."""
    try:
        return str(read_json((user_root or USER_DIR) / PROMOTED).get("run", SHIPPED))
    except (CheckpointError, OSError):
        return SHIPPED


def answering(root: Path | None = None, *, user_root: Path | None = None) -> tuple[str, str]:
    """The run that answers, and a sentence where it is not the one that was promoted."""
    run = promoted(user_root)
    obstacle = _obstacle(run, root)
    return (SHIPPED, f"The run {run[:40]} was promoted, but {obstacle}") if obstacle else (run, "")


def _obstacle(run: str, root: Path | None) -> str:
    """Why nothing can be asked of a run; empty when it can answer."""
    if run == SHIPPED:
        return ""
    try:
        folder = run_folder(run, root)
        return _obstacle_in(folder, signature_of(folder))
    except (CheckpointError, OSError):
        return "it is not here any more."


@lru_cache(maxsize=64)  # asked for at every move of a slider
def _obstacle_in(folder: Path, signature: str) -> str:
    found = as_seen(read_run(folder), folder)
    if found.label.deleted:
        return "it was deleted; restore it to use it."
    if found.status is not Status.complete:
        return f"it is {found.status}. {found.sentence}"
    return "" if (folder / METRICS).exists() and found.scores else "it has no ensemble; train one with what it found."
