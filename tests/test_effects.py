"""What a change is worth: the test rows stay whatever training leaves out, and no choice knows them."""
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from mtl_core import pipeline
from mtl_core.chemistry.composition import Composition
from mtl_core.data import composition_groups, observations, read_tables
from mtl_core.data.curations import Curation, Decision, delete_curation, save_curation
from mtl_core.data.datasets import delete_dataset, save_dataset
from mtl_core.effects import curation_effect, preparation_effect
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig, TrainConfig
from mtl_core.ensemble.parts import training_parts
from mtl_core.errors import CheckpointError, ConfigError, DataError
from mtl_core.explain.attribution import attribute
from mtl_core.features.preparation import Preparation
from mtl_core.files import read_json
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions
from mtl_core.uncertainty.comparison import compare, r2_difference

HV = ("hardness",)
BRIEF = EnsembleConfig(network=NetworkConfig(trunk=(8,), head=4), tasks=HV,
                       train=TrainConfig(epochs=2, n_folds=3, n_fold_seeds=1, n_repeats=1, splits=("reference",)))
RIDGE = {"model": "ridge", "splits": ("reference",)}


def curation(choices, *, rule="", rules=(), k=3.0):
    return Curation(name="made-up", decisions={key: Decision(choice=choice, rule=rule) for key, choice in choices.items()},
                    rules=rules, k=k)


@pytest.fixture(scope="module")
def table():
    return read_tables()


@pytest.fixture(scope="module")
def typos(table):
    """Twenty hardness values of one paper in four, ten times what they were: the table and their ids."""
    rows = observations(table, HV)
    ids = rows.groupby("reference_group", sort=False)["measurement_id"].first().iloc[::4].iloc[:20]
    is_typo = table.measurements["measurement_id"].isin(ids)
    return replace(table, measurements=table.measurements.assign(
        value=table.measurements["value"].mask(is_typo, 10 * table.measurements["value"]))), ids.tolist()


def test_a_curation_without_decisions_changes_nothing_at_all(table):
    found = curation_effect(table, HV, curation({}), **RIDGE)
    assert found["scored_on"].tolist() == ["all rows", "kept rows"] and (found["n"] == 495).all()
    assert (found[["difference", "low", "high"]] == 0).all(axis=None)


@pytest.mark.parametrize("choice", ["exclude", "upper bound"])
def test_taking_planted_typos_out_of_training_helps_the_others_and_the_typos_are_still_scored(typos, choice):
    table, ids = typos
    found = curation_effect(table, HV, curation(dict.fromkeys(ids, choice)), **RIDGE).set_index("scored_on")
    assert found["n"].to_dict() == {"all rows": 495, "kept rows": 475}
    kept = found.loc["kept rows"]
    assert kept["difference"] > 0.05 and kept["low"] > 0 and kept["mae_after"] < kept["mae_before"]
    assert found.loc["all rows", "mae_after"] > kept["mae_after"] + 50  # nobody predicts a typo


def test_whoever_leaves_out_what_is_predicted_badly_is_scored_on_it_all_the_same(table):
    """Peeking: the fifty worst out-of-fold rows are left out of training. No row leaves the test set, none gets another value."""
    held_out = pipeline.read_out_of_fold().query("task == 'hardness' and split == 'reference' and low == high")
    residual = (held_out["mean"] - held_out["low"]).abs().groupby(held_out["measurement_id"]).mean()
    peeked = curation(dict.fromkeys(residual.nlargest(50).index, "exclude"))
    honest, after = (curation_effect(table, HV, made, **RIDGE) for made in (curation({}), peeked))
    everything, kept = (after[after["scored_on"] == name].iloc[0] for name in ("all rows", "kept rows"))
    assert (everything["n"], kept["n"]) == (495, 445)
    assert everything["r2_before"] == honest["r2_before"].iloc[0]
    assert everything["r2_after"] < everything["r2_before"] + 0.05 < kept["r2_before"]  # on kept rows even "before" looks better


def test_decisions_from_residuals_are_made_anew_inside_each_training_part_whatever_the_list_said(typos):
    table, _ = typos
    listed = {observations(table, HV)["measurement_id"][7]: "exclude"}
    unlike = curation_effect(table, HV, curation(listed, rule="large-residual"), **RIDGE)
    asked = curation_effect(table, HV, curation({}, rules=("large-residual",)), **RIDGE)
    pd.testing.assert_frame_equal(unlike, asked)
    kept = asked.set_index("scored_on").loc["kept rows"]
    assert kept["difference"] > 0.05 and kept["low"] > 0  # it finds the typos by itself


def test_the_residual_rule_finds_typos_in_the_training_rows_and_knows_no_test_row(typos):
    table, ids = typos
    rule = curation({ids[0]: "keep"}, rules=("large-residual",))
    start = pipeline.prepare(table, BRIEF, curation=rule)
    parts = start.parts(BRIEF)
    is_typo = start.observations["measurement_id"].isin(ids).to_numpy()
    first = (start.observations["measurement_id"] == ids[0]).to_numpy()
    for part in parts:
        left_out = ~part.is_training & ~part.is_test
        assert left_out[is_typo & ~part.is_test].mean() > 0.8 and left_out.sum() < 60
        assert not left_out[first].any()  # kept by hand
    tested = parts[0].is_test
    changed = start.training.assign(**{side: start.training[side].mask(tested, 77.0) for side in ("value", "low", "high")})
    again = replace(start, training=changed, values=np.where(tested[:, None], 1.0, start.values)).parts(BRIEF)
    np.testing.assert_array_equal(again[0].is_training, parts[0].is_training)
    assert (again[1].is_training != parts[1].is_training).any()


@pytest.mark.parametrize("split", ["random", "composition", "reference"])
def test_a_row_that_only_the_curation_brings_back_is_never_tested_and_never_taught_to_the_testers_of_its_group(table, split):
    rows = observations(table, ("pitting_potential",), excluded=())
    default = observations(table, ("pitting_potential",))
    back = rows.loc[~rows["measurement_id"].isin(default["measurement_id"]), "measurement_id"]
    config = BRIEF.model_copy(update={
        "tasks": ("pitting_potential",), "train": BRIEF.train.model_copy(update={"splits": (split,), "n_folds": 5})})
    start = pipeline.prepare(table, config, curation=curation(dict.fromkeys(back, "keep")))
    assert len(back) == 23 and start.is_test.sum() == len(default) == 753
    groups = {"reference": pd.factorize(start.observations["reference_group"])[0], "random": np.arange(776),
              "composition": composition_groups(start.observations.filter(like="at_").to_numpy())}[split]
    taught = np.zeros(776, int)
    for part, plain in zip(start.parts(config), training_parts(default, config), strict=True):
        np.testing.assert_array_equal(part.is_test[:753], plain.is_test)
        np.testing.assert_array_equal(part.is_training[:753], plain.is_training)
        assert not part.is_test[753:].any()
        assert not set(groups[753:][part.is_training[753:]]) & set(groups[part.is_test])
        taught += part.is_training
    assert (taught[753:] >= 3).all()  # yet most parts learn from it


def test_the_interval_is_that_of_whole_papers_drawn_again():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"reference_group": np.repeat([f"p{i}" for i in range(30)], 6), "low": rng.normal(300, 90, 180)})
    rows = pd.concat([rows.assign(fold_seed=seed, mean_before=rows["low"] + rng.normal(0, 60, 180),
                                  mean_after=rows["low"] + rng.normal(0, 50, 180)) for seed in range(2)], ignore_index=True)

    def gain(sample):
        return np.mean([r2_score(part["low"], part["mean_after"]) - r2_score(part["low"], part["mean_before"])
                        for _, part in sample.groupby("fold_seed")])

    papers = dict(list(rows.groupby("reference_group")))
    again = [gain(pd.concat([papers[name] for name in rng.choice(list(papers), 30)])) for _ in range(400)]
    difference, low, high = r2_difference(rows)
    assert difference == pytest.approx(gain(rows))
    assert (low, high) == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])), abs=0.02)
    assert np.isnan(r2_difference(rows[rows["reference_group"] == "p0"])[1:]).all()


def test_only_exact_rows_that_both_sides_answer_are_compared():
    before = pd.DataFrame({"measurement_id": list("abcd"), "task": "hardness", "split": "random", "fold_seed": 0, "fold": 0,
                           "reference_group": list("pqrs"), "low": [1.0, 2.0, 4.0, 3.0], "high": [1.0, 2.0, 4.0, np.inf],
                           "mean": [1.5, 2.0, 3.0, 9.0]})
    found = compare(before, before.assign(mean=before["low"])).iloc[0]
    assert (found["n"], found["r2_after"], found["mae_after"]) == (3, 1.0, 0.0)
    assert found["r2_before"] == pytest.approx(r2_score([1, 2, 4], [1.5, 2, 3]))
    assert found["mae_before"] == pytest.approx(0.5)


def test_the_default_preparation_is_worth_nothing_and_another_one_is_compared_on_the_same_rows(table):
    same = preparation_effect(table, HV, Preparation(), **RIDGE)
    assert same["scored_on"].tolist() == ["all rows"] and (same[["difference", "low", "high"]] == 0).all(axis=None)
    seen = []
    other = preparation_effect(table, HV, Preparation(target="log", cap=0.02), progress=lambda *step: seen.append(step), **RIDGE)
    assert other["r2_before"].iloc[0] == same["r2_before"].iloc[0] and other["n"].iloc[0] == 495
    assert other["difference"].iloc[0] == pytest.approx(other["r2_after"].iloc[0] - other["r2_before"].iloc[0]) != 0
    assert seen == [(step, 20) for step in range(1, 21)]


def test_a_model_that_does_not_exist_is_refused(table):
    with pytest.raises(ConfigError, match="expected a model out of extra trees, ridge, ensemble, got 'oracle'"):
        preparation_effect(table, HV, Preparation(), model="oracle")


@pytest.fixture(scope="module")
def curated_run(typos, tmp_path_factory):
    """A brief training under a curation that is deleted afterwards, with a preparation of its own: folder, decisions."""
    root, ids = tmp_path_factory.mktemp("user"), observations(read_tables(), HV)["measurement_id"].tolist()
    decisions = dict.fromkeys(ids[:5], "exclude") | {ids[5]: "lower bound"}
    save_curation(curation(decisions, rules=("large-residual",)), root)
    config = BRIEF.model_copy(update={
        "preparation": Preparation(scaling="robust", fill="model", cap=0.02, target="yeo-johnson"),
        "data": BRIEF.data.model_copy(update={"curation": "made-up"})})
    folder = pipeline.train(config, root=root / "runs", user_root=root)
    delete_curation("made-up", root)
    return folder, decisions


def test_a_training_pins_its_curation_tests_every_default_row_and_outlives_the_curation(curated_run):
    folder, decisions = curated_run
    config = read_json(folder / "ensemble.json")["config"]
    assert config["data"] == {"datasets": ["published"], "curation": "made-up@1"}
    held_out = pd.read_csv(folder / "out_of_fold.csv")
    assert len(held_out) == 495 and set(decisions) < set(held_out["measurement_id"])
    assert (held_out["low"] == held_out["high"]).all()
    predictor = pipeline.load_predictor(folder.name, root=folder.parent)
    learnt = predictor.observations.set_index("measurement_id")
    excluded = [key for key, choice in decisions.items() if choice == "exclude"]
    assert len(learnt) == 490 and not set(excluded) & set(learnt.index)
    bound = learnt.loc[next(key for key, choice in decisions.items() if choice == "lower bound")]
    assert np.isnan(bound["value"]) and bound["high"] == np.inf


def test_attributions_explain_the_prediction_also_of_filled_in_features_and_a_transformed_target(curated_run):
    folder, _ = curated_run
    predictor = pipeline.load_predictor(folder.name, root=folder.parent)
    alloy, baseline = Composition.from_text("CoCrFeMnNi"), Composition.from_text("Al0.5CoCrFeNi")
    found = attribute(predictor, alloy, Conditions(), TASKS["hardness"], baseline=baseline)
    expected = predictor.predict([baseline, alloy], Conditions()).mean[:, 0]
    assert (found.baseline, found.prediction) == pytest.approx(tuple(expected), rel=1e-4)
    assert abs(found.gap) < 0.02 * np.abs(found.values).sum() and np.isfinite(found.spread).all()


def test_a_run_names_the_version_of_its_dataset_and_says_when_it_is_gone(table, tmp_path):
    save_dataset("mylab", replace(table, measurements=table.measurements[table.measurements["property"] == "hardness"]),
                 root=tmp_path)
    config = BRIEF.model_copy(update={"data": BRIEF.data.model_copy(update={"datasets": ("mylab",)})})
    folder = pipeline.train(config, root=tmp_path / "runs", user_root=tmp_path)
    assert read_json(folder / "ensemble.json")["config"]["data"]["datasets"] == ["mylab@1"]
    predictor = pipeline.load_predictor(folder.name, root=folder.parent, user_root=tmp_path)
    assert predictor.observations["source"].unique().tolist() == ["mylab"]
    delete_dataset("mylab@1", tmp_path)
    with pytest.raises(DataError, match="mylab@1: expected a dataset out of published"):
        pipeline.load_predictor(folder.name, root=folder.parent, user_root=tmp_path)


def test_a_run_that_lost_its_copy_of_the_curation_says_so(curated_run):
    folder, _ = curated_run
    (folder / "curation.json").rename(folder / "elsewhere.json")
    with pytest.raises(CheckpointError, match=r"expected the file curation\.json"):
        pipeline.load_predictor(folder.name, root=folder.parent)
    (folder / "elsewhere.json").rename(folder / "curation.json")
