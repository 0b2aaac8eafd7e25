"""Training: reproducible, without leaks between members or from held-out rows; and what a checkpoint refuses."""
import json
import pickle
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper
from pydantic import ValidationError
from scipy import stats

from mtl_core.ensemble import checkpoint, network, trainer
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig, TrainConfig, preset
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.parts import training_parts
from mtl_core.ensemble.trainer import TrainingRows, train
from mtl_core.errors import CheckpointError, ConfigError
from mtl_core.features.preparation import arrays_of
from mtl_core.files import read_arrays, write_arrays
from mtl_core.tasks import TASKS

NETWORK, BRIEF = NetworkConfig(trunk=(8,), head=4), TrainConfig(epochs=4, batch_size=16)


def made_up_rows(n=60, seed=0):
    """Two training parts, two members each; the last ten rows are held out of both."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    y = (x[:, 0] - x[:, 1] + 0.1 * rng.normal(size=n)).astype(np.float32)
    is_training = np.array([np.arange(n) < n - 10] * 2)
    is_training[0, :5], is_training[1, 5:10] = False, False
    return TrainingRows(features=np.stack([x, x]), low=np.stack([y, y]), high=np.stack([y, y]),
                        task=(np.arange(n) % 2).astype(np.int32), is_training=is_training,
                        part_of_member=np.array([0, 0, 1, 1], np.int32), group=np.arange(n) // 2)


def parameters(rows, *, seed=0, config=BRIEF, network_config=NETWORK):
    return train(rows, network_config, config, n_tasks=2, seed=seed)[0]


@pytest.fixture(scope="module")
def usual():
    return parameters(made_up_rows())


def differs(one, other):
    """Which members [M] have any other number."""
    return np.any([[(one[name][member] != other[name][member]).any() for member in range(4)] for name in one], axis=0)


def test_one_seed_gives_the_same_numbers_and_another_seed_others_for_every_member(usual):
    assert not differs(usual, parameters(made_up_rows())).any()
    assert differs(usual, parameters(made_up_rows(), seed=1)).all()
    assert all((value[0] != value[1]).any() for name, value in usual.items() if name.endswith("_weight"))


def test_the_rows_of_one_training_part_change_only_its_own_members(usual):
    rows = made_up_rows()
    low = rows.low.copy()
    low[1, 20:30] += 3.0
    assert differs(usual, parameters(replace(rows, low=low, high=low))).tolist() == [False, False, True, True]


def test_rows_outside_a_training_part_never_matter_whatever_they_hold(usual):
    rows = made_up_rows()
    low, features = rows.low.copy(), rows.features.copy()
    low[~rows.is_training], features[~rows.is_training] = 1e3, -5.0
    assert not differs(usual, parameters(replace(rows, low=low, high=low, features=features))).any()


def answers(trained, rows, config=NETWORK):
    """Mean and log scale of every member for each row's own task, without dropout, [M, n]."""
    x = tf.constant(rows.features[rows.part_of_member][:, None])
    ones = [tf.ones((1, 1, 1, width)) for width in network.mask_widths(config)]
    hidden = network.trunk(config, trained, x, ones)
    both = [network.answer(config, head, x, hidden, ones) for head in network.heads(config, trained, 2)]
    return [np.where(rows.task, both[1][part][:, 0], both[0][part][:, 0]) for part in (0, 1)]


def test_heads_that_are_given_one_by_one_and_are_alike_are_the_head_that_is_given_for_all():
    given = NETWORK.model_copy(update={"head": (5, 3)}), NETWORK.model_copy(update={"heads": ((5, 3), (5, 3))})
    assert not differs(*(parameters(made_up_rows(), network_config=config) for config in given)).any()


def test_a_head_has_the_layers_of_its_own_task_and_nothing_else_moves_it():
    config, rows = NetworkConfig(trunk=(8,), heads=((4,), (6, 3, 2)), dropout=0.0), made_up_rows()
    trained = parameters(rows, network_config=config)
    assert trained["head_1_weight"].shape == (4, 2, 6, 3) and trained["output_weight"].shape == (4, 2, 4, 1)
    assert network.mask_widths(config) == (8, 6, 3, 2)
    before = answers(trained, rows, config)
    foreign = {"head_0_weight": np.s_[:, 0, :, 4:], "head_1_weight": np.s_[:, 0], "head_2_bias": np.s_[:, 0],
               "output_weight": np.s_[:, 1, 2:]}
    for name, where in foreign.items():
        trained[name][where] = 1e3
    np.testing.assert_array_equal(before, answers(trained, rows, config))
    trained["head_2_weight"][:, 1] += 1.0
    moved = answers(trained, rows, config)[0] != before[0]
    assert moved[:, rows.task == 1].all() and not moved[:, rows.task == 0].any()


def test_one_task_alone_keeps_its_own_head():
    config = EnsembleConfig(network=NetworkConfig(heads=((4,), (6, 3))))
    assert config.for_task(config.tasks[1]).network == NetworkConfig(head=(6, 3))
    assert EnsembleConfig().for_task("hardness") == EnsembleConfig(tasks=("hardness",))
    with pytest.raises(ValidationError, match="expected heads for 2 tasks, or none and one `head` for all; got 1"):
        EnsembleConfig(network=NetworkConfig(heads=((4,),)))


def test_early_stopping_keeps_the_epoch_that_was_best_on_the_rows_kept_back():
    rows = made_up_rows()
    config = TrainConfig(epochs=60, batch_size=8, learning_rate=0.05, weight_decay=0.0, validation_share=0.3, patience=3)
    trained, history = train(rows, NETWORK, config, n_tasks=2, seed=3)
    best = np.nanargmin(history.validation, axis=0)
    np.testing.assert_array_equal(history.last_epoch, best + 1)
    assert (best < len(history.validation) - 1).any()  # or nothing was stopped, and nothing tested
    mean, log_scale = answers(trained, rows)
    loss = -stats.logistic.logpdf(rows.low[rows.part_of_member], mean, np.exp(log_scale))
    kept_back = trainer._validation_rows(rows, config.validation_share, 3)
    for member in range(4):
        assert not kept_back[member, ~rows.is_training[rows.part_of_member[member]]].any()
        assert loss[member, kept_back[member]].mean() == pytest.approx(history.validation[best[member], member], rel=1e-3)


def test_without_early_stopping_the_last_epoch_is_kept_and_progress_counts_them_all():
    seen = []
    _, history = train(made_up_rows(), NETWORK, BRIEF, n_tasks=2, seed=0,
                       progress=lambda epoch, n_epochs, history: seen.append((epoch, n_epochs, history.loss.shape)))
    assert seen == [(epoch, 4, (epoch, 4)) for epoch in (1, 2, 3, 4)]
    assert history.last_epoch.tolist() == [4] * 4 and np.isnan(history.validation).all()


def test_the_loss_of_a_member_lies_between_those_of_its_tasks_and_the_harder_task_has_the_larger_one():
    rows = made_up_rows()
    noise = np.where(rows.task == 1, 3.0 * np.random.default_rng(1).normal(size=60), 0.0).astype(np.float32)
    config = BRIEF.model_copy(update={"epochs": 20})
    _, history = train(replace(rows, low=rows.low + noise, high=rows.high + noise), NETWORK, config, n_tasks=2, seed=0)
    assert (history.task_loss[-1, :, 1] > history.task_loss[-1, :, 0] + 0.5).all()
    assert (history.task_loss.min(-1) <= history.loss).all() and (history.loss <= history.task_loss.max(-1)).all()


def test_a_training_part_without_rows_is_refused():
    rows = made_up_rows()
    with pytest.raises(ValueError, match="at least one row"):
        parameters(replace(rows, is_training=rows.is_training & np.array([[True], [False]])))


def test_the_trainer_recovers_what_censoring_hides():
    """y = 2 x + noise, every y above 1 known only as "> 1" (35-40 % of the rows)."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 2, (800, 1)).astype(np.float32)
    y = 2 * x[:, 0] + stats.logistic.rvs(0, 0.2, size=800, random_state=6).astype(np.float32)
    hidden = y > 1.5
    assert 0.3 < hidden.mean() < 0.4
    rows = TrainingRows(
        features=x[None], low=np.where(hidden, 1.5, y)[None].astype(np.float32), task=np.zeros(800, np.int32),
        high=np.where(hidden, np.inf, y)[None].astype(np.float32), is_training=np.ones((1, 800), bool),
        part_of_member=np.zeros(2, np.int32), group=np.arange(800))
    straight = NetworkConfig(trunk=(4,), head=2, dropout=0.0)
    config = TrainConfig(epochs=40, learning_rate=0.02, weight_decay=0.0)

    def error_where_hidden(chosen):
        trained, _ = train(replace(rows, is_training=chosen[None]), straight, config, n_tasks=1, seed=0)
        ones = [1.0] * 2
        inputs = tf.constant(np.stack([x, x])[:, None])
        hidden_state = network.trunk(straight, trained, inputs, ones)
        mean, _ = network.answer(straight, network.heads(straight, trained, 1)[0], inputs, hidden_state, ones)
        return np.abs(mean.numpy().mean(axis=(0, 1)) - 2 * x[:, 0])[hidden].mean()

    with_bounds, without = error_where_hidden(np.ones(800, bool)), error_where_hidden(~hidden)
    assert with_bounds < 0.3
    assert without > 2 * with_bounds


@pytest.fixture(scope="module")
def observations():
    return made_up_observations()


@pytest.fixture(scope="module")
def parts(observations):
    return parts_by_paper(observations)


@pytest.fixture(scope="module")
def ensemble(observations, parts):
    return fit_ensemble(observations, features_of(observations), SPEC, CONFIG, parts)[0]


def test_no_transform_is_fitted_on_held_out_rows(observations, parts, ensemble):
    """The held-out paper group of part 0 gets other values and other alloys; part 0 must not notice."""
    held_out = ~parts[0].is_training
    changed = observations.assign(
        **{name: np.where(held_out, observations[name] * 7, observations[name]) for name in ("value", "low", "high")},
        at_Cr=np.where(held_out, 1.0, observations["at_Cr"]), ph=np.where(held_out, 1.0, observations["ph"]))
    again, _ = fit_ensemble(changed, features_of(changed), SPEC, CONFIG, parts)
    members = ensemble.part_of_member == 0
    for fitted in ("features", "targets"):
        before, after = (arrays_of(getattr(one, fitted)) for one in (ensemble, again))
        for name, value in before.items():
            np.testing.assert_array_equal(after[name][0], value[0])
            assert (after[name][1] != value[1]).any()
    for name, value in ensemble.parameters.items():
        np.testing.assert_array_equal(again.parameters[name][members], value[members])


def test_training_parts_hold_whole_papers_or_none_of_them(observations):
    for part in training_parts(observations, CONFIG):
        both = set(observations["reference_group"][part.is_training]) & set(observations["reference_group"][~part.is_training])
        assert bool(both) == (part.split != "reference")


def test_what_a_task_may_not_see_cannot_move_it(ensemble, observations):
    values = features_of(observations)
    for key in ensemble.config.tasks:
        hidden = ~SPEC.visible(TASKS[key])
        assert hidden.any()
        changed = np.where(hidden, values + 1.0, values)
        for before, after in zip(ensemble.predict_members(values, key), ensemble.predict_members(changed, key), strict=True):
            np.testing.assert_array_equal(before, after)


def test_chosen_members_answer_as_they_do_in_company_and_dropout_masks_stay_the_same(ensemble, observations):
    values = features_of(observations)
    whole, *_ = ensemble.predict_members(values, "hardness")
    again, *_ = ensemble.predict_members(values, "hardness")
    np.testing.assert_array_equal(whole, again)
    chosen, *_ = ensemble.select(np.array([1, 4])).predict_members(values, "hardness")
    np.testing.assert_allclose(chosen, whole[[1, 4]], rtol=1e-5)
    assert len(np.unique(whole[0, :, 0])) == ensemble.n_masks  # the masks differ, or dropout would show no spread


@pytest.mark.parametrize("changes", [{"noise": "alloy"}, {"linear_skip": False}, {"dropout": 0.0}, {"trunk": (4, 6, 4)}],
                         ids=str)
def test_every_kind_of_network_trains_and_comes_back_from_its_checkpoint(changes, observations, parts, tmp_path):
    config = CONFIG.model_copy(update={"network": NetworkConfig(**({"trunk": (8,), "head": 4} | changes))})
    made, _ = fit_ensemble(observations, features_of(observations), SPEC, config, parts)
    checkpoint.save(made, tmp_path, data_sha256="")
    values = features_of(observations)[:5]
    for before, after in zip(made.predict_members(values, "hardness"),
                             checkpoint.load(tmp_path).predict_members(values, "hardness"), strict=True):
        assert np.isfinite(before).all()
        np.testing.assert_array_equal(before, after)


def test_settings_that_would_go_wrong_later_are_refused_now():
    with pytest.raises(ConfigError, match="expected one of the presets smoke, default, networks, full, got 'tiny'"):
        preset("tiny")
    for wrong, word in (({"activation": "relu"}, "activation"), ({"dropout": 1.0}, "dropout"), ({"colour": 1}, "colour")):
        with pytest.raises(ValidationError, match=word):
            NetworkConfig(**wrong)
    with pytest.raises(ValidationError, match="'reference' split"):
        TrainConfig(splits=("random",))
    for tasks in ((), ("hardness", "hardness"), ("beauty",)):
        with pytest.raises(ValidationError, match="expected different tasks"):
            EnsembleConfig(tasks=tasks)
    assert EnsembleConfig.model_validate_json(CONFIG.model_dump_json()) == CONFIG


@pytest.fixture
def saved(ensemble, tmp_path):
    checkpoint.save(ensemble, tmp_path, data_sha256="abc")
    return tmp_path


def rewrite(folder, change):
    arrays = read_arrays(folder / checkpoint.ARRAYS)
    change(arrays)
    write_arrays(folder / checkpoint.ARRAYS, arrays)


def describe(folder, change):
    path = folder / checkpoint.DESCRIPTION
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def flip(folder):
    """Damage the compressed bytes in the middle of the largest array, past its header."""
    path = folder / checkpoint.ARRAYS
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda member: member.compress_size)
    content = bytearray(path.read_bytes())
    middle = largest.header_offset + len(largest.filename) + 50 + largest.compress_size // 2
    content[middle:middle + 8] = bytes(8)
    path.write_bytes(content)


DAMAGES = {
    "array missing": (lambda f: rewrite(f, lambda a: a.pop("masks/0")), r"masks/0.*got \{'masks/0': None\}"),
    "wrong shape": (lambda f: rewrite(f, lambda a: a.update({"parameters/head_0_weight": a["parameters/head_0_weight"][:-1]})),
                    r"parameters/head_0_weight': \(6, 2, 8, 4\)\}, got .*\(5, 2, 8, 4\)"),
    "array too many": (lambda f: rewrite(f, lambda a: a.update(extra=np.zeros(2))), r"'extra': None\}, got \{'extra': \(2,\)"),
    "truncated": (lambda f: (f / checkpoint.ARRAYS).write_bytes((f / checkpoint.ARRAYS).read_bytes()[:-200]), "cannot be read"),
    "bytes flipped": (flip, "cannot be read"),
    "empty": (lambda f: (f / checkpoint.ARRAYS).write_bytes(b""), "cannot be read"),
    "no arrays": (lambda f: (f / checkpoint.ARRAYS).unlink(), "cannot be read"),
    "no description": (lambda f: (f / checkpoint.DESCRIPTION).unlink(), r"expected the file ensemble\.json"),
    "not JSON": (lambda f: (f / checkpoint.DESCRIPTION).write_text("{"), "damaged"),
    "a JSON list": (lambda f: (f / checkpoint.DESCRIPTION).write_text("[]"), "expected a JSON object, got list"),
    "another format": (lambda f: describe(f, lambda d: d.update(format=99)), "expected format 1, got 99"),
    "other columns": (lambda f: describe(f, lambda d: d["columns"].reverse()), "feature columns"),
    "unknown task": (lambda f: describe(f, lambda d: d["config"].update(tasks=["beauty"])), "beauty"),
    "other elements": (lambda f: describe(f, lambda d: d["features"].update(symbols=["Fe"])), "feature columns"),
    "arrays of another run": (lambda f: rewrite(f, lambda a: a["target_mean"].__iadd__(1.0)), "arrays with the fingerprint"),
    "other trunk": (lambda f: describe(f, lambda d: d["config"]["network"].update(trunk=[9])), r"trunk_0_weight.*9"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_checkpoint_says_where_it_differs(damage, saved):
    harm, message = DAMAGES[damage]
    checkpoint.load(saved)
    harm(saved)
    with pytest.raises(CheckpointError, match=message) as caught:
        checkpoint.load(saved)
    assert re.search(re.escape(saved.name), str(caught.value))  # names the place


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("as_archive", [True, False])
def test_loading_never_unpickles(as_archive, saved):
    proof = saved / "unpickled"
    if as_archive:
        arrays = read_arrays(saved / checkpoint.ARRAYS)
        np.savez(saved / checkpoint.ARRAYS, **{**arrays, "target_mean": np.array([Bomb(str(proof))], dtype=object)})
    else:
        (saved / checkpoint.ARRAYS).write_bytes(pickle.dumps(Bomb(str(proof))))
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load(saved)
    assert not proof.exists()
