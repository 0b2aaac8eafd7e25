"""Runs: what training writes, that its figures can be recomputed from it, and what a foreign or damaged run says."""
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from mtl_core import pipeline
from mtl_core.chemistry.composition import Composition
from mtl_core.errors import CheckpointError
from mtl_core.registry.runs import run_folder, run_ids
from mtl_core.settings import SHIPPED_DIR
from mtl_core.types import Conditions


def recomputed(rows, level):
    """n, R², MAE, coverage and width of one task and split, from the definitions and nothing of ours."""
    found, exact = [], rows[rows["low"] == rows["high"]]
    of_row = {name: (alike["mean"].mean(), np.sqrt((alike["std"]**2).mean() + alike["mean"].var(ddof=0)))
              for name, alike in exact.groupby("measurement_id")}  # over the members of all fold seeds
    for _, seed in exact.groupby("fold_seed"):
        y, mean, fold = (seed[name].to_numpy() for name in ("low", "mean", "fold"))
        middle, std = np.array([of_row[name] for name in seed["measurement_id"]]).T
        score = np.abs(y - middle) / std
        hits, widths = [], []
        for held_out in np.unique(fold):
            others = np.sort(score[fold != held_out])
            factor = others[min(int(np.ceil((len(others) + 1) * level)), len(others)) - 1]
            hits.append(score[fold == held_out] <= factor)
            widths.append(2 * factor * std[fold == held_out])
        found.append((len(y), r2_score(y, mean), mean_absolute_error(y, mean), np.concatenate(hits).mean(),
                      np.concatenate(widths).mean()))
    return np.mean(found, axis=0)


@pytest.fixture(scope="session", params=["shipped", "smoke"])
def run(request):
    """Folder of the shipped run, and of one that was trained a moment ago."""
    return SHIPPED_DIR if request.param == "shipped" else request.getfixturevalue("smoke_run")


@pytest.mark.parametrize("task", ["hardness", "pitting_potential"])
@pytest.mark.parametrize("split", ["random", "composition", "reference"])
def test_the_stored_metrics_are_those_of_the_stored_out_of_fold_table(run, task, split):
    stored = json.loads((run / "metrics.json").read_text())["metrics"][task][split]
    rows = pd.read_csv(run / "out_of_fold.csv").query("task == @task and split == @split")
    for level in (0.68, 0.9, 0.95):
        n, r2, mae, coverage, width = recomputed(rows, level)
        assert stored["n"] == n and stored["n_censored"] == (rows["low"] != rows["high"]).sum() / rows["fold_seed"].nunique()
        assert (stored["r2"], stored["mae"]) == pytest.approx((r2, mae), rel=1e-4)
        assert stored["coverage"][str(level)] == pytest.approx(coverage, abs=1.5 / n)
        assert stored["width"][str(level)] == pytest.approx(width, rel=1e-3)
        assert stored["coverage"][str(level)] == pytest.approx(level, abs=0.05)


def test_each_row_is_held_out_once_a_split_and_seed_and_whole_papers_at_a_time(run):
    table = pd.read_csv(run / "out_of_fold.csv")
    assert not table.duplicated(["measurement_id", "split", "fold_seed"]).any()
    n_rows = table.groupby(["split", "fold_seed"]).size()
    assert n_rows.nunique() == 1
    by_paper = table[table["split"] == "reference"].groupby(["fold_seed", "reference_group"])["fold"].nunique()
    assert (by_paper == 1).all()


@pytest.mark.parametrize(("task", "split"), [(task, split) for task in ("hardness", "pitting_potential")
                                             for split in ("random", "composition", "reference")])
def test_even_the_smallest_training_beats_the_mean_of_the_alloy_class(smoke_run, task, split):
    metrics = json.loads((smoke_run / "metrics.json").read_text())
    found = metrics["metrics"][task][split]
    assert found["r2"] > found["class_mean_r2"] + 0.25
    assert set(metrics["baselines"][task][split]) == {"ridge", "extra trees"}


def test_random_folds_look_better_than_they_are(smoke_run):
    """Twins on both sides: the reason why bands are calibrated on papers."""
    transfer = json.loads((smoke_run / "metrics.json").read_text())["transfer"]
    for task in transfer.values():
        assert task["random"]["reference"] < 0.87 < task["reference"]["random"]


def test_a_run_holds_its_progress_history_and_ensemble_and_no_half_written_file(smoke_run):
    lines = [json.loads(line) for line in (smoke_run / "progress.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, lines[-1]["n_epochs"] + 1))
    losses = np.array([list(line["loss"].values()) for line in lines])
    assert (losses[-1] < losses[0]).all() and losses.shape == (8, 2, 9)
    assert {path.name for path in smoke_run.iterdir()} == {
        "config.json", "status.json", "label.json", "lock",
        "progress.jsonl", "history.npz", "ensemble.npz", "ensemble.json", "out_of_fold.csv", "metrics.json"}


def test_a_trained_run_predicts_and_its_id_is_all_one_needs(smoke_run):
    predictor = pipeline.load_predictor(smoke_run.name, root=smoke_run.parent)
    found = predictor.predict([Composition.from_text("CoCrFeMnNi")], Conditions())
    assert (found.lower < found.mean).all() and (found.mean < found.upper).all()
    assert run_ids(smoke_run.parent) == [smoke_run.name]
    assert pipeline.evaluate(smoke_run.name, root=smoke_run.parent)["run"] == smoke_run.name


@pytest.fixture
def copy(smoke_run, tmp_path):
    return shutil.copytree(smoke_run, tmp_path / smoke_run.name)


def refused(folder, match):
    with pytest.raises(CheckpointError, match=match):
        pipeline.load_predictor(folder.name, root=folder.parent)


def test_an_ensemble_that_learnt_from_other_data_is_refused_with_both_fingerprints(copy):
    path = copy / "ensemble.json"
    content = json.loads(path.read_text())
    ours, content["data_sha256"] = content["data_sha256"], "0" * 64
    path.write_text(json.dumps(content))
    refused(copy, f"fingerprint {ours[:12]}, got 000000000000; train again")


@pytest.mark.parametrize(("content", "words"), [
    (None, "expected a finished run"), ("", "expected a CSV"), ("a,b\n1,2\n", "no measurement_id, task"),
    ("cut", "empty cells")], ids=["missing", "empty", "other columns", "cut short"])
def test_a_run_without_its_whole_out_of_fold_table_is_refused(copy, content, words):
    path = copy / "out_of_fold.csv"
    stored = path.read_text()
    path.unlink()
    if content is not None:
        path.write_text(stored[:stored.rindex(",")] if content == "cut" else content)
    refused(copy, words)


@pytest.mark.parametrize("run", ["nope", "..", "../shipped", "20200101-000000-abcd", "/etc", ""])
def test_a_run_that_is_not_there_is_refused_with_those_that_are(run, copy):
    with pytest.raises(CheckpointError, match=f"expected one of the runs shipped, {copy.name}; got '{run}'"):
        run_folder(run, copy.parent)


def test_shipped_metrics_belong_to_the_shipped_ensemble(predictor):
    stored = pipeline.evaluate()
    assert stored["run"] == "shipped"
    assert (stored["n_members"], stored["n_masks"]) == (predictor.n_members, predictor.n_masks)
    assert list(stored["metrics"]) == [task.key for task in predictor.tasks]
