"""Attributions of many alloys: against networks whose slopes are known, against predictions, and as the page shows them."""
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.many import Focus, bars_table, chosen_rows, ranked, tradeoffs
from app.services import overall as service
from mtl_core.data.schema import AT
from mtl_core.ensemble import network
from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.errors import CheckpointError
from mtl_core.explain.attribution import MOST_GAP, typical_range
from mtl_core.explain.compact import both_bars
from mtl_core.explain.overall import Overall, OverallSettings, explained, load, overall, save
from mtl_core.explain.summary import Bars, summary
from mtl_core.features.preparation import TargetTransform, stacked
from mtl_core.features.scaling import Scaler
from mtl_core.files import write_arrays
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor
from tests.model_samples import CONFIG, SPEC, features_of, made_up_observations

MAIN = Path(__file__).parents[1] / "app" / "main.py"
SLOPES = np.array([[8.0, 0.0, -2.0], [12.0, 0.0, 1.0]])  # of two members, HV for one at.% of Cr, Fe, Ni
SMALL = OverallSettings(n=10)


def straight_predictor() -> Predictor:
    """Two members that are straight lines in at.%: nothing but the skip from the inputs to the outputs."""
    rows = made_up_observations()
    scaler = Scaler.fit(features_of(rows))
    shapes = network.shapes(CONFIG.network, n_features=len(SPEC.columns), n_tasks=2)
    parameters = {name: np.zeros((2, *shape), np.float32) for name, shape in shapes.items()}
    elements = [SPEC.columns.index(AT + symbol) for symbol in SPEC.symbols]
    parameters["skip_weight"][:, elements, 0] = SLOPES * scaler.scale[elements]
    parameters["skip_weight"][:, elements, 1] = -5.0 * SLOPES * scaler.scale[elements]
    masks = tuple(np.ones((2, CONFIG.n_masks, 1, width), np.float32) for width in network.mask_widths(CONFIG.network))
    plain = TargetTransform("none", np.float64(0.0), np.float64(1.0))
    ensemble = Ensemble(CONFIG, SPEC, parameters, masks, np.zeros(2, int), stacked([scaler]), stacked([stacked([plain, plain])]))
    return Predictor(ensemble, None, rows, None)


@pytest.fixture(scope="module")
def straight():
    return overall(straight_predictor(), OverallSettings(n=30, same=True))


def test_of_straight_networks_a_bar_is_slope_times_distance_and_the_push_is_the_slope(straight):
    for one, factor in zip(straight, (1.0, -5.0), strict=True):
        change = one.at - one.baseline_at
        np.testing.assert_allclose(one.elements, factor * SLOPES[:, None] * change, atol=2e-3)
        rows = summary(one.bars()).set_index("name")
        for index, symbol in enumerate(SPEC.symbols):
            assert rows.loc[symbol, "push"] == pytest.approx(factor * SLOPES[:, index].mean(), abs=1e-3)
            assert rows.loc[symbol, "importance"] == pytest.approx(
                abs(factor * SLOPES[:, index].mean()) * np.abs(change[:, index]).mean(), abs=1e-2)
        assert rows.loc["Cr", "direction"] == np.sign(factor) and rows.loc["Ni", "direction"] == 0  # its members disagree
        assert rows.loc["Cr", "low"] < rows.loc["Cr", "importance"] < rows.loc["Cr", "high"]
        assert rows.index[0] == "Cr" and (rows["n"] == 30).all()
    points = tradeoffs(*(summary(one.bars()) for one in straight), "HV", "mV", usual=False).set_index("name")
    assert points.loc["Cr", ["x", "y"]].tolist() == pytest.approx([10.0, -50.0], abs=1e-2)


def test_bars_of_features_and_kinds_add_up_to_those_of_elements(straight):
    for one in straight:
        sums = [one.bars(by).of_members.sum(axis=-1) for by in ("element", "feature", "kind")]
        np.testing.assert_allclose(sums[1], sums[0], atol=1e-2)
        np.testing.assert_allclose(sums[2], sums[0], atol=1e-2)
        assert one.bars("kind").names == ("elements", "descriptors") and len(summary(one.bars("kind"))) == 2


def test_alloys_are_those_each_task_was_learnt_from_under_their_own_conditions():
    predictor = straight_predictor()
    hardness, pitting = overall(predictor, OverallSettings())
    assert len(hardness.at) == len(pitting.at) == 45 and (pitting.alloys["n_readings"] == 1).all()
    asked = predictor.observations.query("task == 'pitting_potential'").set_index(
        predictor.observations.query("task == 'pitting_potential'")["at_Cr"].round(4))
    for row in pitting.alloys.assign(chromium=pitting.at[:, 0].round(4)).to_dict("records"):
        own = asked.loc[row["chromium"]]
        assert (row["chloride_m"], row["family"]) == (own["chloride_m"], own["family"])
        assert row["value"] == pytest.approx(own["value"], nan_ok=True)
    both = overall(predictor, OverallSettings(same=True))
    assert [len(one.at) for one in both] == [90, 90] and (both[0].alloys["n_readings"] == 0).sum() == 45
    assert both[0].alloys["process"].isin(["CAST", "ANNEAL"]).all()  # what is stated most often, where there is no reading


def test_bars_of_real_networks_add_up_to_the_predictions(predictor):
    told = []
    for one in overall(predictor, SMALL, progress=lambda done, total: told.append((done, total))):
        most = MOST_GAP * typical_range(predictor, one.task)
        assert one.alloys["gap"].abs().max() <= most
        difference = one.alloys["prediction"] - one.alloys["baseline"]
        for by in ("element", "feature", "kind"):
            np.testing.assert_allclose(one.bars(by).values.sum(axis=1) + one.alloys["gap"], difference, atol=0.05)
        answers = predictor.moments(one.task, one.at, one.conditions).mean
        np.testing.assert_allclose(one.alloys["prediction"], answers, atol=0.05)
    assert told == sorted(told) and told[-1] == (20, 20)


def test_a_gap_that_no_stage_of_nodes_closes_is_told_and_ends_in_no_error(monkeypatch):
    monkeypatch.setattr("mtl_core.explain.batched.MOST_GAP", -1.0)
    (one, _) = overall(straight_predictor(), OverallSettings(n=10, same=True))
    assert len(one.alloys) == 10 and one.alloys["gap"].abs().max() < 0.1


def test_a_slope_is_told_of_a_straight_cloud_and_of_no_bent_or_turning_one():
    amounts = np.linspace(1.0, 30.0, 60)
    pushes = np.stack([2.0 * amounts, np.where(amounts < 4, 60.0, 60.5), np.abs(amounts - 15.0)], axis=1)
    bars = Bars(("straight", "flat after a step", "turns"), np.stack([pushes, pushes]), np.tile(amounts[:, None], 3), np.zeros(3),
                np.ones((60, 3), bool))
    assert summary(bars).set_index("name")["straight"].to_dict() == {
        "straight": True, "flat after a step": False, "turns": False}


def test_panels_along_which_features_move_alike_integrate_a_sharp_turn_that_even_points_miss(predictor):
    """On the way from the mean alloy the base of this one changes from Fe to Al within a few percent of the path."""
    task, symbols = predictor.tasks[1], predictor.ensemble.spec.symbols
    at = np.array([[{"Al": 83.5, "Mo": 16.5}.get(symbol, 0.0) for symbol in symbols]])
    mean = explained(predictor, task, at, pd.DataFrame({"formula": ["AlMo"]}), [Conditions(scan_rate_mv_s=1.0)],
                     baseline="mean").baseline_at[None]

    def gap(n_nodes, n_panels):
        bars, features, (before, after) = both_bars(predictor, task, at, mean, [Conditions(scan_rate_mv_s=1.0)], n_nodes=n_nodes,
                                                    n_panels=n_panels)
        assert features.mean(axis=0).sum() == pytest.approx(bars.mean(axis=0).sum(), abs=0.1)
        return abs(after - before - bars.mean(axis=0).sum()).item() / typical_range(predictor, task)

    assert gap(4, 6) < 0.005 < gap(8, 1)


def test_what_is_stored_comes_back_and_a_damaged_file_says_so(straight, tmp_path):
    save(tmp_path / "all.npz", straight)
    again = load(tmp_path / "all.npz")
    for one, other in zip(straight, again, strict=True):
        assert one.task == other.task and one.symbols == other.symbols and one.columns == other.columns
        np.testing.assert_array_equal(one.features, other.features)
        pd.testing.assert_frame_equal(one.alloys, other.alloys[one.alloys.columns], check_dtype=False)
    write_arrays(tmp_path / "other.npz", {"hardness/at": np.zeros(3)})
    (tmp_path / "short.npz").write_bytes((tmp_path / "all.npz").read_bytes()[:500])
    for name in ("other", "short"):
        with pytest.raises(CheckpointError, match="expected"):
            load(tmp_path / f"{name}.npz")


def test_a_choice_of_alloys_goes_into_a_link_and_comes_back_whatever_the_link_says(straight):
    focus = Focus("one", True, ("Fe",), ("Cr", "Ni"), "Cr", "process")
    assert Focus.from_query(focus.to_query()) == focus and Focus().to_query() == {}
    assert Focus.from_query({"show": "x", "with": "Xx,<b>,Cr", "el": "?", "color": "__class__"}) == Focus(holds=("Cr",))
    hardness = straight[0]
    assert (chosen_rows(hardness, Focus(family=("Fe",))) == (hardness.alloys["family"] == "Fe")).all()
    assert not chosen_rows(hardness, Focus(holds=("Mo",))).any() and chosen_rows(hardness, Focus(holds=("Cr",))).all()
    table = bars_table(hardness, chosen_rows(hardness, Focus()), "element")
    assert len(table) == 30 and {"formula", "bar Cr", "spread Ni", "prediction"} <= set(table)
    assert ranked([summary(one.bars()) for one in straight])[0] == "Cr"


def made_up(one: Overall) -> Overall:
    """The same with names in its table that are markup, and one value that is unknown."""
    alloys = one.alloys.assign(formula=["<b>x</b>", *one.alloys["formula"][1:]], value=[np.nan, *one.alloys["value"][1:]])
    return Overall(**{**vars(one), "alloys": alloys})


@pytest.fixture
def page(straight, tmp_path, monkeypatch):
    """The view of all alloys by its link, as if they had been explained before."""
    monkeypatch.setattr("app.services.overall.CACHE", tmp_path)

    def opened(found=straight, **query):
        found = tuple(map(made_up, found))
        save(service._path(OverallSettings()), found)
        write_arrays(service._map_of(service._path(OverallSettings())), {one.task.key: one.at[:, :2] for one in found})
        tested = AppTest.from_file(str(MAIN), default_timeout=120).run()
        for name, text in query.items():
            tested.query_params[name] = text
        return tested.switch_page("views/explain.py").run()

    return opened


@pytest.mark.parametrize("show", ["what", "each", "one", "map"])
def test_each_view_of_all_alloys_is_drawn_and_stands_in_the_link(page, show):
    tested = page(view="all", show=show)
    assert not tested.exception and len(tested.get("plotly_chart")) == (3 if show == "what" else 2)
    assert tested.query_params["view"] == "all" and tested.query_params.get("show", "what") == show


def test_families_elements_and_grouping_decide_what_is_drawn(page):
    tested = page(view="all", family="Fe", **{"with": "Cr,Mo"})
    assert any("30 for hardness" in one.value for one in tested.caption)
    assert tested.query_params["family"] == "Fe" and tested.query_params["with"] == "Cr"  # nothing holds it
    tested.button_group(key="explain_by").set_value("kind").run()
    assert not tested.exception and tested.query_params["by"] == "kind" and len(tested.get("plotly_chart")) == 2
    tested.multiselect(key="all_family").set_value([]).run()
    assert "family" not in tested.query_params and not tested.exception


@pytest.mark.parametrize("show", ["what", "each", "one", "map"])
def test_a_run_of_one_property_or_of_three_is_explained_as_well(page, straight, show):
    third = Overall(**{**vars(straight[0]), "task": TASKS["yield_strength"]})
    alone = page(straight[:1], view="all", show=show)
    assert not alone.exception and len(alone.get("plotly_chart")) == 1
    assert not [box for box in alone.selectbox if box.key in ("all_same", "all_Across")]
    three = page((*straight, third), view="all", show=show)
    assert not three.exception and len(three.get("plotly_chart")) == (4 if show == "what" else 3)
    if show == "what":
        three.selectbox(key="all_Upwards").set_value("Yield strength").run()
        assert not three.exception and len(three.get("plotly_chart")) == 4


def test_a_process_of_its_own_explains_the_run_that_answers_once_for_all_visitors(smoke_run, smoke_environment, tmp_path,
                                                                                  monkeypatch):
    monkeypatch.setenv("ALLOYSCOPE_RUNS", smoke_environment["ALLOYSCOPE_RUNS"])
    monkeypatch.setattr("app.services.overall.CACHE", tmp_path)
    monkeypatch.setattr("app.services.overall.run_folder", lambda run: smoke_run)
    monkeypatch.setattr("app.services.overall.model.answering", lambda: (smoke_run.name, ""))
    assert service.found(SMALL) is None and service.layouts(SMALL) is None
    service.make(SMALL)
    job = service._jobs()[service._path(SMALL)]
    service.make(SMALL)
    assert service._jobs()[service._path(SMALL)] is job and service.is_going(SMALL)
    assert job.wait(timeout=120) == 0, service.failure(SMALL)
    assert service.progress(SMALL) == (20, 20) and service.failure(SMALL) == ""
    found, maps = service.found(SMALL), service.layouts(SMALL)
    assert [len(one.at) for one in found] == [10, 10] and maps["hardness"].shape == (10, 2)
    assert all(np.isfinite(maps[one.task.key]).all() for one in found)


def test_a_process_that_fails_says_why_and_can_be_started_again(tmp_path, monkeypatch):
    monkeypatch.setattr("app.services.overall.CACHE", tmp_path)
    monkeypatch.setattr("app.services.overall.model.answering", lambda: ("shipped", ""))
    (tmp_path / "log").write_text("")
    monkeypatch.setitem(service._jobs(), service._path(SMALL), ended := subprocess.Popen(["false"]))
    ended.wait()
    assert "ended with code 1" in service.failure(SMALL) and not service.is_going(SMALL)
    service._path(SMALL).with_suffix(".log").write_text("3 of 20 alloys\nError: the disk is full\n")
    assert service.failure(SMALL) == "Error: the disk is full" and service.progress(SMALL) == (3, 20)
