"""Variances, conformal bands on data whose truth is known, and metrics against independent calculations."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper
from scipy import stats
from sklearn.metrics import r2_score

from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.errors import ConfigError
from mtl_core.tasks import TASKS
from mtl_core.uncertainty import metrics
from mtl_core.uncertainty.conformal import Calibration, cross_fitted_factors, pooled, quantile, scores
from mtl_core.uncertainty.decomposition import decompose

LEVELS = (0.68, 0.9, 0.95)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(1, 4), st.integers(0, 99))
def test_the_three_shares_add_up_to_the_variance_over_members_masks_draws_and_noise(m, k, n, n_draws, seed):
    rng = np.random.default_rng(seed)
    mean, noise, doubt = (rng.normal(500, 80, (m, k, n * n_draws)), *rng.uniform(1, 60, (2, m, k, n * n_draws)))
    found = decompose(*(one.astype(np.float32) for one in (mean, noise, doubt)), n_draws=n_draws)
    for alloy in range(n):
        of_alloy = np.s_[..., alloy * n_draws:(alloy + 1) * n_draws]
        assert found.mean[alloy] == pytest.approx(mean[of_alloy].mean(), rel=1e-6)
        assert found.std[alloy]**2 == pytest.approx(
            mean[of_alloy].var() + (noise[of_alloy]**2).mean() + (doubt[of_alloy]**2).mean(), rel=1e-5)
    if n_draws == 1:
        assert not found.unreported.any()
    if m == k == 1:
        assert found.epistemic == pytest.approx((doubt**2).reshape(n, n_draws).mean(axis=1), rel=1e-5)


def out_of_fold_rows(n_groups, per_group, n_folds, *, shared=0.0, seed=0):
    """Rows whose noise is twice as heavy-tailed and 1.7 times as large as `std` claims; shared: the part that a whole group
    has in common."""
    rng = np.random.default_rng(seed)
    group, n = np.repeat(np.arange(n_groups), per_group), n_groups * per_group
    std, mean = rng.uniform(0.5, 3.0, n), rng.normal(0, 50, n)
    of_group, own = (stats.t.rvs(5, size=size, random_state=rng) for size in (n_groups, n))
    noise = shared * of_group[group] + (1 - shared) * own
    return pd.DataFrame({"measurement_id": np.arange(n), "task": "hardness", "split": "reference", "fold_seed": 0,
                         "fold": (group * 7) % n_folds, "reference_group": group, "family": "Fe", "mean": mean, "std": std,
                         "low": mean + 1.7 * std * noise}).assign(high=lambda rows: rows["low"])


def covered(rows, level):
    half_width = cross_fitted_factors(rows, rows, level) * rows["std"]
    return (np.abs(rows["low"] - rows["mean"]) <= half_width).to_numpy()


@pytest.mark.parametrize("level", LEVELS)
def test_cross_fitted_bands_cover_exchangeable_data_as_often_as_they_say(level):
    hits = covered(out_of_fold_rows(4000, 1, 5), level)
    assert hits.mean() == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / len(hits)))


@pytest.mark.parametrize("level", LEVELS)
def test_cross_fitted_bands_cover_new_groups_as_often_as_they_say(level):
    rows = out_of_fold_rows(600, 8, 5, shared=0.6)
    of_group = covered(rows, level).reshape(600, 8).mean(axis=1)
    assert of_group.mean() == pytest.approx(level, abs=3 * of_group.std() / np.sqrt(600))


def test_the_factor_of_a_fold_comes_from_the_other_folds_only():
    rows = out_of_fold_rows(100, 1, 4)
    strange = rows.assign(low=np.where(rows["fold"] == 2, 1e9, rows["low"])).assign(high=lambda table: table["low"])
    of_fold = (rows["fold"] == 2).to_numpy()
    before, after = (cross_fitted_factors(table, table, 0.9) for table in (rows, strange))
    np.testing.assert_array_equal(after[of_fold], before[of_fold])
    assert (after[~of_fold] > 1e6).all()


def test_rows_calibrated_on_another_split_are_left_out_by_their_measurement():
    tested = out_of_fold_rows(60, 1, 3)
    other = tested.assign(fold=0, low=np.where(tested["fold"] == 1, 1e9, tested["low"])).assign(high=lambda table: table["low"])
    factors = cross_fitted_factors(other, tested, 0.9)
    assert (factors > 1e6).tolist() == (tested["fold"] != 1).tolist()


def test_a_fold_without_anything_to_calibrate_on_is_refused():
    with pytest.raises(ConfigError, match="outside fold 0"):
        cross_fitted_factors(out_of_fold_rows(10, 1, 1), out_of_fold_rows(10, 1, 1), 0.9)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.floats(0.5, 0.95))
def test_the_quantile_is_the_smallest_score_that_enough_of_the_scores_reach(values, level):
    found = quantile(np.array(values), level)
    needed = min(int(np.ceil((len(values) + 1) * level)), len(values))
    assert found in values
    assert sum(value <= found for value in values) >= needed > sum(value < found for value in values)


def test_pooling_fold_seeds_gives_the_moments_of_all_their_members_together():
    rng = np.random.default_rng(0)
    mean, noise = rng.normal(300, 50, (6, 5, 4)), rng.uniform(5, 60, (6, 5, 4))  # two members of each of three fold seeds
    doubt = rng.uniform(5, 60, (6, 5, 4))
    of_seed = [decompose(*(one[2 * seed:2 * seed + 2] for one in (mean, noise, doubt))) for seed in range(3)]
    table = pd.concat([pd.DataFrame({"task": "hardness", "split": "reference", "measurement_id": range(4), "fold_seed": seed,
                                     "mean": found.mean, "std": found.std}) for seed, found in enumerate(of_seed)])
    together = decompose(mean, noise, doubt)
    for _, rows in pooled(table).groupby("fold_seed"):
        np.testing.assert_allclose(rows["mean"], together.mean)
        np.testing.assert_allclose(rows["std"], together.std)


def test_a_censored_row_is_reached_when_the_band_touches_what_is_known_of_it():
    low, high = np.array([5.0, 8.0, -np.inf, 2.0, 8.0, 6.0]), np.array([5.0, np.inf, 2.0, 3.0, 9.0, 6.0])
    assert scores(low, high, np.full(6, 5.0), np.full(6, 2.0)).tolist() == [0.0, 1.5, 1.5, 1.0, 1.5, 0.5]
    assert scores(np.array([3.0]), np.array([np.inf]), np.array([5.0]), np.array([2.0])) == 0.0


def test_calibration_uses_exact_rows_by_reference_and_counts_papers_not_rows():
    rows = out_of_fold_rows(9, 10, 3)
    other = rows.assign(split="random", low=1e9, high=1e9)
    censored = rows.assign(low=1e9, high=np.inf)
    calibration = Calibration.fit(pd.concat([rows, other, censored]))
    expected = np.sort(np.abs(rows["low"] - rows["mean"]) / rows["std"])
    np.testing.assert_allclose(calibration.scores["hardness"], expected)
    assert calibration.factor("hardness", 0.9) == pytest.approx(expected[81])  # the ⌈91 × 0.9⌉ = 82nd of 90
    assert calibration.n_papers == {"hardness": 9}
    assert calibration.supports("hardness", 0.9) and not calibration.supports("hardness", 0.91)
    assert not calibration.supports("elongation", 0.5)


@pytest.mark.parametrize("level", [0.49, 0.951, 0.99, 90, float("nan")])
def test_a_level_outside_50_to_95_per_cent_is_refused(level):
    calibration = Calibration.fit(out_of_fold_rows(50, 1, 5))
    assert calibration.factor("hardness", 0.5) < calibration.factor("hardness", 0.95)
    with pytest.raises(ConfigError, match=r"expected a level between 0\.5 and 0\.95"):
        calibration.factor("hardness", level)


def test_a_task_without_scores_has_no_band():
    with pytest.raises(ConfigError, match="'elongation': its bands cannot be calibrated"):
        Calibration.fit(out_of_fold_rows(50, 1, 5)).factor("elongation", 0.9)


@pytest.fixture(scope="module")
def trained():
    rows = made_up_observations()
    parts = parts_by_paper(rows)
    ensemble, _ = fit_ensemble(rows, features_of(rows), SPEC, CONFIG, parts)
    return rows, parts, ensemble, metrics.out_of_fold(ensemble, parts, rows, features_of(rows))


def test_an_out_of_fold_row_is_predicted_once_and_only_by_members_that_never_saw_its_paper(trained):
    rows, parts, ensemble, table = trained
    assert sorted(table["measurement_id"]) == sorted(rows["measurement_id"])
    for _, row in table.iloc[::7].iterrows():
        of_paper = (rows["reference_group"] == row["reference_group"]).to_numpy()
        blind = [position for position, part in enumerate(parts) if not part.is_training[of_paper].any()]
        members = ensemble.select(np.isin(ensemble.part_of_member, blind))
        assert members.n_members == CONFIG.train.n_repeats
        features = features_of(rows[rows["measurement_id"] == row["measurement_id"]])
        mean, noise, _ = members.predict_members(features, row["task"])
        assert row["mean"] == pytest.approx(mean.mean(), rel=1e-4)
        assert row["std"] == pytest.approx(np.sqrt(mean.var() + (noise**2).mean()), rel=1e-4)


def test_a_logarithmic_task_is_scored_in_decades(trained):
    rows, parts, _, _ = trained
    config = CONFIG.model_copy(update={"tasks": ("corrosion_current",)})
    currents = rows.assign(task="corrosion_current", value=10 ** np.random.default_rng(1).normal(-6, 0.5, len(rows)))
    currents = currents.assign(low=currents["value"], high=currents["value"])
    ensemble, _ = fit_ensemble(currents, features_of(currents), SPEC, config, parts)
    table = metrics.out_of_fold(ensemble, parts, currents, features_of(currents))
    known = currents.set_index("measurement_id")["value"][table["measurement_id"]].to_numpy()
    np.testing.assert_allclose(table["low"], np.log10(known))
    assert table["mean"].between(-9, -3).all()
    assert TASKS["corrosion_current"].learning_unit == "log10(A/cm²)"


def test_metrics_are_pooled_over_the_folds_of_a_seed_and_then_averaged():
    first, second = out_of_fold_rows(200, 1, 5), out_of_fold_rows(200, 1, 5, seed=1).assign(fold_seed=1)
    second["low"] = second["high"] = 3 * second["low"]  # or the two seeds would be alike
    found = metrics.evaluate(pd.concat([first, second]))["hardness"]["reference"]
    assert found["r2"] == pytest.approx(np.mean([r2_score(rows["low"], rows["mean"]) for rows in (first, second)]))
    assert found["mae"] == pytest.approx(np.mean([np.abs(rows["low"] - rows["mean"]).mean() for rows in (first, second)]))
    assert (found["n"], found["n_fold_seeds"], found["n_censored"]) == (200, 2, 0)


def test_censored_rows_are_counted_apart_and_leave_r2_alone():
    rows = out_of_fold_rows(200, 1, 5)
    bounds = rows.iloc[:40].assign(measurement_id=np.arange(1000, 1040), low=-1e6, high=np.inf)
    found = metrics.evaluate(pd.concat([rows, bounds]))["hardness"]["reference"]
    alone = metrics.evaluate(rows)["hardness"]["reference"]
    assert {key: found[key] for key in ("n", "r2", "mae", "rmse")} == {key: alone[key] for key in ("n", "r2", "mae", "rmse")}
    assert (found["n_censored"], alone["n_censored"], alone["censored"]) == (40, 0, None)
    assert found["coverage"] == alone["coverage"]
    assert found["censored"]["coverage"] == dict.fromkeys(map(str, LEVELS), 1.0)


def test_the_class_mean_is_that_of_the_other_folds():
    rows = pd.DataFrame({"fold": [0, 0, 1, 1, 2], "family": ["Fe", "Ni", "Fe", "Fe", "HEA"], "low": [1.0, 5.0, 3.0, 7.0, 100.0]},
                        index=[9, 4, 4, 1, 0])
    everything_but = {0: np.mean([3, 7, 100]), 2: np.mean([1, 5, 3, 7])}
    assert metrics.class_mean(rows).tolist() == [5.0, everything_but[0], 1.0, 1.0, everything_but[2]]


def test_concordance_counts_the_pairs_that_a_bound_can_order():
    rows = pd.DataFrame({"low": [1.0, 2.0, 9.0, 5.0], "high": [1.0, 2.0, 9.0, np.inf], "mean": [1.0, 8.0, 2.0, 5.0]})
    assert metrics.concordance(rows) == 0.5  # above the first, below the second; the third lies above the bound
    assert metrics.concordance(rows.iloc[[0, 2, 3]]) == 1.0


def test_the_matrix_of_splits_is_the_coverage_of_bands_that_were_calibrated_elsewhere():
    narrow, wide = out_of_fold_rows(300, 1, 3), out_of_fold_rows(300, 1, 3, seed=2).assign(split="random")
    wide["low"] = wide["high"] = wide["mean"] + 4 * (wide["low"] - wide["mean"])
    matrix = metrics.transfer(pd.concat([narrow, wide]))["hardness"]
    assert matrix["reference"]["reference"] == pytest.approx(0.9, abs=0.05)
    assert matrix["random"]["reference"] > 0.98 and matrix["reference"]["random"] < 0.6
