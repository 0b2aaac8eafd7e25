"""From a slider's release to the new number on screen, in headless Chromium; and the picture in the README.

`python -m benchmarks.browser` takes the picture again.
"""
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "assets" / "screenshot.png"
CHROMIUM = shutil.which("chromium")
NUMBER = ".st-key-card_hardness [data-testid=stMetricValue]"
# Means and intervals of all cards: one rounded number may well be the same at the next alloy, all of them are not.
NUMBERS = "() => [...document.querySelectorAll('[class*=st-key-card_]')].map(card => card.innerText).join()"
SETTLE_MS = 1000  # the charts below are drawn after the script has ended; a hand is not faster than that
LOAD_MS = 180_000  # the first visit imports TensorFlow


@contextmanager
def design_page() -> Iterator[Page]:
    """The Design page of a server of its own, with its first numbers on screen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port), "--server.headless", "true"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_listening(port)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector(NUMBER, timeout=LOAD_MS)
            yield page
            browser.close()
    finally:
        server.terminate()
        server.wait()


def wait_until_listening(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("expected Streamlit to listen within a minute")


def slider_seconds(*, n_moves: int = 40) -> np.ndarray:
    """Seconds of each move of the aluminium slider to a value not seen before, [n_moves]."""
    with design_page() as page:
        page.wait_for_timeout(3000)  # whatever is still drawn below the numbers
        return np.array([_move(page, to) for to in np.linspace(1, 30, n_moves)])


def _move(page, to):
    slider, before = page.get_by_role("slider", name="Al (at.%)"), page.evaluate(NUMBERS)
    slider.fill(f"{to:.1f}")  # moves the thumb and tells the server nothing
    start = time.perf_counter()
    slider.press("ArrowRight")
    page.wait_for_function(f"before => ({NUMBERS})() !== before", arg=before)
    duration = time.perf_counter() - start
    page.wait_for_function("() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    page.wait_for_timeout(SETTLE_MS)
    return duration


def take_picture(path: Path = PICTURE) -> None:
    """The Design page as it opens."""
    with design_page() as page:
        page.wait_for_timeout(5000)
        page.screenshot(path=path)


if __name__ == "__main__":
    take_picture()
