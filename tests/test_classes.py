"""Classes beside values, and the test types of one property as tasks of their own."""
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper
from pydantic import ValidationError
from sklearn.metrics import accuracy_score, f1_score, log_loss
from streamlit.testing.v1 import AppTest
from test_ensemble import BRIEF, NETWORK, made_up_rows
from typer.testing import CliRunner

from mtl_core import pipeline
from mtl_core.batch import predict_table
from mtl_core.chemistry.composition import Composition
from mtl_core.cli import app
from mtl_core.data import read_tables
from mtl_core.data.phases import LEFT_OUT, phase_class, phase_counts
from mtl_core.data.training import observations
from mtl_core.ensemble import checkpoint
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig, TrainConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.losses import cross_entropy
from mtl_core.ensemble.trainer import train
from mtl_core.errors import CheckpointError, StoppedError
from mtl_core.subjects import Subject
from mtl_core.tasks import PROPERTIES, TASKS, with_values
from mtl_core.types import Conditions
from mtl_core.uncertainty.classification import class_out_of_fold, report
from mtl_core.uncertainty.metrics import out_of_fold
from mtl_core.validation.config import ValidationConfig

CLASSES = TASKS["phase"].classes
BOTH = CONFIG.model_copy(update={"tasks": ("hardness", "phase"), "train": TrainConfig(
    epochs=60, batch_size=16, learning_rate=0.02, n_folds=3, n_fold_seeds=1, n_repeats=1), "kernel_share": 0.5})
TINY = EnsembleConfig(tasks=("hardness", "phase"), wiring="latent", source="phase", network=NetworkConfig(
    trunk=(4,), head=(4,)), train=TrainConfig(
        epochs=2, batch_size=256, n_folds=2, n_fold_seeds=1, n_repeats=1, splits=("reference",)))


@pytest.fixture(scope="module")
def table():
    return read_tables()


@pytest.fixture(scope="module")
def rows():
    """Every second row has a class that follows from nickel alone, in steps."""
    frame = made_up_observations(180).replace({"task": {"pitting_potential": "phase"}})
    steps = np.digitize(frame["at_Ni"], [10.0, 15.0]).astype(float)
    is_class = frame["task"] == "phase"
    return frame.assign(**{side: np.where(is_class, steps, frame[side]) for side in ("value", "low", "high")})


@pytest.fixture(scope="module")
def learnt(rows):
    parts = parts_by_paper(rows)
    return fit_ensemble(rows, features_of(rows), SPEC, BOTH, parts)[0], parts


@pytest.mark.parametrize(("label", "expected"), [
    ("FCC", "FCC"), ("FCC+L12", "FCC"), ("BCC+B2", "BCC"), ("B2", "BCC"), ("BCC+BCC", "BCC"), ("FCC+BCC", "mixed"),
    ("FCC+B2", "mixed"), ("FCC+Sec.", "mixed"), ("BCC+Laves", "mixed"), ("Amorphous", None), ("BCC+Amorphous", None),
    ("Other", None), ("", None)])
def test_a_label_of_phases_is_a_lattice_or_mixed_or_left_out(label, expected):
    assert phase_class(label) == expected


def test_an_alloy_has_one_class_in_a_paper_and_those_without_are_counted(table):
    found = observations(table, ("hardness", "phase"))
    phases = found[found["task"] == "phase"]
    assert found["measurement_id"].is_unique and not phases.duplicated(["alloy_id", "reference_id"]).any()
    assert [CLASSES[int(value)] for value in phases["value"]] == phases["phases"].map(phase_class).tolist()
    assert found[found["task"] == "hardness"]["measurement_id"].equals(observations(table, ("hardness",))["measurement_id"])
    counts = phase_counts(table.alloys)
    assert counts.sum() == (table.alloys["phases"] != "").sum() and 0 < counts[LEFT_OUT] < counts.min() + 100


def test_tests_in_tension_and_in_compression_divide_what_was_measured_once(table):
    whole, *parts = (set(observations(table, (key,))["measurement_id"]) for key in (
        "yield_strength", "tensile_yield_strength", "compressive_yield_strength"))
    assert whole == parts[0] | parts[1] and not parts[0] & parts[1] and min(map(len, parts)) > 200
    strains = observations(table, ("elongation", "compressive_elongation"))
    assert strains["measurement_id"].is_unique
    assert dict(strains.groupby("task")["test_type"].unique().str.join(" ")) == {
        "compressive_elongation": "compression", "elongation": "tension"}
    assert not set(strains.loc[strains["task"] == "compressive_elongation", "flags"].str.split().sum()) - {
        "compression-test", "transpassive", "composition-range", "cross-paper", "double-entry", "repeated-reading", "re-entered"}
    assert not set(PROPERTIES) & {"tensile_yield_strength", "phase"}


@pytest.mark.parametrize(("settings", "words"), [
    ({"tasks": ("phase",)}, "expected a property with values to learn as well"),
    ({"tasks": ("hardness", "phase"), "wiring": "difference"}, "phase has classes: leave it out"),
    ({"tasks": ("hardness", "phase"), "network": {"heads": ((4,), (4,))}}, "an output for each class"),
    ({"tasks": ("yield_strength", "tensile_yield_strength")}, "expected each measurement in one task only")])
def test_what_cannot_be_learnt_together_is_refused_in_a_sentence(settings, words):
    with pytest.raises(ValidationError, match=words):
        EnsembleConfig(**settings)


def test_the_cross_entropy_is_that_of_the_softmax_among_the_outputs_of_the_task():
    scores = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    mine, chosen = np.tile([False, True, True, True], (5, 1)), np.array([1, 2, 3, 1, 2])
    chances = np.exp(scores[:, 1:]) / np.exp(scores[:, 1:]).sum(axis=1, keepdims=True)
    expected = -np.log(chances[np.arange(5), chosen - 1])
    np.testing.assert_allclose(cross_entropy(tf.constant(scores), tf.constant(mine), tf.constant(chosen)), expected, rtol=1e-5)


def test_a_class_that_follows_from_the_composition_is_learnt_beside_values_and_on_papers_never_seen(rows, learnt):
    ensemble, parts = learnt
    values = features_of(rows)
    found = class_out_of_fold(ensemble, parts, rows, values)
    chances = found[[f"p_{name}" for name in CLASSES]].to_numpy()
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, rtol=1e-5)
    assert found["measurement_id"].is_unique and len(found) == (rows["task"] == "phase").sum()
    paper = rows.set_index("measurement_id")["reference_group"].str.removeprefix("paper-").astype(int)
    assert (found["measurement_id"].map(paper) % 3 == found["fold"]).all()
    assert (np.array(CLASSES)[chances.argmax(axis=1)] == found["label"]).mean() > 0.85
    of_values = out_of_fold(ensemble, parts, rows, values)
    assert set(of_values["task"]) == {"hardness"} and np.corrcoef(of_values["low"], of_values["mean"])[0, 1] > 0.9


def test_a_checkpoint_keeps_the_probabilities(rows, learnt, tmp_path):
    checkpoint.save(learnt[0], tmp_path, data_sha256="")
    asked = features_of(rows)[:5]
    before, after = (one.predict_classes(asked, "phase") for one in (learnt[0], checkpoint.load(tmp_path)))
    np.testing.assert_array_equal(before, after)


def test_a_class_held_out_changes_nothing_and_an_interrupted_training_goes_on_to_the_same_numbers(tmp_path):
    made_up = made_up_rows()
    low = np.where(made_up.task == 1, np.digitize(made_up.low, [-0.5, 0.5]), made_up.low).astype(np.float32)
    turned = np.where((made_up.task == 1) & ~made_up.is_training, 2.0 - low, low)
    config = BRIEF.model_copy(update={"task_gradients": "uncertainty"})
    settings = {"n_tasks": 2, "n_classes": (0, 3), "seed": 0, "state": tmp_path / "state.npz"}
    expected, _ = train(replace(made_up, low=turned, high=turned), NETWORK, config, **settings | {"state": None})
    asked = iter([False, True])
    with pytest.raises(StoppedError):
        train(replace(made_up, low=low, high=low), NETWORK, config, **settings, should_stop=lambda: next(asked))
    found, _ = train(replace(made_up, low=low, high=low), NETWORK, config, **settings)
    assert all(np.array_equal(found[name], value) for name, value in expected.items())


def test_scores_are_those_of_scikit_learn_and_a_twin_of_ours_gains_nothing(rows, learnt):
    ensemble, parts = learnt
    ours = class_out_of_fold(ensemble, parts, rows, features_of(rows))
    facts = report(ours, ours.assign(model="twin"), ours)["phase"]["reference"]
    chances = ours[[f"p_{name}" for name in CLASSES]].to_numpy()
    said = np.array(CLASSES)[chances.argmax(axis=1)]
    expected = {"macro_f1": f1_score(ours["label"], said, average="macro"), "accuracy": accuracy_score(ours["label"], said),
                "log_loss": log_loss(ours["label"], chances / chances.sum(axis=1, keepdims=True), labels=list(CLASSES))}
    for name, value in expected.items():
        score, low, high = facts["scores"][name]
        assert score == pytest.approx(value, abs=1e-4) and low < score < high
        assert facts["others"]["twin"]["gain"][name] == facts["others"]["alone"]["gain"][name] == [0.0, 0.0, 0.0]
    assert np.sum(facts["confusion"]) == len(ours) and np.trace(facts["confusion"]) == (said == ours["label"]).sum()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run on the published data, in which hardness is told the phase; far too short to be good."""
    folder = tmp_path_factory.mktemp("runs") / "20260101-000000-aaaa"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)  # it would stay on in other tests
        return pipeline.train(TINY, folder=folder)


def test_a_run_holds_the_scores_of_its_classes_beside_other_models_and_answers_with_probabilities(run, capsys):
    metrics = json.loads((run / "metrics.json").read_text())
    facts = metrics["classes"]["phase"]["reference"]
    assert set(metrics["metrics"]) == {"hardness"} and set(facts["others"]) == {
        "most frequent class", "logistic regression", "extra trees"}
    assert facts["n"] == sum(facts["counts"].values()) > 800
    f1 = {model: other["scores"]["macro_f1"][0] for model, other in facts["others"].items()}
    assert f1["extra trees"] > f1["logistic regression"] > f1["most frequent class"]
    predictor = pipeline.load_predictor(run.name, root=run.parent)
    told = predictor.ensemble.of_task["hardness"]
    assert told.n_inputs == len(told.spec.columns) + len(CLASSES)
    alloys = [Composition.from_text("CoCrFeNi"), Composition.from_text("NbMoTaW")]
    assert predictor.predict(alloys, Conditions()).tasks == ("hardness",) == with_values(TINY.tasks)
    (found,) = predictor.predict_classes(alloys, Conditions(process=None))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0, rtol=1e-5)
    assert found.probabilities.shape == (2, 3) and found.domain_reason[0] == ""
    asked = pd.DataFrame({"composition": ["CoCrFeNi", "none"]})
    listed = predict_table(predictor, asked, default=Conditions(process=None), level=0.9)
    chances = listed.loc[0, ["phase_BCC", "phase_FCC", "phase_mixed"]].astype(float)
    np.testing.assert_allclose(chances, found.probabilities[0], rtol=1e-4)
    assert listed.loc[1, "error"] and pd.isna(listed.loc[1, "phase_FCC"])
    said = pipeline.predict_alloy(predictor, alloys[0], Conditions())["classes"]["phase"]
    assert said["in_domain"] and sum(said["probabilities"].values()) == pytest.approx(1.0)


def test_the_command_line_shows_them_and_a_validation_says_why_it_does_not(run, monkeypatch):
    monkeypatch.setattr("mtl_core.registry.runs.RUNS_DIR", run.parent)
    shown = CliRunner().invoke(app, ["predict", "--alloy", "CoCrFeNi", "--run", run.name])
    assert shown.exit_code == 0 and re.search(r"Phase: BCC \d+%, FCC \d+%, mixed \d+%", shown.output)
    shown = CliRunner().invoke(app, ["evaluate", "--run", run.name])
    assert shown.exit_code == 0 and "macro F1" in shown.output and "logistic regression" in shown.output
    with pytest.raises(CheckpointError, match="it learns the classes of phase as well, whose scores stand in its results"):
        Subject.of(ValidationConfig(run=run.name), root=run.parent)


def test_the_results_say_in_words_which_models_are_better():
    scores = {name: [0.7, 0.6, 0.8] for name in ("macro_f1", "accuracy", "log_loss")}

    def page(scores):
        from app.widgets.class_cards import class_cards
        from app.widgets.run_classes import class_results
        from mtl_core.types import ClassPrediction

        class_results({"classes": {"phase": {"reference": {
            "n": 4, "classes": ["BCC", "FCC", "mixed"], "confusion": [[1, 0, 0], [0, 1, 0], [1, 0, 1]], "scores": scores,
            "others": {model: {"scores": scores, "gain": {"macro_f1": gain}} for model, gain in (
                ("extra trees", [-0.1, -0.2, -0.05]), ("alone", [0.0, -0.1, 0.1]))}}}}})
        import numpy as np
        class_cards([ClassPrediction("phase", ("BCC", "FCC", "mixed"), np.array([[0.2, 0.7, 0.1]]), ("far away",))],
                    {"phase": {"reference": {"scores": scores}}})

    shown = AppTest.from_function(page, args=(scores,)).run()
    assert not shown.exception
    words = " ".join(one.value for one in shown.markdown)
    said = "**This run has a lower F1 than extra trees.** Whether it is better than networks of classes alone cannot be told."
    assert said in " ".join(words.split())
    assert "most likely FCC (70%), else BCC (20%) or mixed (10%)" in words and "far away" in words
    assert "the one that was found for 70% of the alloys (60% to 80%)" in " ".join(one.value for one in shown.caption)
    assert list(shown.dataframe[0].value["Model"]) == ["this run", "extra trees", "networks of classes alone"]
