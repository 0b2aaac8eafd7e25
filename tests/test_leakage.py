"""Leaks: each is planted once and found, none is found where there is none, and what one is worth is told from fewer rows."""
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from model_samples import SPEC, features_of, made_up_observations
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer

from mtl_core import pipeline
from mtl_core.data import read_tables
from mtl_core.ensemble import checkpoint
from mtl_core.ensemble.baselines import BASELINES
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig
from mtl_core.ensemble.fit import fitted_transforms
from mtl_core.ensemble.parts import Part
from mtl_core.features.preparation import Preparation, TargetTransform
from mtl_core.features.scaling import Scaler
from mtl_core.settings import SHIPPED_DIR
from mtl_core.validation.leakage import KIN, LEAKS, as_table, audit, worth
from mtl_core.validation.peeking import derived_columns, fitted_outside, given_outside

N, N_FOLDS = 48, 4


def clean_rows():
    """48 alloys 4 at.% apart in papers of their own, no two values alike: nothing leaks."""
    row = np.arange(N)
    chromium, nickel = 8.0 + 4.0 * (row % 8), 4.0 + 4.0 * (row // 8)
    value = 100.0 + np.random.default_rng(0).permutation(N) * 7.31
    return made_up_observations(N).assign(
        task="hardness", reference_group=[f"paper-{number}" for number in row], at_Cr=chromium, at_Ni=nickel,
        at_Fe=100.0 - chromium - nickel, chloride_m=0.6, value=value, low=value, high=value)


def every_fourth(observations, split="random"):
    fold = np.arange(len(observations)) % N_FOLDS
    return [Part(split, 0, number, fold != number, fold == number) for number in range(N_FOLDS)]


def found(leaks):
    return {leak.kind: leak.n_affected for leak in leaks if leak.n_affected}


def twin(rows, at, **others):
    """The second row, in another fold, as the first one but for `at` at.% of chromium."""
    first = rows.iloc[0]
    moved = {"at_Cr": first["at_Cr"] + at, "at_Ni": first["at_Ni"], "at_Fe": first["at_Fe"] - at, **others}
    return rows.assign(**{name: rows[name].where(rows.index != 1, value) for name, value in moved.items()})


PLANTED = {
    "composition twin": (lambda rows: twin(rows, 0.4), {"composition twin": 2, "near composition": 2}),
    "near composition": (lambda rows: twin(rows, 1.9), {"near composition": 2}),
    "same paper": (lambda rows: rows.assign(reference_group=rows["reference_group"].replace("paper-1", "paper-0")),
                   {"same paper": 2}),
    "double entry": (lambda rows: twin(rows, 0.1, value=rows["value"][0]),
                     {"composition twin": 2, "near composition": 2, "double entry": 2}),
}


def test_nothing_is_found_where_nothing_leaks():
    rows = clean_rows()
    leaks = audit(rows, every_fourth(rows))
    assert [leak.kind for leak in leaks] == list(KIN) and found(leaks) == {}
    assert {leak.n for leak in leaks} == {N} and not as_table(leaks)["is_alarm"].any()


@pytest.mark.parametrize("leak", PLANTED)
def test_a_row_with_kin_on_the_other_side_of_a_fold_is_found_and_named(leak):
    plant, expected = PLANTED[leak]
    rows = plant(clean_rows())
    leaks = {one.kind: one for one in audit(rows, every_fourth(rows), forbidden={"random": (leak,)})}
    assert found(leaks.values()) == expected
    assert leaks[leak].is_alarm and leaks[leak].share == 2 / N and "m0" in leaks[leak].evidence and "m1" in leaks[leak].evidence
    same_fold = rows.iloc[[0, 4, 2, 3, 1, *range(5, N)]].reset_index(drop=True)  # the second row now lies with the first one
    assert found(audit(same_fold, every_fourth(rows))) == {}


def test_kin_of_another_task_is_told_apart_and_a_contradicting_condition_makes_two_entries_of_one_value():
    rows = twin(clean_rows(), 0.0, value=107.31)
    rows.loc[0, "value"] = 107.31
    other_task = rows.assign(task=rows["task"].where(rows.index != 1, "pitting_potential"))
    leak = next(leak for leak in audit(other_task, every_fourth(rows)) if leak.kind == "composition twin")
    assert leak.task == "hardness" and leak.share == 0 and leak.share_any_task == 1 / (N - 1)
    hot = rows.assign(temperature_c=rows["temperature_c"].where(rows.index != 1, 80.0))
    assert "double entry" in found(audit(rows, every_fourth(rows)))
    assert "double entry" not in found(audit(hot, every_fourth(rows)))


def gaps(values):
    return np.where(np.random.default_rng(1).random(values.shape) < 0.1, np.nan, values)


def moments_by(rows_of, fit):
    return lambda values, y, part: fit(values[rows_of(part)], y[rows_of(part)])


HONEST, PEEKING = (lambda part: part.is_training), (lambda part: part.is_training | part.is_test)
FITS = {
    "scaler": lambda x, y: Scaler.fit(x),
    "filler": lambda x, y: SimpleImputer(strategy="median").fit(x).statistics_,
    "selector": lambda x, y: SelectKBest(f_regression, k=2).fit(np.nan_to_num(x), y).get_support(),
    "target transform": lambda x, y: TargetTransform.fit(y, "yeo-johnson"),
}


@pytest.mark.parametrize("step", FITS)
def test_a_step_that_was_fitted_with_test_rows_is_found_and_the_same_step_fitted_in_the_fold_is_not(step):
    rows = clean_rows()
    values, parts = gaps(np.random.default_rng(2).normal(size=(N, 4))), every_fourth(rows)
    fits = {name: moments_by(HONEST, fit) for name, fit in FITS.items()} | {"planted": moments_by(PEEKING, FITS[step])}
    leaks = fitted_outside(fits, values, rows["value"].to_numpy(), parts)
    assert [leak.n_affected for leak in leaks[:-1]] == [0] * len(FITS)
    assert leaks[-1].n_affected > 0 and leaks[-1].is_alarm and leaks[-1].evidence.startswith("planted changes")


@pytest.fixture(scope="module")
def table():
    return read_tables()


@pytest.fixture(scope="module")
def published(table):
    return pipeline.prepare(table, EnsembleConfig())


def of_table(prepared, table):
    parts = every_fourth(prepared.observations)
    return lambda values, columns: derived_columns(prepared.observations, values, columns, parts, table=table)


def test_a_column_made_from_the_target_or_from_another_property_is_found_and_no_column_of_ours(published, table):
    found_in, ours = of_table(published, table), list(published.spec.columns)
    y = published.observations["value"].to_numpy(float)
    noise = np.random.default_rng(0).normal(size=len(y))
    strength = table.measurements[table.measurements["property"] == "ultimate_strength"].groupby("alloy_id")["value"].mean()
    planted = {"copy": y + 0.05 * np.nanstd(y) * noise, "folded": np.where(y < 400.0, y, 2000.0 - y) + noise,
               "strength": 3.0 * published.observations["alloy_id"].map(strength).to_numpy(float)}
    assert [leak.n_affected for leak in found_in(published.values, ours)] == [0, 0]
    hardness, pitting = found_in(np.column_stack(list(planted.values())), list(planted))
    assert [hardness.n_affected, pitting.n_affected] == [3, 2]  # no alloy of a pitting potential has a strength
    for name, words in {"copy": "in order", "folded": "alone explains", "strength": "ultimate tensile strength"}.items():
        assert name in hardness.evidence and words in hardness.evidence


def test_the_projects_folds_keep_their_promises_and_random_ones_leak_as_much_as_they_are_said_to(published):
    config = EnsembleConfig(train=TrainConfig(n_folds=5, n_fold_seeds=1))
    leaks = audit(published.observations, published.parts(config))
    share = as_table(leaks).set_index(["kind", "split", "task"])["share"].sort_index()
    assert not any(leak.is_alarm for leak in leaks) and sum(leak.is_forbidden for leak in leaks) == 6
    assert share["composition twin", "random", "hardness"] == pytest.approx(0.32, abs=0.04)
    assert share["composition twin", "random", "pitting_potential"] == pytest.approx(0.70, abs=0.07)
    assert share["same paper", "random"].between(0.94, 0.99).all()
    assert share["same paper", "composition"].gt(0.7).all() and share["composition twin", "reference"].between(0.1, 0.25).all()


@pytest.mark.parametrize("preparation", [
    Preparation(), Preparation(scaling="robust", fill="model", cap=0.02, target="yeo-johnson")])
def test_what_our_networks_are_given_does_not_change_with_the_rows_they_are_tested_on(published, preparation):
    config = EnsembleConfig(preparation=preparation)

    def given(values, y, part):
        rows = published.training.assign(value=y)
        return fitted_transforms(rows, values, published.spec, config, part)

    y = published.training["value"].to_numpy(float)
    (leak,) = fitted_outside({"network": given}, published.values, y, every_fourth(published.observations)[:2])
    assert (leak.n, leak.n_affected) == (2, 0)


def test_the_shipped_ensemble_was_given_the_scalers_of_its_training_rows(published):
    ensemble = checkpoint.load(SHIPPED_DIR)
    by_paper = ensemble.config.train.model_copy(update={"splits": ("reference",)})
    parts = published.parts(ensemble.config.model_copy(update={"train": by_paper}))

    def scaler(values, y, part):
        return fitted_transforms(published.training, values, published.spec, ensemble.config, part)[0]

    given = [replace(ensemble.features, **{name: getattr(ensemble.features, name)[position] for name in ("mean", "scale")})
             for position in range(len(parts))]
    y = published.training["value"].to_numpy(float)
    peeked = [Scaler.fit(published.values), *given[1:]]
    for steps, n in ((given, 0), (peeked, 1)):
        (leak,) = given_outside({"scaler": steps}, {"scaler": scaler}, published.values, y, parts)
        assert (leak.n, leak.n_affected) == (30, n)


@pytest.fixture(scope="module")
def twice():
    """Forty alloys whose values are chance, each measured twice with the same result by two papers in different folds."""
    once = made_up_observations(80).assign(task="hardness").iloc[:40]
    chance = np.random.default_rng(7).uniform(100, 900, 40)
    once = once.assign(value=chance, low=chance, high=chance)
    again = once.assign(measurement_id=[f"again-{row}" for row in range(40)], at_Cr=once["at_Cr"] + 0.1,
                        at_Fe=once["at_Fe"] - 0.1)
    rows = pd.concat([once, again], ignore_index=True)
    fold = np.concatenate([np.arange(40) % 4, (np.arange(40) + 1) % 4])
    return rows, [Part("random", 0, number, fold != number, fold == number) for number in range(4)]


def test_a_leak_is_worth_what_goes_when_its_rows_go_beyond_what_fewer_rows_cost(twice):
    rows, parts = twice
    models = {"ridge": BASELINES["ridge"], "trees": lambda seed: ExtraTreesRegressor(40, random_state=seed)}
    scores = worth(rows, features_of(rows), SPEC, parts, seed=0, leaks=["composition twin"], models=models, n_jobs=1)
    scores = scores.set_index("model")
    trees = scores.loc["trees"]
    assert (scores["n"] == 80).all() and (scores["removed"].between(0.3, 0.5)).all()
    assert trees["r2"] > trees["r2_thinned"] > 0.1 > 0 > trees["r2_without"]  # chance cannot be predicted
    assert trees["difference"] == pytest.approx(trees["r2_without"] - trees["r2_thinned"]) and trees["high"] < 0


def test_where_nothing_leaks_there_is_nothing_to_leave_out():
    rows = clean_rows()
    assert worth(rows, features_of(rows), SPEC, every_fourth(rows), seed=0, n_jobs=1).empty
    assert set(LEAKS) == {*PLANTED, "target-derived column", "fitted outside the fold"}
