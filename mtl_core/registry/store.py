"""All runs at once: their folders say what they are, and an index in SQLite remembers what the folders said.

The index (`registry.sqlite`) holds nothing of its own. Each row carries the fingerprint of its folder's listing (names, sizes,
times), so a folder that changed, came or went is noticed the next time that anyone lists the runs, whoever changed it.
"""
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from shutil import rmtree

from pydantic import ValidationError

from mtl_core.errors import RunError, in_words
from mtl_core.files import write_json
from mtl_core.registry import locks
from mtl_core.registry.reading import as_seen, read_label, read_run
from mtl_core.registry.runs import LABEL, LIVE, LOCK, LOG, Label, Run, is_id, own_folder, run_folder
from mtl_core.settings import RUNS_DIR

INDEX = "registry.sqlite"
BUSY_SECONDS = 5.0
_FORMAT = (2, sorted(Run.model_fields))  # a row of another version counts as changed
_GONE = ".gone-"  # in front of the folder of a run that is being removed
_UNSIGNED = {LOCK, LOG}  # they change all the time and say nothing about the run
_SCHEMA = "CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, signature TEXT NOT NULL, content TEXT NOT NULL)"


def list_runs(root: Path | None = None, *, deleted: bool = False) -> tuple[Run, ...]:
    """All runs, the newest first; those that were deleted only if asked for. An index that cannot be used costs time, no run."""
    home = root or RUNS_DIR
    runs = (as_seen(run, home / run.id) for run in _indexed(home))
    return tuple(sorted((run for run in runs if deleted or not run.label.deleted), key=lambda run: run.id, reverse=True))


def find_run(run: str, root: Path | None = None) -> Run:
    """One run, straight from its folder. Raises CheckpointError when it is not there."""
    folder = run_folder(run, root)
    return as_seen(read_run(folder), folder)


def rebuild(root: Path | None = None) -> int:
    """Make the index anew from the folders alone; returns how many runs it holds. Raises RunError when it cannot be written."""
    home = root or RUNS_DIR
    found = [(signature, read_run(folder)) for folder, signature in _folders(home)]
    _discard(home)
    try:
        with _index(home) as index:
            _store(index, found)
    except (sqlite3.Error, OSError) as error:
        raise RunError(f"{home / INDEX}: expected an index that can be written, got: {error}") from error
    return len(found)


def set_label(run: str, root: Path | None = None, **changes: object) -> Label:
    """Change some of name, note, tags and deleted; two writers at once lose nothing of each other's fields.

    Raises RunError for a value that cannot be one, or for the shipped run.
    """
    home, folder = root or RUNS_DIR, own_folder(run, root)
    with locks.alone(home / ".labels"):
        label = check_label(**read_label(folder)[0].model_dump() | changes)
        write_json(folder / LABEL, label.model_dump(mode="json"))
    return label


def check_label(**facts: object) -> Label:
    """A label of these facts. Raises RunError that says which cannot be one."""
    try:
        return Label.model_validate(facts)
    except ValidationError as error:
        raise RunError(f"label: {in_words(error)}") from error


def delete_run(run: str, root: Path | None = None) -> None:
    """Take a run off the list; its folder stays until `purge_run`, and `restore_run` brings it back.

    Raises RunError while its process is there.
    """
    found = find_run(run, root)
    if found.status in LIVE:
        raise RunError(f"{run}: expected a run without a process, it is {found.status}; stop it first")
    set_label(run, root, deleted=found.label.deleted or datetime.now(UTC))


def purge_run(run: str, root: Path | None = None) -> int:
    """Remove a deleted run from the disk for good; returns how many bytes that freed. Raises RunError for a run that was not
    deleted before, or that somebody works at."""
    home, folder, found = root or RUNS_DIR, own_folder(run, root), find_run(run, root)
    if found.label.deleted is None or found.status in LIVE:
        raise RunError(f"{run}: expected a run that was deleted, it is {found.status} and listed; delete it first")
    size, grave = size_of(run, root), home / f"{_GONE}{run}"
    try:
        folder.rename(grave)  # gone from the list at once, however long the rest takes
    except OSError as error:
        raise RunError(f"{folder}: expected a folder that can be removed, got: {error.strerror or error}") from error
    for left in home.glob(f"{_GONE}*"):  # of a removal that was interrupted as well
        rmtree(left, ignore_errors=True)
    if grave.exists():
        raise RunError(f"{grave}: expected files that can be removed, some cannot; remove what is left by hand")
    return size


def size_of(run: str, root: Path | None = None) -> int:
    """Bytes of all files of a run."""
    return sum(path.lstat().st_size for path in run_folder(run, root).rglob("*") if not path.is_dir())


def restore_run(run: str, root: Path | None = None) -> None:
    """Undo a deletion."""
    set_label(run, root, deleted=None)


def _indexed(home: Path) -> Iterable[Run]:
    present = list(_folders(home))
    if not present:
        return []
    try:
        with _index(home) as index:
            return _refreshed(index, present)
    except (sqlite3.Error, OSError) as error:  # damaged, or not writable: the folders know it all, and `rebuild` says why
        if _is_damaged(error):
            _discard(home)
        return [read_run(folder) for folder, _ in present]


def _is_damaged(error: Exception) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _discard(home: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            (home / f"{INDEX}{suffix}").unlink()


def _refreshed(index, present):
    stored = {(run, signature): content for run, signature, content in index.execute("SELECT id, signature, content FROM runs")}
    known = {folder.name: _listed_before(stored[folder.name, signature])
             for folder, signature in present if (folder.name, signature) in stored}
    changed = [(signature, read_run(folder)) for folder, signature in present if folder.name not in known]
    gone = {run for run, _ in stored} - {folder.name for folder, _ in present}
    _store(index, changed, gone)
    return [*known.values(), *(run for _, run in changed)]


@lru_cache(maxsize=4096)  # a page that follows the store asks every other second
def _listed_before(content: str) -> Run:
    return Run.model_validate_json(content)


def _store(index, found: Iterable[tuple[str, Run]], gone: Iterable[str] = ()) -> None:
    index.executemany("DELETE FROM runs WHERE id = ?", [(run,) for run in gone])
    index.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", [
        (run.id, signature, run.model_dump_json()) for signature, run in found])


@contextmanager
def _index(home: Path) -> Iterator[sqlite3.Connection]:
    """The index, committed at the end. Readers and the writer do not wait for each other (WAL); writers wait in turn."""
    with closing(sqlite3.connect(home / INDEX, timeout=BUSY_SECONDS)) as index:
        if index.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            index.execute("PRAGMA journal_mode = WAL")
        index.execute("PRAGMA synchronous = NORMAL")
        index.execute(_SCHEMA)
        with index:
            yield index


def _folders(home: Path) -> Iterator[tuple[Path, str]]:
    """Each run folder with the fingerprint of its listing, taken before any of its files is read."""
    if not home.is_dir():
        return
    with os.scandir(home) as entries:
        names = sorted(entry.name for entry in entries if is_id(entry.name))
    for name in names:
        with suppress(FileNotFoundError, NotADirectoryError):  # taken away meanwhile
            yield home / name, signature_of(home / name)


def signature_of(folder: Path) -> str:
    """Fingerprint of a run folder's listing; what its files say follows from it."""
    with os.scandir(folder) as entries:
        listing = [_FORMAT, *sorted(_listed(entry) for entry in entries if entry.name not in _UNSIGNED)]
    return hashlib.blake2b(repr(listing).encode(), digest_size=16).hexdigest()


def _listed(entry: os.DirEntry) -> tuple:
    with suppress(FileNotFoundError):  # a file that was being written a moment ago
        seen = entry.stat()
        return entry.name, seen.st_size, seen.st_mtime_ns, seen.st_ino
    return (entry.name,)
