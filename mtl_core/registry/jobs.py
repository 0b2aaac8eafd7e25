"""Jobs: each run has a process of its own, which no browser tab and no server can take along when it goes.

The process is made when the run is queued and waits for its turn by itself, so a queue needs nobody who looks after it: when the
process of a run ends, by SIGKILL as well, the kernel frees the slot that it held, and the oldest run that waits takes it.
"""
import errno
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from mtl_core.errors import AlloyscopeError, RunError, StoppedError
from mtl_core.files import sha256_of
from mtl_core.registry import locks
from mtl_core.registry.reading import as_seen, read_run
from mtl_core.registry.runs import (
    LIVE,
    LOCK,
    LOG,
    RESUMABLE,
    STOP,
    Label,
    Made,
    Record,
    State,
    Status,
    made_files,
    own_folder,
    read_state,
    recorded_run,
    run_folder,
    write_state,
)
from mtl_core.registry.store import find_run, list_runs
from mtl_core.settings import ROOT, USER_DIR

N_SLOTS = max(1, int(os.environ.get("ALLOYSCOPE_JOBS", 1)))  # runs that train at the same time
WORK = (sys.executable, "-m", "mtl_core", "runs", "work")
POLL_SECONDS = 0.2
HEARTBEAT_SECONDS = 2.0

ShouldStop = Callable[[], bool]
Body = Callable[[Path, ShouldStop], None]  # trains in a folder; raises StoppedError when it stopped because it should


def start(record: Record, *, label: Label | None = None, root: Path | None = None, command: Sequence[str] = WORK) -> str:
    """Queue a run as a process of its own and return its id at once. Raises RunError when its folder cannot be written."""
    folder, lock = recorded_run(record, label or Label(), root)
    _spawn(folder, lock, command)
    return folder.name


def resume(run: str, *, root: Path | None = None, command: Sequence[str] = WORK) -> None:
    """Queue a run again that was stopped, lost or failed. Raises RunError for any other."""
    folder = own_folder(run, root)
    lock = _claimed(folder)
    try:
        found = as_seen(read_run(folder), folder, is_held=False)
        if found.status not in RESUMABLE or found.label.deleted:
            came = "was deleted; restore it first" if found.label.deleted else f"is {found.status}. {found.sentence}"
            raise RunError(f"{run}: expected a run that was stopped, lost or failed, but it {came}")
        (folder / STOP).unlink(missing_ok=True)
        now = datetime.now(UTC)
        _change(folder, status=Status.queued, since=now, queued=now, reason="", traceback="", pid=None)
    except BaseException:
        locks.release(lock)
        raise
    _spawn(folder, lock, command)


def stop(run: str, *, root: Path | None = None) -> None:
    """Ask the process of a run to stop; it does so within an epoch block. Raises RunError when the run has no process."""
    found = find_run(run, root)
    if found.status not in LIVE:
        raise RunError(f"{run}: expected a run that is queued or running, it is {found.status}")
    (run_folder(run, root) / STOP).touch()


def work(run: str, body: Body, *, lock: int | None = None, root: Path | None = None) -> None:
    """Be the process of a queued run: wait for its turn, train, and write down how it ended.

    lock: the open file by which whoever started this process handed over the run's lock. SIGTERM asks to stop.
    """
    folder = own_folder(run, root)
    lock = _claimed(folder) if lock is None else lock
    os.set_inheritable(lock, False)
    was_told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: was_told.set())
    should_stop = _should_stop(folder, was_told)
    try:
        with suppress(StoppedError), _recorded(folder):
            slot = _turn(folder, should_stop)
            try:
                _begin(folder)
                body(folder, should_stop)
            finally:
                locks.release(slot)
    finally:
        locks.release(lock)


@contextmanager
def in_foreground(record: Record, *, label: Label | None = None, root: Path | None = None) -> Iterator[tuple[Path, ShouldStop]]:
    """Be the process of a new run without waiting for others; those that wait do wait for this one. Yields what a body gets."""
    folder, lock = recorded_run(record, label or Label(), root)
    slot = _free_slot(folder.parent)
    try:
        with _recorded(folder):
            _begin(folder)
            yield folder, _should_stop(folder)
    finally:
        if slot is not None:
            locks.release(slot)
        locks.release(lock)


def _spawn(folder: Path, lock: int, command: Sequence[str]) -> None:
    """Hand the lock over to a new process, so that there is no moment at which nobody holds it."""
    environment = os.environ | {"ALLOYSCOPE_RUNS": str(folder.parent.resolve()), "ALLOYSCOPE_USER": str(USER_DIR.resolve())}
    try:
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen([*command, folder.name, "--lock", str(lock)], pass_fds=[lock], start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=environment)
    except OSError as error:
        raise RunError(f"{folder.name}: expected that a process can be started, got: {error}; resume the run later") from error
    finally:
        locks.release(lock)
    threading.Thread(target=process.wait, daemon=True).start()  # a child that nobody waits for stays a zombie


def _claimed(folder: Path) -> int:
    try:
        lock = locks.claim(folder / LOCK)
    except OSError as error:
        raise RunError(f"{folder.name}: expected a folder that can be written, got: {error.strerror}") from error
    if lock is None:
        raise RunError(f"{folder.name}: expected a run without a process, it has one: it is {read_state(folder).status}")
    return lock


def _should_stop(folder: Path, was_told: threading.Event | None = None) -> ShouldStop:
    return lambda: (was_told is not None and was_told.is_set()) or (folder / STOP).exists()


def _turn(folder: Path, should_stop: ShouldStop) -> int:
    """Wait for a slot, the oldest run first; returns the lock on it. Who holds a slot is the only one to look who is first."""
    while not should_stop():
        slot = _free_slot(folder.parent)
        if slot is not None:
            if _is_first(folder):
                return slot
            locks.release(slot)
        time.sleep(POLL_SECONDS)
    raise StoppedError(f"{folder.name}: stopped before its turn came")


def _free_slot(home: Path) -> int | None:
    slots = (locks.claim(home / f".slot-{number}", patience=0.0) for number in range(N_SLOTS))
    return next((slot for slot in slots if slot is not None), None)


def _is_first(folder: Path) -> bool:
    waiting = [run for run in list_runs(folder.parent, deleted=True) if run.status is Status.queued]
    return min(waiting, key=lambda run: (run.queued, run.id)).id == folder.name


def _begin(folder: Path) -> None:
    now = datetime.now(UTC)
    _change(folder, status=Status.running, since=now, started=read_state(folder).started or now, pid=os.getpid())


@contextmanager
def _recorded(folder: Path) -> Iterator[None]:
    """A heartbeat while it lasts; then status.json says how it ended, and the error goes on."""
    try:
        with _heartbeat(folder):
            yield
        _finish(folder, Status.complete, files={path.name: Made(bytes=path.stat().st_size, sha256=sha256_of(path))
                                                for path in made_files(folder)})
    except (StoppedError, KeyboardInterrupt):
        _finish(folder, Status.stopped)
        raise
    except BaseException as error:
        with suppress(OSError):  # on a full disk not even this may find space; the run is lost then, and its log says why
            _finish(folder, Status.failed, reason=_in_words(error), traceback=traceback.format_exc())
        raise
    finally:
        with suppress(OSError):
            (folder / STOP).unlink(missing_ok=True)


def _finish(folder: Path, status: Status, **facts: object) -> None:
    for half_written in folder.glob("*.part"):  # first, because it may be what fills the disk
        half_written.unlink(missing_ok=True)
    _change(folder, status=status, since=datetime.now(UTC), pid=None, **facts)


def _change(folder: Path, **facts: object) -> None:
    write_state(folder, State.model_validate(read_state(folder).model_dump() | facts))


def _in_words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"There is no space left for its files ({error.strerror}); free some and resume the run."
    return str(error) if isinstance(error, AlloyscopeError) else f"{type(error).__name__}: {error}"


@contextmanager
def _heartbeat(folder: Path) -> Iterator[None]:
    """Touch the lock again and again while the process is not halted."""
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):
                os.utime(folder / LOCK)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
