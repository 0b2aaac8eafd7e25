"""One journey in a real browser: open, move a slider, read changed numbers, reopen by link; nothing external is fetched."""
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
START_SECONDS = 60
LOAD_MS = 120_000  # the first visit imports TensorFlow

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium found; install it to run the browser journey"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a server of its own, with pins in a folder of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("user")
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port)],
            cwd=ROOT, env=os.environ | {"ALLOYSCOPE_USER": str(folder)}, stdout=log, stderr=log)
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait_until_healthy(url: str) -> None:
    for _ in range(10 * START_SECONDS):
        try:
            with urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"expected a server at {url} within {START_SECONDS} s")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser, address):
    """Open a path in a window of its own; afterwards nothing went wrong and nothing left this machine."""
    windows, complaints = [], []

    def open_page(path: str = "", **window) -> Page:
        context = browser.new_context(**window)
        windows.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if _is_external(request.url, address) else None)
        page.goto(address + path)
        return page

    yield open_page
    for context in windows:
        for page in context.pages:
            expect(page.get_by_test_id("stException")).to_have_count(0)
        context.close()
    assert complaints == []


def _is_external(url: str, address: str) -> bool:
    return not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))


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
