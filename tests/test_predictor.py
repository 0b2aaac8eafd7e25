"""The shipped predictor in physical units: what moves it and what cannot, its bands, and that it is one function."""
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mtl_core import pipeline
from mtl_core.chemistry.composition import Composition
from mtl_core.errors import ConfigError
from mtl_core.types import PROCESSES, Conditions

HARDNESS, PITTING = 0, 1
STATED = Conditions(process="ANNEAL", temperature_c=25.0, chloride_m=0.6, ph=7.0, scan_rate_mv_s=1.0)
STEEL = Composition.from_text("Fe-18Cr-12Ni-2Mo-0.1N wt%")
ALLOYS = [STEEL, *map(Composition.from_text, ("CoCrFeMnNi", "Al0.5CoCrFeNi", "HfNbTaTiZr", "Al-5Mg wt%", "Ni-22Cr-9Mo wt%"))]
NUMBERS = ("mean", "std", "aleatoric", "epistemic", "unreported", "lower", "upper")


def changed(**changes):
    return STATED.model_copy(update=changes)


def assert_same(one, other, rows=slice(None), **tolerance):
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(one, name)[rows], getattr(other, name), **tolerance, err_msg=name)


def test_it_predicts_hardness_and_pitting_potential(predictor):
    assert [task.key for task in predictor.tasks] == ["hardness", "pitting_potential"]
    assert predictor.n_masks >= 5


@pytest.mark.parametrize("change", [{"temperature_c": 90.0}, {"chloride_m": 0.0}, {"chloride_m": None}, {"ph": 1.0}, {"ph": None},
                                    {"scan_rate_mv_s": 0.01}, {"temperature_c": None}], ids=str)
def test_the_electrolyte_cannot_move_hardness_by_a_single_digit_and_does_move_pitting(predictor, change):
    before, after = (predictor.predict(ALLOYS, conditions) for conditions in (STATED, changed(**change)))
    for name in NUMBERS:
        assert (getattr(before, name)[:, HARDNESS] == getattr(after, name)[:, HARDNESS]).all()
    # A pH left out may be worth what was stated of it, between those that raise and those that lower: then the band must tell.
    names = ("mean", "lower", "upper", "unreported") if change == {"ph": None} else ("mean",)
    moved = np.abs([getattr(before, name)[:, PITTING] - getattr(after, name)[:, PITTING] for name in names])
    assert (moved.max(axis=0) > 0.5).all()


def test_processing_moves_hardness_and_cannot_move_pitting(predictor):
    found = np.array([predictor.predict(ALLOYS, changed(process=process)).mean for process in (*PROCESSES, None)])
    assert (np.ptp(found[..., HARDNESS], axis=0) > 5).all()
    assert (np.ptp(found[..., PITTING], axis=0) == 0).all()


def test_more_chloride_lowers_the_pitting_potential_of_stainless_steel(predictor):
    means = [predictor.predict([STEEL], changed(chloride_m=chloride)).mean[0, PITTING] for chloride in (0.01, 0.1, 0.6, 3.0)]
    assert means == sorted(means, reverse=True)


def test_the_same_question_gets_the_same_digits_also_from_many_visitors_at_once(predictor):
    first = predictor.predict(ALLOYS, STATED)
    with ThreadPoolExecutor(8) as pool:
        for again in pool.map(lambda _: predictor.predict(ALLOYS, STATED), range(16)):
            assert_same(first, again, rtol=0)
            assert again.domain_reason == first.domain_reason


def random_alloys(n):
    rng = np.random.default_rng(3)
    return [Composition.from_array(row, ("Al", "Cr", "Fe", "Co", "Ni", "Mo"), normalise=True)
            for row in rng.dirichlet(np.ones(6), n)]


def test_neither_order_nor_company_of_a_batch_changes_an_answer(predictor):
    alloys = random_alloys(2500)  # more than two chunks
    whole = predictor.predict(alloys, STATED)
    order = np.random.default_rng(4).permutation(len(alloys))
    assert_same(whole, predictor.predict([alloys[row] for row in order], STATED), order, rtol=1e-5, atol=1e-3)
    for row in (0, 1234, 2499):
        assert_same(whole, predictor.predict([alloys[row]], STATED), [row], rtol=1e-5, atol=1e-3)


def test_alloys_with_different_gaps_in_their_conditions_can_stand_in_one_batch(predictor):
    conditions = [STATED, changed(ph=None), changed(process=None), changed(ph=None, temperature_c=None), STATED, changed(ph=3.0)]
    whole = predictor.predict(ALLOYS, conditions)
    for row, (alloy, given) in enumerate(zip(ALLOYS, conditions, strict=True)):
        assert_same(whole, predictor.predict([alloy], given), [row], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("element", ["Cr", "Mo", "Al"])
def test_a_small_change_of_composition_is_a_small_change_of_the_answer(predictor, element):
    amounts = np.arange(0.0, 12.0, 0.05)
    alloys = [Composition.from_mapping({**{"Fe": 60, "Cr": 18, "Ni": 21.9, "N": 0.1}, element: amount}, normalise=True)
              for amount in amounts]
    found = predictor.predict(alloys, STATED)
    step = np.abs(np.diff(found.mean, axis=0))
    assert (step < 0.05 * found.std.mean(axis=0)).all()
    assert (step < 0.2 * np.ptp(found.mean, axis=0)).all()  # no single step makes the whole difference


def test_a_condition_moves_the_answer_smoothly_too(predictor):
    found = predictor.predict([STEEL] * 200, [changed(chloride_m=chloride) for chloride in np.geomspace(1e-3, 8, 200)])
    assert (np.abs(np.diff(found.mean[:, PITTING])) < 0.05 * found.std[0, PITTING]).all()


@pytest.mark.parametrize("conditions", [STATED, Conditions(), Conditions(temperature_c=None, chloride_m=None, ph=None)], ids=str)
def test_the_total_variance_is_the_sum_of_its_shares(predictor, conditions):
    found = predictor.predict(ALLOYS, conditions)
    np.testing.assert_allclose(found.std**2, found.aleatoric**2 + found.epistemic**2 + found.unreported**2, rtol=1e-9)
    assert (found.aleatoric > 0).all() and (found.epistemic > 0).all()
    missing = [conditions.process is None, None in (conditions.temperature_c, conditions.ph, conditions.scan_rate_mv_s)]
    assert (found.unreported > 0).tolist() == [missing] * len(ALLOYS)


@pytest.mark.parametrize(("condition", "column"), [("process", HARDNESS), ("ph", PITTING), ("chloride_m", PITTING)])
def test_what_is_not_reported_is_averaged_over_what_was_seen_and_adds_its_own_share(predictor, condition, column):
    rows = predictor.observations
    seen = rows.loc[rows["task"] == predictor.tasks[column].key, condition].replace("", None).dropna().unique()
    each = np.array([predictor.predict([STEEL], changed(**{condition: value})).mean[0, column] for value in seen])
    found = predictor.predict([STEEL], changed(**{condition: None}))
    assert each.min() <= found.mean[0, column] <= each.max()
    assert 0 < found.unreported[0, column] <= np.ptp(each) / 2


def test_the_band_is_the_mean_and_a_conformal_multiple_of_std_within_physical_bounds(predictor):
    for level in (0.5, 0.68, 0.9, 0.95):
        found = predictor.predict(ALLOYS, STATED, level=level)
        for column, task in enumerate(predictor.tasks):
            rows = predictor.out_of_fold.query("split == 'reference' and low == high and task == @task.key")
            score = np.sort([  # over the members of all fold seeds
                abs(row["low"].iloc[0] - row["mean"].mean()) / np.sqrt((row["std"]**2).mean() + row["mean"].var(ddof=0))
                for _, row in rows.groupby("measurement_id")])
            factor = score[int(np.ceil((len(score) + 1) * level)) - 1]
            lowest = -np.inf if task.lower is None else task.lower
            half_width = factor * found.std[:, column]
            np.testing.assert_allclose(found.lower[:, column], np.maximum(found.mean[:, column] - half_width, lowest), rtol=1e-9)
            np.testing.assert_allclose(found.upper[:, column], found.mean[:, column] + half_width, rtol=1e-9)
        assert found.is_supported.all() and found.level == level


def test_a_hardness_band_never_goes_below_zero(predictor):
    soft = [Composition.from_text(text) for text in ("Al", "Mg", "Zn-5Al wt%")]
    found = predictor.predict(soft, STATED, level=0.95)
    assert (found.lower[:, HARDNESS] >= 0).all() and (found.lower[:, PITTING] < 0).any()


def test_a_level_that_few_papers_cannot_support_is_marked(predictor):
    few = predictor.out_of_fold["reference_group"].unique()[:9]
    rows = predictor.out_of_fold[predictor.out_of_fold["reference_group"].isin(few)]
    calibration = type(predictor.calibration).fit(rows)
    narrow = type(predictor)(predictor.ensemble, calibration, predictor.observations, rows)
    known = [task.key for task in predictor.tasks if calibration.n_papers.get(task.key)]
    assert known
    assert not any(narrow.calibration.supports(key, 0.95) for key in known)


def test_levels_outside_and_conditions_of_another_number_are_refused(predictor):
    for level in (0.4, 0.99):
        with pytest.raises(ConfigError, match=r"between 0\.5 and 0\.95"):
            predictor.predict(ALLOYS, STATED, level=level)
    with pytest.raises(ConfigError, match="expected one Conditions or 6"):
        predictor.predict(ALLOYS, [STATED])


def test_no_alloy_is_a_prediction_of_no_alloy(predictor):
    found = predictor.predict([], STATED)
    assert len(found) == 0 and found.in_domain.shape == (0, 2)


def test_outside_the_data_the_answer_says_so_in_words(predictor):
    found = predictor.predict([Composition.from_text(text) for text in ("CoCrFeNi", "HfNbTaTiZr", "Au50Fe50")], STATED)
    assert found.in_domain[0, HARDNESS] and found.domain_reason[0][HARDNESS] == ""
    assert "no alloy with Hf" in found.domain_reason[1][PITTING] and not found.in_domain[1, PITTING]
    assert all("no alloy with Au" in reason for reason in found.domain_reason[2])
    assert found.in_domain.tolist() == [[not reason for reason in row] for row in found.domain_reason]


@pytest.mark.parametrize("text", ["CoCrFeMnNi", "Au50Fe50", "Fe-18Cr-10Ni wt%"])
def test_the_nearest_measurements_come_first_with_what_was_measured_and_where(predictor, text):
    asked = Composition.from_text(text)
    found = pipeline.nearest(predictor.observations, asked, "hardness", n=4)
    rows = predictor.observations.query("task == 'hardness'")
    elements = {*asked.at, *predictor.ensemble.spec.symbols}
    swap = sum(np.abs(rows.get(f"at_{symbol}", 0.0) - asked.at.get(symbol, 0.0)) for symbol in elements) / 2
    np.testing.assert_allclose(found["distance"], np.sort(swap)[:4], atol=1e-9)
    assert found["doi"].str.startswith("10.").all() and found["value"].notna().all()
    nearest = Composition.from_text(found.loc[0, "alloy"])
    swap_first = sum(abs(asked.at.get(symbol, 0) - nearest.at.get(symbol, 0)) for symbol in {*asked.at, *nearest.at}) / 2
    assert swap_first == pytest.approx(found.loc[0, "distance"], abs=0.1)
