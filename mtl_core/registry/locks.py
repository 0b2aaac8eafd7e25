"""Locks that the kernel lets go of when their process ends, however it ends.

A process id can be reused and a killed process lingers as a zombie, so neither tells whether a run still has its process. A lock
(flock) on an open file does: it is free the moment that its last holder is gone, by SIGKILL and power cut as well.
"""
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 1.0  # seconds; whoever only looks holds the lock for microseconds
POLL = 0.01


def claim(path: Path, *, patience: float = PATIENCE) -> int | None:
    """The open file that holds the lock, or None while another process holds it."""
    import fcntl  # here, because it is not made for every system on which runs are only read

    end, file = time.monotonic() + patience, os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(file)
                return None
        time.sleep(POLL)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock; a file that is not there is held by nobody."""
    import fcntl

    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def release(file: int) -> None:
    """Let go of a lock; a child that inherited the open file holds on to it."""
    with suppress(OSError):
        os.close(file)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """The only process inside, for a moment; waits for the others. Raises TimeoutError when one stays in there."""
    file = claim(path, patience=10.0)
    if file is None:
        raise TimeoutError(f"{path}: expected the lock to be free within 10 s, another process holds it")
    try:
        yield
    finally:
        release(file)
