"""What bands are worth: proper scores against integrals, bands on data whose truth is known, and whether far means wrong."""
import numpy as np
import pandas as pd
import pytest
from model_samples import SPEC, made_up_observations, parts_by_paper
from scipy import stats
from sklearn.metrics import roc_auc_score

from mtl_core import pipeline
from mtl_core.validation.bands import KINDS, LOGISTIC_SCALE, conformal_crps, logistic_crps, measure, normal_crps, transfer
from mtl_core.validation.separation import auroc, domain_scores, separation

Z = np.array([-2.3, 0.0, 0.4, 1.7])


def integrated(distribution_function):
    """∫ (F(x) − 1[x ≥ z])² dx at each of Z."""
    x = np.linspace(-30.0, 30.0, 600_001)
    return np.array([np.trapezoid((distribution_function(x) - (x >= z)) ** 2, x) for z in Z])


def test_closed_forms_of_the_crps_are_its_integral():
    reached = np.array([0.1, 0.5, 0.7, 2.2])
    points = np.sort(np.concatenate([-reached, reached]))
    assert normal_crps(Z) == pytest.approx(integrated(stats.norm.cdf), abs=2e-4)
    assert logistic_crps(Z) == pytest.approx(integrated(lambda x: stats.logistic.cdf(x, scale=LOGISTIC_SCALE)), abs=2e-4)
    assert conformal_crps(Z, reached) == pytest.approx(integrated(lambda x: np.searchsorted(points, x) / 8), abs=2e-4)


def rows_of(split="reference", n_papers=400, per_paper=5, *, understated=1.0, shared=0.0, seed=0):
    """Errors that are normal with `understated` times the std that is claimed; shared: of their variance, within a paper."""
    rng = np.random.default_rng(seed)
    paper, n = np.repeat(np.arange(n_papers), per_paper), n_papers * per_paper
    std, mean = rng.uniform(0.5, 2.0, n), rng.normal(0, 20, n)
    noise = np.sqrt(shared) * rng.normal(size=n_papers)[paper] + np.sqrt(1 - shared) * rng.normal(size=n)
    y = mean + understated * std * noise
    return pd.DataFrame({
        "measurement_id": np.arange(n), "task": "hardness", "split": split, "fold_seed": 0, "fold": paper % 5,
        "reference_group": paper, "family": np.where(paper % 2, "Fe", "Ni"), "mean": mean, "std": std, "low": y, "high": y})


@pytest.mark.parametrize("understated", [1.0, 2.5])
def test_a_std_that_is_too_small_shows_raw_and_is_set_right_by_one_factor_or_by_quantiles(understated):
    bands = measure(rows_of(understated=understated))
    accuracy, coverage = bands.accuracy().set_index("kind"), bands.coverage().set_index(["kind", "level"])
    assert accuracy.loc["raw", "mean_z2"] == pytest.approx(understated**2, rel=0.1)
    assert accuracy.loc["rescaled", "factor"] == pytest.approx(understated, rel=0.05)
    assert accuracy.loc["rescaled", "mean_z2"] == pytest.approx(1, abs=0.05)
    for level in bands.levels:
        expected = {"raw": 2 * stats.norm.cdf(stats.norm.ppf(0.5 + level / 2) / understated) - 1,
                    "rescaled": level, "conformal": level}
        for kind in KINDS:
            assert coverage.loc[(kind, level), "coverage"] == pytest.approx(expected[kind], abs=0.03)
    assert accuracy["crps"].idxmin() != "raw" or understated == 1.0
    width = coverage["width"].unstack("level")
    assert width.loc["conformal", 0.9] == pytest.approx(width.loc["rescaled", 0.9], rel=0.05)
    assert (coverage["interval_score"] >= coverage["width"]).all()


def test_nll_and_crps_are_those_of_the_distribution_that_is_stated():
    rows = rows_of(n_papers=40)
    for shape, of in {"normal": stats.norm, "logistic": stats.logistic}.items():
        scale = rows["std"] * (LOGISTIC_SCALE if shape == "logistic" else 1.0)
        raw = measure(rows, shape=shape).accuracy().set_index("kind").loc["raw"]
        assert raw["nll"] == pytest.approx(-of.logpdf(rows["low"], rows["mean"], scale).mean())
        assert raw["rmse"] == pytest.approx(np.sqrt(((rows["low"] - rows["mean"]) ** 2).mean()))


def test_what_calibrates_a_row_comes_from_other_folds():
    rows = rows_of(n_papers=50)
    strange = (rows["fold"] == 2).to_numpy()
    wrong = rows.assign(low=rows["low"].where(~strange, 1e6), high=rows["high"].where(~strange, 1e6))
    before, after = measure(rows), measure(wrong)
    np.testing.assert_array_equal(after.half[:, strange], before.half[:, strange])
    assert (after.factor[~strange] > 10 * before.factor[~strange]).all()


def test_papers_whose_readings_err_together_are_held_whole_or_not_at_all():
    alone, together = (measure(rows_of(shared=shared)).coverage().set_index(["kind", "level"]).loc[("conformal", 0.9)]
                       for shared in (0.0, 1.0))
    for found in (alone, together):
        assert found["coverage"] == pytest.approx(0.9, abs=0.03) and found["papers"] == pytest.approx(found["coverage"])
        assert found["n_papers"] == 400
    assert alone["whole_papers"] == pytest.approx(0.9**5, abs=0.05)
    assert together["whole_papers"] == together["held_papers"] == pytest.approx(0.9, abs=0.05)


def test_bands_of_an_easy_split_are_too_narrow_on_a_hard_one_and_each_holds_at_home():
    rows = pd.concat([rows_of("random"), rows_of("reference", understated=3.0, seed=1)])
    shares = transfer(rows).query("kind == 'conformal'").set_index(["calibrated_on", "split"])["coverage"]
    assert shares["random", "random"] == pytest.approx(0.9, abs=0.02) == shares["reference", "reference"]
    assert shares["random", "reference"] < 0.5 and shares["reference", "random"] > 0.99


def test_error_follows_std_where_the_std_is_honest():
    bins = measure(rows_of()).error_by_std(5)
    assert (bins["n"] == 400).all() and bins["std"].is_monotonic_increasing
    assert bins["rmse"].to_numpy() == pytest.approx(bins["std"].to_numpy(), rel=0.12)


@pytest.fixture(scope="module")
def shipped():
    return pipeline.read_out_of_fold()


def test_conformal_bands_of_the_shipped_ensemble_are_those_of_its_metrics(shipped):
    metrics = pipeline.evaluate()["metrics"]
    bands = measure(shipped)
    found = bands.coverage().set_index(["task", "split", "kind", "level"])
    for task, splits in metrics.items():
        for split, expected in splits.items():
            for level in (0.68, 0.9, 0.95):
                row = found.loc[(task, split, "conformal", level)]
                assert row["coverage"] == pytest.approx(expected["coverage"][str(level)])
                assert row["width"] == pytest.approx(expected["width"][str(level)])
            assert row["n"] == expected["n"] * expected["n_fold_seeds"]
    assert len(bands.coverage(["family"])) > len(found) and not bands.coverage(["family"]).isna().any(axis=None)


def test_the_area_under_the_curve_is_scikit_learns_with_ties_and_with_rows_that_count_several_times():
    rng = np.random.default_rng(0)
    score, positive = rng.integers(0, 6, 60).astype(float), rng.random(60) < 0.3
    weights = rng.integers(0, 4, (5, 60))
    expected = [roc_auc_score(positive, score, sample_weight=row) for row in weights]
    assert auroc(score, positive, weights) == pytest.approx(expected)
    assert np.isnan(auroc(score, np.zeros(60, bool), weights)).all()


def test_the_domain_of_a_fold_knows_its_training_rows_only():
    rows = made_up_observations()
    parts = parts_by_paper(rows)
    chromium = rows["at_Cr"].mask(rows["reference_group"] == "paper-3", 80.0)  # four times what anything else holds
    rows = rows.assign(at_Cr=chromium, at_Fe=100.0 - chromium - rows["at_Ni"])
    found = domain_scores(rows, parts, SPEC.symbols).set_index("measurement_id").loc[rows["measurement_id"]]
    is_far = (rows["reference_group"] == "paper-3").to_numpy()
    assert not found["is_inside"][is_far].any() and found["reason"][is_far].str.contains("no alloy with Cr above").all()
    assert (found["distance"][is_far] > 20).all() and found["is_inside"][~is_far].mean() > 0.8


def test_separation_is_high_where_far_means_wrong_and_a_half_where_it_means_nothing():
    rows = rows_of(n_papers=200)
    scores = rows[["measurement_id", "task", "split", "fold_seed"]].assign(
        score=(rows["low"] - rows["mean"]).abs(), is_inside=lambda table: table["score"] < 2.0)
    told = separation(rows, scores).set_index("by")
    assert told.loc["domain score", "auroc"] == 1.0 and told.loc["outside", "ratio"] > 2
    shuffled = scores.assign(score=np.random.default_rng(0).permutation(scores["score"]))
    nothing = separation(rows, shuffled.assign(is_inside=shuffled["score"] < 2.0)).set_index("by")
    assert nothing.loc["domain score", "auroc_low"] < 0.5 < nothing.loc["domain score", "auroc_high"]
    assert nothing.loc["outside", "ratio_low"] < 1.0 < nothing.loc["outside", "ratio_high"]
    inside = separation(rows, scores.assign(is_inside=True)).set_index("by").loc["outside"]
    assert np.isnan(inside["ratio"]) and inside["auroc"] == 0.5


def test_bands_take_columns_of_the_rows_to_be_told_apart_by(shipped):
    rows = shipped.query("task == 'hardness' and split == 'reference'")
    keys = ["task", "split", "fold_seed", "measurement_id"]
    half = rows[keys].assign(domain=np.where(np.arange(len(rows)) % 2, "inside", "outside"))
    bands = measure(rows)
    found = bands.joined(half).coverage(["domain"])
    assert set(found["domain"]) == {"inside", "outside"} and len(found) == 2 * len(bands.coverage())


def test_coverage_by_paper_has_an_interval_that_knows_how_many_papers_there_are(shipped):
    bands = measure(shipped, levels=(0.9,))
    sure = bands.over_papers().set_index(["task", "split"])
    found = bands.coverage().query("kind == 'conformal'").set_index(["task", "split"]).loc[sure.index]
    assert ((sure["papers_low"] < found["papers"]) & (found["papers"] < sure["papers_high"])).all()
    assert ((sure["coverage_low"] < found["coverage"]) & (found["coverage"] < sure["coverage_high"])).all()
    assert (sure["n_papers"] == found["n_papers"]).all() and (found["n"] == 3 * found["n_readings"]).all()
