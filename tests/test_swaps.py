"""Swaps: finite changes of the prediction itself, and the ones that are called best."""
from dataclasses import replace

import numpy as np
import pytest

from mtl_core.chemistry.composition import Composition
from mtl_core.errors import ConfigError
from mtl_core.explain.swaps import Swaps, swapped, swaps
from mtl_core.explain.words import FEWEST
from mtl_core.types import Conditions

STEEL = Composition.from_text("Fe-18Cr-10Ni-2Mo wt%")
STATED = Conditions(process="WROUGHT", scan_rate_mv_s=1.0)


@pytest.fixture(scope="module")
def found(predictor):
    return swaps(predictor, STEEL, STATED)


@pytest.mark.parametrize("conditions", [STATED, Conditions()], ids=["stated", "not reported"])
def test_a_swap_is_the_difference_between_two_predictions_of_the_predictor(predictor, conditions):
    found = swaps(predictor, STEEL, conditions, into=["Cr", "Mo"])
    before, after = (predictor.predict(alloys, conditions) for alloys in ([STEEL], found.alloys))
    np.testing.assert_allclose(found.values, after.mean - before.mean, atol=0.02)
    np.testing.assert_array_equal(found.in_domain, after.in_domain)
    np.testing.assert_allclose(found.of_members.mean(axis=0), found.values, atol=0.02)  # neither task is logarithmic


def test_every_element_that_has_enough_gives_to_every_usual_one(found):
    pairs = set(zip(found.out, found.into, strict=True))
    assert {("Fe", "Cr"), ("Cr", "Ni"), ("Mo", "Fe"), ("Fe", "Al"), ("Ni", "N")} <= pairs
    assert all(out in STEEL.at and out != into for out, into in pairs) and not {"Pb", "P"} & set(found.into)


def test_an_element_with_less_than_the_step_gives_nothing(predictor):
    almost = Composition.from_mapping({"Fe": 81.4, "Cr": 18.0, "Mo": 0.6})
    assert "Mo" not in swaps(predictor, almost, STATED, into=["Cr"]).out
    assert "Mo" in swaps(predictor, almost, STATED, step=0.5, into=["Cr"]).out


def test_ten_swaps_of_a_tenth_come_to_one_swap_of_one(predictor):
    alloy, total = STEEL, np.zeros(2)
    for _ in range(10):
        total += swaps(predictor, alloy, STATED, step=0.1, into=["Cr"]).values[0]
        alloy = swapped(alloy, "Fe", "Cr", 0.1)
    whole = swaps(predictor, STEEL, STATED, into=["Cr"])
    assert (whole.out[0], whole.into[0]) == ("Fe", "Cr")
    np.testing.assert_allclose(total, whole.values[0], rtol=0.02, atol=0.05)


def test_small_swaps_run_along_the_tangent(predictor):
    large, small = (swaps(predictor, STEEL, STATED, step=step, into=["Cr"]).values[0] for step in (0.02, 0.01))
    np.testing.assert_allclose(large, 2 * small, rtol=0.05, atol=0.05)


def made_up(values, of_members=None):
    values = np.asarray(values, float)
    members = np.stack([values] * 10) if of_members is None else of_members
    n = len(values)
    tasks = [type("Task", (), {"key": key})() for key in ("hardness", "pitting_potential")]
    return Swaps(tuple(tasks), ("Fe",) * n, tuple("ABCDEF"[:n]), 1.0, (None,) * n, values, members, np.ones((n, 2), bool),
                 np.full((n, 2), FEWEST))


def test_the_best_swap_for_both_is_the_one_whose_smaller_gain_is_largest():
    found = made_up([[10, 1], [5, 50], [1, 100], [-5, 200]])
    assert found.best({"hardness": 10.0}) == [0, 1, 2]
    assert found.best({"pitting_potential": 10.0}, n=2) == [3, 2]
    assert found.best({"hardness": 10.0, "pitting_potential": 100.0}) == [1, 2, 0]
    assert found.best({"hardness": -1.0}) == [3]  # softer
    with pytest.raises(ConfigError, match="expected one of the tasks hardness, pitting_potential; got 'colour'"):
        found.best({"colour": 1.0})


def test_a_swap_that_leaves_the_domain_is_not_the_best_either():
    found = made_up([[10, 1], [5, 1]])
    found.in_domain[0, 0] = False
    assert found.best({"hardness": 1.0}) == [1] and found.best({"pitting_potential": 1.0}) == [0, 1]


def test_a_swap_that_brings_in_more_of_an_element_than_was_measured_is_not_the_best_and_no_element_comes_in_twice():
    found = made_up([[10, 1], [5, 1], [4, 1]])
    found.n_measured[0, 0] = FEWEST - 1
    assert found.best({"hardness": 1.0}) == [1, 2] and found.best({"pitting_potential": 1.0}) == [0, 1, 2]
    twice = replace(found, into=("A", "B", "B"))
    assert twice.best({"hardness": 1.0}) == [1]


def test_doubtful_swaps_stand_below_the_others_however_much_they_promise():
    found = made_up([[99, 1], [5, 1], [4, 1], [80, 1], [6, 1]])
    found.n_measured[0, 0], found.in_domain[3, 1] = FEWEST - 1, False
    assert found.ranked(range(5)).tolist() == [4, 1, 2, 0, 3] and found.ranked([0, 2]).tolist() == [2, 0]
    assert found.of_tasks(["hardness"]).ranked(range(5)).tolist() == [3, 4, 1, 2, 0]


def test_more_of_an_element_than_five_measured_alloys_hold_is_not_usual(predictor):
    rich = Composition.from_mapping({"Fe": 74.0, "Cr": 18.0, "N": 8.0})
    found = swaps(predictor, rich, STATED, into=["N", "Cr"])
    usual = dict(zip(zip(found.out, found.into, strict=True), (found.n_measured >= FEWEST).tolist(), strict=True))
    assert usual["Fe", "N"] == [False, False] and usual["Fe", "Cr"] == [True, True]


def test_a_swap_on_whose_sign_the_networks_disagree_is_never_the_best():
    members = np.stack([np.array([[10.0, 1.0], [1.0, 1.0]])] * 10)
    members[:2, 0, 0] = -50.0
    assert made_up([[10, 1], [1, 1]], members).best({"hardness": 1.0}) == [1]


@pytest.mark.parametrize(("step", "into", "words"), [(0.0, None, "above 0"), (2.0, None, "at most 1"),
                                                     (1.0, [], "another to take")])
def test_what_cannot_be_swapped_is_said(predictor, step, into, words):
    with pytest.raises(ConfigError, match=words):
        swaps(predictor, STEEL, STATED, step=step, into=into)
