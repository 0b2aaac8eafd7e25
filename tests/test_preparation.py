"""Preparing features and targets: against independent sources, fitted in the fold, and there and back for every transform."""
import numpy as np
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp
from hypothesis import given
from hypothesis import strategies as st
from model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper
from pydantic import ValidationError
from scipy.stats import skew, yeojohnson
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, RobustScaler, StandardScaler

from mtl_core import pipeline
from mtl_core.data import read_tables
from mtl_core.ensemble import checkpoint
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.errors import CheckpointError, ConfigError
from mtl_core.features.preparation import Preparation, TargetTransform, arrays_of
from mtl_core.features.scaling import CLIP, Scaler
from mtl_core.tasks import TASKS
from mtl_core.uncertainty.metrics import out_of_fold

OTHERS = [{"scaling": "min-max"}, {"scaling": "robust"}, {"fill": "median"}, {"fill": "model"}, {"cap": 0.05},
          {"target": "yeo-johnson"}, {"scaling": "robust", "fill": "model", "cap": 0.02, "target": "yeo-johnson"}]
INDEPENDENT = {"standard": StandardScaler(), "min-max": MinMaxScaler((-1, 1)), "robust": RobustScaler(unit_variance=True)}


def prepared(**changes):
    return CONFIG.model_copy(update={"preparation": Preparation(**changes)})


def random_values(n=200, seed=0):
    """Four columns of different place and spread, one value in five missing from the last two."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 4)) * [1.0, 30.0, 0.01, 5.0] + [0.0, 400.0, 7.0, -3.0]
    values[:, 2:][rng.random((n, 2)) < 0.2] = np.nan
    return values


@pytest.mark.parametrize("scaling", INDEPENDENT)
def test_scores_are_those_of_scikit_learn(scaling):
    values = random_values()
    expected = INDEPENDENT[scaling].fit_transform(values)
    found = Scaler.fit(values, Preparation(scaling=scaling)).transform(values)
    known = np.isfinite(values)
    np.testing.assert_allclose(found[known], np.clip(expected, -CLIP, CLIP)[known], atol=3e-4)


@pytest.mark.parametrize("scaling", INDEPENDENT)
@pytest.mark.parametrize("fill", ["mean", "median"])
def test_a_missing_value_is_scored_as_the_mean_or_median_of_the_reported_ones(scaling, fill):
    values = random_values()
    values[:, 3] = np.exp(values[:, 3] / 3)  # skewed, so that mean and median differ
    scaler = Scaler.fit(values, Preparation(scaling=scaling, fill=fill))
    stand_in = {"mean": np.nanmean, "median": np.nanmedian}[fill](values, axis=0)
    np.testing.assert_allclose(scaler.transform(np.full((1, 4), np.nan))[0], scaler.transform(stand_in[None])[0], atol=1e-9)


def test_an_element_that_most_alloys_lack_is_scaled_by_its_standard_deviation_where_its_quartiles_coincide():
    rare = np.r_[np.zeros(90), np.linspace(1, 10, 10)][:, None]
    scaler = Scaler.fit(rare, Preparation(scaling="robust"))
    assert scaler.mean[0] == 0.0 and scaler.scale[0] == pytest.approx(rare.std())


def test_capping_winsorises_each_side_but_neither_drops_a_rare_element_nor_touches_a_yes_or_no():
    rng = np.random.default_rng(1)
    n = 400
    values = np.column_stack([rng.normal(size=n), np.where(np.arange(n) < 4, 5.0 + np.arange(n), 0.0), np.arange(n) < 3])
    scaler = Scaler.fit(values, Preparation(cap=0.05))
    inside = np.clip(values[:, 0], *np.quantile(values[:, 0], [0.05, 0.95]))
    assert 0.09 < (inside != values[:, 0]).mean() < 0.11
    capped = scaler.transform(values) * scaler.scale + scaler.mean
    np.testing.assert_allclose(capped[:, 0], inside, atol=1e-9)
    assert np.ptp(scaler.transform(values)[:4, 1]) == 0.0  # beyond ±CLIP anyway, as rare as it is
    assert scaler.low[1] == 0.0 and 7.0 < scaler.high[1] < 8.0
    assert (scaler.low[2], scaler.high[2]) == (0.0, 1.0)


def test_a_regression_fills_in_what_the_complete_columns_say_and_the_mean_cannot():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(300, 3)) * [1.0, 20.0, 3.0]
    values[:, 2] = 4.0 * values[:, 0] - 0.1 * values[:, 1] + 0.3 * rng.normal(size=300)
    missing = rng.random(300) < 0.3
    training = np.where(np.column_stack([np.zeros((300, 2), bool), missing]), np.nan, values)
    errors = {}
    for fill in ("mean", "median", "model"):
        scaler = Scaler.fit(training, Preparation(fill=fill))
        found = scaler.transform(training)[missing, 2] * scaler.scale[2] + scaler.mean[2]
        errors[fill] = np.sqrt(np.mean((found - values[missing, 2]) ** 2))
    assert errors["model"] < 0.5 < 3.0 < min(errors["mean"], errors["median"])


def test_a_regression_leans_only_on_columns_that_are_never_missing():
    values = random_values()
    scaler = Scaler.fit(values, Preparation(fill="model"))
    assert (scaler.weights[:2, 2:] != 0).all() and not scaler.weights[2:].any() and not scaler.weights[:, :2].any()


powers = st.sampled_from([0.0, 1e-3, 0.4, 1.0, 1.7, 2.0])


@given(powers, st.lists(st.floats(-50, 50), min_size=2, max_size=20, unique=True))
def test_yeo_johnson_is_that_of_scipy_and_comes_back_and_keeps_the_order(power, values):
    u = np.sort(np.array(values))
    transform = TargetTransform("yeo-johnson", 0.0, 1.0, center=0.0, unit=1.0, power=power)
    t = transform.forward(u)
    np.testing.assert_allclose(t, yeojohnson(u, lmbda=power), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(transform.inverse(t)[0], u, rtol=1e-6, atol=1e-6)
    assert (np.diff(t) >= 0).all()


def test_the_fitted_power_is_the_most_likely_one():
    y = np.random.default_rng(3).lognormal(5.0, 0.6, 500)
    transform = TargetTransform.fit(y, "yeo-johnson")
    independent = PowerTransformer().fit(((y - y.mean()) / y.std())[:, None]).lambdas_[0]
    assert transform.power == pytest.approx(max(independent, 0.0), abs=1e-3)
    assert abs(skew(transform.forward(y))) < 0.5 < 1.5 < skew(y)


KINDS = {"none": np.random.default_rng(4).normal(100, 300, 400), "yeo-johnson": np.random.default_rng(5).gumbel(100, 300, 400),
         "log": np.random.default_rng(6).lognormal(5.5, 0.5, 400)}


@pytest.mark.parametrize("kind", KINDS)
def test_open_sides_stay_open_and_bounds_stay_in_order_with_the_values(kind):
    y = np.sort(KINDS[kind])
    transform = TargetTransform.fit(y, kind)
    np.testing.assert_array_equal(transform.forward(np.array([-np.inf, np.inf])), [-np.inf, np.inf])
    assert (np.diff(transform.forward(y)) > 0).all()
    np.testing.assert_allclose(transform.inverse(transform.forward(y))[0], y, rtol=1e-9)


@pytest.mark.parametrize("kind", ["yeo-johnson", "log"])
def test_a_small_spread_comes_back_as_the_delta_method_says(kind):
    transform = TargetTransform.fit(KINDS[kind], kind)
    t = np.quantile(transform.forward(KINDS[kind]), [0.02, 0.4, 0.9])
    y, slope = transform.inverse(t)
    step = 1e-5
    np.testing.assert_allclose(slope, (transform.inverse(t + step)[0] - transform.inverse(t - step)[0]) / (2 * step), rtol=1e-4)
    draws = np.random.default_rng(7).normal(t, 0.02 * transform.std, (100_000, 3))
    back = transform.inverse(draws)[0]
    np.testing.assert_allclose(back.std(axis=0), slope * 0.02 * transform.std, rtol=0.02)
    np.testing.assert_allclose(np.median(back, axis=0), y, rtol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_tensorflow_brings_back_the_same_values_with_the_slope_as_their_gradient(kind):
    transform = TargetTransform.fit(KINDS[kind], kind)
    t = tf.Variable(transform.forward(KINDS[kind]))
    with tf.GradientTape() as tape:
        y, slope = transform.inverse(t, tnp)
    np.testing.assert_allclose(y, KINDS[kind], rtol=1e-9)
    np.testing.assert_allclose(tape.gradient(y, t), slope * np.ones(400), rtol=1e-9)


@pytest.fixture(scope="module")
def observations():
    return made_up_observations().assign(ph=lambda frame: np.where(frame.index % 7 == 1, np.nan, 4 + frame.index % 5))


@pytest.fixture(scope="module", params=OTHERS, ids=str)
def trained(request, observations):
    config = prepared(**request.param)
    return config, fit_ensemble(observations, features_of(observations), SPEC, config, parts_by_paper(observations))[0]


def test_nothing_is_fitted_on_held_out_rows(trained, observations):
    """The held-out papers of part 0 get other values, alloys and gaps; its members must not notice."""
    config, ensemble = trained
    parts = parts_by_paper(observations)
    held_out = parts[0].is_test
    changed = observations.assign(
        **{name: np.where(held_out, observations[name] * 7, observations[name]) for name in ("value", "low", "high")},
        at_Cr=np.where(held_out, 1.0, observations["at_Cr"]), ph=np.where(held_out, np.nan, observations["ph"]))
    again, _ = fit_ensemble(changed, features_of(changed), SPEC, config, parts)
    for fitted in ("features", "targets"):
        for name, value in arrays_of(getattr(ensemble, fitted)).items():
            np.testing.assert_array_equal(arrays_of(getattr(again, fitted))[name][0], value[0])
    members = ensemble.part_of_member == 0
    for name, value in ensemble.parameters.items():
        np.testing.assert_array_equal(again.parameters[name][members], value[members])
    assert (again.targets.mean[1] != ensemble.targets.mean[1]).all()


def test_every_preparation_comes_back_from_its_checkpoint_and_its_gradient_path_says_the_same(trained, observations, tmp_path):
    _, ensemble = trained
    checkpoint.save(ensemble, tmp_path, data_sha256="")
    values = features_of(observations)
    for task in ensemble.config.tasks:
        mean, std, _ = ensemble.predict_members(values, task)
        assert np.isfinite(mean).all() and (std > 0).all()
        np.testing.assert_array_equal(mean, checkpoint.load(tmp_path).predict_members(values, task)[0])
        np.testing.assert_allclose(mean, ensemble.mean_tensor(tf.constant(values, tf.float32), task), rtol=1e-4, atol=1e-3)


def test_a_checkpoint_of_another_preparation_is_refused(trained, tmp_path):
    config, ensemble = trained
    checkpoint.save(ensemble, tmp_path, data_sha256="")
    path = tmp_path / checkpoint.DESCRIPTION
    text = path.read_text()
    stored = f'"fill": "{config.preparation.fill}",\n   "cap": {config.preparation.cap}'
    assert stored in text
    path.write_text(text.replace(stored, '"fill": "model",\n   "cap": 0.1') if config.preparation.fill != "model"
                    else text.replace(stored, '"fill": "mean",\n   "cap": 0.1'))
    with pytest.raises(CheckpointError, match="feature_"):
        checkpoint.load(tmp_path)


def test_what_a_task_may_not_see_cannot_move_it_through_what_is_filled_in(observations):
    values = features_of(observations)
    ensemble, _ = fit_ensemble(observations, values, SPEC, prepared(fill="model"), parts_by_paper(observations))
    assert ensemble.features.weights.any()
    for key in ensemble.config.tasks:
        moved = np.where(SPEC.visible(TASKS[key]), values, values + 1.0)
        np.testing.assert_array_equal(ensemble.predict_members(values, key)[0], ensemble.predict_members(moved, key)[0])


@pytest.mark.parametrize("target", ["none", "log", "yeo-johnson"])
def test_a_network_answers_in_the_unit_of_the_values_whatever_their_transform(target, observations):
    """Hardness that grows exponentially with chromium: every transform must come back to it, with bounds among the values."""
    rows = observations[observations["task"] == "hardness"].reset_index(drop=True)
    value = np.exp(4 + 0.1 * rows["at_Cr"])
    is_bound = rows.index % 6 == 0
    rows = rows.assign(low=value.mask(is_bound, value / 2), high=value.mask(is_bound, np.inf), value=value.mask(is_bound))
    config = prepared(target=target).model_copy(update={
        "tasks": ("hardness",), "train": CONFIG.train.model_copy(update={"epochs": 150, "weight_decay": 0.0})})
    parts = parts_by_paper(rows)
    ensemble, _ = fit_ensemble(rows, features_of(rows), SPEC, config, parts)
    held_out = out_of_fold(ensemble, parts, rows, features_of(rows)).query("low == high")
    assert np.corrcoef(held_out["mean"], held_out["low"])[0, 1] > 0.9
    assert held_out["mean"].median() == pytest.approx(held_out["low"].median(), rel=0.15)
    assert held_out["std"].between(0.005 * value.mean(), value.mean()).all()


def test_a_logarithm_of_what_can_be_negative_is_refused_before_anything_is_trained(tmp_path):
    config = EnsembleConfig(preparation=Preparation(target="log"))
    with pytest.raises(ConfigError, match=r"values above zero.*pitting potential down to -875 mV vs SCE; choose 'yeo-johnson'"):
        pipeline.train(config, root=tmp_path)
    assert list(tmp_path.iterdir()) == []
    observations = made_up_observations()
    with pytest.raises(ConfigError, match="values above zero"):
        negative = observations.assign(value=-observations["value"], low=-observations["value"], high=-observations["value"])
        fit_ensemble(negative, features_of(negative), SPEC, prepared(target="log"), parts_by_paper(negative))


@pytest.mark.parametrize("wrong", [{"scaling": "z"}, {"fill": "zero"}, {"cap": 0.5}, {"cap": -0.1}, {"target": "sqrt"},
                                   {"colour": 1}], ids=str)
def test_a_preparation_that_does_not_exist_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Preparation(**wrong)


def test_the_shipped_ensemble_still_gives_the_digits_that_are_stored_beside_it(predictor):
    config = predictor.ensemble.config
    assert config.preparation == Preparation()
    start = pipeline.prepare(read_tables(), config)
    parts = [part for part in start.parts(config) if part.split == "reference"]
    found = out_of_fold(predictor.ensemble, parts, start.observations, start.values)
    stored = predictor.out_of_fold.query("split == 'reference'")
    for name in ("measurement_id", "fold", "fold_seed"):
        assert found[name].tolist() == stored[name].tolist()
    for name in ("mean", "std"):
        np.testing.assert_allclose(found[name], stored[name], rtol=6e-6, atol=1e-4)  # six digits, of single precision
