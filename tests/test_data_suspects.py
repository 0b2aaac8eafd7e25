"""Suspects: each known defect of the sources and each planted one is found by a rule, and sound readings are left in peace."""
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from data_samples import SOURCE_DIR, WHY_SKIPPED

from mtl_core.data import build_tables, read_tables
from mtl_core.data.suspects import COLUMNS, SUSPECT_RULES, find_suspects, large_residuals
from mtl_core.errors import ConfigError
from mtl_core.pipeline import read_out_of_fold


@pytest.fixture(scope="module")
def table():
    return read_tables()


@pytest.fixture(scope="module")
def published(table):
    return find_suspects(table, out_of_fold=read_out_of_fold())


def planted(table, *changed, added=()):
    """The table with other cells, each as (measurement id, column, value), and with added measurements."""
    rows = table.measurements.set_index("measurement_id", drop=False)
    for key, column, value in changed:
        rows.loc[key, column] = value
    return replace(table, measurements=pd.concat([rows, *added], ignore_index=True))


def found_by(table, rule, **options):
    found = find_suspects(table, **options)
    return found[found["rule"] == rule].set_index("suspect_id")


def new(before, after):
    return after.loc[after.index.difference(before.index)]


def source_pairs(table, found):
    rows = table.measurements.set_index("measurement_id")["source_rows"]
    return {frozenset(int(rows[key]) for key in ids) for ids in found["measurement_ids"]}


# What is known about the sources, as the workbooks hold it.

@pytest.fixture(scope="module")
def as_entered():
    if not SOURCE_DIR.is_dir():
        pytest.skip(WHY_SKIPPED)
    return build_tables(SOURCE_DIR, merge_copies=False)


def test_a_paper_that_was_typed_in_twice_and_one_that_was_read_off_twice_are_found_row_by_row(as_entered):
    found = found_by(as_entered, "double-entry")
    copies = found[(found["property"] == "pitting_potential") & (found["suggestion"] == "exclude")]
    read_off = {frozenset(pair) for pair in ((88, 543), (89, 544), (90, 545), (88, 546))}
    again = {frozenset((69 + k, 253 + k)) for k in range(19)} | read_off
    assert again <= source_pairs(as_entered, copies)
    assert len(source_pairs(as_entered, copies) - again) == 2  # shared by two papers


def test_everything_that_the_tables_merge_between_papers_is_found_between_papers(as_entered, table):
    merged = table.measurements[table.measurements["flags"].str.contains("cross-paper")]
    expected = {(row.property, frozenset(map(int, row.source_rows.split()[:2]))) for row in merged.itertuples()}
    copies = found_by(as_entered, "double-entry")
    assert len(expected) == 52
    assert expected <= {(key, pair) for key, group in copies.groupby("property") for pair in source_pairs(as_entered, group)}


@pytest.mark.parametrize(("rule", "source_row", "words"), [
    ("lone-outlier", "780", "980 mV vs SCE stands between -150 and 10"),
    ("implausible-composition", "17", "45.1 at.% C"),
])
def test_known_single_defects_are_found(table, published, rule, source_row, words):
    one, = published[published["rule"] == rule].itertuples()
    row = table.measurements.set_index("measurement_id").loc[one.measurement_ids[-1]]
    assert row["source_rows"] == source_row and words in one.evidence and one.suggestion == "exclude"
    assert one.is_excluded and one.dois


def test_every_halide_free_row_is_found_by_its_ions(table, published):
    flagged = table.measurements["flags"].str.contains("halide-free-acid|perchlorate")
    unflagged = replace(table, measurements=table.measurements.assign(flags=""))
    expected = set(table.measurements["measurement_id"][flagged])
    for found in (published, find_suspects(unflagged)):
        assert {ids[-1] for ids in found["measurement_ids"][found["rule"] == "wrong-quantity"]} == expected
    assert len(expected) == 26


# The published tables as they stand.

def test_the_list_is_made_of_the_columns_and_rules_it_promises(published):
    assert tuple(published) == COLUMNS
    assert set(published["rule"]) == set(SUSPECT_RULES)
    assert published["suspect_id"].is_unique
    assert published["suggestion"].isin(["exclude", "keep", "lower bound", "upper bound"]).all()
    assert (published["severity"] >= 0.5).all() and published["evidence"].str.endswith(".").all()
    assert published["evidence"].str.len().max() < 300
    for _, group in published.groupby("is_excluded"):
        assert group["severity"].is_monotonic_decreasing
    assert published["is_excluded"].is_monotonic_increasing


def test_copies_that_escaped_the_merging_are_found(published):
    ids = {ids for ids, rule in zip(published["measurement_ids"], published["rule"], strict=True) if rule == "double-entry"}
    assert ("B0746-hardness", "B0242-hardness") in ids  # two papers, one labelled with its processing
    assert ("B0401-yield_strength", "B0438-yield_strength") in ids  # one paper, one phase called by two names
    one = published[published["measurement_ids"] == ("B0401-yield_strength", "B0438-yield_strength")].iloc[0]
    assert "labelled L12+B2 there and CAST, FCC+B2 here" in one["evidence"]


def test_conflicts_are_fewer_the_further_apart_values_must_be_and_weigh_less_within_one_paper(table):
    counts = [len(found_by(table, "conflict", k=k)) for k in (2.0, 3.0, 5.0)]
    assert counts[0] > counts[1] > counts[2]
    found = found_by(table, "conflict")
    assert (found["severity"][found["evidence"].str.contains("from one paper")] < 1).all()
    assert (found["severity"][~found["evidence"].str.contains("from one paper")] >= 1).all()


def test_the_same_tables_give_the_same_list_within_two_seconds(table, published):
    start = time.process_time()  # not of the other processes that share the cores
    again = find_suspects(table, out_of_fold=read_out_of_fold())
    assert time.process_time() - start < 2.0
    assert again.equals(published)


@pytest.mark.parametrize("k", [0.0, -1.0, float("nan")])
def test_a_threshold_that_is_none_is_refused(table, k):
    with pytest.raises(ConfigError, match="expected k above 0"):
        find_suspects(table, k=k)


# Planted defects.

def test_a_planted_block_is_found_reading_by_reading_and_two_repeats_are_not_a_block(table):
    paper = table.measurements.query("reference_id == 'nyby-49' and value.notna()").sort_values(
        "source_rows", key=lambda rows: rows.str.split().str[0].astype(int))

    def entered_twice(n):
        copy = paper.head(n).assign(measurement_id=lambda rows: "copy-" + rows["measurement_id"], temperature_c=np.nan,
                                    value=lambda rows: rows["value"] + 3.0, source_rows=[str(9000 + k) for k in range(n)])
        return new(found_by(table, "double-entry"), found_by(planted(table, added=[copy]), "double-entry"))

    found = entered_twice(8)
    assert {ids[-1] for ids in found["measurement_ids"]} == {f"copy-{key}" for key in paper["measurement_id"].head(8)}
    assert found["evidence"].str.contains("in a row that this paper holds twice").all()
    assert entered_twice(2).empty


def test_readings_copied_into_another_paper_are_found_and_a_single_equal_one_is_chance(table):
    paper = table.measurements.query("reference_id == 'borg-27' and property == 'hardness'")

    def copied(n):
        copy = paper.head(n).assign(measurement_id=lambda rows: "copy-" + rows["measurement_id"], reference_id="borg-14")
        return new(found_by(table, "double-entry"), found_by(planted(table, added=[copy]), "double-entry"))

    found = copied(3)
    assert len(found) == 3 and found["evidence"].str.contains("one of 3 that borg-.* share to the last digit").all()
    assert copied(1).empty


def test_a_reading_without_halide_is_found_without_any_flag(table):
    key = table.measurements.query("property == 'pitting_potential' and flags == ''")["measurement_id"].iloc[0]
    changed = [(key, ion, 0.0) for ion in ("chloride_m", "bromide_m", "sulphate_m", "perchlorate_m", "acid_m")]
    found = new(found_by(table, "wrong-quantity"), found_by(planted(table, *changed), "wrong-quantity"))
    assert found["measurement_ids"].tolist() == [(key,)] and not found["is_excluded"].any()
    assert "no other ion stated" in found["evidence"].iloc[0]


@pytest.mark.parametrize("factor", [10.0, 1 / 102.0], ids=["a digit", "GPa for HV"])
def test_a_slip_of_the_decimal_point_and_a_wrong_unit_do_not_fit_the_yield_strength(table, factor):
    rows = table.measurements
    counts = rows.pivot_table(index="alloy_id", columns="property", values="value", aggfunc="count")
    alloy = counts.query("hardness == 1 and yield_strength == 1").index[0]
    rows = rows[rows["alloy_id"] == alloy].set_index("property")
    hard, strong = rows.loc["hardness"], rows.loc["yield_strength"]
    changed = planted(table, (hard["measurement_id"], "value", factor * hard["value"]))
    found = new(found_by(table, "implausible-pair"), found_by(changed, "implausible-pair"))
    assert found["measurement_ids"].tolist() == [(strong["measurement_id"], hard["measurement_id"])]
    assert f"H/σ_y = {9.807 * factor * hard['value'] / strong['value']:.3g}, plausible are 2 to 10" in found["evidence"].iloc[0]


def test_a_tenfold_reading_among_repeats_is_a_conflict_and_is_the_one_to_act_on(table):
    hard = table.measurements.query("property == 'hardness' and flags == ''")
    row = hard[hard.groupby("alloy_id")["value"].transform("size") >= 3].iloc[0]
    found = found_by(planted(table, (row["measurement_id"], "value", 10 * row["value"])), "conflict")
    assert row["measurement_id"] in {ids[-1] for ids in found["measurement_ids"]}


def test_a_spike_in_a_series_stands_alone_and_the_end_of_a_series_does_not(table):
    series = table.measurements.query("alloy_id == 'N0373' and reference_id == 'nyby-32' and property == 'pitting_potential'")
    series = series.sort_values("source_rows", key=lambda rows: rows.astype(int))
    middle, end = series["measurement_id"].iloc[3], series["measurement_id"].iloc[-1]
    spikes = [found_by(planted(table, (key, "value", 1500.0)), "lone-outlier") for key in (middle, end)]
    assert spikes[0].loc[f"lone-outlier:{middle}", "evidence"].startswith("1500 mV vs SCE stands between 10 and 300")
    assert f"lone-outlier:{end}" not in spikes[1].index


def test_a_potential_far_above_the_oxygen_line_is_to_become_a_lower_bound(table):
    neutral = table.measurements.query("property == 'pitting_potential' and flags == '' and ph == 7 and temperature_c == 25")
    key = neutral["measurement_id"].iloc[0]
    found = new(found_by(table, "above-oxygen-line"), found_by(planted(table, (key, "value", 1400.0)), "above-oxygen-line"))
    assert found["suggestion"].tolist() == ["lower bound"]
    assert "826 mV above the line of oxygen evolution (574 mV at 25 °C and pH 7)" in found["evidence"].iloc[0]


# Residuals.

def out_of_fold(n=200, seed=0, wild=()):
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"measurement_id": [f"m{row}" for row in range(n)], "task": "hardness", "split": "reference",
                         "mean": random.normal(500, 100, n), "std": 20.0})
    truth = rows["mean"] + random.normal(0, 60, n)
    truth[list(wild)] += 1000.0
    return pd.concat([rows.assign(low=truth, high=truth, fold_seed=seed) for seed in (0, 1)], ignore_index=True)


def test_a_planted_residual_is_found_and_an_overconfident_std_raises_no_alarm():
    found = large_residuals(out_of_fold(wild=[7, 70]), k=4.0)
    assert found["measurement_id"].tolist() == ["m7", "m70"]
    assert found["std"].tolist() == pytest.approx([60, 60], rel=0.2)  # the spread of the residuals, not the 20 that was claimed
    assert large_residuals(out_of_fold(), k=4.0).empty


def test_a_bound_that_holds_is_no_residual_and_other_splits_do_not_count():
    table = out_of_fold()
    table.loc[table["measurement_id"] == "m3", ["low", "high"]] = [100.0, np.inf]
    assert large_residuals(table, k=4.0).empty
    table.loc[table["measurement_id"] == "m3", ["low", "high"]] = [2000.0, np.inf]
    assert large_residuals(table, k=4.0)["measurement_id"].tolist() == ["m3"]
    with_random = pd.concat([table, out_of_fold(wild=[9]).assign(split="random")])
    assert large_residuals(with_random, k=4.0)["measurement_id"].tolist() == ["m3"]


def test_residuals_of_one_alloy_in_one_paper_are_one_finding_and_unknown_rows_are_none(table, published):
    rows, pure = read_out_of_fold(), table.alloys.loc[table.alloys["at_Mo"] > 99.9, "alloy_id"]
    is_pure = rows["measurement_id"].isin(table.measurements.loc[table.measurements["alloy_id"].isin(pure), "measurement_id"])
    told = find_suspects(table, out_of_fold=rows.assign(std=rows["std"].where(~is_pure, 0.3 * rows["std"])))
    molybdenum, = told[told["rule"].eq("large-residual") & told["alloy"].eq("Mo100")].itertuples()
    assert len(molybdenum.measurement_ids) == 10 and "likewise 9 more" in molybdenum.evidence
    assert molybdenum.evidence.endswith("Nearly a pure metal: doubt the models first.")
    surprises = published[published["rule"].eq("large-residual")]
    assert surprises["evidence"].str.contains("pure").any() and "pure" not in surprises.iloc[0]["evidence"]
    assert (surprises.loc[surprises["evidence"].str.contains("pure"), "severity"] < surprises["severity"].quantile(0.75)).all()
    assert "large-residual" not in set(find_suspects(table)["rule"])
    assert "large-residual" not in set(find_suspects(table, out_of_fold=out_of_fold(wild=[3]))["rule"])
