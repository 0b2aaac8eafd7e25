"""The validation ladder: what each rung keeps out of training, baselines of known worth, numbers that can be checked by hand, and
a validation that is killed, resumed, asked again and handed on."""
import os
import re
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from model_samples import SPEC, features_of, made_up_observations, parts_by_paper
from scipy.spatial.distance import cdist
from sklearn.metrics import r2_score
from typer.testing import CliRunner

from benchmarks import ladder as bench
from mtl_core import nested, subjects, validations
from mtl_core.cli import app
from mtl_core.data.curations import Curation, Decision
from mtl_core.data.datasets import read_data
from mtl_core.data.folds import composition_groups, reference_groups
from mtl_core.ensemble.baselines import ALL_BASELINES, FAMILY, baseline_out_of_fold
from mtl_core.ensemble.config import EnsembleConfig, preset
from mtl_core.ensemble.parts import training_parts
from mtl_core.errors import CheckpointError, ConfigError, RunError, StoppedError
from mtl_core.files import read_json
from mtl_core.pipeline import prepare
from mtl_core.registry import archive, jobs, locks
from mtl_core.registry.runs import Label, Record, Status, read_record, recorded_run
from mtl_core.registry.store import find_run
from mtl_core.trainings import import_training
from mtl_core.tuning.rows import development
from mtl_core.validate_cli import show_report
from mtl_core.validation import ladder
from mtl_core.validation.cells import baseline_cell, baseline_cell_on
from mtl_core.validation.config import MODELS, NESTED, OURS, ValidationConfig, size
from mtl_core.validation.rungs import HOLDS, LADDER, RUNGS, left_out, rung_parts
from mtl_core.workers import check_code

SMOKE = preset("smoke")


@pytest.fixture(scope="module")
def prepared():
    return prepare(read_data(), SMOKE)


@pytest.fixture(scope="module")
def parts(prepared):
    return {rung: rung_parts(prepared, rung, seed=0, n_folds=5, n_fold_seeds=1) for rung in RUNGS if rung != "leave-one-out"}


def are_twins(prepared, part):
    """For each pair of a tested and a learnt row whether their alloys are within 0.5 at.%."""
    at = prepared.observations.filter(regex="^at_").to_numpy()
    return cdist(at[part.is_test], at[part.is_training], "chebyshev") <= 0.5


def test_every_rung_says_what_it_is_and_tests_every_row_as_often_as_it_should(prepared, parts):
    for rung, of_rung in parts.items():
        assert RUNGS[rung].holds_out and RUNGS[rung].forbids and RUNGS[rung].allows
        n_tests = np.sum([part.is_test for part in of_rung], axis=0)
        assert all((part.split, part.is_test.any(), (part.is_test & part.is_training).any()) == (rung, True, False)
                   for part in of_rung)
        if rung not in ("element", "monte-carlo"):
            assert (n_tests == 1).all() and len(of_rung) == 5, rung
    alone = rung_parts(prepared, "leave-one-out", seed=0, n_folds=5, n_fold_seeds=1)
    assert len(alone) == len(prepared.observations) and {int(part.is_test.sum()) for part in alone} == {1}
    shares = [part.is_test.mean() for part in parts["monte-carlo"]]
    assert shares == pytest.approx([0.2] * 5, abs=0.005) and not np.array_equal(*(p.is_test for p in parts["monte-carlo"][:2]))


def test_the_splits_of_training_are_those_of_the_run_whatever_a_curation_brings_back(prepared):
    table = read_data()
    left = table.measurements.loc[table.measurements["flags"] != "", "measurement_id"]
    curation = Curation(name="all", version=1, decisions=dict.fromkeys(left, Decision(choice="keep", rule="", reason="")))
    for one in (prepared, prepare(table, SMOKE, curation=curation)):
        expected = training_parts(one.observations, SMOKE, is_training=one.is_training, is_test=one.is_test)
        found = [part for rung in SMOKE.train.splits for part in rung_parts(one, rung, seed=0, n_folds=3, n_fold_seeds=1)]
        for mine, other in zip(found, expected, strict=True):
            assert (mine.split, mine.fold_seed, mine.fold) == (other.split, other.fold_seed, other.fold)
            assert np.array_equal(mine.is_test, other.is_test) and np.array_equal(mine.is_training, other.is_training)
    assert len(one.observations) > len(prepared.observations)
    for rung in ("system", "cluster", "element", "stratified"):
        for part in rung_parts(one, rung, seed=0, n_folds=5, n_fold_seeds=1):
            assert not (part.is_test & ~one.is_test).any()
            if rung == "cluster":
                assert not are_twins(one, part).any()


@pytest.mark.parametrize("rung", ["composition", "cluster", "element"])
def test_no_twin_of_a_tested_alloy_is_learnt_from(rung, prepared, parts):
    assert not any(are_twins(prepared, part).any() for part in parts[rung])
    assert any(are_twins(prepared, part).any() for part in parts["random"])


def test_papers_and_chemical_systems_are_on_one_side(prepared, parts):
    rows = prepared.observations
    systems = np.unique(rows.filter(regex="^at_").to_numpy() >= HOLDS, axis=0, return_inverse=True)[1]
    for rung, groups in (("reference", reference_groups(rows)), ("system", systems),
                         ("composition", composition_groups(rows.filter(regex="^at_").to_numpy()))):
        assert all(set(groups[part.is_test]).isdisjoint(groups[part.is_training]) for part in parts[rung])


def test_of_an_element_that_is_left_out_nothing_is_learnt(prepared, parts):
    rows, elements = prepared.observations, left_out(prepared.observations)
    assert [part.name for part in parts["element"]] == list(elements) and {"Mo", "Al", "N"} <= set(elements)
    for part in parts["element"]:
        amount = rows[f"at_{part.name}"]
        assert (amount[part.is_training] == 0).all() and (amount[part.is_test] >= HOLDS).all()
        assert set(rows["task"][part.is_test]) == set(elements[part.name])
        assert all((rows["task"][part.is_training] == task).sum() > 100 for task in elements[part.name])


def test_stratified_folds_have_the_same_values_and_random_ones_not_quite(prepared, parts):
    def unevenness(rung):
        rows = prepared.observations
        quantiles = [rows[part.is_test].groupby("task")["value"].quantile([0.1, 0.5, 0.9]) for part in parts[rung]]
        return (np.std(quantiles, axis=0) / rows.groupby("task")["value"].std().repeat(3).to_numpy()).mean()
    assert unevenness("stratified") < 0.5 * unevenness("random")


def test_an_impossible_rung_is_refused_in_words(prepared):
    with pytest.raises(ConfigError, match=r"expected a rung out of random, stratified, .* got 'paper'"):
        rung_parts(prepared, "paper", seed=0, n_folds=5, n_fold_seeds=1)
    with pytest.raises(ConfigError, match=r"at most as many clusters as groups of alloys \(\d+\), got 5000"):
        rung_parts(prepared, "cluster", seed=0, n_folds=5000, n_fold_seeds=1)
    with pytest.raises(ConfigError, match="number of groups by chemical system"):
        rung_parts(prepared, "system", seed=0, n_folds=5000, n_fold_seeds=1)


def test_the_outer_folds_are_the_locked_ones():
    locked, subject = read_json(subjects.LOCKS), subjects.Subject.of(ValidationConfig(rungs=LADDER))
    assert {rung: subject.folds_sha256(rung) for rung in LADDER} == locked["rungs"], "python -m mtl_core validate --lock-folds"
    assert {subject.lock(rung) for rung in LADDER} == {ladder.LOCKED}
    assert subject.of_run("reference") is not None and subject.of_run("system") is None
    other = replace(subject, config=subject.config.model_copy(update={"seed": 7}))
    assert other.lock("reference") == "Not the locked folds: other seed." and other.of_run("reference") is None
    assert ladder.lock_words("reference", "0" * 64, {"seed": 0}, locked).startswith("Not the locked folds: the same data and")


def test_the_validation_that_comes_along_is_about_the_ensemble_that_comes_along():
    """`make bench-accuracy SIZE=ladder NESTED=1` writes it."""
    report, shipped = validations.shipped_report(), read_json(subjects.run_folder("shipped") / "ensemble.json")
    stored = read_json(subjects.run_folder("shipped") / "metrics.json")["metrics"]
    assert report.config_sha256 == subjects.config_sha256(EnsembleConfig.model_validate(shipped["config"]))
    assert report.data_sha256 == shipped["data_sha256"] and {facts.lock for facts in report.rungs.values()} == {ladder.LOCKED}
    assert tuple(report.rungs) == LADDER and set(MODELS) <= set(report.models)
    for task, splits in stored.items():
        for split, row in splits.items():
            assert report.score(task, split, OURS).r2.value == pytest.approx(row["r2"], abs=1e-9)
    assert bench.page(report, bench.PAGE.read_text(), today="2026-01-31", seconds=0.0).splitlines()[8:] == (
        bench.PAGE.read_text().splitlines()[8:])


def test_a_frozen_config_keeps_its_fingerprint_when_new_settings_come_along():
    """Those of the looks in accuracy.md: a new setting is entered among the later ones, a new default is another config."""
    assert subjects.config_sha256(EnsembleConfig())[:12] == "b4064fa26833"
    assert subjects.config_sha256(EnsembleConfig(kernel_share=0.75))[:12] == "d8ea6a618e5e"


# --- baselines ---


def test_baselines_recover_what_they_can_and_learn_nothing_from_the_rows_they_are_tested_on():
    rows = made_up_observations(120)
    part = parts_by_paper(rows)[0]
    found = baseline_out_of_fold(rows, features_of(rows), SPEC, [part], seed=0, models=ALL_BASELINES)
    r2 = {model: r2_score(of["low"], of["mean"]) for model, of in found[found["task"] == "hardness"].groupby("model")}
    assert set(r2) == set(MODELS) - {OURS}
    assert min(r2["ridge"], r2["gaussian process"]) > 0.9 and r2["mean"] < 0.0 and r2[FAMILY] < 0.1
    assert min(r2[model] for model in ("1-NN", "random forest", "extra trees", "gradient boosting")) > 0.7
    changed = rows.assign(value=rows["value"].mask(part.is_test & rows["value"].notna(), 1e4))
    again = baseline_out_of_fold(changed, features_of(rows), SPEC, [part], seed=0, models=ALL_BASELINES)
    pd.testing.assert_series_equal(again["mean"], found["mean"])
    assert (again["low"] != found["low"]).all()


def test_the_class_mean_is_that_of_the_family_and_of_all_where_the_family_is_new():
    rows = made_up_observations(60).assign(family=["Fe", "Ni", "HEA", "Ni", "Fe", "Ni"] * 10)
    part = parts_by_paper(rows)[0]
    part.is_training[(rows["family"] == "HEA").to_numpy()] = False
    found = baseline_out_of_fold(rows, features_of(rows), SPEC, [part], seed=0, models={FAMILY: ALL_BASELINES[FAMILY]})
    learnt = rows[part.is_training & (rows["task"] == "hardness")]
    means = learnt.groupby("family")["value"].mean().to_dict() | {"HEA": learnt["value"].mean()}
    tested = rows[part.is_test & (rows["task"] == "hardness")]
    np.testing.assert_allclose(found[found["task"] == "hardness"]["mean"], tested["family"].map(means))


# --- from cells to the report ---


def cell(mean, *, task="hardness", seeds=(0, 1)):
    """An out-of-fold table of six papers, with a row that is known as a bound only."""
    y = np.arange(12.0)
    return pd.concat([pd.DataFrame({"measurement_id": [f"m{row}" for row in range(12)], "task": task, "fold_seed": seed,
                                    "fold": np.arange(12) % 3, "reference_group": [f"p{row // 2}" for row in range(12)],
                                    "low": y, "high": np.where(y == 11, np.inf, y), "mean": mean(y)}) for seed in seeds])


def test_scores_are_those_of_the_exact_rows_and_differences_are_paired_with_ours():
    far = cell(lambda y: y + 2.0)
    exact = far[far["high"] < np.inf].drop(columns="high")
    scores = {score.model: score for score in ladder.scores_of(
        "random", {"ridge": exact, "mean": cell(lambda y: 0 * y + 5.0), OURS: cell(lambda y: y + 1.0)}, ["hardness"])}
    assert {(score.n, score.n_papers) for score in scores.values()} == {(11, 6)}
    assert (scores["ridge"].mae.value, scores[OURS].rmse.value) == pytest.approx((2.0, 1.0))
    assert scores["ridge"].r2.value == pytest.approx(r2_score(np.arange(11.0), np.arange(11.0) + 2.0))
    assert scores[OURS].difference is None
    assert scores["ridge"].difference.value == pytest.approx(scores[OURS].r2.value - scores["ridge"].r2.value)
    assert scores["ridge"].difference.low > 0 and scores["mean"].r2.value == 0 and scores["mean"].difference.value > 0.5


def test_one_paper_alone_has_no_interval_and_a_row_that_is_tested_twice_is_paired_by_its_fold():
    single = cell(lambda y: y + 2.0).assign(reference_group="p0")
    score, = ladder.scores_of("reference", {"ridge": single}, ["hardness"])
    assert (score.r2.low, score.r2.high, score.difference) == (None, None, None)
    twice = pd.concat([cell(lambda y: y + 2.0, seeds=(0,)), cell(lambda y: y + 2.0, seeds=(0,)).assign(fold=9)])
    ridge, _ = ladder.scores_of("element", {"ridge": twice, OURS: twice}, ["hardness"])
    assert (ridge.n, ridge.difference.value) == (22, 0.0)
    same = single.assign(low=1.0, high=1.0)
    assert ladder.scores_of("random", {"ridge": same}, ["hardness", "elongation"]) == []


def test_named_parts_say_their_errors_and_how_many_rows_they_had():
    tables = {"ridge": cell(lambda y: y + 2.0), OURS: cell(lambda y: y + 1.0)}
    tasks = ["hardness"] * 10 + ["elongation"] * 2
    observations = pd.DataFrame({"measurement_id": [f"m{row}" for row in range(12)], "task": tasks})
    part = SimpleNamespace(split="cluster", name="cluster 2", fold_seed=0, fold=1, is_test=np.arange(12) % 3 == 1,
                           is_training=np.arange(12) % 3 != 1)
    facts = ladder.rung_facts("cluster", [part], observations, tables, lock="", origin="trained", members=1).parts[0]
    assert (facts.n_training, facts.n_test) == ({"hardness": 7, "elongation": 1}, {"hardness": 3, "elongation": 1})
    assert facts.mae == {"hardness": {"ridge": 2.0, OURS: 1.0}}


# --- a validation as a run ---


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """A cache of its own, for this process and for those that it starts."""
    monkeypatch.setattr(validations, "CELLS", tmp_path / "cache" / "cells")
    monkeypatch.setenv("ALLOYSCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cells"


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.suffix == ".csv" or path.name == "report.json"}


def test_the_smoke_size_scores_ours_and_baselines_and_a_second_one_computes_nothing(cells, tmp_path, monkeypatch):
    root, lines = tmp_path / "runs", []
    folder = validations.validate_here(size("smoke"), root=root, progress=lines.append)
    found = validations.read_validation(folder.name, root)
    table = found.report.table()
    assert len(table) == 3 * 2 * 3 and table[["r2", "r2_low", "r2_high", "mae", "rmse"]].notna().all(axis=None)
    assert (table["difference"].isna() == (table["model"] == OURS)).all() and (table["r2_low"] < table["r2"]).all()
    assert {facts.lock for facts in found.report.rungs.values()} == {"Not the locked folds: other n folds, n fold seeds."}
    assert {facts.origin for facts in found.report.rungs.values()} == {"trained"}
    assert found.report.best_baseline("hardness", "random").model == "extra trees"
    assert [line["n_done"] for line in lines] == sorted(line["n_done"] for line in lines) and lines[-1]["n_done"] == 9
    ours = validations.read_cell(folder.name, "reference", OURS, root)
    assert ours["std"].gt(0).all() and (ours["low"] != ours["high"]).any()

    monkeypatch.setattr(validations, "_computed", lambda *others: pytest.fail("computed again"))
    again = validations.validate_here(size("smoke"), root=root)
    assert bytes_of(again) == bytes_of(folder)
    with (tmp_path / "it.zip").open("wb") as file:
        archive.export_run(folder.name, file, root)
    assert bytes_of(tmp_path / "there" / import_training(tmp_path / "it.zip", root=tmp_path / "there")) == bytes_of(folder)
    assert read_record(folder).config["n_folds"] == 3
    assert_page_fits(found.report)


def assert_page_fits(report):
    """benchmarks/accuracy.md: each number where it belongs, and one line for each different look at the locked folds."""
    text = bench.page(report, "", today="2026-01-31", seconds=90.0)
    row = next(line for line in text.split("## Hardness")[1].splitlines() if line.startswith("| ridge"))
    scores = {one.rung: one for one in report.scores if (one.task, one.model) == ("hardness", "ridge")}
    assert [text.split()[0] for text in row.split("|")[2:-1]] == [f"{scores[rung].r2.value:.3f}" for rung in report.rungs]
    assert "- 2026-01-31" not in text and "1.5 minutes" in text
    rungs = {rung: facts.model_copy(update={"lock": ladder.LOCKED}) for rung, facts in report.rungs.items()}
    locked = report.model_copy(update={"rungs": rungs})
    first = bench.page(locked, text, today="2026-01-31", seconds=1.0)
    assert bench.page(locked, first, today="2026-02-01", seconds=1.0) == first
    other = locked.model_copy(update={"config_sha256": "f" * 64})
    second = bench.page(other, first, today="2026-02-02", seconds=1.0)
    assert re.findall(r"^- (\S+), config (\S{3})", second, flags=re.MULTILINE) == [
        ("2026-01-31", report.config_sha256[:3]), ("2026-02-02", "fff")]


def test_the_splits_of_a_run_need_no_training(cells, tmp_path):
    folder = validations.validate_here(ValidationConfig(rungs=("reference",), models=("mean", OURS)), root=tmp_path)
    report = validations.read_validation(folder.name, tmp_path).report
    stored = read_json(subjects.run_folder("shipped") / "metrics.json")["metrics"]
    assert (report.rungs["reference"].origin, report.rungs["reference"].lock) == ("run", ladder.LOCKED)
    for score in (one for one in report.scores if one.model == OURS):
        assert score.r2.value == pytest.approx(stored[score.task]["reference"]["r2"], abs=1e-9)
        assert score.rmse.value == pytest.approx(stored[score.task]["reference"]["rmse"], abs=1e-9)


def wait_for(run, root, is_so):
    end = time.monotonic() + 120.0
    while not is_so(found := find_run(run, root)):
        assert time.monotonic() < end and found.status is not Status.failed, found
        time.sleep(0.02)


def test_a_validation_that_is_killed_goes_on_to_the_same_bytes(cells, tmp_path):
    config = ValidationConfig(rungs=("system", "element"), models=("ridge", "1-NN"), n_folds=5, n_fold_seeds=3)
    root = tmp_path / "runs"
    run = validations.start_validation(config, root=root)
    wait_for(run, root, lambda found: (root / run / "cell_system_ridge.csv").exists())
    os.kill(find_run(run, root).pid, signal.SIGKILL)
    wait_for(run, root, lambda found: found.status is Status.lost)
    assert not (root / run / "report.json").exists()
    jobs.resume(run, root=root)
    wait_for(run, root, lambda found: found.status is Status.complete)
    for path in cells.glob("*"):
        path.unlink()
    assert bytes_of(validations.validate_here(config, root=root)) == bytes_of(root / run)


def test_workers_find_what_one_process_finds(prepared, parts, monkeypatch):
    from dask.distributed import Client

    given = prepared, parts["element"], "ridge", SMOKE
    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None, set_as_default=False) as client:
        there = baseline_cell_on(client, *given, should_stop=lambda: False)
        pd.testing.assert_frame_equal(there, baseline_cell(*given))
        with pytest.raises(StoppedError):
            baseline_cell_on(client, *given, should_stop=lambda: True)
    monkeypatch.setattr("mtl_core.workers.code_sha256", lambda: "another")
    with pytest.raises(RunError, match="expected a worker with the code aaaa, got one with another; install the same version"):
        check_code("aaaa")


def test_what_cannot_be_validated_is_said(tmp_path):
    with pytest.raises(CheckpointError, match="expected one of the runs shipped; got 'other'"):
        validations.start_validation(ValidationConfig(run="other"), root=tmp_path)
    with pytest.raises(ValueError, match=r"expected different models out of mean, .*; got magic"):
        ValidationConfig(models=("magic",))
    with pytest.raises(CheckpointError, match="expected a run that validates, got one that does something else"):
        validations.validation_config(Record(config={}))


# --- settings that are tuned anew in each fold ---


def smoke_fold(fold=0):
    config = size("smoke").model_copy(update={"rungs": ("reference",), "models": (OURS, NESTED)})
    return nested.Fold(subject := subjects.Subject.of(config), subject.parts("reference")[fold])


def test_a_search_sees_no_paper_of_the_fold_that_it_is_tested_on():
    fold = smoke_fold(fold=1)
    rows, tested = fold.subject.prepared.observations, fold.part.is_test
    seen = development(fold.subject.prepared, fold.study, fold.part)
    papers = reference_groups(rows)
    assert set(seen.observations["measurement_id"]) == set(rows["measurement_id"][~np.isin(papers, papers[tested])])
    assert len(seen.observations) + tested.sum() == len(rows) and len(seen.parts) == 2
    assert fold.study.base.kernel_share == 0.0 and "epochs" not in fold.study.space.names
    assert fold.folder != smoke_fold(fold=0).folder and fold.folder == smoke_fold(fold=1).folder


def test_settings_are_tuned_anew_in_a_fold_and_stopped_it_goes_on_where_it_was(cells, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(nested, "SEARCHES", tmp_path / "cache" / "searches")
    config = size("smoke").model_copy(update={"rungs": ("reference",), "models": ("ridge", OURS, NESTED), "epochs": 2})
    folder, lock = recorded_run(validations.record_of(config), Label(), tmp_path / "runs")
    locks.release(lock)

    def trials():
        return [line for path in (tmp_path / "cache").rglob("trials.jsonl") for line in path.read_text().splitlines()]

    with pytest.raises(StoppedError):
        validations.validate(folder, lambda: len(trials()) == 1)
    first, = trials()
    validations.validate(folder, lambda: False)
    assert len(trials()) == 2 and trials()[0] == first
    report = validations.read_validation(folder.name, folder.parent).report
    assert [(fold.fold, fold.n_trials, set(fold.before)) for fold in report.nested["reference"]] == [(0, 2, set(SMOKE.tasks))]
    assert report.best_baseline("hardness", "reference").model == "ridge"
    found = report.tuned().set_index("task").loc["hardness"]
    ours = pd.read_csv(folder / "cell_reference_ours.csv").query("task == 'hardness' and fold == 0 and low == high")
    assert found["ours"] == pytest.approx(r2_score(ours["low"], ours["mean"]))
    fold, = report.nested["reference"]
    assert found["optimism"] == pytest.approx(fold.after["hardness"] - fold.before["hardness"] + found["ours"] - found["tuned"])
    assert "1 of 3" in bench.page(report, "", today="2026-01-31", seconds=0.0).split("## Tuned anew")[1]
    show_report(report)
    said = capsys.readouterr().out
    assert "tuned anew fold by fold" in said and "this run − it" in said and "stand-in" not in said
    show_report(report, epochs=SMOKE.train.epochs)
    said = capsys.readouterr().out
    assert "a stand-in that was trained for 2 epochs, not shipped, which had 8" in said and "stand-in − it" in said

    monkeypatch.setattr(nested.Fold, "make", lambda *others: pytest.fail("searched again"))
    again = validations.validate_here(config, root=folder.parent)
    assert bytes_of(again) == bytes_of(folder)


def test_a_search_needs_a_rung_that_it_can_divide_and_settings_that_it_can_change(tmp_path):
    with pytest.raises(ValueError, match=r"a rung on which settings are searched for \(composition, reference\), got system"):
        ValidationConfig(rungs=("system",), models=(OURS, NESTED))
    subject = subjects.Subject.of(ValidationConfig(models=(OURS, NESTED)))
    wired = replace(subject, base=subject.base.model_copy(update={"wiring": "single-task"}))
    with pytest.raises(ConfigError, match=r"shipped: expected settings that can be searched for, got .*wiring 'multi-task'"):
        _ = nested.folds_of(wired, "reference")[0].study


def test_the_command_tunes_anew_where_it_is_asked_to(monkeypatch):
    started = []
    monkeypatch.setattr(validations, "start_validation", lambda config, **others: started.append(config) or "it")

    def asked(*options):
        assert CliRunner().invoke(app, ["validate", "--detach", *options]).exit_code == 0
        return started[-1]

    assert asked("--nested").cells == tuple((rung, model) for rung in ("composition", "reference") for model in (OURS, NESTED))
    one = asked("--nested", "--rung", "random", "--rung", "system", "--model", "ridge", "--outer-folds", "2", "--trials", "7")
    assert one.cells == (("random", "ridge"), ("random", NESTED), ("system", "ridge"))
    assert (one.nested.n_outer, one.nested.n_trials, asked().cells) == (2, 7, ValidationConfig().cells)
