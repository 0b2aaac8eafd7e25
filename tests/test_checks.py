"""Checks of bars: games and networks whose answer is known, and that a check can fail."""
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper
from streamlit.testing.v1 import AppTest

from app.widgets.explain_checks import importance_verdict, random_verdict, shapley_verdict
from mtl_core.chemistry.composition import Composition
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.explain.attribution import attribute
from mtl_core.explain.checks import (
    agreement_of_members,
    permutation_importance,
    rank_agreement,
    shapley,
    shapley_values,
    untrained,
)
from mtl_core.explain.groups import groups_between
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions
from mtl_core.uncertainty.metrics import evaluate, out_of_fold
from mtl_core.uncertainty.predictor import Predictor

STEEL, BASELINE = Composition.from_text("Fe-22Cr-5Ni-3Mo-0.17N wt%"), Composition.from_text("Fe-18Cr-10Ni wt%")
STATED = Conditions(process="WROUGHT", scan_rate_mv_s=1.0)


def test_the_shares_of_games_are_those_by_hand():
    """A glove game (one left glove, two right ones): 2/3 to the left; and what players add alone stays theirs."""
    gloves = [0, 0, 0, 1, 0, 1, 0, 1]  # worth 1 where player 0 meets player 1 or 2
    np.testing.assert_allclose(shapley_values(np.array(gloves, float)), [2 / 3, 1 / 6, 1 / 6])
    np.testing.assert_allclose(shapley_values(np.array([0.0, 3.0, 5.0, 8.0])), [3.0, 5.0])


def test_absent_elements_take_the_amounts_of_the_baseline_and_nothing_is_renormalised():
    asked, symbols = [], ("Cr", "Fe", "Ni")

    def members(task, at, conditions):
        asked.append(at)
        return (at @ [1.0, 2.0, 5.0] + [10.0 * one.temperature_c for one in conditions])[None]

    fake = SimpleNamespace(ensemble=SimpleNamespace(spec=SimpleNamespace(symbols=symbols)), members=members,
                           at_matrix=lambda alloys: np.array([[alloy.at[symbol] for symbol in symbols] for alloy in alloys]))
    one = Composition.from_mapping({"Cr": 20, "Fe": 60, "Ni": 20})
    other = Composition.from_mapping({"Cr": 10, "Fe": 85, "Ni": 5})
    warm = STATED.model_copy(update={"temperature_c": 60.0})
    found = shapley(fake, one, warm, TASKS["pitting_potential"], baseline=other, baseline_conditions=STATED)
    shares = dict(zip(found.names, found.values, strict=True))
    assert shares == pytest.approx({"Cr": 10.0, "Fe": -50.0, "Ni": 75.0, "temperature_c": 350.0})
    sums = asked[0].sum(axis=1)
    assert len(sums) == 16 and sums.min() == pytest.approx(75.0) and sums.max() == pytest.approx(125.0)


def test_alloys_without_a_common_element_have_shapley_values_too(predictor):
    alloy, baseline = Composition.from_text("HfNbTaTiZr"), Composition.from_text("CrNi")
    found = shapley(predictor, alloy, STATED, predictor.tasks[0], baseline=baseline)
    assert np.isfinite(found.values).all() and found.values.sum() == pytest.approx(found.prediction - found.baseline, abs=0.05)


@pytest.mark.parametrize("column", [0, 1])
def test_shapley_values_add_up_and_rank_as_the_bars_of_the_path_do(predictor, column):
    task = predictor.tasks[column]
    exact = shapley(predictor, STEEL, STATED, task, baseline=BASELINE)
    before, after = predictor.predict([BASELINE, STEEL], STATED).mean[:, column]
    assert (exact.baseline, exact.prediction) == pytest.approx((before, after), abs=0.05)
    assert exact.values.sum() == pytest.approx(after - before, abs=0.05)
    bars = attribute(predictor, STEEL, STATED, task, baseline=BASELINE)
    groups = groups_between(predictor, task, predictor.at_matrix([STEEL, BASELINE]), [STATED] * 2)
    assert rank_agreement(groups.bars(bars), exact.values) >= 0.8


def test_networks_that_learnt_nothing_give_other_bars(predictor):
    task = predictor.tasks[0]
    trained, fresh = (attribute(one, STEEL, STATED, task, baseline=BASELINE) for one in (predictor, untrained(predictor)))
    kept, lost = agreement_of_members(trained, trained), agreement_of_members(fresh, trained)
    assert len(kept) == len(lost) == predictor.n_members
    assert np.median(kept) > 0.7 and abs(lost.mean()) < 0.25
    again = attribute(untrained(predictor, seed=1), STEEL, STATED, task, baseline=BASELINE)
    assert not np.allclose(again.values, fresh.values)


@pytest.fixture(scope="module")
def learnt():
    """Networks that learnt from made-up papers: chromium helps both, chloride lowers the pitting potential."""
    rows, config = made_up_observations(180), CONFIG.model_copy(update={
        "network": CONFIG.network.model_copy(update={"dropout": 0.0}),
        "train": CONFIG.train.model_copy(update={"epochs": 60, "learning_rate": 0.01})})
    values, parts = features_of(rows), parts_by_paper(rows)
    ensemble, _ = fit_ensemble(rows, values, SPEC, config, parts)
    return Predictor(ensemble, None, rows, out_of_fold(ensemble, parts, rows, values))


def test_permuting_what_matters_costs_most_and_what_does_not_matter_costs_nothing(learnt):
    drops = {task.key: permutation_importance(learnt, task) for task in learnt.tasks}
    for key, table in drops.items():
        assert table.attrs["r2"] == pytest.approx(evaluate(learnt.out_of_fold)[key]["reference"]["r2"], abs=1e-3)
        assert table.attrs["r2"] > 0.8 and table.loc["Cr", "drop"] > 0.5
    hardness, pitting = drops["hardness"], drops["pitting_potential"]
    assert hardness["drop"].idxmax() == "Cr" and abs(hardness.loc["process", "drop"]) < 0.1 and "ph" not in hardness.index
    assert set(pitting["drop"].nlargest(2).index) == {"Cr", "chloride_m"}
    assert pitting.loc["temperature_c", "drop"] == 0  # the same everywhere


def test_ranks_of_too_few_or_of_equal_bars_say_nothing():
    assert np.isnan(rank_agreement([1, 2], [1, 2])) and np.isnan(rank_agreement([1, 1, 1], [1, 2, 3]))
    assert rank_agreement([1, 2, 3], [10, 20, 90]) == 1 and rank_agreement([1, 2, 3], [3, 2, 1]) == -1


def test_each_verdict_says_when_its_check_fails_and_when_it_says_nothing():
    table = pd.DataFrame({"path": [3.0, 2.0, 1.0, -9.0], "shapley": [3.1, 1.9, 1.2, -8.0]}, ["Cr", "Ni", "Mo", "Fe"])
    assert shapley_verdict(table)[0] is True
    passed, words = shapley_verdict(table.assign(shapley=[1.0, 2.0, 3.0, 9.0]))
    assert passed is False and "most of all Fe" in words and "expected 0.9 or more" in words
    assert shapley_verdict(table.iloc[:2]) == (None, "Fewer than three elements differ, so there is no order to compare.")

    rng = np.random.default_rng(0)
    noise, kept = rng.uniform(-1, 1, 60), np.full(60, 0.95)
    assert random_verdict(kept, noise)[0] is True
    assert "learnt nothing give a similar order (mean ρ = +0.95)" in random_verdict(kept, kept)[1]
    assert "do not agree among themselves" in random_verdict(noise, noise)[1]
    assert random_verdict(np.full(60, np.nan), noise)[0] is None

    rows, about = pd.DataFrame({"drop": [0.3, 0.2, 0.1], "size": [30.0, 20.0, 10.0]}), {"r2": 0.5, "n_rows": 400}
    assert importance_verdict(rows, about)[0] is True
    passed, words = importance_verdict(rows.assign(size=[1.0, 2.0, 3.0]), about)
    assert passed is False and "ρ = -1.00" in words
    assert importance_verdict(rows, about | {"r2": -0.2})[0] is None


def test_the_page_shows_three_checks_a_property_each_with_its_verdict(tmp_path, monkeypatch):
    monkeypatch.setattr("app.services.kept.PINS", tmp_path / "pins.json")
    table = pd.DataFrame({"drop": [0.3, 0.2, 0.1], "error": 0.01, "n": 50}, ["Cr", "Ni", "Mo"])
    table.attrs = {"r2": 0.5, "n_rows": 400, "split": "reference"}
    monkeypatch.setattr("app.services.pairs.importance", lambda key: table)
    monkeypatch.setattr("app.services.pairs.sizes", lambda key: pd.Series([10.0, 20.0, 30.0], table.index))
    app = AppTest.from_file(str(Path(__file__).parents[1] / "app" / "main.py"), default_timeout=120)
    app.query_params |= {"alloy": "Co:30,Cr:30,Ni:40", "process": "CAST", "scan": "1"}
    app.session_state["explain_view"] = "checks"
    app.switch_page("views/explain.py").run()
    assert not app.exception and len(app.get("plotly_chart")) == 6
    said = [element.value for kind in (app.success, app.warning, app.info) for element in kind]
    assert len(said) >= 6 and sum("What has large bars is not what" in words for words in said) == 2
