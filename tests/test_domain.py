"""Domain of applicability: each reason for being outside, in words, and none for what was measured."""
import numpy as np
import pandas as pd
import pytest

from mtl_core.tasks import TASKS
from mtl_core.types import Conditions
from mtl_core.uncertainty.domain import Domain

SYMBOLS = ("Fe", "Cr", "Ni", "V")
ALLOYS = [(70, 20, 10, 0), (74, 18, 8, 0), (66, 22, 12, 0), (90, 0, 10, 0), (76, 20, 0, 4), (75, 21, 0, 4), (88, 0, 12, 0)]
REPORTED = dict(process="CAST", temperature_c=25.0, chloride_m=0.6, ph=7.0, scan_rate_mv_s=1.0)


def domain(task="pitting_potential", **changes):
    rows = pd.DataFrame(ALLOYS, columns=[f"at_{symbol}" for symbol in SYMBOLS], dtype=float).assign(
        task=task, reference_group=[f"paper-{row}" for row in range(len(ALLOYS))], **REPORTED)
    rows["chloride_m"] = [0.1, 0.6, 3.5, 0.6, 0.6, 0.6, np.nan]
    return Domain.fit(rows.assign(**changes), TASKS[task], SYMBOLS)


def reasons(*at, task="pitting_potential", foreign=(), **conditions):
    found, = domain(task).reasons(np.array([at], float), [foreign], [Conditions(**REPORTED | conditions)])
    return tuple(found.split("; ")) if found else ()


def test_what_was_measured_is_inside_whatever_it_is():
    for row in ALLOYS:
        assert reasons(*row) == ()
    assert reasons(70, 20, 10, 0, ph=None, chloride_m=None, scan_rate_mv_s=None) == ()


@pytest.mark.parametrize(("at", "foreign", "conditions", "words"), [
    ((70, 20, 10, 0), ("Hf",), {}, "no alloy with Hf in the pitting potential data"),
    ((71, 20, 0, 9), (), {}, "no alloy with V above 4 at.% in the pitting potential data"),
    ((86, 0, 11, 3), (), {}, "no alloy with Ni and V together in the pitting potential data"),
    ((70, 20, 10, 0), (), {"ph": 9.0}, "pH 9 is outside 7 to 7 of the pitting potential data"),
    ((70, 20, 10, 0), (), {"chloride_m": 5.0}, "[Cl⁻] 5 mol/L is outside 0.1 to 3.5 mol/L of the pitting potential data"),
    ((70, 20, 10, 0), (), {"temperature_c": 90.0}, "temperature 90 °C is outside 25 to 25 °C of the pitting potential data"),
])
def test_each_way_to_be_outside_is_one_sentence(at, foreign, conditions, words):
    assert reasons(*at, foreign=foreign, **conditions) == (words,)


def test_several_reasons_are_all_given():
    found = reasons(60, 20, 11, 9, foreign=("Hf",), ph=-1.0)
    assert len(found) == 4
    for word, reason in zip(("with Hf", "V above", "together", "pH -1"), found, strict=True):
        assert word in reason


def test_traces_of_an_unseen_element_or_pair_do_not_put_an_alloy_outside():
    assert reasons(69.6, 20, 10, 0.4) == ()
    assert reasons(75.5, 20, 0.5, 4) == ()


def test_an_alloy_of_known_elements_can_be_too_far_from_all_of_them():
    found, = reasons(80, 14, 6, 0, task="pitting_potential")
    assert found.startswith("the nearest alloy in the pitting potential data is 6 at.% away (")


def test_the_distance_is_what_has_to_be_swapped_and_its_limit_is_usual_between_papers():
    fitted = domain()
    assert fitted.distances(np.array([[65.0, 20, 10, 5]])) == 5.0
    nearest = [4, 4, 4, 2, 1, 1, 2]  # by hand, alloy by alloy, to the nearest of another paper
    assert fitted.limit == pytest.approx(np.quantile(nearest, 0.95))
    assert fitted.scores(np.array([[70.0, 20, 10, 0]])) == 0.0
    same_paper = domain(reference_group=["a", "a", "b", "c", "d", "d", "c"])
    assert same_paper.limit > fitted.limit  # a paper's own neighbours do not count


def test_processing_counts_where_the_task_depends_on_it_and_the_electrolyte_where_it_does():
    steel = (70, 20, 10, 0)
    assert reasons(*steel, task="hardness", process="POWDER") == ("no powder alloy in the hardness data",)
    assert reasons(*steel, task="hardness", process=None, ph=9.0, chloride_m=10.0) == ()
    assert reasons(*steel, process="POWDER") == ()


def test_every_training_alloy_of_the_shipped_predictor_is_inside_in_its_own_conditions(predictor):
    rows, symbols = predictor.observations, predictor.ensemble.spec.symbols
    for key, fitted in predictor.domains.items():
        for _, row in rows[rows["task"] == key].iterrows():
            given = {name: None if pd.isna(row[name]) or row[name] == "" else row[name] for name in REPORTED}
            at = row[[f"at_{symbol}" for symbol in symbols]].to_numpy(float)
            assert fitted.reasons(at[None], [()], [Conditions.model_construct(**given)]) == [""]
