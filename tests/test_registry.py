"""The run store: what folders say, the index that follows them, labels, and runs that come from elsewhere as zip files."""
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import pytest

from mtl_core.errors import CheckpointError, RunError
from mtl_core.files import sha256_of
from mtl_core.registry import archive, jobs, store
from mtl_core.registry.runs import (
    Made,
    Record,
    State,
    append_progress,
    made_files,
    read_progress,
    recorded_run,
    run_folder,
    write_state,
)

SCORES = {"hardness": {"reference": {"r2": 0.5, "mae": 100.0, "rmse": 140.0}}}


def finished(root, *, preset="smoke", **config):
    """The id of a complete run with small files of every kind."""
    with jobs.in_foreground(Record(config=config, preset=preset), root=root) as (folder, _):
        append_progress(folder, {"epoch": 1, "loss": [0.5]})
        np.savez(folder / "ensemble.npz", weight=np.arange(6.0), part_of_member=np.zeros(3, np.int32))
        (folder / "ensemble.json").write_text('{"format": 1}')
        (folder / "out_of_fold.csv").write_text("measurement_id,mean\nm1,300\n")
        (folder / "metrics.json").write_text(json.dumps({"metrics": SCORES, "folds_sha256": "f" * 64}))
    return folder.name


@pytest.fixture
def root(tmp_path):
    return tmp_path / "runs"


def indexed(root):
    """What the index holds, read by SQLite alone."""
    with closing(sqlite3.connect(root / "registry.sqlite")) as index:
        return index.execute("SELECT id, content FROM runs ORDER BY id").fetchall()


def test_a_complete_run_tells_what_it_was_made_of_and_what_it_is_worth(root):
    run = finished(root, seed=7)
    found, = store.list_runs(root)
    assert (found.id, found.status, found.preset, found.config, found.scores) == (run, "complete", "smoke", {"seed": 7}, SCORES)
    assert found.sentence == "It ran to its end; all its files are there." and found.seconds >= 0
    assert found.folds_sha256 == "f" * 64
    files = json.loads((run_folder(run, root) / "status.json").read_text())["files"]
    assert files["out_of_fold.csv"] == {"bytes": 27, "sha256": sha256_of(run_folder(run, root) / "out_of_fold.csv")}
    assert set(files) == {"config.json", "progress.jsonl", "ensemble.npz", "ensemble.json", "out_of_fold.csv", "metrics.json"}


@pytest.mark.parametrize(("name", "harm", "words"), [
    ("ensemble.npz", "cut", "ensemble.npz: expected"), ("out_of_fold.csv", "gone", "got no such file"),
    ("metrics.json", "empty", "metrics.json: expected"), ("config.json", "cut", "config.json: expected"),
    ("config.json", "gone", "expected the file config.json"), ("status.json", "cut", "expected JSON, got a damaged file"),
    ("status.json", "gone", "expected the file status.json"), ("status.json", "empty", "expected JSON"),
    ("status.json", "other", "status: Field required"), ("config.json", "binary", "config.json: expected")])
def test_a_damaged_run_says_which_file_is_damaged_and_the_others_stay_as_they_were(root, name, harm, words):
    whole, run = finished(root), finished(root)
    before = store.find_run(whole, root)
    store.list_runs(root)  # the index knows both by now
    path = run_folder(run, root) / name
    content = path.read_bytes()
    path.unlink()
    made = {"cut": content[:len(content) // 2], "empty": b"", "other": b'{"a": 1}', "binary": b"\xff\x00" * 40}
    if harm in made:
        path.write_bytes(made[harm])
    listed = {found.id: found for found in store.list_runs(root)}
    assert listed[run].status == "damaged" and words in listed[run].sentence and str(root) not in listed[run].sentence
    assert listed[whole] == before
    path.write_bytes(content)
    assert store.find_run(run, root).status == "complete"


def test_a_damaged_label_costs_the_label_and_not_the_run(root):
    run = finished(root)
    (run_folder(run, root) / "label.json").write_text('{"name": "half')
    found = store.find_run(run, root)
    assert found.status == "complete" and found.label.name == "" and "label.json is damaged" in found.sentence
    store.set_label(run, root, name="again")
    assert store.find_run(run, root).sentence == "It ran to its end; all its files are there."


def test_runs_of_the_library_and_of_an_earlier_version_are_listed_as_complete(root, smoke_run):
    folder = root / "20260101-000000-0a1b"
    folder.mkdir(parents=True)
    for name in ("metrics.json", "ensemble.json", "out_of_fold.csv", "ensemble.npz"):
        shutil.copy(smoke_run / name, folder / name)
    found, = store.list_runs(root)
    assert found.status == "complete" and found.created == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.config["train"]["epochs"] == 8 and set(found.scores) == {"hardness", "pitting_potential"}
    (folder / "metrics.json").unlink()
    assert store.list_runs(root)[0].status == "damaged"


def test_the_index_follows_whatever_happens_to_the_folders(root):
    first, second = finished(root), finished(root)
    assert {run.id for run in store.list_runs(root)} == {first, second} == {run for run, _ in indexed(root)}
    shutil.rmtree(root / first)
    shutil.copytree(root / second, root / "20260101-000000-0a1b")
    store.set_label(second, root, name="renamed")
    listed = store.list_runs(root)
    assert [run.id for run in listed] == [second, "20260101-000000-0a1b"] and listed[0].label.name == "renamed"
    (root / "20260101-000000-xyz").mkdir()
    (root / "notes").mkdir()
    (root / "20260202-000000-0a1b").write_text("a file")
    assert [run.id for run in store.list_runs(root)] == [run.id for run in listed]


def test_the_index_made_anew_from_the_folders_is_the_one_that_grew(root):
    for seed in range(4):
        store.set_label(finished(root, seed=seed), root, tags=("a", str(seed)))
        store.list_runs(root)
    folder, lock = recorded_run(Record(config={}), store.check_label(), root)
    os.close(lock)
    (folder / "config.json").write_text("{")
    store.list_runs(root)
    grown = indexed(root)
    assert store.rebuild(root) == 5 and indexed(root) == grown and len(grown) == 5


@pytest.mark.parametrize("harm", ["garbage", "cut", "a folder"])
def test_an_index_that_cannot_be_read_costs_no_run(root, harm):
    runs = {finished(root), finished(root)}
    store.list_runs(root)
    path = root / "registry.sqlite"
    content = path.read_bytes()
    path.unlink()
    if harm == "a folder":
        path.mkdir()
    else:
        path.write_bytes(b"no database" * 1000 if harm == "garbage" else content[:len(content) // 2])
    for _ in range(2):
        assert {run.id for run in store.list_runs(root)} == runs
    if harm == "a folder":  # stands for a folder that cannot be written
        with pytest.raises(RunError, match="expected an index that can be written, got: unable to open database file"):
            store.rebuild(root)
    else:
        assert {run for run, _ in indexed(root)} == runs


def test_a_thousand_runs_are_listed_in_time(root):
    content, report = json.loads(json.dumps({"seed": 1, "network": {"trunk": [64, 64]}})), json.dumps({"metrics": SCORES})
    for number in range(1000):
        folder = root / f"20260101-{number // 3600:02d}{number // 60 % 60:02d}{number % 60:02d}-0a1b"
        folder.mkdir(parents=True)
        now = datetime.now(UTC)
        (folder / "config.json").write_text(Record(config=content).model_dump_json())
        (folder / "metrics.json").write_text(report)
        for name in ("ensemble.npz", "ensemble.json", "out_of_fold.csv", "history.npz", "progress.jsonl"):
            (folder / name).write_text("x")
        write_state(folder, State(status="complete", since=now, queued=now, started=now, files={
            path.name: Made(bytes=path.stat().st_size, sha256="0" * 64) for path in made_files(folder)}))
    store.list_runs(root)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        assert len(store.list_runs(root)) == 1000
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3, seconds


def test_many_processes_that_list_and_label_at_once_lose_nothing(root):
    run = finished(root)
    code = ("import sys; from pathlib import Path; from mtl_core.registry import store\n"
            "root, run, field = Path(sys.argv[1]), sys.argv[2], sys.argv[3]\n"
            "for number in range(40):\n"
            "    store.set_label(run, root, **{field: f'{field} {number}'})\n"
            "    found, = store.list_runs(root)\n"
            "    assert found.status == 'complete' and getattr(found.label, field) == f'{field} {number}'\n")
    writers = [subprocess.Popen([sys.executable, "-c", code, str(root), run, field], stderr=subprocess.PIPE, text=True)
               for field in ("name", "note")]
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    label = store.find_run(run, root).label
    assert (label.name, label.note) == ("name 39", "note 39")


def test_only_the_label_of_a_finished_run_changes(root):
    run = finished(root)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in run_folder(run, root).iterdir()}
    store.set_label(run, root, name="Best so far", tags=["steel", "2026"])
    store.delete_run(run, root)
    assert store.list_runs(root) == () and store.list_runs(root, deleted=True)[0].label.deleted
    store.restore_run(run, root)
    found, = store.list_runs(root)
    assert (found.label.name, found.label.tags, found.label.deleted) == ("Best so far", ("steel", "2026"), None)
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in run_folder(run, root).iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"label.json"}


def test_only_a_deleted_run_is_removed_for_good_and_nothing_of_it_stays(root):
    kept, gone = finished(root), finished(root)
    (root / ".gone-20200101-000000-0000").mkdir()  # of a removal that was interrupted
    with pytest.raises(RunError, match="expected a run that was deleted"):
        store.purge_run(gone, root)
    store.delete_run(gone, root)
    size = sum(path.stat().st_size for path in run_folder(gone, root).iterdir())
    assert store.purge_run(gone, root) == size > 0
    assert [run.id for run in store.list_runs(root, deleted=True)] == [kept]
    assert [path.name for path in root.iterdir() if path.is_dir()] == [kept]
    with pytest.raises(RunError, match="belongs to the program"):
        store.purge_run("shipped", root)


@pytest.mark.parametrize(("facts", "words"), [
    ({"name": "x" * 81}, "name: String should have at most 80 characters"), ({"name": "a\nb"}, "name: String should match"),
    ({"tags": ["a", ""]}, r"tags\.1: String should"), ({"colour": "red"}, "colour: Extra inputs")])
def test_a_label_that_cannot_be_one_is_refused(root, facts, words):
    run = finished(root)
    with pytest.raises(RunError, match=words):
        store.set_label(run, root, **facts)
    with pytest.raises(RunError, match="belongs to the program"):
        store.set_label("shipped", root, name="mine")


def test_a_line_that_was_torn_by_a_kill_stays_alone(tmp_path):
    append_progress(tmp_path, {"epoch": 1})
    with (tmp_path / "progress.jsonl").open("ab") as log:
        log.write(b'{"epoch": 2, "lo')
    append_progress(tmp_path, {"epoch": 2})
    assert read_progress(tmp_path) == [{"epoch": 1}, {"epoch": 2}]


# --- runs from elsewhere ---


def exported(run, root):
    file = io.BytesIO()
    archive.export_run(run, file, root)
    return file


def test_an_exported_run_comes_in_elsewhere_as_it_was(root, tmp_path):
    run = finished(root, seed=3)
    store.set_label(run, root, name="Travels", note="a note")
    elsewhere = tmp_path / "elsewhere"
    assert archive.import_run(exported(run, root), elsewhere) == run
    here, there = store.find_run(run, root), store.find_run(run, elsewhere)
    assert there == here
    for path in made_files(run_folder(run, root)):
        assert (elsewhere / run / path.name).read_bytes() == path.read_bytes()
    with pytest.raises(RunError, match=f"expected a run that is not here yet, {run} is"):
        archive.import_run(exported(run, root), elsewhere)
    assert sorted(path.name for path in elsewhere.iterdir()) == [run]


def test_only_a_complete_and_unchanged_run_is_exported(root):
    run = finished(root)
    path = run_folder(run, root) / "out_of_fold.csv"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"300", b"900"))
    with pytest.raises(RunError, match=r"out_of_fold\.csv: the fingerprint: expected .* the run was changed after training"):
        exported(run, root)
    path.write_bytes(content[:-1])
    with pytest.raises(RunError, match="expected a complete run of this version to export, it is damaged"):
        exported(run, root)


RUN = "20260131-120000-0a1b"


def packed(root, change):
    """The zip of a finished run, repacked by change(name, content) → [(name, content)]."""
    source, target = exported(finished(root), root), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        run = old.namelist()[0].partition("/")[0]
        for name in old.namelist():
            for entry, content in change(name.replace(run, RUN), old.read(name)):
                new.writestr(entry, content)
    return target


def with_fingerprint(files, path, content):
    """status.json that vouches for another content of one file: what a forger would write."""
    status = json.loads(files)
    status["files"][path] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return json.dumps(status).encode()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def forged(path, content):
    def change(name, old):
        if name.endswith("status.json"):
            return [(name, with_fingerprint(old, path, content))]
        return [(name, content if name.endswith(path) else old)]
    return change


def also(*names):
    return lambda name, old: [(name, old), *((other, b"x") for other in names if name.endswith("config.json"))]


def replaced(suffix, content):
    return lambda name, old: [(name, content if name.endswith(suffix) else old)]


def link(name, old):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o120777 << 16
    return [(entry, b"/etc/passwd") if name.endswith("metrics.json") else (name, old)]


TAMPERED = {
    "a changed table": (replaced(".csv", b"measurement_id,mean\nm1,999\n"), r"out_of_fold\.csv: the fingerprint: expected"),
    "a path that climbs": (also(f"{RUN}/../../evil.json"), r"expected files such as .* got '.*\.\./\.\./evil\.json'"),
    "an absolute path": (also("/tmp/evil.json"), "expected files such as"),
    "a backslash": (also(f"{RUN}\\..\\evil.json"), "expected files such as"),
    "a program": (also(f"{RUN}/run.py"), r"expected files such as .* got '.*/run\.py'"),
    "a pickle": (also(f"{RUN}/model.pkl"), "expected files such as"),
    "a folder in it": (also(f"{RUN}/more/metrics.json"), "expected files such as"),
    "another run beside it": (also("20260131-120000-ffff/metrics.json"), "expected the files of one run, each once, got 2 runs"),
    "a file too many": (also(f"{RUN}/extra.json"), "files: expected"),
    "a file too few": (lambda name, old: [] if name.endswith(".npz") else [(name, old)], "files: expected"),
    "no status": (lambda name, old: [] if name.endswith("status.json") else [(name, old)], "expected the file status.json"),
    "a hundred files": (also(*(f"{RUN}/f{number}.json" for number in range(100))), "expected at most 95 files in a run, got 10"),
    "a link": (link, "expected a plain file, got a link or a device"),
    "objects for arrays": (forged("ensemble.npz", npz(weight=np.array([{}, None], object))), "expected arrays of numbers"),
    "no arrays": (forged("ensemble.npz", b"PK nothing"), "expected arrays of numbers, got something else"),
    "JSON cut short": (forged("metrics.json", b'{"metrics": '), r"metrics\.json: expected JSON"),
    "JSON too deep": (forged("ensemble.json", b"[" * 100_000), "recursion|expected JSON"),
    "a list for an object": (forged("ensemble.json", b"[1]"), "expected a JSON object, got list"),
    "bytes for a table": (forged("out_of_fold.csv", b"\xff\xfe\x00"), "expected text, got bytes that are none"),
    "an unfinished run": (lambda name, old: [(name, old.replace(b'"complete"', b'"running"'))], "expected complete, got"),
}


@pytest.mark.parametrize("way", TAMPERED)
def test_a_tampered_archive_is_refused_with_the_reason_and_leaves_nothing_behind(root, tmp_path, way):
    change, words = TAMPERED[way]
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(RunError, match=words) as refusal:
        archive.import_run(packed(root, change), elsewhere)
    assert str(tmp_path) not in str(refusal.value)
    assert list(elsewhere.glob("*")) == [] and not (tmp_path / "evil.json").exists()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 100], ids=["empty", "text", "cut"])
def test_what_is_no_zip_is_refused(tmp_path, content):
    with pytest.raises(RunError, match="expected a zip file with a run, got one that cannot be read"):
        archive.import_run(io.BytesIO(content), tmp_path)


def test_a_zip_cut_at_any_point_or_with_any_byte_changed_never_gives_another_run(root, tmp_path):
    run = finished(root)
    whole, rng = exported(run, root).getvalue(), np.random.default_rng(0)
    there = tmp_path / "there"
    archive.import_run(io.BytesIO(whole), there)
    expected = {path.name: path.read_bytes() for path in made_files(there / run)}
    n_refused = 0
    for trial in range(150):
        damaged = bytearray(whole)
        position = int(rng.integers(len(whole)))
        if trial % 3:
            damaged[position] ^= int(rng.integers(1, 256))
        else:
            del damaged[position:]
        elsewhere = tmp_path / f"elsewhere {trial}"
        try:
            found = archive.import_run(io.BytesIO(bytes(damaged)), elsewhere)
        except RunError:
            n_refused += 1
            assert list(elsewhere.glob("*")) == []
            continue
        came = {path.name: path.read_bytes() for path in made_files(elsewhere / found)}
        assert came == expected
    assert n_refused > 100


def test_an_array_that_claims_to_be_huge_is_refused_before_memory_is_asked_for(root, tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as arrays:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
        arrays.writestr("weight.npy", header.getvalue())
    with pytest.raises(RunError, match="expected arrays of numbers"):
        archive.import_run(packed(root, forged("ensemble.npz", inner.getvalue())), tmp_path / "elsewhere")


def test_a_bomb_is_refused_by_its_table_of_contents(root, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 10_000_000)
    with pytest.raises(RunError, match=r"expected a run of at most 10 MB, got 19 MB \(not unpacked\)"):
        archive.import_run(packed(root, replaced("metrics.json", b" " * 20_000_000)), tmp_path / "elsewhere")


def test_a_check_from_outside_can_refuse_a_run_too(root, tmp_path):
    def refuse(run, folder):
        assert (folder / run / "metrics.json").is_file()
        raise CheckpointError("not trained here")

    with pytest.raises(CheckpointError, match="not trained here"):
        archive.import_run(exported(finished(root), root), tmp_path / "elsewhere", check=refuse)
    assert list((tmp_path / "elsewhere").glob("*")) == []
