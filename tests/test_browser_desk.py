"""The data desk in a real browser: doubt a reading, exclude it, and take that back."""
import re

import pytest
from playwright.sync_api import Page, expect

LOAD_MS = 120_000

pytestmark = pytest.mark.browser


def _open_list(page: Page) -> None:
    page.get_by_role("tab", name="Readings to doubt").click(timeout=LOAD_MS)
    expect(page.get_by_text(re.compile(r"^\d+ findings, the worst first"))).to_be_visible(timeout=LOAD_MS)


def _select_first(page: Page) -> None:
    """The list is drawn on a canvas: its first checkbox stands under the header."""
    page.get_by_test_id("stDataFrame").first.click(position={"x": 20, "y": 60})
    expect(page.get_by_role("button", name="Save this choice")).to_be_visible()


def test_a_reading_is_excluded_and_the_choice_is_taken_back(visit):
    page = visit("explore?view=desk", viewport={"width": 1400, "height": 1400})
    _open_list(page)
    _select_first(page)
    page.get_by_role("radio", name="exclude", exact=True).click()
    page.get_by_role("button", name="Save this choice").click()
    expect(page.get_by_text("1 excluded")).to_be_visible()
    expect(page.get_by_text("--curation my-curation@1")).to_be_visible()
    page.get_by_role("button", name="Undo the last choice").click()
    expect(page.get_by_text("none yet")).to_be_visible()

    again = visit("explore?view=desk", viewport={"width": 1400, "height": 1400})
    _open_list(again)
    expect(again.get_by_text("none yet")).to_be_visible()


def test_the_desk_fits_a_phone(visit):
    page = visit("explore?view=desk", viewport={"width": 390, "height": 844})
    expect(page.get_by_role("heading", name="How much there is")).to_be_visible(timeout=LOAD_MS)
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=LOAD_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
