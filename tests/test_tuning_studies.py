"""Studies as runs: killed anywhere they go on with the same sequence; what is trained is the same wherever it is trained."""
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper

from mtl_core import studies
from mtl_core.errors import CheckpointError, RunError, StoppedError
from mtl_core.registry import jobs, store
from mtl_core.registry.archive import export_run
from mtl_core.registry.runs import Record, Status, new_run
from mtl_core.trainings import import_training
from mtl_core.tuning.rows import Rows
from mtl_core.tuning.space import Choice, Integer, Real, Space
from mtl_core.tuning.study import Proposal, StudyConfig, read_trials

WAIT_SECONDS = 120.0
SPACE = Space(dimensions=(Real(name="dropout", low=0.0, high=0.5), Integer(name="trunk_width", low=4, high=16),
                          Choice(name="noise", values=("alloy", "task"))))
BASE = CONFIG.model_copy(update={"tasks": ("hardness", "pitting_potential")})

# A search as the process of a study does it, but for what a trial is worth: that takes some milliseconds.
SEARCH = """
import sys, time
from pathlib import Path
from mtl_core.registry.runs import read_record
from mtl_core.studies import search, study_config
from mtl_core.tuning.study import Trial

def evaluate(proposals, before):
    for one in proposals:
        time.sleep(0.05)
        point = one.point or {"dropout": 0.1, "trunk_width": 8, "noise": "alloy"}
        score = -(point["dropout"] - 0.2) ** 2 - abs(point["trunk_width"] - 9) / 20
        facts = {"status": "complete", "score": score} if one.number % 4 else {"status": "pruned", "blocks": (score,)}
        yield Trial(**one.model_dump(), **facts)

folder = Path(sys.argv[1])
search(folder, study_config(read_record(folder)), evaluate)
"""


def small_rows():
    observations = made_up_observations()
    return Rows(observations, observations, features_of(observations), SPEC, parts_by_paper(observations),
                {"hardness": 70.0, "pitting_potential": 150.0})


def study_folder(tmp_path, **changes):
    """The folder of a queued study."""
    folder = new_run(tmp_path)
    config = StudyConfig(**{"base": BASE, "space": SPACE, "n_trials": 6, "n_initial": 3, "batch": 2} | changes)
    (folder / "config.json").write_text(Record(kind="tune", config=config.model_dump(mode="json")).model_dump_json())
    return folder


def lines(folder):
    """What trials.jsonl says, but for how long things took; by number."""
    return [trial.model_dump(exclude={"seconds"}) for trial in read_trials(folder / "trials.jsonl")]


def test_a_search_that_is_killed_at_random_moments_goes_on_with_the_same_trials(tmp_path):
    whole, killed, rng = study_folder(tmp_path / "whole"), study_folder(tmp_path / "killed"), random.Random(1)
    subprocess.run([sys.executable, "-c", SEARCH, str(whole)], check=True)
    for n_before in (2, 5):
        process = subprocess.Popen([sys.executable, "-c", SEARCH, str(killed)])
        while process.poll() is None and len(read_trials(killed / "trials.jsonl")) < n_before:
            time.sleep(0.01)
        time.sleep(0.2 * rng.random())
        process.kill()
        process.wait()
    with (killed / "trials.jsonl").open("ab") as torn:
        torn.write(b'{"number": 6, "po')
    subprocess.run([sys.executable, "-c", SEARCH, str(killed)], check=True)
    assert len(lines(whole)) == 7 and lines(killed) == lines(whole)
    assert (killed / "trials.jsonl").read_bytes().count(b"\n") == 8  # each trial once, and the torn line


def test_a_trial_that_cannot_be_trained_is_recorded_and_the_search_keeps_away(tmp_path):
    from mtl_core.tuning.objective import evaluate

    config = StudyConfig(base=BASE, space=SPACE)
    impossible = Proposal(number=1, point={"dropout": 7.0, "trunk_width": 8, "noise": "task"}, proposed_by="random")
    found = evaluate(impossible, config, small_rows(), [])
    assert (found.status, found.score) == ("failed", None) and "dropout" in found.reason and "Traceback" in found.traceback
    diverging = StudyConfig(base=BASE, space=Space(dimensions=(Real(name="learning_rate", low=1e-3, high=1e30, log=True),)))
    found = evaluate(Proposal(number=1, point={"learning_rate": 1e30}, proposed_by="random"), diverging, small_rows(), [])
    assert found.status == "failed" and "the training diverged" in found.reason


def test_a_pruned_trial_ends_early_and_has_no_score(tmp_path):
    from mtl_core.tuning.objective import evaluate

    config = StudyConfig(base=BASE, space=SPACE)
    proposal = Proposal(number=9, point={"dropout": 0.1, "trunk_width": 8, "noise": "task"}, proposed_by="random")
    free = evaluate(proposal, config, small_rows(), [])
    assert free.status == "complete" and len(free.blocks) == 4 and set(free.r2) == {"hardness", "pitting_potential"}
    rivals = [free.model_copy(update={"number": number, "blocks": (-99.0, 0.999, 0.999, 0.999)}) for number in range(5)]
    pruned = evaluate(proposal, config, small_rows(), rivals)
    assert (pruned.status, pruned.score, pruned.blocks) == ("pruned", None, free.blocks[:2])
    unpruned = evaluate(proposal, config.model_copy(update={"pruning": False}), small_rows(), rivals)
    assert unpruned.score == free.score and unpruned.blocks == ()


def test_workers_find_what_one_process_finds_and_a_killed_worker_loses_no_trial():
    from mtl_core.tuning.cluster import Cluster
    from mtl_core.tuning.objective import evaluate

    long = BASE.model_copy(update={"train": BASE.train.model_copy(update={"epochs": 200})})
    config, rows = StudyConfig(base=long, space=SPACE, workers=2, batch=2, pruning=False), small_rows()
    proposals = [Proposal(number=number, point=point, proposed_by="random") for number, point in enumerate((
        {"dropout": 0.1, "trunk_width": 8, "noise": "task"}, {"dropout": 0.3, "trunk_width": 12, "noise": "alloy"}))]

    with Cluster(config, rows, should_stop=lambda: False) as cluster:
        workers, killed = cluster.client.run(os.getpid), []

        def kill_one():
            while not all(cluster.client.processing().values()):
                time.sleep(0.05)
            time.sleep(1.0)
            killed.append(next(address for address, keys in cluster.client.processing().items() if keys))
            os.kill(workers[killed[0]], signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        found = {trial.number: trial for trial in cluster.evaluate(proposals, [])}
        killer.join()
    assert killed and sorted(found) == [0, 1]
    for proposal in proposals:
        here = evaluate(proposal, config, rows, [])
        assert here.model_dump(exclude={"seconds"}) == found[proposal.number].model_dump(exclude={"seconds"})


def test_a_scheduler_that_is_not_there_is_said():
    from mtl_core.tuning.cluster import Cluster

    config = StudyConfig(base=BASE, space=SPACE, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(RunError, match=r"expected a Dask scheduler at tcp://127\.0\.0\.1:1, got"):
        Cluster(config, small_rows(), should_stop=lambda: False).__enter__()


def wait_for(run, root, *statuses):
    end = time.monotonic() + WAIT_SECONDS
    while (found := store.find_run(run, root)).status not in statuses:
        assert time.monotonic() < end, f"waited {WAIT_SECONDS} s for {statuses}; it says {found}"
        time.sleep(0.05)
    return found


def test_a_study_is_a_run_that_can_be_killed_resumed_read_and_handed_on(tmp_path):
    space = Space(dimensions=(Integer(name="epochs", low=2, high=4), Real(name="dropout", low=0.0, high=0.3)))
    config = StudyConfig(base=studies_base(), space=space, n_trials=2, n_initial=2, n_inner=2, n_seeds=1, method="random")
    root = tmp_path / "runs"
    run = studies.start_study(config, root=root)
    found = wait_for(run, root, Status.running, Status.failed)
    while not (root / run / "trials.jsonl").exists():
        wait_for(run, root, Status.running)
        time.sleep(0.02)
    os.kill(found.pid, signal.SIGKILL)
    assert wait_for(run, root, Status.lost, Status.complete).kind == "tune"
    before = lines(root / run)
    jobs.resume(run, root=root)
    assert wait_for(run, root, Status.complete, Status.failed).status == Status.complete
    study = studies.read_study(run, root)
    assert lines(root / run)[:len(before)] == before and [trial.number for trial in study.trials] == [0, 1, 2]
    assert_report_fits(study, pd.read_csv(root / run / "outer.csv"))
    assert_tables_fit(study)
    assert_can_be_handed_on(run, root, tmp_path / "elsewhere")


def studies_base():
    from mtl_core.ensemble.config import preset

    smoke = preset("smoke")
    return smoke.model_copy(update={"train": smoke.train.model_copy(update={"epochs": 3, "batch_size": 128})})


def assert_report_fits(study, outer):
    """The outer fold was never seen: no paper of it is among those that trials were scored on, and no row is missing."""
    inside = studies.development(studies.prepared_for(study.config), study.config).observations
    default = outer[outer["configuration"] == "default"]
    assert set(default["reference_group"]).isdisjoint(inside["reference_group"])
    assert len(default) + len(inside) == len(studies.prepared_for(study.config).observations)
    report, best = study.report, study.incumbent
    assert (report["incumbent"], report["n_trials"]) == (best.number, 3)
    assert best.score == max(trial.score for trial in study.trials)
    inner, outer = report["inner"]["gain"], report["outer"]["gain"]
    assert report["optimism"] == pytest.approx(inner - outer) and inner == pytest.approx(best.score - study.default.score)
    mean = report["outer"]["tasks"]["mean"]
    assert mean["difference"] == pytest.approx(outer, abs=1e-6)
    assert best.number == 0 or mean["low"] <= mean["high"]


def assert_tables_fit(study):
    table, trace = study.table(), study.trace
    assert list(table["number"]) == [0, 1, 2] and set(study.config.space.names) <= set(table)
    assert (np.maximum.accumulate(trace["score"]) == trace["best"]).all()
    assert study.progress["n_done"] == study.progress["n_trials"] == 3


def assert_can_be_handed_on(run, root, elsewhere):
    archive = io.BytesIO()
    export_run(run, archive, root)
    assert import_training(io.BytesIO(archive.getvalue()), root=elsewhere) == run
    assert studies.read_study(run, elsewhere).report == studies.read_study(run, root).report


def test_asked_to_stop_a_study_stops_within_a_trial(tmp_path):
    from mtl_core.tuning.objective import evaluate

    proposal = Proposal(number=1, point={"dropout": 0.1, "trunk_width": 8, "noise": "task"}, proposed_by="random")
    with pytest.raises(StoppedError):
        evaluate(proposal, StudyConfig(base=BASE, space=SPACE), small_rows(), [], should_stop=lambda: True)


def test_what_is_no_study_is_refused_in_words(tmp_path):
    folder = study_folder(tmp_path)
    (folder / "trials.jsonl").write_text(json.dumps({"number": "first"}) + "\n")
    with pytest.raises(CheckpointError, match=r"trials\.jsonl: expected a trial a line, got number"):
        studies.read_study(folder.name, tmp_path)
    with pytest.raises(CheckpointError, match="expected a run that tunes, got one that trains"):
        studies.study_config(Record(config={}))
