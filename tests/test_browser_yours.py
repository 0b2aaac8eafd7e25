"""Journeys of somebody's own data in a real browser: good, bad and half-bad files; on the map, beside predictions, deleted."""
import csv
import re

import pytest
from playwright.sync_api import Page, TimeoutError, expect

LOAD_MS = 120_000  # the first visit of Design imports TensorFlow
GOOD = "Sample,Composition,HV,YS (MPa)\nS1,Fe70Cr18Ni12,171 ± 4,240\nS2,Al0.5CoCrFeNi,250,\n"
HALF = """Notebook 7,,,,,
Sample,Fe,Cr,Ni,HV,Epit (mV Ag/AgCl)
<b>A</b>![x](http://127.0.0.2/x.png),bal,18,10,155,> 800
=A1,bal,18,0,160,310
B,60,10,3,240,210
C,bal,22,5,abc,620
"""

pytestmark = pytest.mark.browser


def open_panel(visit, query: str = "", **window) -> Page:
    page = visit(f"explore?view=yours{query}", **window)
    expect(page.get_by_text("Your file")).to_be_visible(timeout=LOAD_MS)
    return page


def upload(page: Page, name: str, content: str | bytes) -> None:
    content = content.encode() if isinstance(content, str) else content
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})


def keep(page: Page, name: str, button: str) -> None:
    box = page.get_by_role("textbox", name="Name of the dataset")
    box.fill(name)
    box.press("Enter")
    page.get_by_role("button", name=button).click()


def cell(page: Page, text: str):
    """A cell of a table; tables are drawn on a canvas, and their cells stand beside it for assistive technology."""
    return page.locator("[role=gridcell]", has_text=text).first


def choose(page: Page, box, choice: str) -> None:
    """Open a list, filter it (a long one exists only in part) and choose; again where it closed, as it does when things move."""
    option = page.get_by_role("option", name=choice, exact=True)
    for _ in range(5):
        box.click()
        box.fill(choice)
        try:
            option.click(timeout=3000)
            return
        except TimeoutError:
            page.keyboard.press("Escape")
    raise AssertionError(f"expected the choice {choice!r} in the list")


def answer(page: Page, question: str, choice: str) -> None:
    box = page.locator("[class*=st-key-question_]", has_text=question)
    choose(page, box.get_by_role("combobox"), choice)
    expect(box).to_have_count(0)


def forget(page: Page, dataset: str) -> None:
    page.locator(f".st-key-dataset_{dataset.replace('@', '_')}").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name=f"Delete {dataset}").click()
    expect(page.get_by_text(re.compile(f"^{dataset} ·"))).to_have_count(0)


def test_a_good_file_is_kept_shown_on_the_map_and_beside_predictions_and_deleted(visit):
    page = open_panel(visit)
    upload(page, "good.csv", GOOD)
    keep(page, "steels", "Keep all 2 rows")
    expect(page.get_by_text("Kept as steels@1")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^steels@1 · 2 alloys · 3 measurements · from good.csv"))).to_be_visible()
    expect(page).to_have_url(re.compile(r"data=published%2Csteels%401"))

    page.get_by_role("radio", name="Map").click()
    expect(page.get_by_test_id("stMultiSelect").get_by_text("steels@1")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").filter(has_text="1,411")).to_be_visible(timeout=LOAD_MS)

    design = visit("?alloy=Fe:70,Cr:18,Ni:12&data=published,steels@1")
    expect(design.get_by_text("This very alloy was measured").first).to_be_visible(timeout=LOAD_MS)
    design.get_by_test_id("stDataFrame").first.scroll_into_view_if_needed()
    expect(cell(design, "steels")).to_be_attached()

    again = open_panel(visit, "&data=published,steels@1")
    forget(again, "steels@1")
    expect(again.get_by_text("None yet.")).to_be_visible()
    expect(again.get_by_text("There is no dataset")).to_have_count(0)
    lost = visit("explore?view=yours&data=published,steels@1")
    expect(lost.get_by_text("There is no dataset steels@1 here")).to_be_visible()


def test_a_bad_file_says_what_is_wrong_and_nothing_is_kept(visit):
    page = open_panel(visit)
    upload(page, "bad.csv", "Alloy,HRC\nFe80Cr20,45\n")
    expect(page.get_by_text("This file cannot be read yet")).to_be_visible()
    expect(page.get_by_text(re.compile("ASTM E140"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Keep all|Take the"))).to_have_count(0)


def test_what_is_no_table_at_all_is_said_so(visit):
    page = open_panel(visit)
    upload(page, "notes.csv", b"\x89PNG\r\n" + b"\0" * 400)
    expect(page.get_by_text(re.compile("a picture; save it as CSV"))).to_be_visible()


def test_half_of_a_file_is_taken_and_the_other_half_comes_back_with_its_reasons(visit):
    page = open_panel(visit)
    upload(page, "half <i>.csv", HALF)
    answer(page, "What do the amounts of Fe, Cr, Ni mean?", "wt.%")
    answer(page, "Which KCl", "mV vs Ag/AgCl (3 M KCl)")
    expect(page.get_by_test_id("stMetricValue")).to_have_text(["4", "2", "2"])
    for text in ("> 768 mV vs SCE", "amounts that add up to 100 ± 2 %", "'abc'"):
        expect(cell(page, text)).to_be_attached()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Download the 2 bad rows").click()
    rows = list(csv.reader(caught.value.path().read_text().splitlines()))
    assert [row[0] for row in rows] == ["Sample", "B", "C"] and rows[0][-2:] == ["row", "reason"]
    assert rows[1][-2:] == ["5", "expected amounts that add up to 100 ± 2 %, got 73"] and "'abc'" in rows[2][-1]

    keep(page, "../up", "Take the 2 good rows")
    expect(page.get_by_text("Expected a name of 1 to 60 letters")).to_be_visible()
    keep(page, "half", "Take the 2 good rows")
    expect(page.get_by_text("Kept as half@1")).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile(r"^half@1 · 2 alloys · 4 measurements"))).to_be_visible(timeout=LOAD_MS)
    assert page.locator("main b:has-text('A'), main img[src*='127.0.0.2']").count() == 0
    forget(page, "half@1")


def test_the_meaning_of_a_column_can_be_changed(visit):
    page = open_panel(visit)
    upload(page, "lab.csv", "Alloy,Result A\nFe80Cr20,200\n")
    expect(page.get_by_text(re.compile("a column with a property such as Hardness"))).to_be_visible()
    expect(page.get_by_text("1 read, 1 not used")).to_be_visible()
    choose(page, page.get_by_role("combobox", name="Meaning of column 2"), "Hardness")
    expect(page.get_by_text("2 read, 0 not used")).to_be_visible()  # the box stays open
    answer(page, "In which unit is 'Result A'?", "HV")
    expect(page.get_by_role("button", name="Keep the row")).to_be_visible()


def test_a_second_file_of_one_name_is_announced_before_it_takes_the_place_of_the_first(visit):
    page = open_panel(visit)
    upload(page, "good.csv", GOOD)
    keep(page, "twice", "Keep all 2 rows")
    expect(page.get_by_text("Kept as twice@1 and in use in this visit")).to_be_visible()
    expect(page.locator("input[type=file]")).to_have_count(1)
    upload(page, "more.csv", GOOD)
    page.get_by_role("textbox", name="Name of the dataset").fill("twice")
    page.get_by_role("textbox", name="Name of the dataset").press("Enter")
    expect(page.get_by_text("twice@1 exists.")).to_be_visible()
    page.get_by_role("button", name="Keep all 2 rows as the next version").click()
    expect(page.get_by_text("Kept as twice@2")).to_be_visible()
    for dataset in ("twice@1", "twice@2"):
        forget(page, dataset)
    expect(page.get_by_text("There is no dataset")).to_have_count(0)


def test_words_of_processing_and_what_is_left_out_are_shown(visit):
    page = open_panel(visit)
    upload(page, "labor.csv", "Legierung;Zustand;Jahr;HRC;Härte (HV)\n"
           "Al0,5CoCrFeNi;geglüht;2021;20;250\nFe80Cr20;quenched;2019;;200\n")
    expect(page.get_by_text("HRC is not used: HRC is a depth under another load")).to_be_visible()
    expect(page.get_by_text("Processing read as ANNEAL: geglüht (1 row).")).to_be_visible()
    for text in ("geglüht", "quenched", "OTHER", "own-2019"):
        expect(cell(page, text)).to_be_attached()


def test_a_phone_scrolls_in_one_direction_only(visit):
    page = open_panel(visit, viewport={"width": 390, "height": 844})
    upload(page, "half.csv", HALF)
    expect(page.get_by_text("Which KCl")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
