"""Attributions: what the bars add up to, and two independent integrals of the same path."""
import numpy as np
import pytest
import tensorflow as tf

from mtl_core.chemistry.composition import Composition
from mtl_core.explain.attribution import _MeanOf, attribute
from mtl_core.explain.path_explainer import integrated_gradients
from mtl_core.types import Conditions

ALLOY, BASELINE = Composition.from_text("Al0.5CoCrFeNi"), Composition.from_text("CoCrFeMnNi")
STATED = Conditions(process="CAST", scan_rate_mv_s=1.0)


def test_path_explain_finds_the_attributions_of_a_product_by_hand():
    """f = x y from (0, 0): both get half of it; a linear input gets slope × difference, an unchanged one nothing."""
    found = integrated_gradients(lambda x: x[:, 0] * x[:, 1] + 3.0 * x[:, 2] + x[:, 3], np.array([[2.0, 4.0, 1.0, 5.0]]),
                                 np.array([0.0, 0.0, 0.5, 5.0]), n_steps=200)
    np.testing.assert_allclose(found, [[4.0, 4.0, 1.5, 0.0]], rtol=1e-5)


@pytest.mark.parametrize("conditions", [STATED, Conditions()], ids=["stated", "not reported"])
@pytest.mark.parametrize("column", [0, 1])
def test_bars_add_up_to_the_difference_and_the_prediction_is_the_predictors_own(predictor, column, conditions):
    task = predictor.tasks[column]
    found = attribute(predictor, ALLOY, conditions, task, baseline=BASELINE)
    assert found.prediction == pytest.approx(predictor.predict([ALLOY], conditions).mean[0, column], rel=1e-4)
    measured = predictor.observations.query("task == @task.key")["value"].dropna()
    allowed = 0.01 * np.ptp(np.quantile(measured, [0.05, 0.95]))
    assert abs(found.gap) <= allowed
    assert set(found.elements) == {"Al", "Co", "Cr", "Fe", "Mn", "Ni"} and (found.spread > 0).all()


@pytest.mark.parametrize("column", [0, 1])
def test_the_mean_of_the_members_integrals_agrees_with_path_explain(predictor, column):
    task = predictor.tasks[column]
    start, end = predictor.at_matrix([BASELINE, ALLOY])
    function = _MeanOf(predictor, task, STATED, end)
    reference = integrated_gradients(function, end[None], start, n_steps=200)[0]
    measured = predictor.observations.query("task == @task.key")["value"].dropna()
    allowed = 0.02 * np.ptp(np.quantile(measured, [0.05, 0.95]))
    np.testing.assert_allclose(function.member_attributions(start, end).mean(axis=0), reference, atol=allowed)


def test_an_alloy_explained_against_itself_has_no_bars(predictor):
    found = attribute(predictor, ALLOY, STATED, predictor.tasks[0], baseline=ALLOY)
    assert found.elements == () and found.prediction == pytest.approx(found.baseline, rel=1e-6) and abs(found.gap) < 1e-3


def test_the_explained_function_has_a_gradient_everywhere_on_the_path(predictor):
    start, end = predictor.at_matrix([BASELINE, ALLOY])
    function = _MeanOf(predictor, predictor.tasks[1], STATED, end)
    at = tf.constant(np.stack([start, end]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(at)
        total = tf.reduce_sum(function(at))
    assert np.isfinite(tape.gradient(total, at).numpy()).all()
