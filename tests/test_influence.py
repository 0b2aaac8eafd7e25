"""What leaving out a measurement does: against refits of functions whose answer is known, and of an ensemble that was trained."""
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper
from streamlit.testing.v1 import AppTest

from mtl_core.chemistry.composition import Composition
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.parts import training_parts
from mtl_core.explain.influence import influence, learnt_from, leave_out, loss_derivatives, member_rows
from mtl_core.explain.leaving_out import held, kernel, refitted_without, steps_without
from mtl_core.types import Conditions
from mtl_core.uncertainty.conformal import Calibration
from mtl_core.uncertainty.metrics import out_of_fold
from mtl_core.uncertainty.predictor import Predictor

STATED = Conditions(process="CAST", scan_rate_mv_s=1.0)
WILD = 31  # the pitting potential that is planted far too high


def ridge_problem(n=40, n_inputs=5, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, n_inputs))
    return inputs, inputs @ rng.normal(size=n_inputs) + rng.normal(size=n)


def ridge(inputs, y, at, penalty=0.7):
    """What a ridge regression predicts."""
    return at @ np.linalg.solve(inputs.T @ inputs + penalty * np.eye(inputs.shape[1]), inputs.T @ y)


def changes_of_ridge(inputs, y, group, penalty=0.7):
    """The change of all predictions without each row, and each group, [n, n] and [n, G]."""
    among = inputs @ inputs.T / penalty
    columns = steps_without(among, ridge(inputs, y, inputs) - y, np.ones(len(y)), group, group.max() + 1)
    return tuple(among @ of_each for of_each in columns)


def test_of_a_ridge_regression_the_steps_lead_to_the_fits_without_a_row_and_without_a_paper():
    inputs, y = ridge_problem()
    group = np.arange(len(y)) % 7
    for labels, changes in zip((np.arange(len(y)), group), changes_of_ridge(inputs, y, group), strict=True):
        for code in range(changes.shape[1]):
            kept = labels != code
            exact = ridge(inputs[kept], y[kept], inputs) - ridge(inputs, y, inputs)
            np.testing.assert_allclose(changes[:, code], exact, atol=1e-9)


def test_a_row_that_is_there_twice_counts_little_alone_and_fully_as_a_paper():
    inputs, y = ridge_problem()
    y[0] += 20.0
    inputs, y = np.vstack([inputs, inputs[:1]]), np.append(y, y[0])
    of_rows, of_groups = changes_of_ridge(inputs, y, np.append(np.arange(len(y) - 1), 0))
    assert of_rows[0, 0] == pytest.approx(of_rows[0, -1]) and 2 * abs(of_rows[0, 0]) < abs(of_groups[0, 0])
    assert np.abs(of_rows[0]).argmax() in (0, len(y) - 1) and of_groups[0, 0] < 0
    np.testing.assert_allclose(of_groups[:, 0], ridge(inputs[1:-1], y[1:-1], inputs) - ridge(inputs, y, inputs), atol=1e-9)


def test_the_slope_and_the_curvature_of_every_kind_of_loss_are_those_of_small_differences():
    low, high = np.array([0.3, -1.0, -np.inf, 0.1]), np.array([0.3, np.inf, 0.5, 1.5])
    for likelihood in ("logistic", "gaussian"):
        at = [loss_derivatives(low, high, np.full(4, mean), np.full(4, -0.4), likelihood) for mean in (0.39, 0.4, 0.41)]
        np.testing.assert_allclose((at[2][0] - at[0][0]) / 0.02, at[1][1], rtol=2e-3)
        assert (at[1][1] > 0).all() and at[1][0][0] > 0 and at[1][0][1] < 0 < at[1][0][2]


@pytest.fixture(scope="module")
def made_up():
    """A predictor trained in seconds; one of its readings is far too high."""
    rows = made_up_observations()
    rows.loc[WILD, ["value", "low", "high"]] += 1500.0
    parts = parts_by_paper(rows)
    config = CONFIG.model_copy(update={"train": CONFIG.train.model_copy(update={"epochs": 60})})
    ensemble, _ = fit_ensemble(rows, features_of(rows), SPEC, config, parts)
    held_out = out_of_fold(ensemble, parts, rows, features_of(rows))
    return Predictor(ensemble, Calibration.fit(held_out), rows, held_out), parts


def test_who_learnt_from_what_is_read_off_the_folds(made_up, predictor):
    mine, parts = made_up
    np.testing.assert_array_equal(learnt_from(mine), np.stack([parts[part].is_training for part in mine.ensemble.part_of_member]))
    shipped = [part for part in training_parts(predictor.observations, predictor.ensemble.config) if part.split == "reference"]
    np.testing.assert_array_equal(learnt_from(predictor),
                                  np.stack([shipped[part].is_training for part in predictor.ensemble.part_of_member]))


def test_the_layers_hold_the_gradient_by_every_weight(made_up):
    """Against what the answer of a member without dropout does when all its weights move a little in a random direction."""
    mine, _ = made_up
    task, values = mine.tasks[1], features_of(mine.observations)[:20]
    one = replace(mine.ensemble.select(np.array([0])), masks=tuple(np.ones_like(mask[:1]) for mask in mine.ensemble.masks))
    rng = np.random.default_rng(0)
    way = {name: rng.normal(size=value.shape).astype(np.float32) for name, value in one.parameters.items() if "log" not in name}
    after, before = (replace(one, parameters=one.parameters | {
        name: one.parameters[name] + step * value for name, value in way.items()}).tangents(values, task.key)[1][0]
        for step in (1e-3, -1e-3))
    task_way = {name: value[0] if name.startswith("trunk") else value[0, ..., 1] if name == "skip_weight" else value[0, 1]
                for name, value in way.items()}
    task_way |= {"output_weight": np.vstack([task_way["output_weight"], task_way["skip_weight"][:, None]])}
    layers = zip(("trunk_0", "head_0", "output"), one.tangents(values, task.key)[0], strict=True)
    expected = sum(((inputs[0] @ task_way[f"{name}_weight"] + task_way[f"{name}_bias"]) * slopes[0]).sum(axis=1)
                   for name, (inputs, slopes) in layers)
    np.testing.assert_allclose((after - before) / 2e-3, expected, atol=0.01 * np.abs(expected).max())


def test_the_step_agrees_with_exact_refits_with_bounds_among_the_rows(made_up):
    mine, _ = made_up
    task, ensemble = mine.tasks[1], mine.ensemble
    of_task = (mine.observations["task"] == task.key).to_numpy()
    seen = learnt_from(mine)[0]
    rows = mine.observations[of_task & seen].reset_index(drop=True)
    assert np.isinf(rows["high"]).any()
    member = next(member_rows(ensemble, task, rows))
    mine = held(member.layers, member.slope, np.ones(len(rows), bool), ensemble.config.train, n_rows=seen.sum())
    among = kernel(member.layers, mine).astype(float)
    paper, papers = pd.factorize(rows["reference_group"])
    columns = steps_without(among, member.slope, member.curvature, paper, len(papers))

    def derivatives(moved):
        return loss_derivatives(member.low, member.high, member.mean + moved, member.log_scale, "logistic")

    for of_each, labels in zip(columns, (np.arange(len(rows)), paper), strict=True):
        codes = np.unique(labels)[:10]
        exact = np.stack([among @ refitted_without(among, derivatives, labels == code) for code in codes])
        ours = (among @ of_each[:, codes]).T
        assert np.corrcoef(ours.ravel(), exact.ravel())[0, 1] > 0.95
        assert np.abs(ours - exact).mean() < 0.25 * np.abs(exact).mean()


def test_a_reading_far_too_high_holds_up_the_prediction_of_its_alloy_and_its_paper_does(made_up):
    mine, _ = made_up
    task, row = mine.tasks[1], mine.observations.loc[WILD]
    alloy = Composition.from_mapping({symbol: row[f"at_{symbol}"] for symbol in SPEC.symbols}, normalise=True)
    found = influence(mine, leave_out(mine, task), alloy, Conditions(chloride_m=row["chloride_m"]))
    first = found.rows.loc[found.rows["change"].abs().idxmax()]
    assert first["measurement_id"] == f"m{WILD}" and first["change"] < 0 and first["is_stable"]
    assert first["distance"] == pytest.approx(0, abs=1e-9) and first["n_members"] == 4
    assert found.papers["change"].idxmin() == row["reference_group"] and found.papers["n_rows"].sum() == len(found.rows)
    assert found.prediction == pytest.approx(mine.predict([alloy], Conditions(chloride_m=row["chloride_m"])).mean[0, 1], rel=1e-4)


def test_the_readings_that_decide_are_of_alloys_like_it(predictor):
    alloy, task = Composition.from_text("CoCrFeMnNi"), predictor.tasks[0]
    found = influence(predictor, leave_out(predictor, task), alloy, STATED)
    rows = found.rows.reindex(found.rows["change"].abs().sort_values(ascending=False).index)
    assert len(rows) == (predictor.observations["task"] == task.key).sum() and rows["change"].notna().all()
    assert rows["distance"].head(10).median() < rows["distance"].median() / 2
    assert rows["n_members"].between(15, 24).all()


def test_the_panel_shows_readings_papers_and_neighbours_with_their_sources(tmp_path, monkeypatch):
    monkeypatch.setattr("app.services.kept.PINS", tmp_path / "pins.json")

    def page():
        from app.presets import opening
        from app.widgets.explain_evidence import evidence_panel

        evidence_panel(opening())

    tested = AppTest.from_function(page, default_timeout=120).run()
    assert not tested.exception and len(tested.dataframe) == 2
    readings = tested.dataframe[0].value
    assert readings["change"].abs().is_monotonic_decreasing and readings["doi"].str.startswith("https://doi.org/").any()
    for view, column in (("papers", "n_rows"), ("near", "distance")):
        tested.segmented_control(key="evidence_view").set_value(view).run()
        assert not tested.exception and column in tested.dataframe[1].value
    assert tested.dataframe[1].value["distance"].is_monotonic_increasing
