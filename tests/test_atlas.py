"""The atlas: what colours a point, what passes a filter, what a cloud is made of, and how a link brings it back."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.atlas import LABELS, PROPERTIES, atlas_of, hover_texts, neighbours, out_of_fold_errors
from app.cloud import (
    alloys_table,
    cloud_of,
    condition_points,
    element_means,
    element_use,
    full_alloys,
    full_readings,
    papers_table,
    readings_table,
)
from app.figures.atlas import MOST_POINTS, SAMPLE, Coloured, Points, map_figure
from app.figures.periodic import PLACES
from app.filters import Filters
from app.look import Look
from mtl_core.chemistry.composition import Composition
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data.tables import read_tables
from mtl_core.features.descriptors import describe
from mtl_core.features.projection import MapSettings
from mtl_core.pipeline import read_out_of_fold


@pytest.fixture(scope="module")
def atlas():
    return atlas_of(read_tables())


def passing(atlas, filters):
    """Ids of the alloys and rows of the readings that pass."""
    readings = filters.readings(atlas)
    return atlas.alloys.index[filters.alloys(atlas, readings, dict)], readings


def cloud(atlas, filters):
    ids, readings = passing(atlas, filters)
    return cloud_of(atlas, atlas.alloys.index.isin(ids), readings)


def test_descriptors_on_the_map_are_those_of_the_library(atlas):
    compositions = [Composition.from_array(row, atlas.symbols, normalise=True) for row in atlas.at[::100]]
    pd.testing.assert_frame_equal(atlas.fixed.iloc[::100][list(describe(compositions))].reset_index(drop=True),
                                  describe(compositions), atol=1e-4, rtol=1e-4)


def test_a_property_of_an_alloy_is_the_median_of_the_readings_that_pass(atlas):
    hot = Filters(ranges={"temperature_c": (500.0, None)}, with_excluded=True)
    at_room, when_hot = (atlas.numbers("yield_strength", filters.readings(atlas)) for filters in (Filters(), hot))
    both = at_room.notna() & when_hot.notna()
    assert both.sum() > 50 and (when_hot[both] < at_room[both]).mean() > 0.9


def test_rows_that_a_rule_leaves_out_are_not_shown_unless_they_are_asked_for(atlas):
    _, usual = passing(atlas, Filters())
    _, everything = passing(atlas, Filters(with_excluded=True))
    assert not usual["is_left_out"].any() and len(everything) == len(atlas.readings) > len(usual)


def test_filters_hold_together(atlas):
    ids, readings = passing(atlas, Filters(contains=("Cr", "Mo"), excludes=("Al",), family=("Fe",),
                                           ranges={"at_Cr": (15.0, 20.0), "pitting_potential": (300.0, None), "ph": (6.0, 8.0)}))
    chosen = atlas.alloys.loc[ids]
    assert len(ids) > 5
    assert (chosen["at_Mo"] >= 0.05).all() and (chosen["at_Al"] < 0.05).all() and (chosen["family"] == "Fe").all()
    assert chosen["at_Cr"].between(15, 20).all() and readings["ph"].between(6, 8).all()
    potentials = readings[(readings["property"] == "pitting_potential") & readings["alloy_id"].isin(ids)]
    assert (potentials.groupby("alloy_id")["value"].median() >= 300).all()


def test_both_worlds_meet_only_where_one_alloy_was_measured_in_both(atlas):
    ids, _ = passing(atlas, Filters(support="both"))
    hardness, corrosion = (set(passing(atlas, Filters(support=support))[0]) for support in ("hardness", "corrosion"))
    assert set(ids) == hardness & corrosion and 0 < len(ids) < 100


@given(st.builds(
    Filters, contains=st.lists(st.sampled_from(["Cr", "Fe", "Mo"]), unique=True).map(tuple),
    excludes=st.lists(st.sampled_from(["Al", "C"]), unique=True).map(tuple),
    process=st.lists(st.sampled_from(["cast", "anneal", "not reported"]), unique=True).map(tuple),
    support=st.sampled_from(["any", "both", "domain"]), with_excluded=st.booleans(),
    ranges=st.dictionaries(st.sampled_from(["hardness", "at_Cr", "year", "ph", "vec"]), st.sampled_from(
        [(1.5, None), (None, -3.25), (2.0, 2000.0)]))))
def test_a_link_brings_the_filters_back(atlas, filters):
    assert Filters.from_query(filters.to_query(), atlas) == (filters, [])


def test_a_range_filters_once_it_is_narrowed_and_then_reads_as_its_link_does(atlas):
    assert Filters().within("hardness", (None, None)) == Filters() == Filters(ranges={"ph": (1.0, 2.0)}).within(
        "ph", (None, None))
    narrowed = Filters().within("chloride_m", (10.0**-1.3, None))
    assert Filters.from_query(narrowed.to_query(), atlas) == (narrowed, [])


@given(st.dictionaries(st.sampled_from(["with", "without", "family", "process", "source", "support", "range", "rows", "x"]),
                       st.text(max_size=30) | st.sampled_from(["hardness:9..1", "hardness:nan..", "ph:..", "zz:1..2", "Cr,Qq"])))
def test_garbage_in_a_link_costs_at_most_the_garbled_part(atlas, query):
    filters, said = Filters.from_query(query, atlas)
    passing(atlas, filters)
    assert all(sentence.endswith("it is left out.") for sentence in said)


@given(st.dictionaries(st.sampled_from(["color", "size", "opacity", "map", "anew"]), st.text(max_size=30)))
def test_garbage_in_a_link_keeps_the_usual_look(query):
    look, said = Look.from_query(query, ["hardness"], ["vec"])
    assert look == Look(anew=query.get("anew") == "yes", opacity=look.opacity)
    assert all("cannot be followed" in sentence for sentence in said)


def test_a_link_brings_the_look_back():
    look = Look(color="at_Cr", size="vec", opacity=0.35, anew=True,
                settings=MapSettings(method="pca", inputs="elements", n_neighbors=7, min_dist=0.05, metric="cosine", seed=3))
    assert Look.from_query(look.to_query(), ["at_Cr"], ["vec"]) == (look, []) and Look().to_query() == {}


def test_filters_say_in_words_what_they_are_and_each_can_be_taken_away(atlas):
    filters = Filters(contains=("Cr",), ranges={"hardness": (300.0, 500.0)}, support="both")
    parts = filters.spoken(atlas.quantities)
    assert list(parts) == ["contains Cr", "hardness and corrosion measured", "Hardness 300 to 500 HV"]
    assert parts["contains Cr"] == Filters(ranges={"hardness": (300.0, 500.0)}, support="both")


def test_the_nearest_in_composition_is_the_alloy_itself_and_distances_are_swapped_per_cent(atlas):
    first = Composition.from_array(atlas.at[700], atlas.symbols, normalise=True)
    found = neighbours(atlas, first)
    assert found.iloc[0] == pytest.approx(0.0, abs=1e-4) and found.is_monotonic_increasing
    assert neighbours(atlas, Composition.from_text("Au"), 1).iloc[0] == pytest.approx(100.0)


def test_what_a_cloud_is_made_of_counts_only_alloys_that_hold_the_element(atlas):
    steels = cloud(atlas, Filters(family=("Fe",), contains=("Mo",)))
    use = element_use(steels)
    amounts = atlas.alloys.loc[steels.ids, "at_Mo"]
    assert use.loc["Mo", "share"] == 100.0 and use.loc["Mo", "median"] == pytest.approx(amounts.median())
    assert use["n"].is_monotonic_decreasing and set(use.index) <= set(PLACES)
    values = atlas.numbers("pitting_potential", steels.readings)
    assert element_means(steels, values)["Mo"] == pytest.approx(values[steels.ids].mean())


def test_every_known_element_has_its_place_in_the_periodic_table():
    assert set(SYMBOLS) <= set(PLACES) and len(set(PLACES.values())) == len(PLACES)


def test_tables_lead_back_to_alloys_and_papers(atlas):
    chosen = cloud(atlas, Filters(family=("Al",), with_excluded=True))
    readings, alloys, papers = readings_table(chosen, {}), alloys_table(chosen), papers_table(chosen)
    assert set(readings.index) <= set(alloys.index) == set(chosen.ids)
    assert papers["Readings"].sum() == len(readings) == len(chosen.readings)
    assert readings["Paper"].dropna().str.startswith("https://doi.org/10.").all()
    doubted = chosen.readings["is_left_out"].to_numpy()
    assert (readings["Doubts"].str.len() > 0).to_numpy().tolist() == doubted.tolist()
    corrosion = condition_points(chosen.readings)
    assert corrosion["n"].sum() == (~chosen.readings["property"].isin(["hardness", "yield_strength"])).sum()


def test_a_downloaded_table_identifies_each_row_and_holds_its_composition(atlas):
    chosen = cloud(atlas, Filters(family=("Al",)))
    readings, alloys = full_readings(chosen, {}), full_alloys(chosen)
    measured = atlas.readings.set_index("measurement_id").loc[readings["measurement_id"]]
    assert readings["reference_id"].tolist() == measured["reference_id"].tolist() and readings["Value"].equals(
        measured["value"].reset_index(drop=True))
    for table in (readings, alloys):
        of_alloy = atlas.alloys.loc[table["alloy_id"]]
        assert table["Alloy (at.%)"].tolist() == of_alloy["formula"].tolist()
        assert table["Database"].tolist() == of_alloy["source"].tolist()
        assert np.array_equal(table[atlas.at_columns], of_alloy[atlas.at_columns])


def test_an_error_out_of_fold_is_that_of_the_runs_split_by_paper(atlas):
    held_out = read_out_of_fold()
    rows = held_out[(held_out["split"] == "reference") & (held_out["task"] == "hardness")]
    one = rows["measurement_id"].iloc[0]
    mine = rows[rows["measurement_id"] == one]
    alloy = atlas.readings.set_index("measurement_id").loc[one, "alloy_id"]
    others = atlas.readings[(atlas.readings["alloy_id"] == alloy) & (atlas.readings["property"] == "hardness")]
    assert len(others) == 1
    expected = abs(mine["mean"].mean() - mine["low"].iloc[0])
    assert out_of_fold_errors(held_out, atlas.readings).loc[alloy, "error_hardness"] == pytest.approx(expected)


def points(n, **changes):
    rng = np.random.default_rng(0)
    usual = {"ids": np.array([f"A{i}" for i in range(n)]), "xy": rng.normal(size=(n, 2)), "texts": np.full(n, "text"),
             "values": rng.normal(size=n), "sizes": None, "is_shown": np.ones(n, bool), "is_bright": np.ones(n, bool)}
    return Points(**usual | changes)


def ids_of(figure):
    return [one for trace in figure.data if trace.customdata is not None for one in trace.customdata]


@pytest.mark.parametrize("values", [np.where(np.arange(90) % 3, 1.0 + np.arange(90.0), np.nan),
                                    np.array(["a", "b", "not reported"] * 30)])
def test_each_point_carries_the_id_of_its_alloy_whatever_trace_it_is_in(values):
    shown = np.arange(90) % 2 == 0
    made = points(90, values=values, is_shown=shown)
    figure = map_figure(made, Coloured("x"))
    place = {one: tuple(xy) for trace in figure.data if trace.customdata is not None
             for one, xy in zip(trace.customdata, zip(trace.x, trace.y, strict=True), strict=True)}
    assert place == {one: tuple(xy) for one, xy in zip(made.ids[shown], made.xy[shown], strict=True)}


def test_a_selection_is_bright_and_the_rest_stays_in_sight():
    bright = np.arange(50) < 10
    trace = next(trace for trace in map_figure(points(50, is_bright=bright), Coloured("x")).data if len(trace.x) == 50)
    opacity = np.array(trace.marker.opacity)
    assert (opacity[bright] == 0.8).all() and (opacity[~bright] > 0).all() and (opacity[~bright] < 0.2).all()


def test_very_many_points_are_drawn_as_density_with_a_sample_of_them_on_top():
    figure = map_figure(points(MOST_POINTS + 1), Coloured("x"))
    assert figure.data[0].type == "heatmap" and 0.5 * SAMPLE < len(ids_of(figure)) <= SAMPLE


def test_hovering_says_formula_and_what_was_measured_with_units(atlas):
    texts = hover_texts(atlas, Filters().readings(atlas))
    assert texts[0] == ("<b>Co30.8Fe30.8Ni30.8Al7.7</b><br>high-entropy alloys · cast<br>Hardness: 138 HV<br>"
                        "Yield strength: 158 MPa")


def test_all_that_can_colour_the_map_has_a_number_or_a_word_for_some_alloy(atlas):
    readings = Filters().readings(atlas)
    assert all(atlas.numbers(key, readings).notna().any() for key in atlas.quantities)
    assert all(atlas.alloys[label].str.len().min() > 0 for label in LABELS)
    assert list(atlas.quantities)[:len(PROPERTIES)] == list(PROPERTIES)
