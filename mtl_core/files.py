"""Files that nobody ever sees half written, and whose reading cannot execute anything."""
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from mtl_core.errors import CheckpointError

_TAIL = 2**17  # bytes at the end of a file of lines that hold its last one


def write_json(path: Path, content: Mapping) -> None:
    """Write by rename, so that a reader sees the old file or the new one and never half of it."""
    temporary = path.with_suffix(path.suffix + ".part")
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    _put(temporary, path)


def read_json(path: Path) -> dict:
    """A JSON object; raises CheckpointError when the file is missing or holds something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"expected the file {path.name} in {path.parent}, it is not there") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: expected JSON, got a damaged file ({error})") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: expected a JSON object, got {type(content).__name__}")
    return content


def append_line(path: Path, line: Mapping) -> None:
    """Add one JSON line; what a killed process left of its last line stays a line of its own."""
    with path.open("ab+") as log:
        if log.tell() and log.seek(-1, os.SEEK_END) and log.read(1) != b"\n":
            log.write(b"\n")
        log.write(json.dumps(line).encode() + b"\n")


def read_lines(path: Path) -> list[dict]:
    """The JSON lines of a file that may not be there yet; a line that was torn when its process was killed is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [line for line in map(_line, lines) if isinstance(line, dict)]


def last_line(path: Path) -> dict:
    """The last whole JSON line of a file that may be long, read from its end; empty before there is one."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
            lines = log.read().splitlines()
    except FileNotFoundError:
        return {}
    return next((line for line in map(_line, reversed(lines)) if isinstance(line, dict)), {})


def _line(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], *, compressed: bool = True) -> None:
    """Write an .npz by rename."""
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    _put(temporary, path)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz; pickled objects are refused. Raises CheckpointError for a damaged file."""
    try:
        # Opened here, because numpy leaves a damaged archive open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"{path}: expected arrays, got a file that cannot be read ({error})") from error


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV by rename, six digits a number."""
    temporary = path.with_suffix(".part")
    table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    _put(temporary, path)


def _put(temporary: Path, path: Path) -> None:
    """Rename what is really on the disk: a power cut could otherwise leave the new name with nothing in it."""
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.replace(path)


def sha256_of(path: Path) -> str:
    """Fingerprint of a file; raises CheckpointError when it is missing."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise CheckpointError(f"expected the file {path.name} in {path.parent}, it is not there") from error
