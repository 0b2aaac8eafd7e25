"""What an open page costs a training that it watches, and how soon two visitors see an epoch: python -m benchmarks.live

A default training runs in a process of its own; pages are opened and closed beside it, in turns. The browser runs on the same
machine here, so the slowdown is the most that a visitor can cost; the share of the server alone is printed beside it.
"""
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.browser import CHROMIUM, LOAD_MS, ROOT, wait_until_listening
from mtl_core.registry.runs import LIVE, read_progress
from mtl_core.registry.store import find_run

PORT, BLOCK_SECONDS, N_BLOCKS = 8599, 25.0, 4
FIRST_EPOCHS = 3  # the graph is compiled, and the pace is steady


def main() -> None:
    """Print a line for each figure."""
    with TemporaryDirectory() as home, served(home) as (server, environment), sync_playwright() as playwright:
        run = started(environment)
        folder, browser = Path(home) / "runs" / run, playwright.chromium.launch(executable_path=CHROMIUM)
        while len(read_progress(folder)) < FIRST_EPOCHS:
            time.sleep(0.5)
        alone, watched, share = [], [], []
        for _ in range(N_BLOCKS):
            alone += epochs_during(folder, lambda: time.sleep(BLOCK_SECONDS))
            with visitors(browser, run, 1):
                before, start = cpu_seconds(server.pid), time.monotonic()
                watched += epochs_during(folder, lambda: time.sleep(BLOCK_SECONDS))
                share.append((cpu_seconds(server.pid) - before) / (time.monotonic() - start))
        slower = np.median(watched) / np.median(alone) - 1
        print(f"an epoch without a page {np.median(alone):.3f} s, with one {np.median(watched):.3f} s: {slower:+.1%} (browser "
              f"included); the server takes {np.mean(share):.1%} of a core")
        with visitors(browser, run, 2) as pages:
            delays = np.array(list(delays_of(folder, pages)))
        print(f"an epoch is on the screens of two visitors after {np.median(delays):.1f} s, at most {delays.max():.1f} s "
              f"({len(delays)} epochs seen)")
        browser.close()
        subprocess.run([sys.executable, "-m", "mtl_core", "runs", "stop", run], env=environment, check=True, cwd=ROOT)
        while find_run(run, folder.parent).status in LIVE:
            time.sleep(0.5)


@contextmanager
def served(home: str) -> Iterator[tuple[subprocess.Popen, dict[str, str]]]:
    """A server with a run store of its own."""
    environment = os.environ | {"ALLOYSCOPE_RUNS": f"{home}/runs", "ALLOYSCOPE_USER": f"{home}/user"}
    server = subprocess.Popen([sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(PORT)], cwd=ROOT,
                              env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_listening(PORT)
        yield server, environment
    finally:
        server.terminate()
        server.wait()


def started(environment: dict[str, str]) -> str:
    """The id of a training that has more epochs than will be needed."""
    config = json.dumps({"train": {"epochs": 2000}})
    done = subprocess.run([sys.executable, "-m", "mtl_core", "runs", "start", "--config", "-", "--json"], input=config, text=True,
                          env=environment, cwd=ROOT, capture_output=True, check=True)
    return json.loads(done.stdout)["id"]


@contextmanager
def visitors(browser: Browser, run: str, n: int) -> Iterator[list[Page]]:
    """So many windows on the run, once their figures are there."""
    windows = [browser.new_context(viewport={"width": 1400, "height": 1000}) for _ in range(n)]
    pages = [window.new_page() for window in windows]
    for page in pages:
        page.goto(f"http://127.0.0.1:{PORT}/train?run={run}")
        expect(page.locator(".js-plotly-plot").nth(1)).to_be_visible(timeout=LOAD_MS)
    yield pages
    for window in windows:
        window.close()


def epochs_during(folder: Path, wait) -> list[float]:
    """Seconds of each epoch that begins and ends while `wait` lasts."""
    n = len(read_progress(folder))
    wait()
    return np.diff([line["seconds"] for line in read_progress(folder)[n:]]).tolist()


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def delays_of(folder: Path, pages: list[Page]) -> Iterator[float]:
    """Seconds from the line of an epoch to the moment that all pages show it, or a later one."""
    end, seen = time.monotonic() + BLOCK_SECONDS, len(read_progress(folder))
    while time.monotonic() < end:
        if (epoch := len(read_progress(folder))) > seen:
            seen, since = epoch, (folder / "progress.jsonl").stat().st_mtime
            while min(shown(page) for page in pages) < epoch:
                time.sleep(0.05)
            yield time.time() - since
        time.sleep(0.05)


def shown(page: Page) -> int:
    """The epoch that a page shows."""
    words = page.locator(".st-key-run_counts").inner_text().split()
    return int(words[words.index("of") - 1])


if __name__ == "__main__":
    main()
