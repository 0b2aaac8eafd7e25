"""How tasks share: what is told is predicted and leaks nothing, what is known to help does, and a wiring is a run like others."""
import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from model_samples import features_of, made_up_observations, parts_by_paper
from pydantic import ValidationError
from sklearn.metrics import r2_score
from test_ensemble import made_up_rows

from app.curves import curves_of
from mtl_core import pipeline
from mtl_core.chemistry.composition import Composition
from mtl_core.ensemble import checkpoint, gradients, wiring
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig, TrainConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.forests import Forest, forests_out_of_fold
from mtl_core.ensemble.parts import Part
from mtl_core.ensemble.trainer import train
from mtl_core.ensemble.wiring import fit_any, fit_wired
from mtl_core.errors import CheckpointError, ConfigError, StoppedError
from mtl_core.explain.attribution import attribute
from mtl_core.explain.compact import compact
from mtl_core.explain.interactions import interactions
from mtl_core.features.table import FeatureSpec
from mtl_core.files import read_arrays, write_arrays
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions
from mtl_core.uncertainty.conformal import Calibration
from mtl_core.uncertainty.metrics import out_of_fold
from mtl_core.uncertainty.predictor import Predictor

SPEC = FeatureSpec(symbols=("Cr", "Fe", "Ni"))
SOURCE, OTHER = "hardness", "yield_strength"
NETWORK = NetworkConfig(trunk=(16,), head=8)


def config_of(kind, *, epochs=2, **changes):
    return EnsembleConfig(**{"tasks": (SOURCE, OTHER), "wiring": kind, "network": NETWORK, "train": TrainConfig(
        epochs=epochs, n_folds=3, n_fold_seeds=1, n_repeats=1)} | changes)


@pytest.fixture(scope="module")
def observations():
    """240 readings of hardness, a wavy function of the composition, in 30 papers; of one alloy in seven the yield strength as
    well, twice the hardness and a little more where there is much chromium."""
    rng, n = np.random.default_rng(1), 240
    at = np.repeat(100 * rng.dirichlet([2, 4, 2], 30), 8, axis=0) + rng.normal(0, 2, (n, 3))
    at = np.clip(at, 0.1, None) / np.clip(at, 0.1, None).sum(axis=1, keepdims=True) * 100
    z = (at - 33) / 15
    hardness = 300 + 60 * (np.sin(2.0 * z[:, 0]) + z[:, 2] * z[:, 0] - 0.6 * z[:, 2] ** 2) + rng.normal(0, 4, n)
    strength = 2 * hardness + 10 * z[:, 0] + rng.normal(0, 4, n)
    alloys = made_up_observations(n).assign(
        at_Cr=at[:, 0], at_Fe=at[:, 1], at_Ni=at[:, 2], reference_group=[f"paper-{row // 8}" for row in range(n)])
    both = [alloys.assign(task=task, value=y, low=y, high=y, measurement_id=[f"{task}{row}" for row in range(n)])
            for task, y in ((SOURCE, hardness), (OTHER, strength))]
    return pd.concat([both[0], both[1][rng.random(n) < 1 / 7]], ignore_index=True)


@pytest.fixture(scope="module")
def parts(observations):
    return parts_by_paper(observations)


EPOCHS = 60


@pytest.fixture(scope="module")
def told():
    """What the other task was told in each training [D, n], in HV: in the wiring "latent" of `trained`, and then in others."""
    seen = []

    def listening(*given, told=None, **others):
        if told is not None:
            target = told.ensemble.targets
            seen.append(told.values * target.std + target.mean)
        return fit_ensemble(*given, told=told, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "fit_ensemble", listening)
        yield seen


@pytest.fixture(scope="module")
def trained(told, observations, parts, tmp_path_factory):
    """Each wiring but the default. The stages that they have in common are learnt once, and then taken from what was kept."""
    kept, given = tmp_path_factory.mktemp("kept"), (observations, features_of(observations), SPEC)

    def watched(stage):
        return {"state": kept / f"{stage.name}.npz"} if stage.task == SOURCE else {}

    ensembles = {kind: fit_wired(*given, config_of(kind, epochs=EPOCHS), parts, watched=watched)[0]
                 for kind in ("single-task", "difference", "latent")}
    del told[:-1]
    return ensembles


def scores(table):
    return {task: r2_score(rows["low"], rows["mean"]) for task, rows in table.groupby("task")}


def test_what_is_told_helps_where_few_readings_follow_from_another_property(trained, observations, parts):
    found = {kind: scores(out_of_fold(ensemble, parts, observations, features_of(observations)))
             for kind, ensemble in trained.items()}
    assert found["difference"][OTHER] > found["single-task"][OTHER] + 0.1
    assert found["latent"][OTHER] > found["single-task"][OTHER] + 0.03
    assert found["difference"][SOURCE] == found["latent"][SOURCE] == found["single-task"][SOURCE] > 0.7


def test_what_a_row_is_told_does_not_depend_on_readings_of_its_own_paper_and_held_out_papers_change_nothing(
        trained, observations, parts, told):
    paper = "paper-0"  # held out of part 0, learnt from in parts 1 and 2
    is_changed = (observations["reference_group"] == paper).to_numpy()
    shift = np.where(is_changed, 500.0, 0.0)
    changed = observations.assign(**{name: observations[name] + shift for name in ("value", "low", "high")})
    values, before, told_before = features_of(observations), trained["latent"], told[0]
    after, _ = fit_wired(changed, values, SPEC, config_of("latent", epochs=EPOCHS), parts)
    own = is_changed[observations["task"] == OTHER]
    assert own.any()
    np.testing.assert_allclose(told_before[1:, own], told[-1][1:, own], rtol=1e-4)
    assert (np.abs(told_before - told[-1])[1:, ~own] > 1.0).any()  # others were told by members that learnt from that paper
    for task in (SOURCE, OTHER):
        is_blind = before.part_of_member == 0
        both = (one.predict_members(values, task)[:2] for one in (before, after))  # networks alone doubt nothing
        for one, other in zip(*both, strict=True):
            np.testing.assert_array_equal(one[is_blind], other[is_blind])
            assert (one[~is_blind] != other[~is_blind]).any()


def test_inner_parts_keep_papers_whole_and_stay_inside_the_training_rows(observations, parts):
    for part, several in zip(parts, wiring.inner_parts(observations, parts, seed=0), strict=True):
        assert len(several) == wiring.INNER_FOLDS
        np.testing.assert_array_equal(np.sum([inner.is_test for inner in several], axis=0), part.is_training)
        for inner in several:
            np.testing.assert_array_equal(inner.is_training, part.is_training & ~inner.is_test)
            papers = observations["reference_group"]
            assert set(papers[inner.is_test]).isdisjoint(papers[inner.is_training])


def test_a_wired_ensemble_is_asked_as_any_other_and_comes_back_from_its_checkpoint(trained, observations, tmp_path):
    values = features_of(observations)[-6:]
    for kind, ensemble in trained.items():
        (tmp_path / kind).mkdir()
        checkpoint.save(ensemble, tmp_path / kind, data_sha256="")
        again = checkpoint.load(tmp_path / kind)
        for task in (SOURCE, OTHER):
            mean, *others = ensemble.predict_members(values, task)
            np.testing.assert_array_equal(again.predict_members(values, task), [mean, *others])
            chosen = ensemble.select(np.array([2, 0]))
            np.testing.assert_allclose(chosen.predict_members(values, task)[0], mean[[2, 0]], rtol=1e-5)
            own = np.stack([values, values + 0.0, values])
            np.testing.assert_allclose(ensemble.predict_own(own, task)[0], mean, rtol=1e-5)
            assert ensemble.filled(values, task).shape == (3, *values.shape)
            assert (ensemble.untrained(0).predict_members(values, task)[0] != mean).any()
    arrays = read_arrays(tmp_path / "difference" / checkpoint.ARRAYS)
    arrays[f"{OTHER}/told_scale"] = arrays[f"{OTHER}/told_scale"][:-1]
    write_arrays(tmp_path / "difference" / checkpoint.ARRAYS, arrays)
    with pytest.raises(CheckpointError, match=r"yield_strength/told_scale': \(3,\)\}, got .*\(2,\)"):
        checkpoint.load(tmp_path / "difference")


def test_the_gradient_goes_through_what_is_told(trained, observations):
    """Against finite differences, of the mean of all members by the amount of chromium."""
    values = features_of(observations)[-4:].astype(np.float32)
    for kind in ("difference", "latent"):
        ensemble, column = trained[kind], SPEC.columns.index("at_Cr")
        asked = tf.constant(values)
        with tf.GradientTape() as tape:
            tape.watch(asked)
            total = tf.reduce_sum(tf.reduce_mean(ensemble.mean_tensor(asked, OTHER), axis=(0, 1)))
        slope = tape.gradient(total, asked).numpy()[:, column]
        step = np.zeros_like(values)
        step[:, column] = 0.5
        above, below = (ensemble.predict_members(values + sign * step, OTHER)[0].mean(axis=(0, 1)) for sign in (1, -1))
        np.testing.assert_allclose(slope, above - below, rtol=0.1, atol=0.2)


def test_what_is_told_is_explained_with_the_rest_and_everything_adds_up(trained, observations, parts):
    held_out = out_of_fold(trained["latent"], parts, observations, features_of(observations))
    predictor = Predictor(trained["latent"], Calibration.fit(held_out), observations, held_out)
    task, stated = TASKS[OTHER], Conditions(process="CAST")
    alloy, baseline = (Composition.from_text(text) for text in ("Fe40Cr40Ni20", "Fe50Cr15Ni35"))
    bars = attribute(predictor, alloy, stated, task, baseline=baseline)
    assert bars.prediction == pytest.approx(predictor.predict([alloy], stated).mean[0, 1], rel=1e-5)
    assert abs(bars.gap) < 0.01 * abs(bars.prediction - bars.baseline)
    fast = compact(predictor, alloy, stated, task, baseline=baseline)
    np.testing.assert_allclose(fast.values, bars.values, rtol=0.01, atol=0.5)
    pairs = interactions(predictor, alloy, stated, task, baseline=baseline)
    found = dict(zip(pairs.names, pairs.bars, strict=True))
    np.testing.assert_allclose([found[name] for name in bars.names], bars.values, rtol=0.03, atol=1.0)


def test_interrupted_in_any_stage_a_wiring_goes_on_to_the_same_numbers(trained, observations, parts, tmp_path):
    given, seen = (observations, features_of(observations), SPEC, config_of("difference", epochs=EPOCHS), parts), []
    for n_epochs in (EPOCHS + 2, EPOCHS - 1):  # on the inner folds, and in what is told
        asked = iter(range(n_epochs + 1))
        with pytest.raises(StoppedError):
            fit_any(*given, state=tmp_path / "state.npz", should_stop=lambda asked=asked, n=n_epochs: next(asked) == n)
    found = fit_any(*given, state=tmp_path / "state.npz", progress=lambda *said: seen.append(said[:2]))
    assert seen == [(2 * EPOCHS + epoch, 3 * EPOCHS) for epoch in range(2, EPOCHS + 1)]
    for task in (SOURCE, OTHER):
        for name, value in trained["difference"].of_task[task].parameters.items():
            np.testing.assert_array_equal(found.of_task[task].parameters[name], value)


def test_curves_of_stages_stand_side_by_side_and_networks_that_only_tell_have_none():
    line = {"n_epochs": 2, "n_members": 3, "n_finished": 0}
    lines = [line | {"stage": stage, "epoch": epoch, "loss": {stage.removesuffix("-inner"): [float(epoch)] * 3}}
             for stage in (SOURCE, f"{SOURCE}-inner", OTHER) for epoch in (1, 2)]
    curves = curves_of(lines[:-1])  # the last stage after its first epoch
    assert curves.epochs.tolist() == [1, 2] and curves.last["stage"] == OTHER
    np.testing.assert_array_equal(curves.loss[OTHER][:, 0], [1.0, np.nan])
    np.testing.assert_array_equal(curves.loss[SOURCE][:, 0], [1.0, 2.0])
    assert list(curves_of(lines[:3]).loss) == [SOURCE] and curves_of(lines[:3]).last["stage"] == f"{SOURCE}-inner"


def test_a_run_with_a_wiring_counts_the_epochs_of_all_stages_and_predicts(tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)  # it would stay on in other tests
    config = EnsembleConfig(wiring="latent", network=NetworkConfig(trunk=(8,), head=4), train=TrainConfig(
        epochs=1, n_folds=2, n_fold_seeds=1, n_repeats=1, splits=("reference",)))
    folder = tmp_path / "20260101-000000-abcd"
    folder.mkdir()
    pipeline.train(config, folder=folder)
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["n_after"]) for line in lines] == [
        ("hardness", 2), ("hardness-inner", 1), ("pitting_potential", 0)]
    assert "held_out" in lines[0] and "held_out" not in lines[1] and not list(folder.glob("state*"))
    predictor = pipeline.load_predictor(folder.name, root=tmp_path)
    spec = predictor.ensemble.spec  # hardness depends on the processing, pitting does not, though it is told of hardness
    values, hidden = np.ones((4, len(spec.columns))), ~spec.visible(TASKS["pitting_potential"])
    np.testing.assert_array_equal(*(predictor.ensemble.predict_members(seen, "pitting_potential")[0]
                                    for seen in (values, np.where(hidden, 0.0, values))))
    assert hidden.any() and predictor.n_members == 2
    assert set(read_arrays(folder / "history.npz")) >= {"hardness-inner/loss", "hardness/loss"}
    assert config.n_trainings == 3


def test_settings_of_sharing_that_contradict_each_other_are_refused():
    for wrong, words in (({"tasks": ("hardness",), "wiring": "latent"}, "two tasks or more for the wiring 'latent'"),
                         ({"source": "hardness"}, "for the wirings difference and latent only"),
                         ({"wiring": "latent", "source": "elongation"}, "expected a source out of hardness, pitting_potential"),
                         ({"wiring": "single-task", "alone": True}, "it is that already"),
                         ({"wiring": "latent", "train": {"task_gradients": "pcgrad"}}, "no network learns several tasks")):
        with pytest.raises(ValidationError, match=words):
            EnsembleConfig(**wrong)
    rows = made_up_observations()
    with pytest.raises(ConfigError, match="expected the wiring 'multi-task' in a single training"):
        fit_ensemble(rows, features_of(rows), SPEC, config_of("latent"), parts_by_paper(rows))


# Gradients of several tasks


def test_projected_gradients_have_nothing_against_each_other_and_others_are_just_added():
    against = [{"trunk_0_weight": tf.constant([[[3.0, 0.0]], [[1.0, 1.0]]]), "head": tf.constant([[1.0], [2.0]])},
               {"trunk_0_weight": tf.constant([[[-1.0, 1.0]], [[2.0, 0.0]]]), "head": tf.constant([[1.0], [-1.0]])}]
    found = {name: value.numpy() for name, value in gradients.projected(against, (0, 0)).items()}
    # Member 0: (3, 0) − (−3 / 2)(−1, 1) = (1.5, 1.5), (−1, 1) − (−3 / 9)(3, 0) = (0, 1); member 1 has no conflict.
    np.testing.assert_allclose(found["trunk_0_weight"], [[[1.5, 2.5]], [[3.0, 1.0]]], rtol=1e-6)
    np.testing.assert_allclose(found["head"], [[2.0], [1.0]])


def test_balanced_gradients_train_to_other_weights_and_go_on_after_an_interruption(tmp_path):
    given = {kind: (made_up_rows(), NetworkConfig(trunk=(8,), head=4), TrainConfig(
        epochs=3, batch_size=16, task_gradients=kind)) for kind in ("uncertainty", "pcgrad")}
    trained = {kind: train(*one, n_tasks=2, seed=0) for kind, one in given.items()}
    for parameters, history in trained.values():
        assert gradients.DOUBT not in parameters and (history.loss[-1] < history.loss[0]).all()
    assert (trained["uncertainty"][0]["trunk_0_weight"] != trained["pcgrad"][0]["trunk_0_weight"]).any()
    asked = iter(range(3))
    with pytest.raises(StoppedError):
        train(*given["uncertainty"], n_tasks=2, seed=0, state=tmp_path / "state.npz", should_stop=lambda: next(asked) == 2)
    found, _ = train(*given["uncertainty"], n_tasks=2, seed=0, state=tmp_path / "state.npz")
    for name, value in trained["uncertainty"][0].items():
        np.testing.assert_array_equal(found[name], value)


def test_the_variance_of_a_task_that_misses_more_is_learnt_to_be_larger():
    loss, of_task = tf.constant([[1.0, 5.0, 1.0, 5.0]]), tf.one_hot([[0, 1, 0, 1]], 2)
    doubt = tf.Variable(tf.zeros((1, 2)))
    for _ in range(300):
        with tf.GradientTape() as tape:
            total = gradients.weighted(loss, of_task, doubt, "logistic")
        doubt.assign_sub(0.3 * tape.gradient(total, doubt))
    np.testing.assert_allclose(np.exp(doubt.numpy())[0], np.array([1.0, 5.0]) - gradients.LEAST["logistic"], rtol=1e-2)


# Forests


def test_the_jackknives_of_a_forest_give_the_variance_of_a_mean_where_each_tree_is_one():
    """A tree that never divides says the mean of what it drew, whose variance is known: Σ (y − ȳ)² / n²."""
    y = np.random.default_rng(3).normal(size=20)
    forest = Forest.fit(np.zeros((20, 1)), y, seed=0, n_trees=1500, min_samples_leaf=20)
    mean, variance = forest.predict(np.zeros((1, 1)))
    assert mean[0] == pytest.approx(y.mean(), abs=0.05) and variance[0] == pytest.approx(y.var() / 20, rel=0.15)
    assert forest.noise == pytest.approx(y.var(), rel=0.1)


def test_forests_answer_the_same_rows_in_every_wiring_and_what_they_are_told_helps_them_too(observations):
    values, found = features_of(observations), {}
    fold = np.arange(len(observations)) % 2  # trees say little of new papers
    parts = [Part("random", 0, 0, fold != 0, fold == 0)]
    for kind in ("multi-task", "single-task", "difference", "latent"):
        table = forests_out_of_fold(observations, values, SPEC, config_of(kind), parts, n_trees=100)
        assert sorted(table["measurement_id"]) == sorted(observations["measurement_id"][fold == 0])
        assert {"family", "split", "fold", "std", "reference_group"} <= set(table)
        covered = ((table["low"] - table["mean"]).abs() < 1.645 * table["std"]).mean()
        assert 0.8 < covered < 0.99
        found[kind] = scores(table)
    assert found["difference"][OTHER] > found["single-task"][OTHER] + 0.05 < found["latent"][OTHER]
