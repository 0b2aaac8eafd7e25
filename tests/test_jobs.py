"""Runs as processes of their own: queue, stop, kill, resume. Real processes and real signals; their work is to count."""
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

from mtl_core.errors import RunError, StoppedError
from mtl_core.registry import jobs, store
from mtl_core.registry.runs import RESUMABLE, Record, Status, read_progress, run_folder

WAIT_SECONDS = 30.0
COUNTER = """
import json, resource, sys, time
from mtl_core.errors import StoppedError
from mtl_core.files import write_json
from mtl_core.registry import jobs
from mtl_core.registry.runs import append_progress, read_progress, read_record

def count(folder, should_stop):
    todo = read_record(folder).config
    for step in range(len(read_progress(folder)), todo["steps"]):
        if should_stop():
            raise StoppedError("asked to")
        if step == todo.get("raises"):
            raise ZeroDivisionError("as planned")
        if step == todo.get("fills_disk") and not (folder / "freed").exists():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
            write_json(folder / "large.json", {"text": "x" * 10_000})
        append_progress(folder, {"step": step, "at": time.time()})
        time.sleep(todo["seconds"])
    write_json(folder / "metrics.json", {"metrics": {}})

jobs.work(sys.argv[1], count, lock=int(sys.argv[3]))
"""
COMMAND = (sys.executable, "-c", COUNTER)


def start(root, *, steps=3, seconds=0.05, **todo):
    return jobs.start(Record(config={"steps": steps, "seconds": seconds} | todo), root=root, command=COMMAND)


def status_of(run, root):
    return store.find_run(run, root).status


def wait_until(condition, what):
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited {WAIT_SECONDS} s for: {what}"
        time.sleep(0.02)


def wait_for(run, root, *statuses):
    wait_until(lambda: status_of(run, root) in statuses, f"{run} {statuses}; it says {store.find_run(run, root)}")
    return store.find_run(run, root)


def steps_of(run, root):
    return [line["step"] for line in read_progress(run_folder(run, root))]


def counting(run, root, *, beyond=0):
    """Wait until it has counted beyond a number; returns its process id."""
    wait_for(run, root, Status.running)
    wait_until(lambda: len(steps_of(run, root)) > beyond, "steps")
    return store.find_run(run, root).pid


@pytest.fixture
def root(tmp_path):
    """A folder of runs; whatever still has a process at the end of the test is killed."""
    yield tmp_path / "runs"
    for run in store.list_runs(tmp_path / "runs", deleted=True):
        if run.status in ("queued", "running"):
            pids = [int(name) for name in os.listdir("/proc") if name.isdecimal() and _is_of(run.id, name)]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)


def _is_of(run, pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as words:
            return run.encode() in words.read()
    except OSError:
        return False


def test_a_run_that_is_killed_is_lost_at_once_and_resumes_where_it_was(root):
    run = start(root, steps=40)
    os.kill(counting(run, root, beyond=3), signal.SIGKILL)
    killed = time.monotonic()
    found = wait_for(run, root, Status.lost)
    assert time.monotonic() - killed < 2.0 and "gone" in found.sentence and found.seconds is None
    jobs.resume(run, root=root, command=COMMAND)
    assert wait_for(run, root, Status.complete).seconds > 0
    assert steps_of(run, root) == list(range(40))


def test_twenty_kills_at_random_moments_lose_no_step(root):
    """Before its turn, at the start, in the midst, at the end: whatever the moment, resume goes on."""
    rng, run = np.random.default_rng(0), start(root, steps=50, seconds=0.02)
    for _ in range(20):
        time.sleep(rng.uniform(0.0, 1.2))
        for pid in [int(name) for name in os.listdir("/proc") if name.isdecimal() and _is_of(run, name)]:
            os.kill(pid, signal.SIGKILL)
        if wait_for(run, root, Status.lost, Status.complete).status == "lost":
            jobs.resume(run, root=root, command=COMMAND)
    wait_for(run, root, Status.complete)
    assert steps_of(run, root) == list(range(50))


def test_a_reused_process_id_is_not_mistaken_for_the_run(root):
    run = start(root, steps=1000)
    os.kill(counting(run, root), signal.SIGKILL)
    wait_for(run, root, Status.lost)
    path = run_folder(run, root) / "status.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": os.getpid()}))
    assert status_of(run, root) == "lost"


def test_runs_train_one_at_a_time_in_the_order_of_their_starts_and_a_kill_lets_the_next_one_in(root):
    runs = [start(root, steps=1000), *(start(root, steps=4) for _ in range(3))]
    pid = counting(runs[0], root)
    assert [status_of(run, root) for run in runs] == ["running", "queued", "queued", "queued"]
    os.kill(pid, signal.SIGKILL)
    found = [wait_for(run, root, Status.complete) for run in runs[1:]]
    assert status_of(runs[0], root) == "lost"
    for before, after in pairwise(found):
        assert before.since <= after.started


def test_two_starts_at_the_same_moment_do_not_train_at_the_same_moment(root):
    code = COUNTER.replace("jobs.work(sys.argv[1], count, lock=int(sys.argv[3]))", "") + (
        "from pathlib import Path; from mtl_core.registry.runs import Record\n"
        "print(jobs.start(Record(config={'steps': 6, 'seconds': 0.1}), root=Path(sys.argv[1]), command=json.loads(sys.argv[2])))")
    starters = [subprocess.Popen([sys.executable, "-c", code, str(root), json.dumps(COMMAND)], stdout=subprocess.PIPE, text=True)
                for _ in range(2)]
    runs = [starter.communicate()[0].strip() for starter in starters]
    first, second = sorted((wait_for(run, root, Status.complete) for run in runs), key=lambda run: run.queued)
    assert first.since <= second.started


def test_as_many_runs_train_at_once_as_are_allowed(root, monkeypatch):
    monkeypatch.setenv("ALLOYSCOPE_JOBS", "2")
    runs = [start(root, steps=1000) for _ in range(3)]
    for run in runs[:2]:
        counting(run, root)
    assert status_of(runs[2], root) == "queued"
    jobs.stop(runs[0], root=root)
    counting(runs[2], root)
    assert [status_of(run, root) for run in runs] == ["stopped", "running", "running"]


def test_a_run_in_the_foreground_is_listed_stops_when_asked_and_those_that_wait_wait_for_it(root):
    with pytest.raises(StoppedError), jobs.in_foreground(Record(config={}), root=root) as (folder, should_stop):
        queued = start(root)
        time.sleep(1.5)
        assert (status_of(folder.name, root), status_of(queued, root), should_stop()) == ("running", "queued", False)
        jobs.stop(folder.name, root=root)
        assert should_stop()
        raise StoppedError("asked to")
    assert status_of(folder.name, root) == "stopped"
    wait_for(queued, root, Status.complete)


def test_ctrl_c_in_the_foreground_stops_the_run_and_it_can_be_resumed(root):
    todo = Record(config={"steps": 3, "seconds": 0.0})
    with pytest.raises(KeyboardInterrupt), jobs.in_foreground(todo, root=root) as (folder, _):
        raise KeyboardInterrupt
    assert status_of(folder.name, root) == "stopped"
    jobs.resume(folder.name, root=root, command=COMMAND)
    wait_for(folder.name, root, Status.complete)


@pytest.mark.parametrize("way", ["stop", "SIGTERM"])
def test_a_run_that_is_asked_to_stop_stops_soon_and_resumes(root, way):
    run = start(root, steps=60)
    pid = counting(run, root, beyond=2)
    jobs.stop(run, root=root) if way == "stop" else os.kill(pid, signal.SIGTERM)
    wait_for(run, root, Status.stopped)
    n_done = len(steps_of(run, root))
    assert 2 < n_done < 60 and not (run_folder(run, root) / "stop").exists()
    jobs.resume(run, root=root, command=COMMAND)
    wait_for(run, root, Status.complete)
    assert steps_of(run, root) == list(range(60))


def test_a_run_that_waits_can_be_stopped_without_ever_training(root):
    first, second = start(root, steps=1000), start(root)
    counting(first, root)
    jobs.stop(second, root=root)
    assert wait_for(second, root, Status.stopped).started is None
    assert status_of(first, root) == "running"


def test_a_run_that_fails_keeps_its_steps_and_its_traceback_and_the_next_one_trains(root):
    run, other = start(root, raises=2), start(root)
    found = wait_for(run, root, Status.failed)
    assert found.sentence == "ZeroDivisionError: as planned" and steps_of(run, root) == [0, 1]
    log = run_folder(run, root) / "run.log"  # written as the process ends, after its status
    wait_until(lambda: "ZeroDivisionError: as planned" in log.read_text(), "the traceback in the log")
    assert "in count" in json.loads((run_folder(run, root) / "status.json").read_text())["traceback"]
    wait_for(other, root, Status.complete)


def test_a_full_disk_is_said_leaves_nothing_half_written_and_the_run_resumes_when_there_is_space(root):
    run = start(root, fills_disk=1)
    found = wait_for(run, root, Status.failed)
    assert found.sentence.startswith("There is no space left") and "resume" in found.sentence
    folder = run_folder(run, root)
    assert not list(folder.glob("*.part")) and not (folder / "large.json").exists()
    (folder / "freed").touch()
    jobs.resume(run, root=root, command=COMMAND)
    assert wait_for(run, root, Status.complete).sentence.startswith("It ran to its end")


def test_a_halted_process_is_not_lost_and_cannot_be_resumed_beside_itself(root):
    run = start(root, steps=1000)
    pid = counting(run, root)
    os.kill(pid, signal.SIGSTOP)
    os.utime(run_folder(run, root) / "lock", (time.time() - 100,) * 2)
    found = store.find_run(run, root)
    assert found.status == "running" and f"process {pid} is there, but silent for 1" in found.sentence
    with pytest.raises(RunError, match="expected a run without a process, it has one: it is running"):
        jobs.resume(run, root=root, command=COMMAND)
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: store.find_run(run, root).sentence == "Its process is at work.", "the next heartbeat")


def test_a_run_outlives_whoever_started_it(root):
    code = ("import sys, json, time; from pathlib import Path; from mtl_core.registry import jobs, runs\n"
            "print(jobs.start(runs.Record(config={'steps': 30, 'seconds': 0.05}), root=Path(sys.argv[1]), "
            "command=json.loads(sys.argv[2])), flush=True); time.sleep(60)")
    starter = subprocess.Popen([sys.executable, "-c", code, str(root), json.dumps(COMMAND)], stdout=subprocess.PIPE, text=True,
                               start_new_session=True)
    run = starter.stdout.readline().strip()
    counting(run, root)
    os.killpg(starter.pid, signal.SIGINT)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()
    wait_for(run, root, Status.complete)
    assert steps_of(run, root) == list(range(30))


def test_what_a_state_does_not_allow_is_refused_in_words(root):
    run = start(root)
    wait_for(run, root, Status.complete)
    with pytest.raises(RunError, match="expected a run that is queued or running, it is complete"):
        jobs.stop(run, root=root)
    with pytest.raises(RunError, match=r"stopped, lost or failed, but it is complete\. It ran to its end"):
        jobs.resume(run, root=root, command=COMMAND)
    assert status_of(run, root) == "complete" and Status.complete not in RESUMABLE
    other = start(root, steps=1000)
    counting(other, root)
    with pytest.raises(RunError, match="expected a run without a process, it is running; stop it first"):
        store.delete_run(other, root)
    jobs.stop(other, root=root)
    wait_for(other, root, Status.stopped)
    store.delete_run(other, root)
    with pytest.raises(RunError, match="was deleted; restore it first"):
        jobs.resume(other, root=root, command=COMMAND)


def test_a_process_that_cannot_be_started_leaves_a_run_that_can_be_resumed(root):
    with pytest.raises(RunError, match=r"expected that a process can be started, got: .*resume the run later"):
        jobs.start(Record(config={"steps": 1, "seconds": 0.0}), root=root, command=["/no/such/program"])
    run, = store.list_runs(root)
    assert run.status == "lost"
    jobs.resume(run.id, root=root, command=COMMAND)
    wait_for(run.id, root, Status.complete)


def test_a_folder_in_which_no_run_can_be_written_is_said_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"expected a folder with space .* Not a directory; free some space, or set"):
        start(tmp_path / "file" / "runs")
