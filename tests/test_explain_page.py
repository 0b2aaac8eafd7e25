"""The Explain page: what is chosen decides the bars and stands in the link, wrong text says why, a swap opens in Design."""
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import pins
from app.baselines import Baseline
from app.explained import Explained, after_swap, bars_table, swaps_table
from app.exports import table_csv
from app.selection import Selection
from app.services import desk
from mtl_core.chemistry.composition import Composition
from mtl_core.data.datasets import PUBLISHED
from mtl_core.explain.attribution import Attribution
from mtl_core.explain.swaps import Swaps
from mtl_core.explain.words import FEWEST, best_swaps
from mtl_core.features.words import called
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions

MAIN = Path(__file__).parents[1] / "app" / "main.py"
HARDNESS, PITTING = TASKS["hardness"], TASKS["pitting_potential"]
HOSTILE = "<b>x</b> [a](https://example.org) =1+1"


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    """A pin whose name is markup and a formula, in a folder of its own."""
    monkeypatch.setattr("app.services.kept.PINS", tmp_path / "pins.json")
    warm = Selection.of(Composition.from_text("CoCrFeMnNi"), conditions=Conditions(process="WROUGHT", temperature_c=60.0))
    pins.pin(tmp_path / "pins.json", HOSTILE, warm.to_query())


@pytest.fixture
def page(pinned):
    return opened({})


def opened(query):
    """The Explain page by its link; AppTest reaches a page only after a first run."""
    tested = AppTest.from_file(str(MAIN), default_timeout=120)
    for step in (lambda: None, lambda: tested.switch_page("views/explain.py")):
        step()
        for name, text in query.items():
            tested.query_params[name] = text
        tested.run()
    assert not tested.exception
    return tested


def bars(tested):
    """task → (prediction − baseline, as its card says it)."""
    return [markdown.value for markdown in tested.markdown if "→" in markdown.value]


def link(tested, *names):
    return {name: value[0] if isinstance(value, list) else value for name, value in dict(tested.query_params).items()
            if name.startswith(names)}


def test_another_baseline_gives_other_bars_and_another_link(page):
    before = bars(page)
    assert len(before) == 2 and link(page, "vs", "by") == {"vs": "CoCrFeNi"}
    page.selectbox(key="vs_list").select("nearest").run()
    assert not page.exception and bars(page) != before and link(page, "vs") == {"vs": "nearest"}
    page.segmented_control(key="explain_by").set_value("kind").run()
    assert not page.exception and link(page, "vs", "by") == {"vs": "nearest", "by": "kind"}


def test_against_a_distribution_the_error_of_drawing_is_said(page):
    page.selectbox(key="vs_list").select("distribution").run()
    assert sum("standard error of up to" in said.value for said in (*page.caption, *page.warning)) == 2


def test_a_typed_alloy_is_the_baseline_and_a_bad_one_says_why_beside_the_box(page):
    page.selectbox(key="vs_list").select("typed").run()
    page.text_input(key="vs_text").input("Fe-18Cr [x](https://example.org)").run()
    [error] = page.error
    assert "[x](" not in error.value and "Still compared with CoCrFeNi" in error.value
    assert link(page, "vs") == {"vs": "CoCrFeNi"}
    page.text_input(key="vs_text").input("Fe-18Cr-10Ni wt%").run()
    assert not page.error and link(page, "vs")["vs"].startswith("Fe71.3")


def test_an_alloy_is_typed_into_the_list_itself_and_what_cannot_be_read_opens_the_box(page):
    for text, words in (("nonsense", "nonsense"), ("316l", None)):
        box = page.selectbox(key="vs_list")
        box.options.append(text)  # as the browser offers to add it
        box.select(text).run()
        assert not page.exception and [one.value for one in page.text_input if one.key == "vs_text"] == ([words] if words else [])
        assert len(page.error) == (1 if words else 0)
    assert link(page, "vs") == {"vs": "316L"}


def test_a_pin_brings_its_conditions_where_they_are_compared_and_its_name_is_never_markup(page):
    page.selectbox(key="vs_list").select(f"pin:{HOSTILE}").run()
    assert not page.exception and link(page, "vs") == {"vs": f"pin:{HOSTILE}"}
    page.checkbox(key="vs_own").check().run()
    assert link(page, "vs_") == {"vs_process": "WROUGHT", "vs_t": "60", "vs_cl": "0.6", "vs_ph": "7", "vs_scan": "none"}
    said = [element.value for element in (*page.markdown, *page.caption, *page.warning)]
    assert not any("[a](" in text or "<b>" in text for text in said)
    reopened = opened(dict(page.query_params))
    assert bars(reopened) == bars(page) and not reopened.warning


def test_swapping_the_two_explains_the_baseline_compared_with_the_alloy(page):
    page.selectbox(key="vs_list").select("304").run()
    page.button(key="vs_swap").click().run()
    assert link(page, "vs") == {"vs": "Al0.5CoCrFeNi"} and page.subheader[0].value == "304"


@pytest.mark.parametrize(("query", "words"), [
    ({"vs": "Unobtainium"}, "The baseline of this link cannot be used"),
    ({"vs": "pin:<script>"}, "may have been forgotten"),
    ({"vs": "304", "vs_t": "hot"}, "cannot be used"),
    ({"view": "nowhere", "by": "mood", "step": "7"}, None)])
def test_a_link_that_cannot_be_followed_opens_the_usual_page_with_a_sentence(pinned, query, words):
    page = opened(query)
    assert len(bars(page)) == 2 and link(page, "vs", "by", "view", "step") == {"vs": "CoCrFeNi"}
    said = [warning.value for warning in page.warning]
    assert said == [] if words is None else words in said[0] and "<script>" not in said[0]


def test_a_link_reopens_baseline_grouping_and_step(pinned):
    query = {"alloy": "Fe:70,Cr:18,Ni:12", "vs": "mean", "by": "feature", "step": "0.5"}
    page = opened(query)
    assert link(page, "vs", "by", "step") == {"vs": "mean", "by": "feature", "step": "0.5"}
    assert page.segmented_control(key="explain_step").value == "0.5"


def test_a_swap_opens_in_design_with_the_swapped_alloy(page):
    button = next(button for button in page.button if (button.key or "").startswith("swap_0_"))
    out, into = button.label.split(":")[0].split(" → ")
    before = Selection.from_query(dict(page.query_params)).amounts
    button.click().run()
    after = Selection.from_query(dict(page.query_params)).amounts
    assert not page.exception and page.metric[0].label == "Hardness (HV)"
    assert after[into] == pytest.approx(before.get(into, 0.0) + 1.0) and after[out] == pytest.approx(before[out] - 1.0)


def test_the_fold_on_the_design_page_costs_nothing_while_it_is_closed(pinned, monkeypatch):
    asked = []
    monkeypatch.setattr("app.services.explanations.compact", lambda *of: asked.append(of) or ())
    page = AppTest.from_file(str(MAIN), default_timeout=120).run()
    assert not page.exception and not asked
    monkeypatch.undo()
    page.session_state["why"] = True
    page.run()
    assert not page.exception and sum("against CoCrFeNi" in markdown.value for markdown in page.markdown) == 2


def made_up(n, task=HARDNESS):
    values = np.arange(n, 0, -1.0)
    members = np.stack([values - 0.5, values + 0.5])
    found = Attribution(task, tuple(f"at_{index}" for index in range(n)), members, np.zeros(n), 0.0, float(values.sum()))
    return Explained(task, found, "=a baseline", {})


def test_what_is_too_small_to_be_drawn_is_summed_and_stays_in_the_file():
    drawn = made_up(20).bars(5)
    assert drawn.labels[-1] == "15 others" and drawn.values.sum() == pytest.approx(made_up(20).found.values.sum())
    assert drawn.spread[-1] == pytest.approx(15 * 0.5)  # the two members disagree by one on each
    assert len(made_up(6).bars(5).labels) == 6  # one other needs no sum
    table = bars_table([made_up(20)], "Al", "feature", Conditions(ph=3.0))
    assert len(table) == 20 and set(table["unit"]) == {"HV"} and set(table["ph"]) == {3.0} and "'=a baseline" in table_csv(table)


def test_against_several_alloys_their_standard_error_is_in_the_whisker_and_greys_what_it_leaves_open():
    one = made_up(3)
    found = replace(one.found, of_members=np.array([[9.0, 3.0, 2.0], [11.0, 5.0, 4.0]]), error=np.array([0.0, 0.0, 3.0]))
    bars = replace(one, found=found).bars()
    assert bars.whisker == pytest.approx([1.0, 1.0, np.hypot(1.0, 3.0)]) and bars.is_stable.all()
    assert bars.is_sure.tolist() == [True, True, False]


def test_a_difference_below_that_of_two_readings_of_one_alloy_is_called_undecided(page):
    said = [caption.value for caption in page.caption if caption.value.startswith("Undecided by measurements")]
    hardness, pitting = (desk.readings_differ_by((PUBLISHED,), task) for task in ("hardness", "pitting_potential"))
    assert 80 < hardness < 110 and 200 < pitting < 300 and np.isnan(desk.readings_differ_by((PUBLISHED,), "corrosion_current"))
    differences = [abs(float(found)) for found in re.findall(r"\(([+−]?[\d.]+) (?:HV|mV)\)", " ".join(
        markdown.value.replace("−", "-") for markdown in page.markdown))]
    assert len(said) == sum(found < apart for found, apart in zip(differences, (hardness, pitting), strict=True)) > 0


def test_every_column_that_networks_see_has_a_name_for_readers(predictor):
    names = [called(name) for name in (*predictor.ensemble.spec.columns, *predictor.ensemble.spec.origins)]
    assert not [name for name in names if "_" in name] and called("process_CAST") == "Processing: cast"


def swaps_of(tasks, values):
    n = len(values)
    return Swaps(tasks, ("Fe",) * n, tuple("ABCDEF"[:n]), 1.0, (None,) * n, np.array(values, float),
                 np.stack([np.array(values, float)] * 10), np.ones((n, len(tasks)), bool), np.full((n, len(tasks)), FEWEST))


def test_the_best_swaps_lower_what_should_be_low():
    current = TASKS["corrosion_current"]
    found = swaps_of((HARDNESS, current), [[5, 1e-6], [1, -1e-6], [4, -1e-7]])
    best = best_swaps(found, {"hardness": 100.0, "corrosion_current": 1e-5})
    assert best["Higher hardness"] == [0, 2, 1] and best["Lower corrosion current density"] == [1, 2]
    assert best["Both at once"][0] in (1, 2) and 0 not in best["Both at once"]
    assert set(best_swaps(swaps_of((HARDNESS,), [[1]]), {"hardness": 1.0})) == {"Higher hardness"}
    table = swaps_table(found, "FeA", Conditions(process="CAST"))
    assert isinstance(table, pd.DataFrame) and len(table) == 6
    assert set(table["unit"]) == {"HV", "A/cm²"} and set(table["process"]) == {"CAST"}


@pytest.mark.parametrize("basis", ["at", "wt"])
def test_a_swapped_alloy_keeps_unit_conditions_and_order_of_the_selection(basis):
    chosen = Selection.of(Composition.from_text("Fe-18Cr-10Ni wt%"), basis=basis, conditions=Conditions(ph=3.0))
    after = after_swap(chosen, Composition.from_mapping({"Fe": 70.0, "Cr": 20.0, "Ni": 9.0, "Mo": 1.0}), "Mo")
    assert (after.basis, after.conditions.ph, after.moved) == (basis, 3.0, "Mo")
    assert list(after.amounts) == [*chosen.amounts, "Mo"] and after.composition.at["Mo"] == pytest.approx(1.0)


@pytest.mark.parametrize("link", ["mean", "nearest", "distribution", "304", "Al0.3CoCrFeNi", f"pin:{HOSTILE}"])
def test_a_baseline_comes_back_from_its_link(link):
    known = {HOSTILE: Selection.of(Composition.from_text("CoCrFeMnNi"))}
    for conditions in (None, Conditions(process="CAST", ph=3.0, scan_rate_mv_s=None)):
        baseline = Baseline.read(link, known).under(conditions)
        again = Baseline.from_query(baseline.to_query(), known)
        assert (again.text, again.conditions) == (baseline.text, baseline.conditions)
