"""What the data desk shows is what the findings say, and a choice that was kept can be taken back."""
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from app import desk
from app.services import desk as services
from mtl_core import settings
from mtl_core.data.curations import Curation, Decision, list_curations
from mtl_core.data.noise import repeat_noise
from mtl_core.data.suspects import find_suspects
from mtl_core.data.tables import read_tables
from mtl_core.pipeline import evaluate, read_out_of_fold

OUT = Decision(choice="exclude", rule="conflict", reason="the paper was withdrawn")


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    """Curations in a folder of their own."""
    monkeypatch.setattr(settings, "USER_DIR", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def suspects():
    return find_suspects(read_tables(), out_of_fold=read_out_of_fold())


def test_the_list_says_what_was_decided_about_each_finding(suspects):
    ids = suspects["measurement_ids"].iloc[0]
    lines = desk.suspect_lines(suspects, Curation(name="c", decisions=dict.fromkeys(ids, OUT)))
    assert lines["Choice"].iloc[0] == f"exclude × {len(ids)}"
    assert lines["Evidence"].tolist() == suspects["evidence"].tolist()
    assert lines["Paper"].dropna().str.startswith("https://doi.org/10.").all()


def test_a_choice_acts_on_one_reading_of_each_finding(suspects):
    assert set(desk.to_act_on(suspects.head(3))) == {ids[-1] for ids in suspects["measurement_ids"].head(3)}


def test_each_reading_keeps_the_evidence_of_its_own_finding(suspects):
    chosen = suspects.head(2)
    made = desk.decisions(chosen, desk.to_act_on(chosen), "exclude", "")
    assert [one.reason for one in made.values()] == chosen["evidence"].tolist()
    own = desk.decisions(chosen, desk.to_act_on(chosen), "exclude", "both papers were withdrawn")
    assert {one.reason for one in own.values()} == {"both papers were withdrawn"}


def test_choices_from_residuals_are_counted_apart(user_folder):
    services.decide("mixed", {"B0001-hardness": OUT, "B0002-hardness": OUT.model_copy(update={"rule": "large-residual"})})
    assert services.chosen_from_residuals("mixed@1") == 1


def test_a_logarithm_is_scored_on_positive_properties_only():
    assert services.concerned(("published",), {"target": "log"}) == ["hardness"]


def test_readings_are_shown_as_their_papers_state_them():
    row = {"value": np.nan, "value_low": 800.0, "value_high": np.nan, "bound": ">"}
    assert desk.value_of(row) == "> 800"
    assert desk.value_of(row | {"value_high": 900.0, "bound": "="}) == "800 to 900"
    assert desk.value_of(row | {"value": 352.4}) == "352"


def test_a_choice_is_kept_as_a_new_version_and_taken_back_as_another(user_folder):
    kept = services.decide("strict", dict.fromkeys(("B0001-hardness", "B0002-hardness"), OUT))
    assert (kept.version, set(kept.decisions)) == (1, {"B0001-hardness", "B0002-hardness"})
    services.decide("strict", {"B0002-hardness": None})
    assert set(services.curation("strict").decisions) == {"B0001-hardness"}
    services.take_back("strict", 1)
    assert services.curation("strict").decisions == kept.decisions
    assert not services.take_back("strict", 0).decisions
    assert [one.version for one in list_curations()] == [4, 3, 2, 1]


def test_choices_of_two_visitors_at_once_are_both_kept(user_folder):
    with ThreadPoolExecutor(8) as visitors:
        list(visitors.map(lambda number: services.decide("both", {f"B{number:04d}-hardness": OUT}), range(1, 25)))
    assert len(services.curation("both").decisions) == 24


def test_a_change_is_scored_on_the_properties_that_its_decisions_concern(user_folder):
    services.decide("strength", {"B0001-yield_strength": OUT})
    assert services.concerned(("published",), {"curation": "strength@1"}) == ["yield_strength"]
    assert services.concerned(("published",), {"scaling": "robust"}) == ["hardness", "pitting_potential"]


def test_ceilings_stand_beside_what_the_ensemble_reaches():
    labels, ceilings, reached = desk.ceilings(repeat_noise(read_tables()), evaluate()["metrics"])
    best = max(ceilings[same][labels.index("Hardness")] for same in ceilings)
    assert reached["reference"][labels.index("Hardness")] < reached["random"][labels.index("Hardness")] < best < 1


@pytest.mark.parametrize(("low", "high", "said"), [(0.01, 0.03, "better on new papers (R² +0.020)."),
                                                   (-0.03, -0.01, "worse on new papers (R² -0.020)."),
                                                   (-0.01, 0.01, "no difference that these papers can show.")])
def test_the_verdict_follows_the_interval_and_not_the_difference(low, high, said):
    rows = pd.DataFrame({"scored_on": ["all rows"], "split": ["reference"], "low": [low], "high": [high],
                         "difference": [(low + high) / 2]})
    assert desk.verdict_of(rows) == said
