"""Statistics of columns, and warnings that come where they should and only there."""
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mtl_core.data import observations, read_tables
from mtl_core.data.statistics import column_statistics, unimodality, warning
from mtl_core.tasks import PROPERTIES


@pytest.fixture(scope="module")
def table():
    return read_tables()


def test_moments_and_quantiles_are_those_of_scipy(table):
    row = column_statistics(table).set_index("column").loc["hardness"]
    values = observations(table, ("hardness",))["value"].to_numpy()
    assert (row["n"], row["missing"], row["min"], row["max"]) == (495, 0, values.min(), values.max())
    found = row[["mean", "median", "std", "skewness", "kurtosis", "q05", "q95"]].astype(float).tolist()
    assert found == pytest.approx([values.mean(), np.median(values), values.std(ddof=1), stats.skew(values, bias=False),
                                   stats.kurtosis(values, bias=False), *np.quantile(values, [0.05, 0.95])])


def test_every_property_and_condition_has_a_row_and_what_is_not_exact_counts_as_missing(table):
    found = column_statistics(table, pd.DataFrame({"pren": [20.0, np.nan, 40.0]})).set_index("column")
    assert found["kind"].value_counts().to_dict() == {"property": len(PROPERTIES), "condition": 4, "descriptor": 1}
    assert (found.loc["pitting_potential", ["n", "missing"]] == [698, 55]).all()
    assert (found.loc["pren", ["n", "missing"]] == [2, 1]).all()
    assert found.loc["chloride_m", "n"] == (observations(table, [key for key, task in PROPERTIES.items()
                                                                 if "chloride_m" in task.conditions])
                                            ["chloride_m"].notna().sum())


@pytest.mark.parametrize(("draw", "words"), [
    (lambda random: random.lognormal(0, 1, 400), "skewed"),
    (lambda random: random.standard_t(2.5, 400), "heavy tails"),
    (lambda random: np.r_[random.normal(-2, 1, 300), random.normal(2, 1, 100)], "several modes (Silverman 1981, p < 0.01)"),
], ids=["skewed", "heavy", "bimodal"])
def test_a_shape_that_misleads_is_named(draw, words):
    assert words in warning(draw(np.random.default_rng(1)))


def test_a_normal_column_a_constant_one_and_a_handful_of_values_are_not_warned_about():
    random = np.random.default_rng(0)
    assert [warning(values) for values in (random.normal(size=500), np.full(100, 7.0), np.array([1.0, 1.0, 900.0]))] == [""] * 3


@pytest.mark.parametrize("draw", [
    lambda random: random.normal(size=200), lambda random: random.exponential(size=200), lambda random: random.standard_t(3, 200),
], ids=["normal", "exponential", "t3"])
def test_one_mode_is_seldom_taken_for_several(draw):
    """At a level of 5 %; of 20 samples more than 4 by chance in 3 of 1000 cases."""
    random = np.random.default_rng(0)
    assert sum(unimodality(draw(random)) < 0.05 for _ in range(20)) <= 4


def test_two_clouds_are_told_from_one_and_a_repeat_gives_the_same_figure():
    random = np.random.default_rng(0)
    clouds = [np.r_[random.normal(-1.8, 1, 100), random.normal(1.8, 1, 100)] for _ in range(10)]
    found = [unimodality(values) for values in clouds]
    assert sum(p < 0.05 for p in found) >= 9
    assert [unimodality(values) for values in clouds] == found


def test_columns_that_span_decades_or_heap_up_are_named_in_the_published_tables(table):
    warnings = column_statistics(table).set_index("column")["warning"]
    assert "skewed" in warnings["chloride_m"] and "heavy tails" in warnings["corrosion_current"]
    assert "several modes" in warnings["temperature_c"]
    assert warnings["hardness"] == ""
