"""How fast the map is, in headless Chromium: first paint, a lasso, placing an alloy, and 50,000 points.

`python -m benchmarks.explore` prints one line a figure.
"""
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser, BrowserType, Page, sync_playwright

from benchmarks.browser import CHROMIUM, LOAD_MS, ROOT, wait_until_listening
from mtl_core.features.projection import Projection
from mtl_core.settings import ASSETS_DIR

MAP = ".st-key-map .main-svg"
WATCH = """() => { window.changed = performance.now(); new MutationObserver(() => { window.changed = performance.now() }).observe(
  document.querySelector('[data-testid=stMain]'), {subtree: true, childList: true, attributes: true, characterData: true}) }"""
SETTLED = """() => performance.now() - window.changed > 500 && !document.querySelector('[data-stale=true]')
  && document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"""
# Moves to and fro for three seconds, one step a frame that the browser draws; returns frames a second.
MOVE = """async kind => {
  const drag = document.querySelector('.js-plotly-plot .nsewdrag'), box = drag.getBoundingClientRect()
  const x = box.x + box.width / 2, y = box.y + box.height / 2
  const send = (type, target, dx) => target.dispatchEvent(new MouseEvent(type, {bubbles: true, clientX: x + dx, clientY: y, buttons: 1}))
  const wheel = deltaY => drag.dispatchEvent(new WheelEvent('wheel', {bubbles: true, cancelable: true, clientX: x, clientY: y, deltaY}))
  if (kind === 'pan') send('mousedown', drag, 0)
  let frames = 0
  const start = performance.now()
  while (performance.now() - start < 3000) {
    kind === 'pan' ? send('mousemove', document, 80 * Math.sin(frames / 5)) : wheel(frames % 20 < 10 ? -40 : 40)
    await new Promise(requestAnimationFrame)
    frames++
  }
  if (kind === 'pan') send('mouseup', document, 0)
  return 1000 * frames / (performance.now() - start)
}"""  # noqa: E501
# What no page can beat: Streamlit with a heading, and with one empty plot.
FLOORS = {"a page with a heading": ("import streamlit as st; st.header('x')", "h2"),
          "a page with one empty plot": ("import streamlit as st, plotly.graph_objects as go; st.plotly_chart(go.Figure())",
                                         ".js-plotly-plot .main-svg")}
MANY = """
import numpy as np, streamlit as st
from app.figures import atlas
atlas.MOST_POINTS = {most}
rng = np.random.default_rng(0)
xy = rng.normal(size=(40, 2))[rng.integers(0, 40, 50_000)] * 4 + rng.normal(size=(50_000, 2))
everything = np.ones(50_000, bool)
points = atlas.Points(np.arange(50_000).astype(str), xy, np.full(50_000, ""), xy[:, 0], None, everything, everything)
st.plotly_chart(atlas.map_figure(points, atlas.Coloured("x")).update_layout(dragmode="pan"), config={{"scrollZoom": True}})
"""


@contextmanager
def served(script: str | Path) -> Iterator[str]:
    """The address of a server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.headless", "true"],
            cwd=ROOT, env=os.environ | {"ALLOYSCOPE_USER": folder, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            wait_until_listening(port)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait()


@contextmanager
def served_text(text: str) -> Iterator[str]:
    """The address of a server of a script that is given as text."""
    with TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        script.write_text(text, encoding="utf-8")
        with served(script) as address:
            yield address


def paint_seconds(browser: Browser, address: str, *, n: int, path: str = "explore?view=map", seen: str = MAP) -> list[float]:
    """From the address to the map on screen, [n]; each in a tab of its own, the scripts of the page in the browser's cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    took = []
    for _ in range(n):
        page = context.new_page()
        start = time.perf_counter()
        page.goto(address + path, wait_until="commit")
        page.wait_for_selector(seen, timeout=LOAD_MS)
        took.append(time.perf_counter() - start)
        page.wait_for_timeout(1500)
        page.close()
    return took


def switch_seconds(browser: Browser, address: str, *, n: int) -> list[float]:
    """From a click on Explore, on a page of the app that is open, to the map on screen, [n]."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(address + "explore?view=map")
    took = []
    for _ in range(n):
        page.wait_for_selector(MAP, timeout=LOAD_MS)
        page.get_by_test_id("stTopNavLinkContainer").get_by_text("Train").click()
        page.wait_for_selector("h2:has-text('Train')")
        page.wait_for_timeout(2500)
        start = time.perf_counter()
        page.get_by_test_id("stTopNavLinkContainer").get_by_text("Explore").click()
        page.wait_for_selector(MAP, timeout=LOAD_MS)
        took.append(time.perf_counter() - start)
    page.close()
    return took


def lasso_seconds(browser: Browser, address: str, *, n: int) -> tuple[list[float], list[int]]:
    """From the end of a lasso to the last change on the page, and how many alloys it held, [n] each."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(address + "explore?view=map")
    page.wait_for_selector(MAP, timeout=LOAD_MS)
    page.wait_for_timeout(5000)
    page.evaluate(WATCH)
    box = page.locator(".st-key-map .nsewdrag").first.bounding_box()
    took, counts = [], []
    for k in range(n):
        x, y = box["x"] + box["width"] * (0.2 + 0.16 * k / n), box["y"] + 0.6 * box["height"]
        took.append(_lasso(page, x, y, 90))
        counts.append(int(page.locator(".st-key-overview h3").inner_text().split()[0].replace(",", "")))
    page.close()
    return took, counts


def _lasso(page: Page, x: float, y: float, radius: float) -> float:
    page.mouse.move(x + radius, y)
    page.mouse.down()
    for turn in range(1, 13):
        page.mouse.move(x + radius * math.cos(turn / 12 * math.tau), y + radius * math.sin(turn / 12 * math.tau))
    start = page.evaluate("performance.now()")
    page.mouse.up()
    page.wait_for_timeout(400)
    page.wait_for_function(SETTLED, timeout=LOAD_MS)
    return (page.evaluate("window.changed") - start) / 1000


def frames_per_second(browser: Browser, *, most: int) -> tuple[float, float]:
    """Panning and zooming 50,000 points; most: how many are drawn as points before density takes their place."""
    with served_text(MANY.format(most=most)) as address:
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.goto(address)
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=LOAD_MS)
        page.wait_for_timeout(4000)
        return page.evaluate(MOVE, "pan"), page.evaluate(MOVE, "zoom")


def place_seconds(*, n: int = 200) -> list[float]:
    """Placing one new alloy on the shipped map, [n]."""
    found, rng, took = Projection.load(ASSETS_DIR / "projection.npz"), np.random.default_rng(0), []
    for at in rng.dirichlet(np.full(len(found.symbols), 0.1), n) * 100:
        start = time.perf_counter()
        found.place(at[None, :])
        took.append(time.perf_counter() - start)
    return took


def main() -> None:
    """Measure and print everything."""
    show("new alloy placed on the map, p95", f"{1000 * np.quantile(place_seconds(), 0.95):.1f} ms", "≤ 100 ms")
    with sync_playwright() as playwright:
        for what, (script, seen) in FLOORS.items():
            with served_text(script) as address:
                paints(playwright.chromium, address, what, ("", ""), path="", seen=seen)
        with served(ROOT / "app" / "main.py") as address:
            paints(playwright.chromium, address, "the map", ("≤ 5 s", "≤ 1.5 s"))
            browser = playwright.chromium.launch(executable_path=CHROMIUM)
            switched = np.median(switch_seconds(browser, address, n=6))
            show("the map, from another page of the open app", f"{switched:.2f} s", "≤ 1.5 s")
            took, counts = lasso_seconds(browser, address, n=20)
            middle, most = 1000 * np.quantile(took, (0.5, 0.95))
            show(f"lasso of {min(counts)} to {max(counts)} alloys", f"p50 {middle:.0f} ms, p95 {most:.0f} ms", "p95 ≤ 1 s")
        for words, limit in (("all as points", 10**9), ("density and a sample", 20_000)):
            pan, zoom = frames_per_second(browser, most=limit)
            show(f"50,000 points, {words}", f"pan {pan:.0f}, zoom {zoom:.0f} frames/s", "≥ 20 frames/s")
        browser.close()


def paints(chromium: BrowserType, address: str, what: str, goals: tuple[str, str], **place) -> None:
    """First paint by address: the first visit of a fresh server by a fresh browser, and later ones."""
    time.sleep(2.0)  # the server is up before anyone comes
    browser = chromium.launch(executable_path=CHROMIUM)
    (first,), later = (paint_seconds(browser, address, n=n, **place) for n in (1, 6))
    browser.close()
    show(f"{what}, by address, first ever", f"{first:.2f} s", goals[0])
    show(f"{what}, by address, warm", f"{np.median(later):.2f} s ({min(later):.2f} to {max(later):.2f})", goals[1])


def show(what: str, measured: str, goal: str) -> None:
    """One line, at once: a benchmark takes minutes."""
    print(f"{what:<60}{measured:>30}" + (f"   must reach {goal}" if goal else ""), flush=True)


if __name__ == "__main__":
    main()
