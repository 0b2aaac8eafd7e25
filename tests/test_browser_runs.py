"""Journeys of the Runs page in a real browser: which one the app answers from, names, undo, zip files, comparison."""
import io
import json
import os
import re
import shutil
import zipfile

import pytest
from playwright.sync_api import Page, expect

from mtl_core.registry.runs import Record, recorded_run
from mtl_core.registry.store import check_label

LOAD_MS = 120_000  # the first visit of Design imports TensorFlow
IDLE = """() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-stale=true]')"""
FIRST, SECOND = "20260101-000000-0a1b", "20260102-000000-0a1b"
NAMES = {FIRST: "Steel & more", SECOND: "<b>Second</b> ![x](http://127.0.0.2/x.png)"}

pytestmark = pytest.mark.browser


@pytest.fixture
def two_runs(server_runs, smoke_run):
    """Two complete runs, copies of a smoke training, the second with the seed 7 in its config."""
    for run, name in NAMES.items():
        shutil.rmtree(server_runs / run, ignore_errors=True)
        shutil.copytree(smoke_run, server_runs / run)
        (server_runs / run / "label.json").write_text(json.dumps({"name": name}))
    config = server_runs / SECOND / "config.json"
    config.write_text(config.read_text().replace('"seed": 0', '"seed": 7'))
    yield server_runs
    for run in NAMES:
        shutil.rmtree(server_runs / run, ignore_errors=True)


def open_page(visit, query: str = "", **window) -> Page:
    page = visit(f"runs{query}", **window)
    expect(row_of(page, "Shipped ensemble")).to_be_attached(timeout=LOAD_MS)
    return page


def row_of(page: Page, text: str):
    """A line of the list; it is drawn on a canvas, and its lines stand beside it for assistive technology."""
    return page.get_by_test_id("stDataFrame").first.locator("tr[role=row]", has_text=text)


def settle(page: Page) -> None:
    """Wait until the page has answered: a list that is drawn again may still be on its way with what was selected before."""
    page.wait_for_timeout(300)
    page.wait_for_function(IDLE, timeout=LOAD_MS)


def select(page: Page, *texts: str, selected: bool = True) -> None:
    """A run that was selected before stays so when the list comes back; a click would undo it."""
    for text in texts:
        settle(page)
        if row_of(page, text).get_attribute("aria-selected") != str(selected).lower():
            line = int(row_of(page, text).get_attribute("aria-rowindex")) - 1
            page.get_by_test_id("stDataFrame").first.click(position={"x": 17, "y": 17 + 35 * line})
        expect(row_of(page, text)).to_have_attribute("aria-selected", str(selected).lower())
    settle(page)


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def hardness(page: Page) -> str:
    value = page.get_by_test_id("stMetricValue").first
    expect(value).to_be_visible(timeout=LOAD_MS)
    return value.inner_text()


def test_the_app_answers_from_the_promoted_run_until_it_is_deleted_and_again_after_undo(visit, two_runs):
    page = open_page(visit)
    select(page, "Steel & more")
    press(page, "Use in the app")
    expect(page.get_by_text("Steel & more answers from now on")).to_be_visible(timeout=LOAD_MS)
    expect(row_of(page, "Steel & more")).to_contain_text("answers")
    page.get_by_role("link", name="Design").click()
    expect(page.get_by_text("Answered by Steel & more")).to_be_visible(timeout=LOAD_MS)
    of_promoted = hardness(page)

    page.get_by_role("link", name="Runs", exact=True).click()
    select(page, "Steel & more")
    press(page, "Delete")
    expect(page.get_by_text(f"The run {FIRST} was promoted, but it was deleted")).to_be_visible()
    design = visit("")
    expect(design.get_by_text("Answered by the ensemble that comes along")).to_be_visible(timeout=LOAD_MS)
    expect(design.get_by_text("was promoted, but it was deleted")).to_be_visible()
    assert hardness(design) != of_promoted

    press(page, "Undo")
    expect(page.get_by_text("The run was restored.")).to_be_visible()
    expect(row_of(page, "Steel & more")).to_contain_text("answers")
    select(page, "Shipped ensemble")  # with the restored one, which was selected by itself
    expect(page.get_by_text("2 runs: ")).to_be_visible()
    select(page, "Steel & more", selected=False)
    press(page, "Use in the app")
    expect(page.get_by_text("Shipped ensemble answers from now on")).to_be_visible(timeout=LOAD_MS)


def test_a_run_travels_as_a_zip_file_and_a_tampered_one_is_refused_in_words(visit, two_runs, tmp_path):
    page = open_page(visit)
    select(page, "Steel & more")
    with page.expect_download() as caught:
        press(page, "Export")
    whole, tampered = tmp_path / "run.zip", io.BytesIO()
    caught.value.save_as(whole)
    shutil.rmtree(two_runs / FIRST)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tampered, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"hardness", b"softness") if name.endswith(".csv") else old.read(name))
        new.writestr(f"{FIRST}/<img src=x>.json", "{}")

    press(page, "Import a run")
    page.locator("input[type=file]").set_input_files(
        {"name": "<b>run<i>.zip", "mimeType": "application/zip", "buffer": tampered.getvalue()})
    refusal = page.get_by_test_id("stAlert").filter(has_text="was refused, and nothing of it was kept")
    expect(refusal).to_contain_text("<b>run<i>.zip", timeout=LOAD_MS)
    expect(refusal).to_contain_text("expected files such as")
    expect(refusal.locator("img, b, a")).to_have_count(0)
    assert not (two_runs / FIRST).exists()

    page.locator("input[type=file]").set_input_files(whole)
    expect(page.get_by_text(f"Imported as {FIRST}")).to_be_visible(timeout=LOAD_MS)
    expect(row_of(page, "Steel & more")).to_have_attribute("aria-selected", "true")


def test_two_runs_are_compared_and_the_link_brings_the_comparison_back(visit, two_runs):
    page = open_page(visit)
    select(page, "Steel & more", "Second")
    press(page, "Compare")
    expect(page).to_have_url(re.compile(f"compare={FIRST}%2C{SECOND}"), timeout=LOAD_MS)
    again = visit(f"runs?compare={FIRST},{SECOND},20990101-000000-ffff")
    expect(again.get_by_text("Some of the runs in this link are not here")).to_be_visible(timeout=LOAD_MS)
    for one in (page, again):
        expect(one.get_by_text("Paired on the same folds and rows")).to_be_visible(timeout=LOAD_MS)
        expect(one.locator("[role=gridcell]", has_text="no difference").first).to_be_attached()
        expect(one.locator("tr[role=row]", has_text="seed")).to_contain_text("7")
        for alt in ("loss of Hardness", "loss of Pitting potential", "Predictions of Hardness side by side"):
            expect(one.get_by_role("figure", name=re.compile(alt))).to_be_visible()
        assert one.locator("main b:has-text('Second'), main img[src*='127.0.0.2']").count() == 0
    press(page, "Close")
    expect(page.get_by_text("How they were made")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("compare"))


def test_what_is_wrong_with_a_run_is_said_and_a_lost_one_can_be_resumed(visit, two_runs):
    lost, lock = recorded_run(Record(config={}), check_label(name="Gone"), two_runs)
    os.close(lock)
    (two_runs / SECOND / "metrics.json").write_text("{")
    table = two_runs / FIRST / "out_of_fold.csv"
    table.write_bytes(table.read_bytes().replace(b"random", b"rAndom"))
    page = open_page(visit)
    select(page, "Steel & more")
    expect(page.get_by_text("the run was changed after training")).to_be_visible()
    expect(page.get_by_role("button", name="Export")).to_have_count(0)
    select(page, "Steel & more", selected=False)
    expect(row_of(page, "Gone")).to_contain_text("lost")
    expect(row_of(page, "Second")).to_contain_text("damaged")
    select(page, "Gone")
    expect(page.get_by_text("Its process is gone; resume continues")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_role("button", name="Export")).to_have_count(0)
    page.get_by_role("textbox", name="Find").fill("steel")
    page.get_by_role("textbox", name="Find").press("Enter")
    expect(row_of(page, "Gone")).to_have_count(0)
    expect(page.get_by_text("Select runs at the left edge")).to_be_visible()  # nothing that is hidden stays selected
    shutil.rmtree(lost)


def test_names_notes_and_tags_are_kept_and_a_phone_scrolls_in_one_direction_only(visit, two_runs):
    page = open_page(visit, viewport={"width": 390, "height": 844})
    select(page, "Steel & more")
    press(page, "Name, note, tags")
    page.get_by_role("textbox", name="Name").fill("Best")
    page.get_by_role("textbox", name="Tags").fill("steel, 2026")
    press(page, "Save")
    expect(page.get_by_text("Kept.")).to_be_visible()
    expect(row_of(page, "Best")).to_have_attribute("aria-selected", "true")
    label = json.loads((two_runs / FIRST / "label.json").read_text())
    assert (label["name"], label["tags"]) == ("Best", ["steel", "2026"])
    settle(page)
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)  # nor does the next look at the list open it again
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
