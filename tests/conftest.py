"""Settings of every test."""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from hypothesis import settings
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
START_SECONDS = 60
WAIT_MS = 20_000  # for what a page is expected to show; it says nothing about speed, and the machine may be busy

# Set before anything imports TensorFlow: its start-up notes are no part of a test's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# The same examples every time, and no time limit for one: the machine may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """A page that was run in a test stays behind as __main__, and each process that is spawned later would run it again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def predictor():
    """The predictor that the project ships."""
    from mtl_core.pipeline import load_predictor

    return load_predictor()


@pytest.fixture(scope="session")
def smoke_environment(tmp_path_factory):
    """Environment of a process whose runs go to a folder of their own."""
    return os.environ | {"ALLOYSCOPE_RUNS": str(tmp_path_factory.mktemp("runs"))}


@pytest.fixture(scope="session")
def smoke_training(smoke_environment, tmp_path_factory):
    """What `train --preset smoke --json` says, run once, from a working folder that is not the repository."""
    done = subprocess.run([sys.executable, "-m", "mtl_core", "train", "--preset", "smoke", "--json"], env=smoke_environment,
                          cwd=tmp_path_factory.mktemp("elsewhere"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def smoke_run(smoke_training, smoke_environment):
    """Folder of the run that `smoke_training` made."""
    return Path(smoke_environment["ALLOYSCOPE_RUNS"]) / smoke_training["run"]


def pytest_collection_modifyitems(items):
    """Browser tests skip, by name, where there is no Chromium."""
    for item in items:
        if "browser" in item.keywords and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="no chromium found; install it to run the browser journeys"))


@pytest.fixture(scope="session")
def server_runs(tmp_path_factory):
    """Where the server of the browser tests keeps its runs."""
    return tmp_path_factory.mktemp("server_runs")


@pytest.fixture(scope="session")
def address(tmp_path_factory, server_runs):
    """The address of a server of its own, with pins, datasets, curations and runs in folders of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("user")
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port)],
            cwd=ROOT, stdout=log, stderr=log,
            env=os.environ | {"ALLOYSCOPE_USER": str(folder), "ALLOYSCOPE_RUNS": str(server_runs)})
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


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM)
        expect.set_options(timeout=WAIT_MS)
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
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
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


def _is_complaint(message) -> bool:
    """Errors on the console, but for Streamlit's own search for its server when a page below it is opened by link."""
    return message.type == "error" and "/_stcore/" not in message.location["url"]


def _is_external(url: str, address: str) -> bool:
    return not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))
