"""Attributions: what the bars add up to, against functions whose answer is known and against the package as published."""
import numpy as np
import pytest
import tensorflow as tf

from mtl_core.chemistry.composition import Composition
from mtl_core.explain.attribution import MOST_GAP, NODES, _ElementPath, attribute, typical_range
from mtl_core.explain.compact import compact, element_bars
from mtl_core.explain.path_explainer import even_nodes, integrated_gradients, plain_integrated_gradients
from mtl_core.types import Conditions

ALLOY, BASELINE = Composition.from_text("Al0.5CoCrFeNi"), Composition.from_text("CoCrFeMnNi")
WITH_NITROGEN = Composition.from_text("Fe-22Cr-5Ni-3Mo-0.17N wt%")
STATED = Conditions(process="CAST", scan_rate_mv_s=1.0)


def by_gauss(*of, n_nodes):
    nodes, weights = even_nodes(n_nodes)
    return integrated_gradients(*of, nodes=nodes, weights=weights)


@pytest.mark.parametrize("integrate", [lambda *of: by_gauss(*of, n_nodes=4),
                                       lambda *of: plain_integrated_gradients(*of, n_steps=200)], ids=["ours", "as published"])
def test_the_attributions_of_a_product_are_those_by_hand(integrate):
    """f = x y from (0, 0): both get half of it; a linear input gets slope × difference, an unchanged one nothing."""
    found = integrate(lambda x: x[:, 0] * x[:, 1] + 3.0 * x[:, 2] + x[:, 3], np.array([[2.0, 4.0, 1.0, 5.0]]),
                      np.array([[0.0, 0.0, 0.5, 5.0]]))
    np.testing.assert_allclose(found, [[4.0, 4.0, 1.5, 0.0]], rtol=1e-5)


def test_a_few_nodes_are_exact_where_evenly_spaced_points_are_not():
    """∂/∂x of x⁷ from 0 to 1 is no straight line: 4 nodes of Gauss integrate it exactly."""
    ours, published = (integrate(lambda x: x[:, 0] ** 7, np.ones((1, 1)), np.zeros((1, 1)), **{count: 4})
                       for integrate, count in ((by_gauss, "n_nodes"), (plain_integrated_gradients, "n_steps")))
    assert ours == pytest.approx(1.0, abs=1e-5) and abs(published - 1.0) > 0.5


@pytest.mark.parametrize("conditions", [STATED, Conditions()], ids=["stated", "not reported"])
@pytest.mark.parametrize("alloy", [ALLOY, WITH_NITROGEN], ids=["plain", "nitrogen that only one of the two states"])
@pytest.mark.parametrize("by", ["element", "feature", "kind"])
@pytest.mark.parametrize("column", [0, 1])
def test_bars_add_up_to_the_difference_between_two_predictions_of_the_predictor(predictor, column, by, alloy, conditions):
    task = predictor.tasks[column]
    found = attribute(predictor, alloy, conditions, task, baseline=BASELINE, by=by)
    before, after = predictor.predict([BASELINE, alloy], conditions).mean[:, column]
    assert (found.baseline, found.prediction) == pytest.approx((before, after), rel=1e-4, abs=0.05)
    assert abs(found.gap) <= 0.002 * typical_range(predictor, task)
    assert found.of_members.shape == (predictor.n_members, len(found.names)) and (found.error == 0).all()


def test_an_element_that_neither_alloy_has_gets_no_bar(predictor):
    found = attribute(predictor, ALLOY, STATED, predictor.tasks[0], baseline=BASELINE)
    assert set(found.names) == {"Al", "Co", "Cr", "Fe", "Mn", "Ni"} and (found.spread > 0).all()


@pytest.mark.parametrize("column", [0, 1])
def test_the_nodes_agree_with_the_package_as_published_at_many_steps(predictor, column):
    task = predictor.tasks[column]
    path = _ElementPath(predictor, task, predictor.at_matrix([ALLOY, BASELINE]), [STATED] * 2)
    end, start = path.ends[:1], path.ends[1:]
    reference = path.bars(plain_integrated_gradients(path, end, start, n_steps=300)[0])
    nodes, weights = path.nodes(*NODES[0])[0]
    ours = path.bars(integrated_gradients(path, end, start, nodes=nodes, weights=weights)[0])
    np.testing.assert_allclose(ours, reference, atol=0.015 * typical_range(predictor, task))


@pytest.mark.parametrize("conditions", [STATED, Conditions()], ids=["stated", "not reported"])
@pytest.mark.parametrize("alloy", [ALLOY, WITH_NITROGEN], ids=["plain", "nitrogen that only one of the two states"])
@pytest.mark.parametrize("column", [0, 1])
def test_the_compact_bars_agree_with_those_of_path_explain(predictor, column, alloy, conditions):
    task = predictor.tasks[column]
    full, found = (make(predictor, alloy, conditions, task, baseline=BASELINE) for make in (attribute, compact))
    assert found.names == full.names and (found.baseline, found.prediction) == pytest.approx((full.baseline, full.prediction))
    np.testing.assert_allclose(found.values, full.values, atol=0.02 * typical_range(predictor, task))
    np.testing.assert_allclose(found.spread, full.spread, atol=0.02 * typical_range(predictor, task))


def test_the_compact_bars_take_more_nodes_where_scores_reach_the_ends_of_their_scales(predictor):
    task, texts = predictor.tasks[1], ("Nb2Mo2W2Re1", "Fe-18.5Cr-9Ni-1.5Mn-0.5Si-0.05C wt%")
    refractory, steel = map(Composition.from_text, texts)
    found = compact(predictor, refractory, Conditions(process="CAST"), task, baseline=steel)
    assert abs(found.gap) <= MOST_GAP * typical_range(predictor, task)


def test_many_alloys_at_once_get_the_bars_that_each_gets_alone(predictor):
    task, alloys = predictor.tasks[1], predictor.at_matrix([ALLOY, WITH_NITROGEN, BASELINE])
    baseline, conditions = predictor.at_matrix([BASELINE] * 3), [STATED, STATED.model_copy(update={"ph": 3.0}), STATED]
    together, predictions = element_bars(predictor, task, alloys, baseline, conditions)
    for row in range(3):
        alone, _ = element_bars(predictor, task, alloys[[row]], baseline[[row]], conditions[row:row + 1])
        np.testing.assert_allclose(together[:, [row]], alone, atol=0.05)
    assert (together[:, 2] == 0).all() and predictions[0, 2] == pytest.approx(predictions[1, 2])


def test_an_alloy_explained_against_itself_has_no_bars_but_those_of_its_conditions(predictor):
    task = predictor.tasks[1]
    found = attribute(predictor, ALLOY, STATED, task, baseline=ALLOY)
    assert found.names == () and found.prediction == found.baseline and found.gap == 0
    warmer = STATED.model_copy(update={"temperature_c": 60.0})
    found = attribute(predictor, ALLOY, warmer, task, baseline=ALLOY, baseline_conditions=STATED)
    assert found.names == ("temperature_c",) and found.values[0] < 0
    assert abs(found.gap) <= MOST_GAP * typical_range(predictor, task)


def test_against_a_distribution_the_bars_are_the_mean_over_its_alloys_with_its_standard_error(predictor):
    alloys = [BASELINE, *map(Composition.from_text, ("CoCrFeNi", "AlCoCrFeNi", "Fe-18Cr-10Ni-2Mo wt%"))]
    task = predictor.tasks[0]
    found = attribute(predictor, ALLOY, STATED, task, baseline=alloys)
    assert found.baseline == pytest.approx(predictor.predict(alloys, STATED).mean[:, 0].mean(), rel=1e-4)
    assert abs(found.gap) <= 0.01 * typical_range(predictor, task)
    each = [dict(zip(one.names, one.values, strict=True)) for one in
            (attribute(predictor, ALLOY, STATED, task, baseline=alloy) for alloy in alloys)]
    bars = np.array([[one.get(name, 0.0) for name in found.names] for one in each])
    np.testing.assert_allclose(found.values, bars.mean(axis=0), atol=0.01 * typical_range(predictor, task))
    np.testing.assert_allclose(found.error, bars.std(axis=0, ddof=1) / 2, atol=0.01 * typical_range(predictor, task))


def test_the_explained_function_has_a_gradient_everywhere_on_the_path(predictor):
    path = _ElementPath(predictor, predictor.tasks[1], predictor.at_matrix([ALLOY, BASELINE]), [STATED] * 2)
    z = tf.constant(path.ends, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(z)
        total = tf.reduce_sum(path(z))
    assert np.isfinite(tape.gradient(total, z).numpy()).all()
