"""Merges, flags, censoring and the default training set."""
import numpy as np
import pandas as pd
import pytest
from data_samples import write_borg, write_nyby, write_sample_tables

from mtl_core.data import DEFAULT_EXCLUDED, RULES, build_tables, observations, read_tables, summary, waterfall
from mtl_core.data.borg import DOI, PHASES, PROCESS, REFERENCE, TEMPERATURE, TEST
from mtl_core.tasks import PROPERTIES

HV, YS, UTS = "PROPERTY: HV", "PROPERTY: YS (MPa)", "PROPERTY: UTS (MPa)"


def built(folder, *borg_rows, nyby=None, cells=None):
    write_borg(folder, *borg_rows)
    write_nyby(folder, nyby, cells=cells)
    return build_tables(folder).measurements


def rows_of(measurements, key):
    rows = measurements[measurements["property"] == key]
    return list(zip(rows["value"], rows["source_rows"], rows["flags"], strict=True))


def test_one_hardness_on_several_temperature_rows_is_one_reading(tmp_path):
    found = built(tmp_path, {TEMPERATURE: "800"}, {TEMPERATURE: "25"}, {TEMPERATURE: "600"})
    assert rows_of(found, "hardness") == [(200, "2 3 4", "repeated-reading")]


def test_a_hardness_only_on_hot_rows_is_kept_and_marked(tmp_path):
    found = built(tmp_path, {TEMPERATURE: "800"}, {TEMPERATURE: "", HV: "210"})
    assert rows_of(found, "hardness") == [(200, "2", "elevated-temperature"), (210, "3", "")]


def test_another_process_microstructure_or_value_is_another_reading(tmp_path):
    found = built(tmp_path, {}, {PROCESS: "ANNEAL"}, {PHASES: "FCC"}, {HV: "201.0"})
    assert [flags for _, _, flags in rows_of(found, "hardness")] == [""] * 4


def test_an_exact_double_row_is_merged_and_a_real_repeat_is_kept(tmp_path):
    found = built(tmp_path, {HV: "", YS: "500"}, {HV: "", YS: "500"}, {HV: "", YS: "500", UTS: "700"})
    assert rows_of(found, "yield_strength") == [(500, "2 3", "double-entry"), (500, "4", "")]


def test_papers_that_share_two_readings_are_joined_and_one_shared_value_is_chance(tmp_path):
    papers = [("3", "500", "25"), ("3", "90", "900"), ("12", "500", "25"), ("12", "90", "900"), ("12", "80", "1000"),
              ("4", "80", "1000")]
    write_borg(tmp_path, *({REFERENCE: paper, DOI: f"10.1000/{paper}", HV: "", YS: strength, TEMPERATURE: hot}
                           for paper, strength, hot in papers))
    write_nyby(tmp_path)
    table = build_tables(tmp_path)
    strengths = rows_of(table.measurements, "yield_strength")
    assert sorted(strengths) == [(80, "6", "elevated-temperature"), (80, "7", "elevated-temperature"),
                                 (90, "3 5", "cross-paper elevated-temperature"), (500, "2 4", "cross-paper")]
    groups = dict(zip(table.references["reference_id"], table.references["group"], strict=True))
    assert groups == {"borg-3": "borg-3", "borg-12": "borg-3", "borg-4": "borg-4", "nyby-1": "nyby-1"}


def test_hot_cold_and_compressed_tests_are_marked(tmp_path):
    found = built(tmp_path, *({HV: "", UTS: "700", TEMPERATURE: hot, TEST: test}
                              for hot, test in [("25", "T"), ("25", "C"), ("-196", "T"), ("600", "T"), ("", "")]))
    assert [flags for _, _, flags in rows_of(found, "ultimate_strength")] == [
        "", "compression-test", "cryogenic", "elevated-temperature", ""]


@pytest.mark.parametrize(("solution", "flags"), [
    ("0.5M H2SO4", "halide-free-acid"), ("0.1 M NaClO4", "perchlorate"), ("0.1M NaBr", ""), ("0.1M HCl", ""),
])
def test_a_pitting_potential_without_halide_is_marked(tmp_path, solution, flags):
    found = built(tmp_path, {}, cells={"solution": solution, "Cl": "NA"})
    assert rows_of(found, "pitting_potential")[0][2] == flags
    assert rows_of(found, "corrosion_potential")[0][2] == ""


def test_transpassive_rows_are_bounded_by_the_oxygen_line(tmp_path):
    found = built(tmp_path, {}, nyby={"Pitting Potential": [("Transpassive",), (">800",)]})
    rows = found[found["property"] == "pitting_potential"]
    assert list(rows["value_low"]) == [574, 800]
    assert list(rows["bound"]) == [">", ">"]
    assert rows["value"].isna().all()


def test_observations_carry_the_censoring_interval_and_can_move_or_leave_out_the_bound(tmp_path):
    table = read_tables(write_sample_tables(tmp_path))
    frame = observations(table)
    assert list(frame["task"]) == ["hardness", "pitting_potential"]
    assert frame[["low", "high"]].to_numpy().tolist() == [[200, 200], [450, np.inf]]
    assert np.isnan(frame["value"][1])
    assert observations(table, transpassive_shift_mv=-200.0)["low"].tolist() == [200, 250]
    assert len(observations(table, excluded=(*DEFAULT_EXCLUDED, "transpassive"))) == 1
    with pytest.raises(ValueError, match="expected tasks out of hardness"):
        observations(table, ("hardnes",))


def test_the_default_training_set_is_what_the_waterfall_and_the_summary_say():
    table = read_tables()
    steps, counts = waterfall(table), summary(table)["properties"]
    frame = observations(table, tuple(PROPERTIES))
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    assert (frame["low"] <= frame["high"]).all()
    for key in PROPERTIES:
        mine = steps[steps["property"] == key]
        assert mine["n"].iloc[0] - mine["removed"].sum() == mine["n"].iloc[-1] == counts[key]["n_default"]
        assert counts[key]["n_default"] == (frame["task"] == key).sum()
    assert steps.groupby("property")["n"].first()[["hardness", "pitting_potential"]].tolist() == [530, 801]


def test_known_defects_of_the_sources_are_flagged_in_the_committed_tables():
    rows = read_tables().measurements
    pitting = rows[rows["property"] == "pitting_potential"].set_index("source_rows")["flags"]
    assert pitting["780"] == "suspect"
    assert "re-entered" in pitting["69 253"]
    assert pitting["88 543 546"] == "re-entered"
    assert "halide-free-acid" in pitting["206"]
    assert (rows["flags"].str.contains("transpassive")).sum() == 41
    assert rows["ph"].min() == -1


def test_every_rule_has_one_name_and_one_sentence():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.reason.endswith(".") and "\n" not in rule.reason for rule in RULES)
    assert "suspect" in DEFAULT_EXCLUDED and "transpassive" not in DEFAULT_EXCLUDED
