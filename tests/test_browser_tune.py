"""A search in a real browser: set up, started, watched, killed, resumed, judged, and trained with what it found."""
import json
import os
import re
import shutil
import signal
import time

import pytest
from playwright.sync_api import Page, expect
from study_samples import make_study

from mtl_core.registry.runs import Status

LOAD_MS = 120_000
SEARCH_MS = 300_000
NAME = "<b>Small</b> search"

pytestmark = pytest.mark.browser


@pytest.fixture
def store(server_runs):
    """The run store of the server; what a test adds to it goes again."""
    before = set(server_runs.glob("*"))
    yield server_runs
    for folder in set(server_runs.glob("2*")) - before:
        shutil.rmtree(folder, ignore_errors=True)


def number(page: Page, label: str, value: int) -> None:
    box = page.get_by_role("spinbutton", name=label, exact=True)
    box.fill(str(value))
    box.press("Enter")
    expect(page.get_by_role("spinbutton", name=label, exact=True)).to_have_value(str(value), timeout=LOAD_MS)


def set_up(page: Page) -> None:
    """Three settings, five trials of two networks each: seconds."""
    ready = expect(page.get_by_role("button", name="Start the search").last)  # two for a moment, where the form begins anew
    ready.to_be_enabled(timeout=LOAD_MS)
    page.get_by_role("radio", name="Three settings").click()
    expect(page.get_by_text("stays at 64", exact=True)).to_be_visible(timeout=LOAD_MS)
    page.get_by_role("combobox", name=re.compile("^Start from")).click()
    page.get_by_role("option", name="preset: smoke").click()
    expect(page.get_by_text("stays at 8", exact=True)).to_be_visible(timeout=LOAD_MS)
    for label, value in (("Inner folds", 2), ("Divisions", 1), ("Trials", 5), ("Spread evenly at first", 2)):
        number(page, label, value)
    expect(page.get_by_text("Each trial trains 2 networks at once")).to_be_visible(timeout=LOAD_MS)
    page.get_by_role("textbox", name="Name", exact=True).fill(NAME)
    page.get_by_role("textbox", name="Name", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Start the search")).to_have_count(1, timeout=LOAD_MS)
    ready.to_be_enabled(timeout=LOAD_MS)


def status(page: Page, word: str, timeout: int = LOAD_MS) -> None:
    expect(page.locator(".st-key-run_head").get_by_text(word, exact=True)).to_be_visible(timeout=timeout)


def wait_for_trials(trials, n: int) -> str:
    end = time.monotonic() + LOAD_MS / 1000
    while not trials.exists() or len(trials.read_text().splitlines()) < n:
        assert time.monotonic() < end, f"waited for {n} trials"
        time.sleep(0.1)
    return trials.read_text()


def test_a_search_that_is_killed_goes_on_and_its_best_settings_are_trained(visit, store):
    page = visit("tune?view=new", viewport={"width": 1400, "height": 1200})
    set_up(page)
    known = set(store.glob("2*"))
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_role("heading", name=NAME, exact=True)).to_be_visible(timeout=LOAD_MS)
    run, = set(store.glob("2*")) - known
    before = wait_for_trials(run / "trials.jsonl", 2)
    os.kill(json.loads((run / "status.json").read_text())["pid"], signal.SIGKILL)
    status(page, "lost")
    expect(page.get_by_role("heading", name="The best so far")).to_be_visible(timeout=LOAD_MS)

    page.get_by_role("button", name="Resume").click()
    status(page, "complete", SEARCH_MS)
    assert (run / "trials.jsonl").read_text().startswith(before)
    expect(page.get_by_text("What the search was worth")).to_be_visible(timeout=LOAD_MS)
    report = json.loads((run / "report.json").read_text())
    expect(page.get_by_text(f"{report['optimism']:+.3f}".replace("-", "−"), exact=True)).to_be_visible(timeout=LOAD_MS)
    expect(page.get_by_text("What networks see", exact=True)).to_have_count(0)  # it was no part of the space
    expect(page.get_by_text("It would try next")).to_be_visible(timeout=LOAD_MS)

    page.get_by_role("button", name="Train the ensemble with these settings").click()
    page.get_by_role("link", name="Watch it").click(timeout=LOAD_MS)
    expect(page).to_have_url(re.compile(r"/train\?run="))
    expect(page.get_by_role("heading", name=re.compile(f"trial {report['incumbent']}$"))).to_be_visible(timeout=LOAD_MS)
    status(page, "complete", SEARCH_MS)


def test_a_finished_search_fits_a_phone(visit, store):
    run = make_study(store, name="Small")
    page = visit(f"tune?run={run}", viewport={"width": 390, "height": 844})
    expect(page.get_by_text("All trials")).to_be_visible(timeout=LOAD_MS)
    expect(page.get_by_text("It would try next")).to_be_visible(timeout=LOAD_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("link, words", [("tune?run=20200101-000000-abcd", "is not here"), ("tune?run=shipped", "not a search")])
def test_a_link_to_no_search_says_so_and_the_page_goes_on(visit, store, link, words):
    make_study(store, status=Status.stopped, n=3)
    page = visit(link)
    expect(page.get_by_text(words)).to_be_visible(timeout=LOAD_MS)
    status(page, "stopped")
