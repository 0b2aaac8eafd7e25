"""A run as one zip file: arrays, JSON and CSV, and nothing that could execute.

What comes in is not trusted: names, sizes and compression are looked at before anything is unpacked, every file is compared with
the fingerprint that the run wrote down, and arrays are read without pickle. Nothing is seen in the run store before all is well.
"""
import math
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import numpy.lib.format as npy

from mtl_core.errors import CheckpointError, RunError
from mtl_core.files import read_json, sha256_of, write_json
from mtl_core.registry.reading import read_label, read_run
from mtl_core.registry.runs import CONFIG, LABEL, STATUS, State, Status, is_id, read_record, read_state, run_folder
from mtl_core.settings import RUNS_DIR

MAX_FILES = 95  # a validation on all rungs has 88
MAX_BYTES = 500 * 2**20  # of all files unpacked; the full preset makes some 20 MB
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}\.(json|jsonl|csv|npz)")
_UNREADABLE = (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, EOFError, KeyError)
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def export_run(run: str, target: BinaryIO, root: Path | None = None) -> None:
    """Write a complete run as a zip file; raises what `check_export` does."""
    folder, made = run_folder(run, root), check_export(run, root)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in made:
            archive.write(folder / name, f"{run}/{name}")
        archive.write(folder / STATUS, f"{run}/{STATUS}")
        archive.writestr(f"{run}/{LABEL}", read_label(folder)[0].model_dump_json(indent=1))


def check_export(run: str, root: Path | None = None) -> tuple[str, ...]:
    """Names of the files that training wrote. Raises RunError when the run is not complete or one of them was changed since."""
    folder = run_folder(run, root)
    found = read_run(folder)
    if found.status is not Status.complete or not (folder / STATUS).exists():
        raise RunError(f"{run}: expected a complete run of this version to export, it is {found.status}. {found.sentence}")
    made = read_state(folder).files
    for name, facts in made.items():
        _expect(f"{run}/{name}: the fingerprint", facts.sha256, sha256_of(folder / name))
    return tuple(made)


def import_run(source: Path | BinaryIO, root: Path | None = None, *, check: Callable[[str, Path], None] | None = None) -> str:
    """Take a run out of a zip file into the run store and return its id.

    check(id, root): what else must hold of the run, as long as it stands in a folder of its own; it raises an AlloyscopeError.
    Raises RunError that says what is wrong with the archive; nothing of it is kept then.
    """
    home = root or RUNS_DIR
    with _opened(source) as archive, _incoming(home) as waiting:
        run, members = _looked_at(archive)
        if (home / run).exists():
            raise RunError(f"expected a run that is not here yet, {run} is; if no list shows it, it was deleted: restore it")
        folder = waiting / run
        folder.mkdir()
        for name, member in members.items():
            _unpack(archive, member, folder / name)
        _check_run(folder)
        if check:
            check(run, waiting)
        try:
            folder.rename(home / run)
        except OSError as error:  # someone else brought it in meanwhile
            raise RunError(f"expected a run that is not here yet, {run} is") from error
    return run


def _opened(source: Path | BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except _UNREADABLE as error:
        raise RunError(f"expected a zip file with a run, got one that cannot be read ({error})") from error


@contextmanager
def _incoming(home: Path) -> Iterator[Path]:
    """A folder that no list shows, gone afterwards."""
    folder = home / f".incoming-{uuid4().hex}"
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise RunError(f"{home}: expected a folder with space for a run, got: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _looked_at(archive: zipfile.ZipFile) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The run's id and its files by name, from the table of contents alone."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MAX_FILES:
        raise RunError(f"expected at most {MAX_FILES} files in a run, got {len(members)}")
    paths = [member.filename for member in members]
    for path, member in zip(paths, members, strict=True):
        _check_member(path, member)
    runs = sorted({path.partition("/")[0] for path in paths})
    if len(runs) != 1 or len(set(paths)) != len(paths):
        raise RunError(f"expected the files of one run, each once, got {len(runs)} runs and {len(paths)} files")
    size = sum(member.file_size for member in members)
    if size > MAX_BYTES:
        raise RunError(f"expected a run of at most {MAX_BYTES / 2**20:.0f} MB, got {size / 2**20:.0f} MB (not unpacked)")
    return runs[0], {path.partition("/")[2]: member for path, member in zip(paths, members, strict=True)}


def _check_member(path: str, member: zipfile.ZipInfo) -> None:
    run, _, name = path.partition("/")
    if not is_id(run) or not _NAME.fullmatch(name):
        raise RunError(f"expected files such as 20260131-120000-0a1b/metrics.json (JSON, CSV and npz), got {path[:100]!r}")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise RunError(f"{path}: expected a plain file, got a link or a device")
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RunError(f"{path}: expected a file stored or deflated, got one that is encrypted or packed in another way")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Never more than the table of contents said; a wrong checksum is an error."""
    with target.open("xb") as file:
        try:
            with archive.open(member) as source:
                shutil.copyfileobj(source, file)
        except _UNREADABLE as error:
            raise RunError(f"{member.filename}: expected a file that can be unpacked, got a damaged one ({error})") from error


def _check_run(folder: Path) -> None:
    """That the run is complete, holds what it says that it holds, and every file can be read."""
    try:
        read_record(folder)
        state = read_state(folder)
        _expect(f"{folder.name}: a status", Status.complete, state.status)
        present = {path.name for path in folder.iterdir()} - {STATUS, LABEL}
        _expect(f"{folder.name}: files", sorted({CONFIG, *state.files}), sorted(present))
        for name, facts in state.files.items():
            _expect(f"{folder.name}/{name}: the fingerprint", facts.sha256, sha256_of(folder / name))
            _READERS[folder.joinpath(name).suffix](folder / name)
        _renew(folder, state)
    except (CheckpointError, RecursionError) as error:
        raise RunError(str(error).replace(f"{folder.parent}/", "")) from error


def _renew(folder: Path, state: State) -> None:
    """What is said about the run is written anew from what was understood of it, so that nothing else comes along."""
    label = read_label(folder)[0]
    if label.deleted:
        label = label.model_copy(update={"deleted": None})
    write_json(folder / LABEL, label.model_dump(mode="json"))
    write_json(folder / STATUS, state.model_dump(mode="json"))


def _look_at_arrays(path: Path) -> None:
    """That an .npz holds arrays of plain numbers, each as large as it says; judged by their headers, nothing is loaded."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES / 2**20:.0f} MB of them")
            for member in archive.infolist():
                with archive.open(member) as stream:
                    shape, _, kind = _HEADERS[npy.read_magic(stream)](stream)
                    if kind.hasobject or stream.tell() + math.prod(shape) * kind.itemsize != member.file_size:
                        raise ValueError(f"{member.filename}: {kind} {shape}")
    except (OSError, *_UNREADABLE) as error:
        raise RunError(f"{path.name}: expected arrays of numbers, got something else ({error})") from error


def _read_text(path: Path) -> None:
    try:
        is_text = "\0" not in path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        raise RunError(f"{path.name}: expected text, got bytes that are none")


_READERS = {".json": read_json, ".jsonl": _read_text, ".csv": _read_text, ".npz": _look_at_arrays}


def _expect(what: str, expected: object, came: object) -> None:
    if expected != came:
        raise RunError(f"{what}: expected {expected}, got {came}; the run was changed after training")
