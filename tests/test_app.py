"""Every page runs, what is typed wrong stays on screen with its reason, and what is chosen comes back from its link."""
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from app import pins
from app.evidence import evidence_of, measured_near
from app.exports import as_csv, as_json
from app.figures.band import band_strip
from app.figures.style import runs, with_spread, written
from app.lines import line_through, near_line
from app.presets import PRESETS, opening
from app.results import Result
from app.selection import Selection
from app.uploads import read_list, read_upload
from mtl_core.data.tables import read_tables
from mtl_core.data.training import observations
from mtl_core.errors import DataError
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions

ROOT = Path(__file__).parents[1]
MAIN = ROOT / "app" / "main.py"
VIEWS = sorted(path.name for path in (ROOT / "app" / "views").glob("*.py") if path.stem != "__init__")


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The app after its first run, with pins in a folder of its own."""
    monkeypatch.setattr("app.services.kept.PINS", tmp_path / "pins.json")
    tested = AppTest.from_file(str(MAIN), default_timeout=120).run()
    assert not tested.exception
    return tested


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_runs_without_an_exception(app, view):
    assert not app.switch_page(f"views/{view}").run().exception


def test_the_design_page_opens_with_a_number_and_a_band_for_each_task(app):
    tasks = [metric.label for metric in app.metric]
    assert tasks[:2] == ["Hardness (HV)", "Pitting potential (mV vs SCE)"]
    assert sum("empirical 90 % band" in markdown.value for markdown in app.markdown) == 2


def test_a_moved_slider_changes_the_hardness_and_the_link(app):
    before, link = app.metric[0].value, dict(app.query_params)
    app.slider(key="slide_Al").set_value(0.0).run()
    assert app.metric[0].value != before
    assert dict(app.query_params) != link


def test_what_is_out_of_reach_stops_and_says_why(app):
    app.selectbox(key="balance").select("Al").run()
    app.number_input(key="exact_Fe").set_value(90.0).run()
    assert "there is no more Al to replace" in app.warning[0].value
    assert app.number_input(key="exact_Al").value == 0.0


def test_a_formula_that_cannot_be_read_stays_with_its_reason_and_changes_nothing(app):
    shown = app.metric[0].value
    app.text_input(key="formula").set_value("CoCrXx").run()
    assert "Expected element symbols" in app.error[0].value
    assert app.text_input(key="formula").value == "CoCrXx"
    assert app.metric[0].value == shown


def test_a_formula_whose_numbers_look_like_per_cent_says_how_it_was_read(app):
    app.text_input(key="formula").set_value("Fe70Cr20Ni20").run()
    assert "atomic ratios that add up to 110" in app.info[0].value
    assert app.number_input(key="exact_Cr").value == pytest.approx(18.18, abs=0.01)


def test_the_name_of_a_grade_is_read_too(app):
    app.text_input(key="formula").set_value("316l").run()
    assert app.number_input(key="exact_Mo").value == 2.5


def test_text_with_two_meanings_asks_which_one(app):
    app.text_input(key="formula").set_value("Fe 70 Cr 18 Ni 12").run()
    app.button(key="read_wt").click().run()
    assert app.number_input(key="exact_Cr").value == 18.0
    assert app.segmented_control(key="basis").value == "wt"


def test_changing_the_unit_keeps_the_alloy_and_its_numbers(app):
    before = app.metric[0].value
    app.segmented_control(key="basis").set_value("wt").run()
    assert app.metric[0].value == before
    assert app.number_input(key="exact_Al").value < 6.0  # 11.1 at.%


def test_a_condition_can_be_not_reported_and_widens_nothing_else(app):
    hardness = app.metric[0].value
    app.checkbox(key="chloride_m_unknown").check().run()
    assert app.metric[0].value == hardness
    assert app.number_input(key="chloride_m").value is None


def test_outside_the_domain_the_band_loses_its_level(app):
    app.text_input(key="formula").set_value("HfNbTaTiZr").run()
    texts = " ".join(markdown.value for markdown in app.markdown)
    assert "rough range, coverage unknown here" in texts
    assert "outside the domain" in texts


def test_a_broken_link_opens_the_usual_alloy_and_says_so():
    app = AppTest.from_file(str(MAIN), default_timeout=120)
    app.query_params["alloy"] = "Fe:70,Zz:30"
    app.run()
    assert not app.exception
    assert "This link cannot be followed" in app.warning[0].value


@pytest.mark.parametrize("name", PRESETS)
def test_a_link_brings_the_same_selection_back(name):
    chosen = PRESETS[name].selection(level=0.8, conditions=Conditions(process=None, temperature_c=60.0, ph=None))
    chosen = chosen.but(locked=frozenset([chosen.moved])).in_basis("wt")
    again = Selection.from_query(chosen.to_query())
    assert again.to_query() == chosen.to_query()
    assert again.conditions == chosen.conditions


def test_a_link_with_locks_or_a_sweep_of_elements_that_its_alloy_lacks_still_brings_the_alloy():
    found = Selection.from_query({"alloy": "Fe:70,Cr:18,Ni:12", "lock": "Zz,Cr", "balance": "Zz", "sweep": "Qq"})
    assert found.amounts == {"Fe": 70, "Cr": 18, "Ni": 12} and found.locked == {"Cr"}
    assert (found.balance, found.moved) == ("Fe", "Cr")


def test_no_curve_is_drawn_along_an_element_that_cannot_move():
    app = AppTest.from_file(str(MAIN), default_timeout=120)
    for key, value in {"alloy": "Cr:82.5,Fe:17.5", "lock": "Fe", "sweep": "Cr"}.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    assert any("Nothing can make room for Cr" in caption.value for caption in app.caption)
    assert not any(heading.value.startswith("##### Along") for heading in app.markdown)


@pytest.mark.parametrize("broken", [
    {}, {"alloy": ""}, {"alloy": "Fe"}, {"alloy": "Fe:nan"}, {"alloy": "Fe:50"}, {"alloy": "Fe:100", "level": "99"},
    {"alloy": "Fe:100", "ph": "acid"}, {"alloy": "Fe:100", "process": "MAGIC"},
    {"alloy": "Fe:100", "basis": "vol"}, {"alloy": "Fe:-5,Cr:105"}])
def test_a_link_that_is_not_ours_is_refused_with_a_value_error(broken):
    with pytest.raises(ValueError):
        Selection.from_query(broken)


def test_pins_survive_in_a_file_and_are_forgotten_on_request(tmp_path):
    path = tmp_path / "user" / "pins.json"
    pins.pin(path, " soft ", opening().to_query())
    assert Selection.from_query(pins.read_pins(path)["soft"]).to_query() == opening().to_query()
    pins.unpin(path, "soft")
    assert pins.read_pins(path) == {}
    assert [file.name for file in path.parent.iterdir()] == ["pins.json"]


def test_a_pin_without_a_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a name"):
        pins.pin(tmp_path / "pins.json", "  ", {})


def test_a_pasted_list_is_one_alloy_a_line_unless_it_has_a_header():
    assert read_list("CoCrFeNi\n\n 304 \n")["composition"].tolist() == ["CoCrFeNi", "304"]
    assert read_list("composition,ph\nCoCrFeNi,3")["ph"].tolist() == ["3"]


@pytest.mark.parametrize(("name", "content"), [
    ("a.csv", b""), ("a.csv", b"\xff\xfe\x00\x01"), ("a.csv", b"name,value\nsteel,3\n"), ("a.xlsx", b"PK\x03\x04broken"),
    ("a.csv", b"composition\n"), ("../../evil.csv", b"x"), ("a.csv", b"composition\n" + b"CoCrFeNi\n" * 6000)])
def test_a_file_that_cannot_be_used_is_refused_in_words(name, content):
    with pytest.raises(DataError, match="expected"):
        read_upload(name, content)


def _result(**changes) -> Result:
    numbers = {"mean": 182.4, "std": 40.0, "lower": 121.0, "upper": 262.0, "aleatoric": 30.0, "epistemic": 26.0,
               "unreported": 0.0}
    return Result(**{"task": TASKS["hardness"], "level": 0.9, "in_domain": True, "is_supported": True, "reason": ""}
                  | numbers | changes)


def test_downloads_carry_the_conditions_beside_the_numbers():
    written_json = json.loads(as_json(opening(), [_result()]))
    assert written_json["conditions"]["chloride_m"] == 0.6
    assert written_json["hardness"]["upper"] == 262.0
    assert as_csv(opening(), [_result()]).splitlines()[1].split(",")[-3:] == ["0.9", "True", ""]


def test_only_a_band_inside_the_domain_carries_its_level():
    assert _result().claim == "empirical 90 % band"
    assert "%" not in _result(in_domain=False).claim
    assert "%" not in _result(is_supported=False).claim


def test_the_band_is_dashed_outside_the_domain():
    inside, outside = (band_strip(1.0, 0.0, 2.0, np.array([0.0, 5.0]), unit="HV", color="#2f7f86", in_domain=flag)
                       for flag in (True, False))
    assert isinstance(inside, go.Figure)
    assert [figure.data[1].line.dash for figure in (inside, outside)] == ["solid", "dash"]


@pytest.mark.parametrize(("value", "text"), [
    (182.4, "182"), (-219.0, "−219"), (0.0, "0"), (3.14159, "3.14"), (2.5e-7, "2.50·10⁻⁷"), (float("nan"), "–")])
def test_numbers_are_written_as_a_reader_wants_them(value, text):
    assert written(value) == text


@pytest.mark.parametrize(("value", "spread", "text"), [
    (86.04, 15.31, "+86 ± 15"), (-0.415, 33.5, "0 ± 34"), (22.81, 4.52, "+22.8 ± 4.5"), (-0.0423, 0.0021, "−0.0423 ± 0.0021"),
    (3.0, 0.0, "+3.00 ± 0.00"), (1.0, float("nan"), "–")])
def test_a_number_has_no_more_digits_than_its_spread(value, spread, text):
    assert with_spread(value, spread) == text


def test_runs_join_at_their_ends():
    assert runs([True, True, False, True]) == [(True, slice(0, 3)), (False, slice(2, 4)), (True, slice(3, 4))]


@pytest.mark.parametrize("basis", ["at", "wt"])
def test_an_alloy_of_the_line_lies_on_the_line(basis):
    chosen = PRESETS["316L"].selection(moved="Mo").in_basis(basis)
    line, symbols = line_through(chosen, end=10.0), tuple(chosen.amounts)
    at = np.array([alloy.at_vector(symbols) for alloy in line.alloys])
    amounts, distance = near_line(line, at, symbols)
    assert np.allclose(amounts, line.amounts)
    assert distance.max() < 1e-9


def test_measured_alloys_of_one_system_are_found_near_its_line():
    evidence = evidence_of(observations(read_tables(), ("hardness",)), "hardness")
    measured = measured_near(line_through(opening(), end=30.0), evidence)
    assert len(measured.values) >= 5
    assert measured.distance.max() <= 5.0


def test_looking_at_data_does_not_load_tensorflow():
    code = (f"import sys; from streamlit.testing.v1 import AppTest; "
            f"app = AppTest.from_file({str(ROOT / 'app' / 'views' / 'explore.py')!r}, default_timeout=120).run(); "
            "print(len(app.exception), 'tensorflow' in sys.modules)")
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
                         env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert ran.stdout.split()[-2:] == ["0", "False"]
