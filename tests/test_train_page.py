"""What the Train page is made of: how a training stands while it goes on, what can be chosen, and whether bands hold."""
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from app.curves import alone_of, curves_of, in_time, members_spread, share_done
from app.ledger import preset_words
from app.options import OPTIONS, differences, layers_of, layers_text, rough_seconds, value_at, with_value
from app.runs import family_errors, gain_in_run, parity_texts
from mtl_core import pipeline
from mtl_core.data.datasets import read_data
from mtl_core.ensemble.config import PRESETS, EnsembleConfig, NetworkConfig, TrainConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.watch import Watch
from mtl_core.errors import ConfigError, StoppedError
from mtl_core.registry.runs import Run
from mtl_core.uncertainty.comparison import as_report, compare
from mtl_core.uncertainty.held_out import HeldOut
from mtl_core.uncertainty.metrics import out_of_fold
from mtl_core.uncertainty.reliability import banded, reliability

TINY = EnsembleConfig(network=NetworkConfig(trunk=(4,), head=(4,)), alone=True, train=TrainConfig(
    epochs=2, batch_size=256, n_folds=2, n_fold_seeds=1, n_repeats=2, splits=("reference",)))
USUAL = PRESETS["default"].model_dump(mode="json")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folders of two runs of each property alone as well: one in one go, one stopped in the middle of a property alone."""
    whole, stopped = (tmp_path_factory.mktemp("runs") / name for name in ("20260101-000000-aaaa", "20260101-000000-bbbb"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)  # it would stay on in other tests
        for folder in (whole, stopped):
            folder.mkdir()
        pipeline.train(TINY, folder=whole)
        in_between = iter([False] * 3 + [True])  # two epochs together, one of hardness alone
        with pytest.raises(StoppedError, match="stopped after epoch 1 of 2"):
            pipeline.train(TINY, folder=stopped, should_stop=lambda: next(in_between))
        pipeline.train(TINY, folder=stopped, resume=True)
    return whole, stopped


def test_stopped_among_the_trainings_of_one_property_alone_a_run_goes_on_to_the_same_numbers(tiny):
    whole, stopped = tiny
    for name in ("out_of_fold.csv", "alone.csv"):
        assert (whole / name).read_bytes() == (stopped / name).read_bytes()
    ours, theirs = (json.loads((folder / "metrics.json").read_text()) | {"seconds": 0} for folder in tiny)
    assert ours == theirs
    assert not list(stopped.glob("state*"))


def test_what_learning_together_is_worth_is_paired_on_the_same_rows_and_stands_in_the_metrics(tiny):
    report = json.loads((tiny[0] / "metrics.json").read_text())
    alone, together = (pd.read_csv(tiny[0] / name) for name in ("alone.csv", "out_of_fold.csv"))
    keys = ["measurement_id", "task", "split", "fold_seed", "fold"]
    assert set(map(tuple, alone[keys].to_numpy())) == set(map(tuple, together[keys].to_numpy()))
    assert report["alone"] == as_report(compare(alone, together))
    row = report["alone"]["hardness"]["reference"]
    assert row["r2_after"] == pytest.approx(report["metrics"]["hardness"]["reference"]["r2"], abs=1e-9)
    assert row["difference"] == pytest.approx(row["r2_after"] - row["r2_before"], abs=1e-9)
    assert row["low"] < row["difference"] < row["high"]
    gain = gain_in_run(report, "hardness")
    assert gain.loc["new papers", "alone"] == row["r2_before"] and gain_in_run({}, "hardness").empty


def test_the_log_says_which_property_learns_alone_and_how_the_rows_held_out_are_predicted(tiny):
    lines = [json.loads(line) for line in (tiny[1] / "progress.jsonl").read_text().splitlines()]
    assert [(line.get("alone"), line["epoch"]) for line in lines] == [
        (who, epoch) for who in (None, "hardness", "pitting_potential") for epoch in (1, 2)]
    final = json.loads((tiny[1] / "metrics.json").read_text())["metrics"]
    together = curves_of(lines)
    assert together.looks.query("epoch == 2 and task == 'hardness'")["r2"].item() == pytest.approx(
        final["hardness"]["reference"]["r2"], abs=2e-4)
    assert list(alone_of(lines)) == ["hardness", "pitting_potential"] and list(alone_of(lines)["hardness"].loss) == ["hardness"]


def test_asked_all_at_once_members_say_of_the_rows_held_out_what_they_say_one_part_at_a_time():
    prepared = pipeline.prepare(read_data(("published",)), TINY)
    parts, seen = prepared.parts(TINY), []
    held_out = HeldOut(parts, prepared.observations, prepared.values, TINY.tasks)
    ensemble, _ = fit_ensemble(prepared.training, prepared.values, prepared.spec, TINY, parts,
                               look=lambda epoch, kept: seen.append(held_out.scores(kept())))
    expected = out_of_fold(ensemble, parts, prepared.observations, prepared.values)
    keys = ["measurement_id", "task", "split", "fold_seed"]
    both = expected.merge(held_out.table(ensemble), on=keys, validate="1:1", suffixes=("", "_now"))
    assert len(both) == len(expected)
    for name in ("mean", "std"):
        np.testing.assert_allclose(both[f"{name}_now"], both[name], rtol=1e-4, atol=1e-3)
    assert len(seen) == 2 and seen[0] != seen[1] and 0 <= seen[1]["hardness"]["reference"]["coverage"] <= 1


def test_looking_at_the_rows_held_out_takes_a_small_share_of_the_time(monkeypatch):
    now, asked = [100.0], []
    monkeypatch.setattr("mtl_core.ensemble.watch.time.monotonic", lambda: now[0])
    config = PRESETS["default"].model_copy(update={"train": TrainConfig(epochs=2000)})

    def scores(ensemble):
        now[0] += 0.3 if asked else 5.0  # the first one compiles
        asked.append(now[0])
        return {}

    watch = Watch(config, lambda line: None, start=100.0, scores=scores)
    for epoch in range(1, 1000):
        now[0] += 0.5
        watch.look(epoch, lambda: None)
    assert 15 <= len(asked) <= 30 and 0.3 * len(asked) < 0.02 * (now[0] - 100.0)
    watch.look(2000, lambda: None)  # the last epoch is always looked at
    assert asked[-1] == now[0]


@pytest.fixture(scope="module")
def shipped():
    return pipeline.read_out_of_fold(), pipeline.evaluate()["metrics"]


def test_calibration_curves_and_bands_of_single_readings_say_what_the_metrics_say(shipped):
    table, metrics = shipped
    curve = reliability(table, levels=(0.68, 0.9, 0.95))
    for row in curve.itertuples():
        assert row.calibrated == pytest.approx(metrics[row.task][row.split]["coverage"][str(row.level)], abs=1e-12)
    at_90 = curve[curve["level"] == 0.9]
    on_papers = at_90[at_90["split"] == "reference"]
    assert (on_papers["own"] < on_papers["calibrated"] - 0.02).all()  # too sure of new papers, which is why they are calibrated
    others = at_90.drop(on_papers.index)
    assert others["own"].between(0.88, 0.94).all()  # and honest where the paper is known
    rows = banded(table)
    exact = rows[rows["low"] == rows["high"]]
    shares = exact.groupby(["task", "split"])["is_inside"].mean()
    for (task, split), share in shares.items():
        assert share == pytest.approx(metrics[task][split]["coverage"]["0.9"], abs=0.005)
    assert rows.loc[rows["task"] == "hardness", "lower"].min() >= 0.0
    assert exact[["measurement_id", "split"]].duplicated().sum() == 0


def test_errors_by_family_add_up_to_those_of_all_rows(shipped):
    rows = banded(shipped[0]).query("task == 'pitting_potential' and split == 'reference'").reset_index(drop=True)
    exact, families = rows[rows["low"] == rows["high"]], family_errors(rows)
    assert families["n"].sum() == len(exact) and families["n"].is_monotonic_decreasing
    assert (families["mae"] * families["n"]).sum() / len(exact) == pytest.approx((exact["mean"] - exact["low"]).abs().mean())
    texts = parity_texts(rows, {rows["measurement_id"][0]: "Fe<br>doi"})
    assert texts[0].startswith("<b>Fe<br>doi</b><br>measured ") and any("measured > " in text for text in texts)


LINE = {"epoch": 1, "n_epochs": 4, "n_members": 3, "n_finished": 0, "loss": {"hardness": [1.0, None, 3.0]}, "seconds": 10.0,
        "seconds_left": None}


def test_a_log_is_read_whatever_a_member_said_and_whatever_is_torn():
    assert curves_of([]) is None and curves_of([{"epoch": "x"}, {}]) is None
    curves = curves_of([LINE, {"n_epochs": 4}, LINE | {"epoch": 2, "n_finished": 1, "loss": {"hardness": [None, None, None]}}])
    assert curves.epochs.tolist() == [1, 2] and curves.finished.tolist() == [0, 1] and curves.looks.empty
    spread = members_spread(curves.loss["hardness"])
    assert spread["middle"][0] == 2.0 and spread.loc[1].isna().all()


def test_progress_never_runs_backwards_and_never_passes_the_end():
    assert share_done(LINE) == 0.25
    line = LINE | {"seconds_left": 30.0}
    shares = [share_done(line, waited) for waited in (0, 10, 29, 31, 1000)]
    assert shares[0] == 0.25 and shares == sorted(shares) and shares[-1] <= 1.0
    assert [in_time(seconds) for seconds in (-1, 59.4, 61, 3700)] == ["0 s", "59 s", "1 min 01 s", "1 h 01 min"]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.path)
def test_every_option_of_the_form_is_one_of_the_config_with_all_that_it_offers(option):
    usual = value_at(USUAL, option.path)
    offered = {"choice": list(option.words), "switch": [True, False], "layers": [[3], [8, 8]]}.get(
        option.kind, [option.low, option.high])
    for value in offered:
        config = EnsembleConfig.model_validate(with_value(USUAL, option.path, value))
        changed = differences(config.model_dump(mode="json"), USUAL)
        assert len(changed) == (value != usual) and all(option.label in words for words in changed)


def test_another_head_and_a_test_that_is_left_out_are_named_as_differences():
    config = with_value(with_value(USUAL, "network.heads", [[4], [8, 8]]), "train.splits", ["random", "reference"])
    assert differences(config, USUAL) == ["Hardness has layers of its own: 4", "Pitting potential has layers of its own: 8, 8",
                                          "not tested on composition"]


@given(st.lists(st.integers(1, 1024), min_size=1, max_size=8))
def test_layers_are_read_as_they_are_written(widths):
    assert layers_of(layers_text(widths)) == tuple(widths)


@pytest.mark.parametrize("text", ["", "64, x", "0", "-3", "64.5", "2048", "1 " * 9, "٣"])
def test_what_are_no_layers_is_refused(text):
    with pytest.raises(ConfigError, match="Expected one to 8 layers of 1 to 1024 neurons"):
        layers_of(text)


def test_one_property_alone_is_nothing_to_compare_with():
    with pytest.raises(ValueError, match="expected two tasks or more to compare"):
        EnsembleConfig(tasks=("hardness",), alone=True)
    frame = pd.DataFrame([{"task": "a", "split": "reference", "n": 3, "difference": 0.1, "low": np.nan, "high": np.nan}])
    assert as_report(frame) == {"a": {"reference": {"n": 3, "difference": 0.1, "low": None, "high": None}}}


def test_what_is_started_are_the_settings_as_they_stand_at_the_click(monkeypatch):
    """The last change and the click come together, before the page was drawn again in between."""
    started = []
    monkeypatch.setattr("app.services.trainings.start", lambda config, **_: started.append(config) or "a-run")
    monkeypatch.setattr("app.services.trainings.estimate", lambda *_: 60.0)

    def page():
        import streamlit as st

        from app.widgets.train_form import training_form

        st.text(training_form())

    tested = AppTest.from_function(page, default_timeout=120).run()
    tested.selectbox(key="new_0_wiring").set_value("latent")
    tested.button(key="start_training").click().run()
    assert any("one more input" in one.value and "The first is hardness." in one.value for one in tested.caption)
    tested.multiselect(key="new_0_tasks").set_value(["hardness"])
    tested.button(key="start_training").click().run()
    assert not tested.exception and [(config.tasks, config.wiring) for config in started] == [
        (("hardness", "pitting_potential"), "latent"), (("hardness",), "multi-task")]
    assert tested.text[-1].value == "a-run"


def test_a_number_out_of_its_range_is_said_and_nothing_starts_with_another_one(monkeypatch):
    monkeypatch.setattr("app.services.trainings.estimate", lambda *_: None)

    def page():
        from app.widgets.train_form import training_form

        training_form()

    tested = AppTest.from_function(page, default_timeout=120).run()
    assert any("Roughly" in one.value and "measuring it" in one.value for one in tested.caption)
    tested.number_input(key="new_0_train.n_folds").set_value(200).run()
    assert "Folds: expected 2 to 20, got 200" in tested.error[0].value and "200" in tested.warning[0].value
    assert not tested.exception and tested.button(key="start_training").disabled


def test_the_rough_estimate_of_the_default_is_within_a_factor_of_three_of_what_it_took(shipped):
    took = pipeline.evaluate()["seconds"]
    rows = {task: int((shipped[0]["task"] == task).sum() / 9) for task in USUAL["tasks"]}  # three splits, three fold seeds
    assert took / 3 < rough_seconds(USUAL, rows) < 3 * took


def test_numbers_of_a_run_that_is_a_preset_but_for_its_properties_are_those_of_the_preset():
    def words(**changes):
        return preset_words(Run(id="a", status="complete", sentence="", created="2026-01-01T00:00:00Z", preset="default",
                                config=USUAL | changes))

    assert words() == words(tasks=["elongation"]) == "default"
    assert words(train=USUAL["train"] | {"epochs": 7}) == "default, changed"
    assert words(network={"trunk": [64, 64]}) == "default"  # a run that says nothing of what came later
