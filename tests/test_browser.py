"""Journeys in a real browser: open, move a slider, read changed numbers, reopen by link; nothing external is fetched."""
import re

import pytest
from playwright.sync_api import Page, expect

LOAD_MS = 120_000  # the first visit imports TensorFlow

pytestmark = pytest.mark.browser


def _hardness(page: Page):
    return page.locator(".st-key-card_hardness").get_by_test_id("stMetricValue")


def test_moving_a_slider_changes_the_numbers_and_the_link_brings_them_back(visit):
    page = visit()
    expect(_hardness(page)).to_have_text(re.compile(r"\d+"), timeout=LOAD_MS)
    before = _hardness(page).inner_text()
    slider = page.get_by_role("slider", name="Al (at.%)")
    slider.press("Home")
    expect(_hardness(page)).not_to_have_text(before)
    expect(page.get_by_label("Al (at.%), exact")).to_have_value("0")
    expect(page).to_have_url(re.compile("Al%3A0"))
    after = _hardness(page).inner_text()

    again = visit(page.url.split("/")[-1])
    expect(_hardness(again)).to_have_text(after, timeout=LOAD_MS)
    expect(again.get_by_label("Al (at.%), exact")).to_have_value("0")


def test_a_pin_survives_a_reload(visit):
    page = visit()
    page.get_by_role("tab", name="Pins").click(timeout=LOAD_MS)
    page.get_by_label("Name this alloy").fill("the first one")
    page.get_by_test_id("stFormSubmitButton").get_by_role("button").click()
    expect(page.get_by_role("button", name="Forget")).to_be_visible()
    page.reload()
    page.get_by_role("tab", name="Pins").click(timeout=LOAD_MS)
    expect(page.get_by_role("button", name="Forget")).to_be_visible()


@pytest.mark.parametrize("name", ["Explore", "Train", "Explain"])
def test_the_other_pages_are_reached_from_the_navigation(visit, name):
    page = visit()
    page.get_by_test_id("stTopNavLinkContainer").get_by_text(name).click(timeout=LOAD_MS)
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible(timeout=LOAD_MS)


def test_a_phone_scrolls_in_one_direction_only_and_sees_the_numbers_first(visit):
    page = visit(viewport={"width": 390, "height": 844})
    expect(_hardness(page)).to_have_text(re.compile(r"\d+"), timeout=LOAD_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert _hardness(page).bounding_box()["y"] < page.get_by_role("slider", name="Al (at.%)").bounding_box()["y"]
