"""What the Tune page is made of: searches in words, the space of a new one, what its surrogate believes, what it will take."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from study_samples import CONFIG, make_study, report_of, trials_of

from app import searches
from app.figures.surrogate import plane_figure
from app.figures.trace import trace_figure
from mtl_core import prospects
from mtl_core.registry.runs import Status
from mtl_core.studies import read_study
from mtl_core.tasks import DEFAULT_TASKS, TASKS
from mtl_core.tuning.space import NAMES, Choice, Space, default_space, seed_project_space


def test_every_dimension_that_a_space_can_have_is_in_the_form_and_has_words():
    shown = {dimension.name.partition(":")[0] for dimension in searches.catalogue(DEFAULT_TASKS, own_heads=True)}
    assert shown == set(NAMES)
    assert all(searches.label(name)[0].isupper() for name in NAMES)
    assert searches.label("head_width:hardness") == "Own layers, width, hardness"


@pytest.mark.parametrize("tasks", [("hardness",), DEFAULT_TASKS, tuple(TASKS)[:3]])
@pytest.mark.parametrize("own_heads", [True, False])
def test_presets_of_the_form_are_the_spaces_of_the_library(tasks, own_heads):
    usual = searches.preset_space("usual", tasks, own_heads=own_heads)
    seed = searches.preset_space("seed", tasks, own_heads=own_heads)
    for found, library in ((usual, default_space(tasks)), (seed, seed_project_space(tasks))):
        assert {name.partition(":")[0] for name in found} == {name.partition(":")[0] for name in library.names}
        assert Space(dimensions=tuple(found.values())).names == tuple(found)
    if own_heads and len(tasks) > 1:
        assert Space(dimensions=tuple(usual.values())) == default_space(tasks)
        assert Space(dimensions=tuple(seed.values())) == seed_project_space(tasks)


def test_usual_ranges_lie_within_what_can_be_typed():
    for dimension in searches.catalogue(DEFAULT_TASKS, own_heads=True):
        if not isinstance(dimension, Choice):
            low, high = searches.LIMITS[dimension.name.partition(":")[0]]
            assert low <= dimension.low < dimension.high <= high


def test_ticks_stand_where_their_values_do():
    for dimension in searches.catalogue(DEFAULT_TASKS, own_heads=True):
        places, words = searches.ticks(dimension)
        assert places == sorted(places) and places[0] >= 0.0 and places[-1] <= 1.0
        assert len(set(words)) == len(words) == len(places)


def test_the_front_holds_what_no_other_beats_in_both():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 60))
    kept = set(searches.front(first, second))
    beaten = {one for one in range(60) if any((first > first[one]) & (second > second[one]))}
    assert kept == set(range(60)) - beaten


@pytest.mark.parametrize("low, high, word", [(0.01, 0.05, "Better"), (-0.05, -0.01, "Worse"), (-0.01, 0.05, "No difference")])
def test_the_verdict_follows_the_interval(low, high, word):
    report = report_of(trials_of(CONFIG, 8))
    report["outer"]["tasks"]["mean"] = report["outer"]["tasks"]["mean"] | {"low": low, "high": high}
    assert searches.verdict(report).startswith(word)


def test_optimism_is_said_with_its_sign():
    assert "+0.060 is optimism" in searches.optimism_words(report_of(trials_of(CONFIG, 8)))


def test_pruned_and_failed_trials_are_drawn_without_a_score(tmp_path):
    study = read_study(make_study(tmp_path), tmp_path)
    figure = trace_figure(study.table(), study.trace, title="mean R²", n_trials=8)
    marks = {trace.name: trace for trace in figure.data if trace.name}
    assert list(marks["rejected early"].x) == [5] and list(marks["failed"].x) == [3]
    scored = [y for name in ("starting point", "at random") for y in marks[name].y]
    assert len(scored) == 6 and marks["failed"].y[0] < min(scored)
    lines = searches.trial_lines(study).set_index("Trial")
    assert lines.loc[5, "Status"] == "rejected early" and np.isnan(lines.loc[5, "mean R²"])


def test_a_surface_is_drawn_the_way_it_was_computed():
    figure = plane_figure([0.0, 0.5, 1.0], [0.0, 1.0], np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), ([], []), (0.5, 1.0),
                          (([0], ["a"]), ([0], ["b"])), names=("x", "y"), title="z", form=".2f")
    assert figure.data[0].z[1][0] == 4.0 and list(figure.data[0].y) == [0.0, 1.0]


@pytest.fixture(scope="module")
def landscape(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return prospects.landscape(make_study(root), root)


def test_the_surrogate_finds_what_matters_and_where_it_is_best(landscape):
    assert set(landscape.importance) == {"dropout", "noise"}
    curve = landscape.dependences["dropout"]
    assert 0.15 < curve.values[int(np.argmax(curve.mean))] < 0.45
    assert landscape.dependences["noise"].mean[0] > landscape.dependences["noise"].mean[1]


def test_what_comes_next_is_said_with_its_chance_of_being_better(landscape):
    following, = landscape.next
    assert 0.0 <= following.chance <= 1.0 and following.improvement >= 0.0
    assert "the acquisition is highest there" in searches.why(following, "mean r2", "bayesian")
    plane, = landscape.planes
    assert np.shape(plane.mean) == (len(plane.y), len(plane.x)) == np.shape(plane.acquisition)


def test_a_search_with_one_score_has_no_surrogate(tmp_path):
    assert prospects.landscape(make_study(tmp_path, n=1, status=Status.stopped), tmp_path) is None


def test_what_a_search_takes_is_told_by_the_command_line():
    done = subprocess.run([sys.executable, "-m", "mtl_core", "tune-cost", "-", "--json"], capture_output=True, text=True,
                          input=CONFIG.model_dump_json())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    _, fastest, slowest = found["of_trial"]
    assert found["n_trials"] == 8 and 0 < fastest <= slowest and found["seconds"] > 8 * fastest


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The Tune page over a run store of its own; nothing is asked of other processes."""
    monkeypatch.setattr("mtl_core.registry.runs.RUNS_DIR", tmp_path)
    monkeypatch.setattr("mtl_core.registry.store.RUNS_DIR", tmp_path)
    monkeypatch.setattr("app.services.studies._Desk.ask", lambda *_, **__: None)
    tested = AppTest.from_file(os.path.join(os.path.dirname(__file__), "..", "app", "main.py"), default_timeout=120)
    return lambda **query: _opened(tested, query)


def _opened(tested, query):
    for name, value in query.items():
        tested.query_params[name] = value
    return tested.run().switch_page("views/tune.py").run()


def test_without_any_search_the_page_says_how_to_begin_one(page):
    tested = page()
    assert not tested.exception and tested.button[-1].label == "Set up a search"


def test_a_complete_search_tells_what_it_was_worth(page, tmp_path):
    run = make_study(tmp_path, name="Two <b>settings</b>")
    tested = page()
    assert not tested.exception and tested.selectbox(key="tune_run").value == run
    said = " ".join(element.value for element in tested.markdown)
    assert "No difference that these papers can show" in said
    assert [metric.value for metric in tested.metric if metric.label == "Optimism"] == ["+0.060"]


@pytest.mark.parametrize("status, n, tasks", [
    (Status.lost, 0, DEFAULT_TASKS), (Status.stopped, 1, DEFAULT_TASKS), (Status.failed, 4, DEFAULT_TASKS),
    (Status.stopped, 6, ("hardness",)), (Status.complete, 8, ("hardness",))])
def test_a_search_shows_however_far_it_came(page, tmp_path, status, n, tasks):
    make_study(tmp_path, n=n, status=status, tasks=tasks)
    tested = page()
    assert not tested.exception
    assert [metric.value for metric in tested.metric if metric.label == "Trials"] == [f"{n} of 8"]


def test_a_range_that_is_none_is_said_beside_its_row_and_stops_the_start(page):
    tested = page(view="new")
    tested.segmented_control(key="tune_view").set_value("new").run()
    low = next(one for one in tested.number_input if one.label == "Dropout, from")
    assert not tested.exception and not tested.button(key="start_study").disabled
    low.set_value(0.6).run()
    assert "expected low < high, got 0.6 and 0.5" in tested.error[0].value
    assert tested.button(key="start_study").disabled
    for label, number, words in (("Dropout, from", 0.95, "expected 0 to 0.89, got 0.95"),
                                 ("Trials", 5000, "expected 1 to 1000, got 5000")):
        next(one for one in tested.number_input if one.label == label).set_value(number).run()
        assert f"{label}: {words}" in " ".join(one.value for one in tested.error) and tested.button(key="start_study").disabled
