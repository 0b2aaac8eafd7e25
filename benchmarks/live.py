"""What an open page costs a training that it watches, and how soon two visitors see an epoch: python -m benchmarks.live

A default training runs in a process of its own; pages are opened and closed beside it, in turns: by a browser on this machine,
whose software graphics share the cores with the training, and by one elsewhere, which is what a visitor costs. For that one a
client stands in that asks and listens as Streamlit's own does, and draws nothing.
"""
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

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
        alone, elsewhere, here, share = [], [], [], []
        for _ in range(N_BLOCKS):
            alone += epochs_during(folder)
            with visitor_elsewhere(run) as n_looks:
                before, start = cpu_seconds(server.pid), time.monotonic()
                elsewhere += epochs_during(folder)
                share.append((cpu_seconds(server.pid) - before) / (time.monotonic() - start))
                print(f"  the visitor elsewhere looked {n_looks()} times")
            with visitors(browser, run, 1):
                here += epochs_during(folder)
        print(f"an epoch without a page {np.median(alone):.3f} s; a visitor elsewhere {slower(elsewhere, alone)}, the server "
              f"takes {np.mean(share):.1%} of a core; a browser on this machine {slower(here, alone)}")
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


@contextmanager
def visitor_elsewhere(run: str) -> Iterator:
    """A page on the run without a browser, from its third look on; yields what says how often it has looked."""
    looks, stop = [], threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(watch(run, looks, stop)), daemon=True)
    thread.start()
    while len(looks) < 3:
        time.sleep(0.1)
    yield lambda: len(looks)
    stop.set()
    thread.join()


async def watch(run: str, looks: list[float], stop: threading.Event) -> None:
    """Open the page of a run, and ask again for each fragment as often as the server wants it."""
    address = f"127.0.0.1:{PORT}"
    request = HTTPRequest(f"ws://{address}/_stcore/stream", headers={"Origin": f"http://{address}"})
    connection = await websocket_connect(request, subprotocols=["streamlit"])
    await ask(connection, run)
    due: dict[str, tuple[float, float]] = {}  # fragment → when it is asked for again, and how often
    while not stop.is_set():
        with suppress(TimeoutError):
            message = ForwardMsg.FromString(await asyncio.wait_for(connection.read_message(), 0.1))
            if message.WhichOneof("type") == "auto_rerun":
                every = message.auto_rerun.interval
                due[message.auto_rerun.fragment_id] = (time.monotonic() + every, every)
        for fragment, (moment, every) in due.items():
            if moment <= time.monotonic():
                due[fragment] = (time.monotonic() + every, every)
                looks.append(time.monotonic())
                await ask(connection, run, fragment)
    connection.close()


async def ask(connection: WebSocketClientConnection, run: str, fragment: str = "") -> None:
    message = BackMsg()
    message.rerun_script.query_string, message.rerun_script.page_name = f"run={run}", "train"
    message.rerun_script.fragment_id = fragment
    await connection.write_message(message.SerializeToString(), binary=True)


def slower(some: list[float], others: list[float]) -> str:
    return f"{np.median(some) / np.median(others) - 1:+.1%}"


def epochs_during(folder: Path) -> list[float]:
    """Seconds of each epoch that begins and ends within a block."""
    n = len(read_progress(folder))
    time.sleep(BLOCK_SECONDS)
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
