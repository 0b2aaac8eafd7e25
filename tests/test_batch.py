"""Tables of alloys: every row comes back, in order, with its numbers or with what is wrong with it."""
import numpy as np
import pandas as pd
import pytest

from mtl_core import pipeline
from mtl_core.batch import CHUNK, predict_table
from mtl_core.chemistry.composition import Composition
from mtl_core.errors import DataError
from mtl_core.types import Conditions

STATED = Conditions(process="CAST", scan_rate_mv_s=1.0)


def table(predictor, rows, default=STATED, **options):
    return predict_table(predictor, pd.DataFrame(rows).fillna("").astype(str), default=default, **options)


def numbers(predictor, text, conditions=STATED, level=0.9):
    """Of one alloy alone: task → (mean, std, lower, upper)."""
    found = pipeline.predict_alloy(predictor, Composition.from_text(text), conditions, level=level)
    return {f"{task}_{part}": found[task][part] for task in found["tasks"] for part in ("mean", "std", "lower", "upper")}


def assert_answers(row, expected):
    assert row["error"] == ""
    assert row[list(expected)].astype(float).to_dict() == pytest.approx(expected, rel=1e-5, abs=1e-3)


def test_rows_and_columns_are_kept_in_order_and_bad_rows_say_what_is_wrong_without_stopping_the_others(predictor):
    texts = ["CoCrFeNi", "Qq50Fe50", "", "Fe-18Cr-10Ni", "Fe 50 Cr 10 wt%", "CoCrFeMnNi"]
    found = table(predictor, {"note": list("abcdef"), "composition": texts})
    assert found["note"].tolist() == list("abcdef") and found["composition"].tolist() == texts
    assert found.columns[:2].tolist() == ["note", "composition"] and found.columns[-1] == "error"
    for row, word in {1: "Qq", 2: "expected a composition", 3: "at.% or in wt.%", 4: "add up to 100"}.items():
        assert word in found["error"][row]
        assert found.loc[row, [name for name in found if name.startswith(("hardness_", "pitting_"))]].isna().all()
    for row in (0, 5):
        assert_answers(found.loc[row], numbers(predictor, texts[row]))
        assert found["hardness_in_domain"].dtype == "boolean" and found["hardness_in_domain"][row]


def test_element_columns_in_at_or_wt_and_text_mean_the_same_alloy(predictor):
    steel = Composition.from_text("Fe 70 Cr 18 Ni 12 wt%")
    at = {f"at_{symbol}": value for symbol, value in steel.at.items()}
    found = table(predictor, [{"composition": "Fe 70 Cr 18 Ni 12 wt%"}, {"wt_Fe": 70, "wt_Cr": 18, "wt_Ni": 12}, at,
                              {**at, "wt_Fe": 70}, {"wt_Fe": "much"}, {"at_Fe": 50, "at_Cr": 10}])
    for row in range(3):
        assert_answers(found.loc[row], numbers(predictor, "Fe 70 Cr 18 Ni 12 wt%"))
    assert "either at_ or wt_" in found["error"][3]
    assert "expected numbers" in found["error"][4] and "add up to 100" in found["error"][5]


def test_a_basis_says_what_bare_per_cent_means(predictor):
    found = table(predictor, {"composition": ["Fe-18Cr-10Ni"]}, basis="wt")
    assert_answers(found.loc[0], numbers(predictor, "Fe-18Cr-10Ni wt%"))


def test_a_missing_column_means_the_default_an_empty_cell_not_reported_and_a_value_itself(predictor):
    found = table(predictor, {"composition": ["CoCrFeNi"] * 3, "ph": ["3", "", " not reported "],
                              "process": ["cast", "POWDER", ""]})
    meant = {"ph": 3.0, "process": "CAST"}, {"ph": None, "process": "POWDER"}, {"ph": None, "process": None}
    for row, conditions in enumerate(meant):
        assert_answers(found.loc[row], numbers(predictor, "CoCrFeNi", STATED.model_copy(update=conditions)))


@pytest.mark.parametrize(("column", "cell"), [("ph", "acid"), ("ph", "99"), ("chloride_m", "-1"), ("process", "FORGED"),
                                              ("temperature_c", "inf"), ("scan_rate_mv_s", "0")])
def test_a_condition_that_cannot_be_is_the_error_of_its_row(predictor, column, cell):
    found = table(predictor, {"composition": ["CoCrFeNi"] * 2, column: [cell, ""]})
    assert found["error"][0].startswith(f"{column}: ") and cell in found["error"][0]
    assert found["error"][1] == "" and np.isfinite(found["hardness_mean"][1])


def test_a_level_is_used_and_a_table_without_compositions_is_refused(predictor):
    wide, narrow = (table(predictor, {"composition": ["CoCrFeNi"]}, level=level) for level in (0.95, 0.5))
    assert narrow["hardness_upper"][0] < wide["hardness_upper"][0]
    with pytest.raises(DataError, match=r"mine\.csv, row 1: expected a column 'composition'.*got alloy, ph"):
        table(predictor, {"alloy": ["CoCrFeNi"], "ph": ["7"]}, name="mine.csv")


def test_a_table_longer_than_a_chunk_counts_every_alloy_once(predictor):
    done, texts = [], ["Fe80Cr20", "wrong", *["CoCrFeNi"] * CHUNK]
    found = table(predictor, {"composition": texts}, progress=done.append)
    assert sum(done) == CHUNK + 1 and len(done) == 2
    assert_answers(found.loc[CHUNK + 1], numbers(predictor, "CoCrFeNi"))
    assert_answers(found.loc[0], numbers(predictor, "Fe80Cr20"))
