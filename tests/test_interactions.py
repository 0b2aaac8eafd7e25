"""Interactions: maps of functions whose answer is known, of networks trained on such functions, and of the shipped ensemble."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from streamlit.testing.v1 import AppTest

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.ensemble import network
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig, TrainConfig
from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.parts import Part
from mtl_core.explain.attribution import attribute, typical_range
from mtl_core.explain.groups import OTHERS, groups_between
from mtl_core.explain.interactions import Interactions, evenly, few_members, interactions, mean_interactions
from mtl_core.explain.path_explainer import integrated_hessians, log_weighted_nodes, plain_integrated_hessians
from mtl_core.features.preparation import TargetTransform, stacked
from mtl_core.features.scaling import CLIP, Scaler
from mtl_core.features.table import FeatureSpec, featurize
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor
from tests.model_samples import CONFIG, SPEC, features_of, made_up_observations

ALLOY, BASELINE = Composition.from_text("Al0.5CoCrFeNi"), Composition.from_text("CoCrFeMnNi")
STATED = Conditions(process="CAST", scan_rate_mv_s=1.0)

SYMBOLS = ("Cr", "Fe", "Ni", "Mo")
FROM = Composition.from_mapping({"Cr": 12.0, "Fe": 66.0, "Ni": 20.0, "Mo": 2.0})
TO = Composition.from_mapping({"Cr": 25.0, "Fe": 57.0, "Ni": 10.0, "Mo": 8.0})
MOVED = {symbol: TO.at[symbol] - FROM.at[symbol] for symbol in SYMBOLS}
SLOPES = {"Cr": 6.0, "Fe": -3.0, "Ni": 5.0, "Mo": 10.0}  # HV per at.%
PRODUCT, NICKEL = 1.5, 8.0  # MPa per at.%² of Cr × Mo, and per at.% of Ni


@pytest.fixture(scope="module")
def learnt():
    """Four networks that learnt hardness, linear in the amounts, and yield strength, with one product in it.

    Amounts that always sum to 100 would fix differences of slopes only, so these rows need not: then each slope is known.
    """
    rng = np.random.default_rng(0)
    at = rng.uniform((8, 45, 5, 0), (30, 75, 25, 10), (600, 4))
    cr, _, ni, mo = at.T
    spec = FeatureSpec(symbols=SYMBOLS, inputs="elements")  # by atomic number: Cr, Fe, Ni, Mo
    rows = pd.DataFrame(at, columns=[AT + symbol for symbol in SYMBOLS]).assign(
        task=np.tile(["hardness", "yield_strength"], 300), reference_group="one", process="CAST", not_reported="",
        temperature_c=np.nan, chloride_m=np.nan, bromide_m=0.0, sulphate_m=0.0, ph=np.nan, scan_rate_mv_s=np.nan)
    value = np.where(rows["task"] == "hardness", 200 + at @ list(SLOPES.values()), 300 + PRODUCT * cr * mo + NICKEL * ni)
    rows = rows.assign(value=value, low=value, high=value)
    config = EnsembleConfig(tasks=("hardness", "yield_strength"), network=NetworkConfig(trunk=(32,), head=16, dropout=0.0),
                            train=TrainConfig(epochs=150, batch_size=32, learning_rate=0.01, weight_decay=0.0, n_repeats=2))
    everything = np.ones(len(rows), bool)
    parts = [Part("reference", 0, fold, everything, ~everything) for fold in range(2)]
    ensemble, _ = fit_ensemble(rows, featurize(at, rows, spec).values, spec, config, parts)
    return Predictor(ensemble, None, rows, pd.DataFrame())


def test_networks_that_learnt_a_straight_function_give_its_slopes_and_no_pairs(learnt):
    task, expected = TASKS["hardness"], {symbol: SLOPES[symbol] * MOVED[symbol] for symbol in SYMBOLS}
    bars = attribute(learnt, TO, STATED, task, baseline=FROM)
    assert dict(zip(bars.names, bars.values, strict=True)) == pytest.approx(expected, rel=0.05)
    found = interactions(learnt, TO, STATED, task, baseline=FROM)
    alone = dict(zip(found.names, found.values.diagonal(), strict=True))
    assert alone == pytest.approx(expected, rel=0.05)
    assert np.abs(np.tril(found.values, -1)).max() <= 0.03 * max(map(abs, expected.values()))


def test_networks_that_learnt_a_product_give_its_pair_and_no_other(learnt):
    """k x y from (x', y'): x and y get k d (mean of the other one); k dx dy / 2 of that is the pair's, in both cells together."""
    task, mean = TASKS["yield_strength"], {symbol: (TO.at[symbol] + FROM.at[symbol]) / 2 for symbol in SYMBOLS}
    expected = {"Cr": PRODUCT * MOVED["Cr"] * mean["Mo"], "Mo": PRODUCT * MOVED["Mo"] * mean["Cr"], "Ni": NICKEL * MOVED["Ni"]}
    bars = attribute(learnt, TO, STATED, task, baseline=FROM)
    by_name = dict(zip(bars.names, bars.values, strict=True))
    assert {symbol: by_name[symbol] for symbol in expected} == pytest.approx(expected, rel=0.05)
    assert abs(by_name["Fe"]) <= 0.05 * expected["Mo"]
    found = interactions(learnt, TO, STATED, task, baseline=FROM)
    pair = PRODUCT * MOVED["Cr"] * MOVED["Mo"] / 2
    together = np.tril(found.values, -1)
    row, column = np.unravel_index(np.abs(together).argmax(), together.shape)
    assert {found.names[row], found.names[column]} == {"Cr", "Mo"} and together[row, column] == pytest.approx(pair, rel=0.05)
    together[row, column] = 0.0
    assert np.abs(together).max() <= 0.05 * pair
    assert dict(zip(found.names, found.bars, strict=True)) == pytest.approx(by_name, abs=0.01 * pair)


def test_the_nodes_integrate_polynomials_under_a_logarithm_exactly():
    """∫ −ln t tᵏ dt = 1 / (k + 1)²."""
    nodes, weights = log_weighted_nodes(6)
    powers = np.arange(12)
    np.testing.assert_allclose(weights @ nodes[:, None] ** powers, 1.0 / (powers + 1.0) ** 2, rtol=1e-7)
    nodes, weights = np.concatenate([log_weighted_nodes(3, 0.0, 0.4), log_weighted_nodes(3, 0.4, 1.0)], axis=1)
    np.testing.assert_allclose(weights @ nodes[:, None] ** powers[:6], 1.0 / (powers[:6] + 1.0) ** 2, rtol=1e-7)


def test_the_interactions_of_two_functions_at_once_are_those_by_hand_and_those_of_the_package_as_published():
    """f = x y + z² and g = 3 x, from (1, 0, 0) to (3, 4, 2)."""
    end, start = np.array([3.0, 4.0, 2.0]), np.array([1.0, 0.0, 0.0])

    def first(z):
        return z[..., 0] * z[..., 1] + z[..., 2] ** 2

    def both(u):
        z = start + u * (end - start)
        return tf.stack([first(z[:, 0]), 3.0 * z[:, 1, 0]], axis=1)

    found = integrated_hessians(both, 3, *log_weighted_nodes(4), n_functions=2, batch=3)
    # Γ_xx = Γ_xy = dx dy / 4, Γ_yy = dy (x' + dx / 4), Γ_zz = dz² (½ + ½)
    np.testing.assert_allclose(found[0], [[2.0, 2.0, 0.0], [2.0, 6.0, 0.0], [0.0, 0.0, 4.0]], atol=1e-5)
    np.testing.assert_allclose(found[1], np.diag([6.0, 0.0, 0.0]), atol=1e-5)
    np.testing.assert_allclose(plain_integrated_hessians(first, end, start, n_steps=40), found[0], atol=0.25)


def limited(limits):
    """A member for each limit; what it says is the VEC as a score of its own scale, which ends where the VEC is the limit."""
    rows = made_up_observations()
    scaler, column = Scaler.fit(features_of(rows)), SPEC.columns.index("vec")
    spread = scaler.scale[column]
    shapes = network.shapes(CONFIG.network, n_features=len(SPEC.columns), n_tasks=2)
    parameters = {name: np.zeros((len(limits), *shape), np.float32) for name, shape in shapes.items()}
    parameters["skip_weight"][:, column] = 1.0
    masks = tuple(np.ones((len(limits), 1, 1, width), np.float32) for width in network.mask_widths(CONFIG.network))
    own = [replace(scaler, mean=np.where(np.arange(len(SPEC.columns)) == column, limit - CLIP * spread, scaler.mean))
           for limit in limits]
    plain = TargetTransform("none", np.float64(0.0), np.float64(1.0))
    ensemble = Ensemble(CONFIG, SPEC, parameters, masks, np.arange(len(limits)), stacked(own),
                        stacked([stacked([plain, plain])] * len(limits)))
    return Predictor(ensemble, None, rows, None), spread


def test_a_score_that_stops_at_the_end_of_its_scale_gives_the_map_of_one_that_stops_less_and_less_suddenly():
    """s(v) that turns within a width w, from 6x + 8y + 10z over x + y + z; by hand s'' = −σ(1 − σ) / w, s' = σ((v_c − v) / w)."""
    alloy, baseline = (Composition.from_text(text) for text in ("Fe45Cr15Ni40", "Fe50Cr35Ni15"))
    limits, of = (8.15, 8.4), {"Cr": (6.0, -20.0), "Fe": (8.0, -5.0), "Ni": (10.0, 25.0)}
    asked, spread = limited(limits)
    found = interactions(asked, alloy, STATED, TASKS["hardness"], baseline=baseline)
    assert abs(found.gap) <= 0.01 * abs(found.prediction - found.baseline)
    own, move = np.array([of[name] for name in found.names]).T
    t = (np.arange(400_000) + 0.5) / 400_000
    v = 7.6 + t * (own @ move / 100)
    slope = (own - v[:, None]) * move / 100
    bend = -(slope[:, :, None] * move + slope[:, None] * move[:, None]) / 100
    for cells, limit in zip(found.of_members, limits, strict=True):
        width = 1e-4
        s = 1.0 / (1.0 + np.exp(np.clip((v - limit) / width, -50, 50)))
        second = s[:, None, None] * bend - (s * (1 - s) / width)[:, None, None] * slope[:, :, None] * slope[:, None]
        whole = ((-np.log(t) * t) @ second.reshape(len(t), -1)).reshape(3, 3) + np.diag((-np.log(t) * s) @ slope)
        expected = (np.tril(whole) + np.tril(whole.T, -1)) / len(t) / spread
        np.testing.assert_allclose(cells, expected, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize(("column", "alloy", "conditions"), [
    (0, ALLOY, Conditions()), (1, ALLOY, STATED), (1, Composition.from_text("Fe-22Cr-5Ni-3Mo-0.17N wt%"), STATED)],
    ids=["hardness, process not reported", "pitting", "pitting, nitrogen that only one of the two states"])
def test_a_map_adds_up_to_the_difference_and_its_rows_to_the_bars(predictor, column, alloy, conditions):
    task = predictor.tasks[column]
    found = interactions(predictor, alloy, conditions, task, baseline=BASELINE)
    bars = attribute(predictor, alloy, conditions, task, baseline=BASELINE)
    assert (found.baseline, found.prediction) == pytest.approx((bars.baseline, bars.prediction), abs=0.05)
    scale = typical_range(predictor, task)
    assert abs(found.gap) <= 0.02 * scale and (np.triu(found.values, 1) == 0).all()
    groups = groups_between(predictor, task, predictor.at_matrix([alloy, BASELINE]), [conditions] * 2)
    assert found.names == groups.names and found.of_members.shape[0] == predictor.n_members
    np.testing.assert_allclose(found.bars, groups.bars(bars), atol=0.02 * scale)


@pytest.fixture(scope="module")
def few(predictor):
    return few_members(predictor, 20)


def test_conditions_stand_in_the_map_where_they_differ_and_an_alloy_against_itself_has_none(predictor, few):
    task, warmer = predictor.tasks[1], STATED.model_copy(update={"temperature_c": 60.0})
    found = interactions(few, ALLOY, warmer, task, baseline=BASELINE, baseline_conditions=STATED)
    assert "temperature_c" in found.names and len(found.of_members) == predictor.n_members / 20
    found = interactions(predictor, ALLOY, STATED, task, baseline=ALLOY)
    assert found.names == () and found.gap == 0


def test_elements_that_differ_little_move_together(predictor):
    task = predictor.tasks[0]
    mean = Composition.from_mapping({"Fe": 60.0, "Cr": 18.0, "Ni": 20.0, "Mo": 1.6, "Mn": 0.2, "Si": 0.2})
    at = predictor.at_matrix([Composition.from_text("CrFeNi"), mean])
    groups = groups_between(predictor, task, at, [STATED] * 2)
    assert groups.names == ("Fe", "Cr", "Ni", "Mo", OTHERS) and set(groups.members[OTHERS]) == {"Mn", "Si"}
    other = STATED.model_copy(update={"process": "ANNEAL", "ph": 1.0})
    assert "process" in groups_between(predictor, task, at, [STATED, other]).names  # hardness knows no pH


def made_up(names, cells, prediction=0.0):
    of_members = np.stack([np.array(cells, float), np.array(cells, float)])
    return Interactions(TASKS["hardness"], names, of_members, 0.0, prediction)


def test_an_average_over_alloys_counts_what_an_alloy_does_not_differ_in_as_nothing():
    one, other = made_up(("Cr", "Ni"), [[4, 0], [6, 2]]), made_up(("Ni", "Cr", "Mo"), [[8, 0, 0], [-2, 0, 0], [1, 0, 3]])
    found = mean_interactions([one, other])
    assert found.names == ("Cr", "Ni", "Mo") and found.n.diagonal().tolist() == [2, 2, 1]
    np.testing.assert_allclose(found.values, [[2, 0, 0], [2, 5, 0], [0, 0.5, 1.5]])
    assert found.size[1, 0] == 4 and found.values[1, 0] == 2
    assert evenly("abcdefg", 3) == ["a", "d", "g"] and evenly("ab", 5) == ["a", "b"]


def test_against_several_baselines_the_map_is_the_mean_of_theirs(few):
    task, alloys = few.tasks[1], [BASELINE, Composition.from_text("CoCrFeNi")]
    found = interactions(few, ALLOY, STATED, task, baseline=alloys)
    each = [interactions(few, ALLOY, STATED, task, baseline=one) for one in alloys]
    assert found.baseline == pytest.approx(np.mean([one.baseline for one in each]))
    assert found.gap == pytest.approx(np.mean([one.gap for one in each]), abs=1e-3)
    assert replace(found, prediction=0.0).gap == pytest.approx(found.gap - found.prediction)


def test_the_page_shows_a_map_a_property_and_averages_when_asked(tmp_path, monkeypatch):
    monkeypatch.setattr("app.services.kept.PINS", tmp_path / "pins.json")
    monkeypatch.setattr("app.widgets.explain_pairs.N_ALLOYS", 2)
    app = AppTest.from_file(str(Path(__file__).parents[1] / "app" / "main.py"), default_timeout=120)
    app.query_params |= {"alloy": "Co:30,Cr:30,Ni:40", "process": "CAST", "scan": "1"}
    app.session_state["explain_view"] = "pairs"
    app.switch_page("views/explain.py").run()
    assert not app.exception and len(app.get("plotly_chart")) == 2
    assert sum("Strongest pair: " in caption.value for caption in app.caption) == 2
    assert "Nothing averaged yet" in app.info[0].value
    app.selectbox(key="pairs_family").select("HEA").run()
    app.button(key="average_pairs").click().run()
    assert not app.exception and len(app.get("plotly_chart")) == 4
    assert sum("Mean of 2 alloys" in caption.value for caption in app.caption) == 2
