"""Interrupted trainings: killed, stopped or torn anywhere, they go on to the numbers of one that nothing interrupted."""
import json
import random
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from test_ensemble import NETWORK, made_up_rows

from mtl_core import pipeline
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig, preset
from mtl_core.ensemble.trainer import History, train
from mtl_core.ensemble.watch import Watch
from mtl_core.errors import CheckpointError, RunError, StoppedError
from mtl_core.files import read_arrays
from mtl_core.registry.runs import read_progress

BRIEF = TrainConfig(epochs=5, batch_size=16)
STOPPING = TrainConfig(epochs=40, batch_size=8, learning_rate=0.05, weight_decay=0.0, validation_share=0.3, patience=3)

# As the process of a run does it, but kept after each epoch, and each epoch named.
SMOKE = """
import sys
from pathlib import Path
from mtl_core import pipeline
from mtl_core.ensemble import state
from mtl_core.ensemble.config import preset
state.SAVE_SECONDS, state.SHARE = 0.0, 1.0
pipeline.train(preset("smoke"), folder=Path(sys.argv[1]), resume=True,
               progress=lambda epoch, n_epochs, history: print(epoch, flush=True))
"""


@pytest.fixture(autouse=True)
def keep_each_epoch(monkeypatch):
    monkeypatch.setattr("mtl_core.ensemble.state.SAVE_SECONDS", 0.0)
    monkeypatch.setattr("mtl_core.ensemble.state.SHARE", 1.0)


def killed(folder, is_time, rng):
    """Epochs that a process learnt until SIGKILL came, some milliseconds after `is_time(epoch)`, or until it was done."""
    learnt = []
    with subprocess.Popen([sys.executable, "-c", SMOKE, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            learnt.append(int(line))
            if is_time(learnt[-1]):
                time.sleep(0.1 * rng.random())
                process.kill()
        process.kill() if is_time(None) else process.wait()
    return learnt


def wait_for(path):
    """Until a file is there: true, so that it can be the moment of a kill."""
    while not path.exists():
        time.sleep(0.005)
    return True


def test_killed_in_training_and_after_it_a_run_ends_byte_for_byte_as_if_nothing_had_happened(smoke_run, tmp_path):
    folder, rng = tmp_path / smoke_run.name, random.Random(4)
    folder.mkdir()
    first = killed(folder, lambda epoch: epoch == 3, rng)
    with (folder / "progress.jsonl").open("ab") as log:
        log.write(b'{"epoch": 5, "n_ep')  # as if the kill had torn the line of the next epoch
    second = killed(folder, lambda epoch: epoch == 6, rng)
    third = killed(folder, lambda epoch: epoch is None and wait_for(folder / "ensemble.json"), rng)
    last = killed(folder, lambda epoch: False, rng)
    # An epoch is named before it is kept: of those that a killed process named, the last alone may be learnt again.
    assert first[0] == 1 and first[-1] <= second[0] <= first[-1] + 1 and second[-1] <= third[0] <= second[-1] + 1 and last == []
    assert [line["epoch"] for line in read_progress(folder)] == list(range(1, 9))
    same_run(folder, smoke_run)


def same_run(folder, expected):
    assert (folder / "out_of_fold.csv").read_bytes() == (expected / "out_of_fold.csv").read_bytes()
    for name in ("ensemble.npz", "history.npz"):
        ours, theirs = read_arrays(folder / name), read_arrays(expected / name)
        assert ours.keys() == theirs.keys() and all((ours[key] == theirs[key]).all() for key in ours if key != "validation")
    ours, theirs = (json.loads((run / "metrics.json").read_text()) for run in (folder, expected))
    assert ours | {"seconds": 0} == theirs | {"seconds": 0}
    assert not {path.name for path in folder.iterdir()} - {path.name for path in expected.iterdir()}


@pytest.mark.parametrize("config", [BRIEF, STOPPING], ids=["last epoch", "early stopping"])
def test_interrupted_again_and_again_a_training_goes_on_to_the_same_numbers(config, tmp_path):
    rows = made_up_rows()
    expected, history = train(rows, NETWORK, config, n_tasks=2, seed=3)
    interruptions = iter([0, 2, 1, 1])

    def stop_after(n_epochs):
        asked = iter(range(n_epochs + 1))
        return lambda: next(asked) == n_epochs

    for n_epochs in interruptions:
        with pytest.raises(StoppedError, match=r"stopped after epoch \d of"):
            train(rows, NETWORK, config, n_tasks=2, seed=3, state=tmp_path / "state.npz", should_stop=stop_after(n_epochs))
    for _ in range(2):  # gone on with, and then with nothing left to do
        found, again = train(rows, NETWORK, config, n_tasks=2, seed=3, state=tmp_path / "state.npz")
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)
        for name, value in vars(history).items():
            np.testing.assert_array_equal(getattr(again, name), value)


def trained(folder, rows=None, config=BRIEF, **changes):
    return train(rows or made_up_rows(), NETWORK, config, state=folder / "state.npz", **{"n_tasks": 2, "seed": 0} | changes)


@pytest.mark.parametrize("changes", [{"seed": 1}, {"config": STOPPING}, {"rows": made_up_rows(seed=1)}],
                         ids=["seed", "config", "data"])
def test_the_state_of_another_training_is_refused(changes, tmp_path):
    trained(tmp_path)
    with pytest.raises(CheckpointError, match=r"expected the state of this training, .*start a new run"):
        trained(tmp_path, **changes)


def test_a_damaged_state_is_refused_and_a_half_written_one_does_not_count(tmp_path):
    expected, _ = trained(tmp_path)
    (tmp_path / "state.part").write_bytes(b"PK")
    assert all((value == expected[name]).all() for name, value in trained(tmp_path)[0].items())
    content = (tmp_path / "state.npz").read_bytes()
    (tmp_path / "state.npz").write_bytes(content[:len(content) // 2])
    with pytest.raises(CheckpointError, match=r"state\.npz: expected arrays, got a file that cannot be read"):
        trained(tmp_path)


def test_asked_to_stop_after_the_last_epoch_a_run_keeps_its_training(tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)  # it would stay on in other tests
    folder = tmp_path / "20260101-000000-abcd"
    folder.mkdir()
    with pytest.raises(StoppedError, match="stopped after the last epoch"):
        pipeline.train(preset("smoke"), folder=folder, should_stop=(folder / "ensemble.json").exists)
    assert (folder / "state.npz").exists() and not (folder / "metrics.json").exists()


def test_the_estimate_before_the_start_is_near_what_the_training_took(smoke_run, tmp_path):
    done = subprocess.run([sys.executable, "-m", "mtl_core", "runs", "estimate", "--preset", "smoke", "--json"], cwd=tmp_path,
                          capture_output=True, text=True, check=True)
    took = json.loads((smoke_run / "metrics.json").read_text())["seconds"]
    assert took / 4 < json.loads(done.stdout)["seconds"] - pipeline.START_SECONDS < took * 4  # other tests keep the machine busy


def test_a_finished_run_stays_as_it_is_and_is_not_trained_into_again(smoke_run, tmp_path):
    folder = shutil.copytree(smoke_run, tmp_path / smoke_run.name)
    (folder / "state.npz").write_bytes(b"left behind by a kill after the last file")
    before = {path.name: path.read_bytes() for path in smoke_run.iterdir()}
    assert pipeline.train(preset("smoke"), folder=folder, resume=True) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with pytest.raises(RunError, match="expected the folder of a new run, it holds a training"):
        pipeline.train(preset("smoke"), folder=folder)


def test_who_watches_reads_the_loss_of_each_task_who_has_finished_and_how_long_it_takes(monkeypatch):
    clock, lines = iter([110.0, 112.0, 115.0]), []
    monkeypatch.setattr("mtl_core.ensemble.watch.time.monotonic", lambda: next(clock))
    loss = np.array([[[1.0, 0.123456], [np.nan, 2.0]]] * 8)
    validation = np.array([[0.5, np.nan]] * 8)  # the second member keeps no row back, and so never stops
    history = History(loss=loss.mean(-1), task_loss=loss, validation=validation, last_epoch=np.array([5, 8]))
    watch = Watch(EnsembleConfig(train=STOPPING), lines.append, start=100.0, seconds_after=30.0,
                  earlier=[{"epoch": 6, "seconds": 50.0}])
    for epoch in (6, 7, 8):
        watch(epoch, 40, history)
    assert [(line["epoch"], line["n_finished"]) for line in lines] == [(7, 0), (8, 1)]
    assert json.loads(json.dumps(lines[1], allow_nan=False)) == {
        "epoch": 8, "n_epochs": 40, "loss": {"hardness": [1.0, None], "pitting_potential": [0.1235, 2.0]},
        "validation": [0.5, None], "n_members": 2, "n_finished": 1, "seconds": 65.0, "seconds_left": 32 * 2.5 + 30.0}
