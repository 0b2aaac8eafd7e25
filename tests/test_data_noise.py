"""Scatter of repeats: what it is where the truth is known, and what it says about the published tables."""
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtl_core.data import observations, read_tables, summary
from mtl_core.data.noise import repeat_noise
from mtl_core.data.summary import sparsity
from mtl_core.tasks import PROPERTIES


@pytest.fixture(scope="module")
def table():
    return read_tables()


@pytest.fixture(scope="module")
def noise(table):
    return repeat_noise(table).set_index(["property", "same"])


def with_measurements(table, rows):
    return replace(table, measurements=rows)


def made_up(table, n_alloys=200, n_repeats=3, scatter=40.0, seed=0):
    """Hardness of alloys whose means spread by 150 HV, each measured several times with a known scatter."""
    random = np.random.default_rng(seed)
    hardness = table.measurements.query("property == 'hardness' and flags == ''").drop_duplicates("alloy_id").head(n_alloys)
    rows = pd.concat([hardness] * n_repeats, ignore_index=True)
    means = dict(zip(hardness["alloy_id"], random.normal(500, 150, len(hardness)), strict=True))
    return rows.assign(measurement_id=[f"m{number}" for number in range(len(rows))],
                       value=rows["alloy_id"].map(means) + random.normal(0, scatter, len(rows)))


def test_the_scatter_of_made_up_repeats_is_found(table):
    found = repeat_noise(with_measurements(table, made_up(table))).set_index(["property", "same"])
    row = found.loc["hardness", "alloy and conditions"]
    assert row["n_rows"] > 500
    assert row["sd"] == pytest.approx(40, rel=0.1) and row["robust_sd"] == pytest.approx(40, rel=0.1)
    assert row["r2_ceiling"] == pytest.approx(1 - 40**2 / row["variance"], abs=0.02)
    assert found.loc["pitting_potential", "alloy"]["note"] == "No repeats."


def test_one_wild_reading_moves_the_pooled_scatter_and_not_the_robust_one(table):
    rows = made_up(table)
    wild = rows.assign(value=rows["value"].where(rows.index != 7, 10 * rows["value"]))
    before, after = (repeat_noise(with_measurements(table, one)).set_index(["property", "same"]).loc["hardness", "alloy"]
                     for one in (rows, wild))
    assert after["sd"] > 3 * before["sd"] and after["robust_sd"] == pytest.approx(before["robust_sd"], rel=0.05)


def test_published_repeats_agree_with_a_plain_count_by_hand(table, noise):
    """The textbook estimate, Σ (n_g − 1) s_g² / Σ (n_g − 1), written out for hardness."""
    rows = observations(table, ("hardness",))
    keys = [name for name in rows if name.startswith("at_")]
    compositions = rows[keys].round(2).astype(str).agg(" ".join, axis=1)
    groups = [values for _, values in rows["value"].groupby(compositions) if len(values) > 1]
    pooled = sum((len(group) - 1) * group.var() for group in groups) / sum(len(group) - 1 for group in groups)
    row = noise.loc["hardness", "alloy"]
    assert (row["n_groups"], row["n_rows"]) == (len(groups), sum(map(len, groups)))
    assert row["sd"] == pytest.approx(np.sqrt(pooled))
    assert row["r2_ceiling"] == pytest.approx(1 - pooled / rows["value"].var())


@pytest.mark.parametrize(("key", "same", "low", "high"), [
    ("hardness", "alloy", 0.85, 0.91), ("pitting_potential", "alloy and conditions", 0.82, 0.96),
])
def test_the_ceilings_of_the_two_default_tasks_are_those_that_were_measured_independently(noise, key, same, low, high):
    row = noise.loc[key, same]
    assert row["r2_ceiling"] == pytest.approx(low, abs=0.01) and row["robust_r2_ceiling"] == pytest.approx(high, abs=0.01)


def test_a_ceiling_that_means_little_says_so(noise):
    assert list(noise.index) == [(key, same) for key in PROPERTIES for same in ("alloy", "alloy and conditions")]
    assert "what differs between them is not recorded" in noise.loc["corrosion_potential", "alloy"]["note"]
    assert "Few alloys were repeated (2): the 90 % interval of the scatter is 0.314 to 0.975" in noise.loc[
        "corrosion_current", "alloy and conditions"]["note"]
    assert noise.loc["hardness", "alloy"]["note"] == ""


def test_rows_that_default_training_leaves_out_are_no_repeats(table, noise):
    marked = table.measurements.assign(flags="elevated-temperature")
    assert (repeat_noise(with_measurements(table, marked))["n_rows"] == 0).all()
    assert noise["n_rows"].sum() > 1000


def test_the_sparsity_counts_compositions_that_have_both(table):
    counts, listed = sparsity(table), summary(table)["properties"]
    assert list(counts) == list(counts.index) == list(PROPERTIES)
    assert all(0 < counts.loc[key, key] <= listed[key]["n_alloys"] for key in PROPERTIES)
    assert 100 < counts.loc["hardness", "yield_strength"] < counts.loc["hardness", "hardness"]
    assert counts.equals(counts.T)
    assert 0 < counts.loc["hardness", "pitting_potential"] < 10  # the two databases meet in a few alloys, written differently
