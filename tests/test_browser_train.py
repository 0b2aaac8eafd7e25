"""Journeys of the Train page in a real browser: a training is started, watched by two visitors, and read at its end."""
import os
import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from mtl_core.ensemble.config import preset
from mtl_core.registry.locks import release
from mtl_core.registry.runs import Label, Record, State, Status, append_progress, recorded_run, write_state

LOAD_MS, TRAIN_MS, SOON_MS = 30_000, 240_000, 10_000
TASKS = ("hardness", "pitting_potential")

pytestmark = pytest.mark.browser


@pytest.fixture
def live_run(server_runs):
    """The folder of a run whose process is this one, and what says that it is at an epoch."""
    folder, lock = recorded_run(Record(config=preset("smoke").model_dump(mode="json")), Label(name="A *live* run"), server_runs)
    now = datetime.now(UTC)
    write_state(folder, State(status=Status.running, since=now, queued=now, started=now, pid=os.getpid()))

    def learn(epoch: int) -> None:
        append_progress(folder, {
            "epoch": epoch, "n_epochs": 50, "loss": {task: [1 / epoch, 2 / epoch, None] for task in TASKS}, "n_members": 3,
            "n_finished": 0, "seconds": 10.0 * epoch, "seconds_left": 500 - 10.0 * epoch,
            "held_out": {task: {"reference": {"r2": 0.4, "coverage": 0.8}} for task in TASKS}})

    learn(1)
    yield folder, learn
    write_state(folder, State(status=Status.stopped, since=now, queued=now, started=now))
    release(lock)


def counts(page: Page):
    return page.locator(".st-key-run_counts")


def test_two_visitors_see_a_live_run_move_and_nothing_of_the_page_is_drawn_anew(visit, live_run):
    """Updates come within 3 s; here they may take longer, because other tests keep the machine busy."""
    folder, learn = live_run
    one, other = (visit(f"train?run={folder.name}") for _ in range(2))
    for page in (one, other):
        expect(counts(page)).to_contain_text("1 of 50", timeout=LOAD_MS)
        expect(page.locator(".js-plotly-plot")).to_have_count(2, timeout=LOAD_MS)
        page.evaluate("document.querySelectorAll('.js-plotly-plot').forEach(figure => figure.dataset.mark = 'same')")
    expect(one.get_by_role("heading", name="A *live* run")).to_be_visible()
    zoom = one.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    one.mouse.move(zoom["x"] + 60, zoom["y"] + 40)
    one.mouse.down()
    one.mouse.move(zoom["x"] + 160, zoom["y"] + 120, steps=5)
    one.mouse.up()
    zoomed = one.evaluate("document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range")
    assert zoomed[1] < 49
    for epoch in (2, 3):
        learn(epoch)
        for page in (one, other):
            expect(counts(page)).to_contain_text(f"{epoch} of 50", timeout=SOON_MS)
    for page in (one, other):
        page.wait_for_function("Math.max(...document.querySelector('.js-plotly-plot').calcdata.map(trace => trace.length)) == 3")
        expect(page.locator(".js-plotly-plot[data-mark=same]")).to_have_count(2)
    assert one.evaluate("document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range") == zoomed
    one.reload()
    expect(counts(one)).to_contain_text("3 of 50", timeout=LOAD_MS)
    one.get_by_role("button", name="Stop training").click()
    expect(one.get_by_text("Asked to stop")).to_be_visible(timeout=LOAD_MS)
    assert (folder / "stop").exists()


def test_a_smoke_training_is_started_watched_and_read_at_its_end(visit):
    page = visit("train?view=new")
    page.get_by_text("Smoke test").click(timeout=LOAD_MS)
    expect(page.get_by_text("9 networks are trained at once")).to_be_visible()
    page.get_by_role("textbox", name="Name").fill("The first one")
    page.get_by_role("textbox", name="Name").press("Enter")
    expect(page.get_by_text("on this machine, when nothing else keeps it busy")).to_be_visible(timeout=TRAIN_MS)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name="The first one")).to_be_visible(timeout=LOAD_MS)
    expect(page.get_by_role("button", name="Stop training")).to_be_visible()
    expect(page).to_have_url(re.compile(r"run=\d{8}-\d{6}-"))
    other = visit(page.url.partition("/train")[2].join(["train", ""]))
    for visitor in (page, other):
        expect(visitor.get_by_text("Networks that answer")).to_be_visible(timeout=TRAIN_MS)
        expect(visitor.get_by_role("figure", name="Calibration", exact=True)).to_be_visible(timeout=LOAD_MS)
    with page.expect_download() as file:
        page.get_by_role("button", name="All out-of-fold predictions (CSV)").click()
    assert file.value.path().read_text().startswith("measurement_id,task")
    page.get_by_text("SVG", exact=True).click()
    with page.expect_download() as picture:
        page.get_by_role("figure", name="Predicted and measured").hover()
        page.get_by_role("figure", name="Predicted and measured").get_by_role("button", name="Download plot").click()
    assert picture.value.suggested_filename.endswith("-predictions.svg")
    page.get_by_role("button", name="New training like this").click()
    expect(page.get_by_text("9 networks are trained at once")).to_be_visible(timeout=LOAD_MS)


def test_the_form_says_beside_a_choice_what_is_wrong_with_it_and_forgets_nothing_when_the_page_is_left(visit):
    page = visit("train?view=new")
    page.get_by_text("Network, training and preparation").click(timeout=LOAD_MS)
    layers = page.get_by_role("textbox", name="Shared layers")
    layers.fill("64, many")
    layers.press("Enter")
    for place in ("stAlertContentError", "stAlertContentWarning"):  # beside the field, and beside the button
        expect(page.get_by_test_id(place).get_by_text("Expected one to 8 layers of 1 to 1024 neurons")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    layers.fill("48")
    layers.press("Enter")
    expect(page.get_by_text("Shared layers 48 instead of 64, 64")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_have_count(1)
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    page.get_by_test_id("stTopNavLinkContainer").get_by_text("Explain").click()
    expect(page.get_by_role("heading", name="Explain", exact=True)).to_be_visible(timeout=TRAIN_MS)
    page.get_by_test_id("stTopNavLinkContainer").get_by_text("Train").click()
    page.get_by_text("New training", exact=True).click(timeout=LOAD_MS)
    expect(page.get_by_text("Shared layers 48 instead of 64, 64")).to_be_visible(timeout=LOAD_MS)


def test_a_link_to_a_run_that_is_not_here_says_so_and_goes_on_with_the_one_that_answers(visit):
    page = visit("train?run=![x](http://127.0.0.2/x.png)")
    expect(page.get_by_text("The run of this link is not here")).to_be_visible(timeout=LOAD_MS)
    expect(page.get_by_text("Networks that answer")).to_be_visible(timeout=LOAD_MS)
