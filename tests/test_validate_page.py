"""What the Validate page is made of: verdicts that follow intervals, tables, figures; and every view, over small validations."""
import os
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import bands, nested, rungs, studied, validated
from app.figures.ladder import ladder_figure, parts_figure
from app.runs import transfer_words
from app.widgets import validate_leaks
from mtl_core.files import append_line, write_json
from mtl_core.registry import locks
from mtl_core.registry.runs import PROGRESS, Label, Record, State, Status, recorded_run, write_state
from mtl_core.report.blocks import Fold, Section, Text, as_markdown
from mtl_core.tasks import DEFAULT_TASKS, TASKS
from mtl_core.validation.config import NESTED, ValidationConfig
from mtl_core.validation.report import REPORT, Estimate, Noise, PartFacts, Report, RungFacts, Score, Searched
from mtl_core.validation.rungs import RUNGS

MODELS = ("ridge", "extra trees", "gaussian process", "ours")
R2 = {"ridge": 0.5, "extra trees": 0.7, "gaussian process": 0.6, NESTED: 0.7, "ours": 0.72}
# ours − it, on each rung: wins, ties, loses
DIFFERENCES = {"random": (0.1, 0.3), "composition": (-0.05, 0.08), "element": (-0.4, -0.1)}


def report_of(rungs=tuple(DIFFERENCES), models=MODELS) -> Report:
    """Ours wins on the first rung, ties on the second, loses on the third, against all baselines alike."""
    scores = [Score(task=task, rung=rung, model=model, n=40, n_papers=9, r2=Estimate(value=R2[model], low=0.2, high=0.9),
                    mae=Estimate(value=100.0), rmse=Estimate(value=130.0, low=90.0, high=170.0),
                    difference=_difference(rung, model))
              for rung in rungs for task in DEFAULT_TASKS for model in models]
    return Report(run="shipped", tasks=DEFAULT_TASKS, models=models, config_sha256="c", data_sha256="d", n_folds=3,
                  n_fold_seeds=1, seed=0, epochs=8, rungs={rung: _facts(rung, models) for rung in rungs}, scores=tuple(scores),
                  noise={task: {"alloy": Noise(r2_ceiling=0.85, sd=80.0, n_groups=5, n_rows=12, note=""),
                                "alloy and conditions": Noise(r2_ceiling=None, sd=None, n_groups=0, n_rows=0, note="")}
                         for task in DEFAULT_TASKS})


def _difference(rung, model):
    low, high = DIFFERENCES[rung]
    return None if model == "ours" else Estimate(value=(low + high) / 2, low=low, high=high)


def _facts(rung, models):
    parts = tuple(PartFacts(name=name, fold_seed=seed, fold=fold, n_training={}, n_test=dict.fromkeys(DEFAULT_TASKS, 7 + fold),
                            mae={task: dict.fromkeys(models, 10.0 * (1 + fold) + seed) for task in DEFAULT_TASKS})
                  for seed in range(2) for fold, name in enumerate(("Mo", "Al")))
    return RungFacts(**RUNGS[rung]._asdict(), folds_sha256="f", lock="locked folds", origin="run", members=2,
                     parts=parts if rung == "element" else ())


def test_the_verdict_follows_the_intervals_and_names_the_strongest_rival():
    found = {one.rung: one for one in validated.verdicts(report_of(), "hardness")}
    assert [found[rung].word for rung in DIFFERENCES] == ["wins", "ties", "loses"]
    assert (found["element"].rival, found["element"].n) == ("extra trees", 3)
    assert list(validated.verdict_grid(report_of())["Hardness"]) == [
        f"**{word}**, 0.72 (extra trees 0.70)" for word in ("wins", "ties", "loses")]
    assert validated.beaten_words(report_of()) == "Clearly beaten on every test: none (hardness); none (pitting potential)."
    assert "ridge, extra trees and Gaussian process (hardness)" in validated.beaten_words(report_of(rungs=("random",)))
    assert "mean, class mean, 1-NN, random forest and gradient boosting" in validated.not_asked(report_of())
    assert validated.tally(report_of()) == {"wins": 2, "ties": 2, "loses": 2, "unknown": 0}


@pytest.mark.parametrize("low, high, word", [
    (0.01, 0.1, "this run better"), (-0.1, -0.01, "baseline better"), (-0.1, 0.1, "cannot be told"),
    (None, None, "cannot be told")])
def test_a_difference_says_only_what_its_interval_allows(low, high, word):
    assert validated.difference_word(Estimate(value=0.0, low=low, high=high)) == word


def trained_again() -> Report:
    """As `report_of`, with a stand-in of 8 epochs in place of the run."""
    facts = {rung: _facts(rung, MODELS).model_copy(update={"origin": "trained"}) for rung in DIFFERENCES}
    return report_of().model_copy(update={"rungs": facts})


def test_a_run_that_was_trained_again_for_less_is_not_taken_for_itself():
    assert validated.is_rehearsal(trained_again(), {"train": {"epochs": 100}})
    assert not validated.is_rehearsal(trained_again(), {"train": {"epochs": 8}})
    assert not validated.is_rehearsal(report_of(), {"train": {"epochs": 100}})
    assert rungs.caveats(report_of(), "d") == [] and "other data" in rungs.caveats(report_of(), "e")[0]


def test_what_to_expect_of_a_new_paper_is_said_in_the_unit_of_the_property():
    words = validated.practical("hardness", {"mae": 104.2, "width": {"0.9": 475.4}}, 215.1)
    assert "wrong by 104 HV on average" in words and "475 HV wide" in words and "spread by 215 HV" in words


def test_without_ours_or_without_a_baseline_nothing_is_won():
    for models in (MODELS[:-1], ("ours",)):
        report = report_of(models=models)
        assert validated.verdicts(report, "hardness") == () and validated.verdict_grid(report).empty


def test_figures_that_would_look_the_same_are_told_apart_by_a_third_digit():
    report = report_of()
    scores = [score.model_copy(update={"r2": Estimate(value=0.7204)}) if score.model == "extra trees" else score
              for score in report.scores]
    close = report.model_copy(update={"scores": tuple(scores)})
    assert validated.verdict_grid(close).loc["New compositions", "Hardness"] == "**ties**, 0.720 (extra trees 0.720)"
    apart = [score.model_copy(update={"r2": Estimate(value=0.7246)}) if score.model == "ours" else score for score in scores]
    close = report.model_copy(update={"scores": tuple(apart)})
    assert validated.verdict_grid(close).loc["Random rows", "Hardness"] == "**wins**, 0.725 (extra trees 0.720)"


@pytest.mark.parametrize("value, form, words", [(-0.0004, "+.3f", "0.000"), (0.0, "+.3f", "0.000"), (-0.25, ".2f", "−0.25")])
def test_what_is_rounded_to_0_has_no_sign(value, form, words):
    assert validated.number(value, form) == words


def tuned_anew() -> Report:
    """As `report_of`, with settings that were tuned anew in one of the folds of one rung."""
    report, difference = report_of(models=(*MODELS[:3], NESTED, "ours")), Estimate(value=0.02, low=-0.01, high=0.05)
    scores = [score.model_copy(update={"difference": difference}) if score.model == NESTED else score for score in report.scores]
    fold = Searched(fold_seed=0, fold=0, n_trials=41, changes={}, before=dict.fromkeys(DEFAULT_TASKS, 0.5),
                    after=dict.fromkeys(DEFAULT_TASKS, 0.53), seconds=360.0)
    return report.model_copy(update={"scores": tuple(scores), "nested": {"composition": (fold,)}})


def test_what_tuning_anew_is_worth_is_said_beside_what_the_search_promised_and_is_no_rival():
    report = tuned_anew()
    first, second = nested.words(report)
    assert "a search of 41 trials" in first and second.count("−0.020 [−0.050, +0.010] of R² by tuning, cannot be told") == 2
    table = nested.table(report)
    assert list(table.loc["Hardness"]) == [
        "New compositions", "1 of 3", "40", "0.720", "0.700", "−0.020 [−0.050, +0.010]", "+0.030"]
    assert nested.heading(report) == "Tuned anew in each fold: 1 of 3 folds so far, 40 readings" and not nested.is_whole(report)
    whole = report.model_copy(update={"nested": {"composition": report.nested["composition"] * 2}})
    assert nested.is_whole(whole) and "2 of 3 folds, 40" in nested.heading(whole)
    drawn = rungs.chart_rows(report, "hardness", "r2")
    assert NESTED not in set(drawn.loc[drawn["rung"] == "New compositions", "model"])
    assert nested.words(report_of()) == [] and validated.tally(report) == validated.tally(report_of())
    assert validated.verdicts(report, "hardness") == validated.verdicts(report_of(models=(*MODELS[:3], "ours")), "hardness")
    assert NESTED not in set(rungs.rung_lines(report, "hardness", "composition").index)
    every = report.model_copy(update={"nested": {"composition": report.nested["composition"] * 3}})
    assert rungs.rung_lines(every, "hardness", "composition").loc[NESTED, "Verdict"] == "**cannot be told**"


def test_lines_of_a_rung_are_ordered_by_r2_and_say_who_is_better_in_bold():
    lines = rungs.rung_lines(report_of(), "hardness", "element")
    assert list(lines.index) == ["**this run**", "extra trees", "Gaussian process", "ridge"]
    assert lines.loc["ridge", "Verdict"] == "**baseline better**" and lines.loc["**this run**", "Verdict"] == ""
    assert lines.loc["ridge", "This run − it"] == "−0.25 [−0.40, −0.10]"


def test_errors_of_named_parts_are_means_over_the_fold_seeds_the_hardest_first():
    table = rungs.part_lines(report_of(), "element", "hardness")
    assert list(table["name"]) == ["Al", "Mo"] and list(table["ours"]) == [20.5, 10.5] and list(table["n"]) == [8, 7]
    assert rungs.part_lines(report_of(), "random", "hardness").empty
    assert "40 tests of readings of 9 papers: 2 elements are left out in turn (Mo and Al)" in rungs.n_words(
        report_of(), "hardness", "element")
    assert rungs.n_words(report_of(), "hardness", "random") == "40 readings of 9 papers."
    assert len(parts_figure(table, unit="HV", color="#2f7f86").data) == len(MODELS)


def test_what_networks_and_processes_score_alone_is_a_line_a_piece_mean_of_the_seeds_on_the_splits_that_all_have():
    rows = [(seed, what, task, split, r2 + seed / 100) for what, r2 in (("networks alone", 0.6), ("and a process", 0.7))
            for seed in (1, 2) for task in DEFAULT_TASKS for split in ("random", "reference")]
    rows.append((1, "and a process", "hardness", "cluster", 0.1))
    found = pd.DataFrame(rows, columns=["seed", "what", "task", "split", "r2"])
    lines = rungs.piece_lines(found)
    assert list(lines.columns) == ["Hardness, random rows", "Hardness, new papers", "Pitting potential, random rows",
                                   "Pitting potential, new papers"]
    assert list(lines["Hardness, new papers"]) == ["0.615", "0.715"] and list(lines.index) == ["networks alone", "and a process"]


def test_the_chart_draws_every_model_and_stands_what_is_far_below_at_the_edge():
    rows = rungs.chart_rows(report_of(), "hardness", "r2")
    rows.loc[rows["model"] == "ridge", ["value", "low", "high"]] = -3.75, -6.4, -2.0
    limits = rungs.limits(report_of().noise["hardness"], "r2")
    figure = ladder_figure(rows, limits, title="R²", color="#2f7f86", is_r2=True)
    ridge = next(trace for trace in figure.data if trace.name == "ridge")
    assert limits == {"one alloy": 0.85}
    assert set(ridge.x) == {-0.5} and set(ridge.marker.symbol) == {"triangle-left-open"}
    assert "-3.75 [-6.4, -2]" in ridge.text[0] and len(figure.data) == len(MODELS) + 1
    assert rungs.limits(report_of().noise["hardness"], "mae") == {}


def test_the_alarm_rings_where_shared_networks_are_worse_beyond_chance_and_names_what_won():
    def gain(low, high):
        return pd.DataFrame({"alone": [0.6], "gain": [(low + high) / 2], "low": [low], "high": [high]}, index=["new papers"])

    is_worse, words = transfer_words(gain(-0.2, -0.05), "Hardness")
    assert is_worse and "Single-task networks won there." in words
    assert "cannot be told" in transfer_words(gain(-0.2, 0.05), "Hardness")[1]
    is_worse, words = transfer_words(gain(0.05, 0.2), "Hardness")
    assert not is_worse and "shared networks are better" in words


def test_a_broken_promise_is_said_with_its_evidence_and_is_red():
    table = pd.DataFrame([
        {"kind": kind, "task": "hardness", "split": split, "n": 10, "n_affected": n, "share": n / 10,
         "evidence": f"{n} of 10 tests.", "is_forbidden": split == "reference", "is_alarm": split == "reference" and n > 0}
        for kind, split, n in (("same paper", "random", 9), ("same paper", "reference", 2))])
    words = validate_leaks.verdict(table)
    assert "**1 of 1 promises do not hold.**" in words and "2 of 10 tests." in words
    assert "found, though promised" in validate_leaks.shares(table).loc["Same paper", "new papers"]
    kept = table.assign(is_alarm=False, n_affected=[9, 0], share=[0.9, 0.0])
    assert validate_leaks.verdict(kept).startswith("**All 1 promises") and "90 %" in validate_leaks.verdict(kept)
    assert "none, as promised" in validate_leaks.shares(kept).loc["Same paper", "new papers"]


def test_what_a_leak_is_worth_is_said_as_what_the_score_loses():
    rows = pd.DataFrame({"task": "hardness", "split": "random", "model": "extra trees", "leak": ["same paper", "double entry"],
                         "difference": [-0.62, 0.0], "low": [-1.1, -0.1], "high": [-0.3, 0.1], "removed": [0.76, 0.01]})
    assert "R² drops by 0.62 [0.30, 1.10]: so much of the score of extra trees came from" in validate_leaks.worth_words(rows)
    assert "no more than chance would" in validate_leaks.worth_words(rows[1:])
    assert "lose 0.62 [0.30, 1.10] for hardness" in validate_leaks.price(rows) and validate_leaks.price(rows[1:]) == ""
    assert "go with *same paper* 76 %" in validate_leaks.thinned_words(rows) and validate_leaks.thinned_words(rows[1:]) == ""


def test_what_the_run_itself_loses_on_new_papers_is_said_where_it_was_tested_there():
    splits = {"random": {"r2": 0.85}, "reference": {"r2": 0.7}}
    assert "loses 0.15 for hardness (0.85 → 0.70) of R²" in validate_leaks.fall({"hardness": splits})
    assert validate_leaks.fall({"hardness": {"random": {"r2": 0.85}}}) == ""


def test_the_domain_is_said_to_separate_only_beyond_chance():
    rows = pd.DataFrame({"by": ["domain score", "outside", "std"], "auroc": [0.7, 0.55, 0.6], "auroc_low": [0.6, 0.45, 0.49],
                         "n": 100, "n_outside": 20, "ratio": [np.nan, 1.5, np.nan], "ratio_low": [np.nan, 0.9, np.nan],
                         "ratio_high": [np.nan, 2.0, np.nan]})
    words = bands.separation_words(rows)
    assert "distance to what was measured ranks" in words and "may have errors as large as inside" in words
    assert "None of the three scores" in bands.separation_words(rows.assign(auroc_low=0.4))
    both = pd.concat([rows.assign(task="hardness"), rows.assign(task="pitting_potential", auroc=0.6, auroc_low=0.52)]).assign(
        auroc_high=0.8)
    words = bands.width_words(both)
    assert "hardness: cannot be told (0.60 [0.49, 0.80]; distance to what was measured 0.70 [0.60, 0.80])" in words
    assert "pitting potential: hardly (0.60 [0.52, 0.80]" in words
    assert "yes (0.75" in bands.width_words(rows.assign(task="hardness", auroc=0.75, auroc_low=0.6, auroc_high=0.8))


def test_readings_that_are_counted_inside_and_outside_are_explained():
    rows = pd.DataFrame({"kind": "conformal", "is_inside": [True, False], "n_readings": [412, 94]})
    assert "(412 + 94 of 495)" in bands.twice_words(rows, 495) and bands.twice_words(rows, 506) == ""


def test_the_verdict_on_bands_names_the_families_and_papers_that_it_does_not_hold_for():
    families = pd.DataFrame({"kind": "conformal", "family": ["Mo", "Fe", "Al", "Ni"], "n_readings": [5, 90, 3, 100],
                             "n_papers": [1, 20, 1, 9], "coverage": [0.0, 0.91, 0.0, 0.84], "width": [900.0, 400.0, 1.0, 500.0]})
    assert bands.families_words(families) == (
        "**Less than 85 % inside:** Ni-based alloys (84 of 100 readings inside, 9 papers) and Mo-based alloys (0 of 5 readings "
        "inside, 1 paper).")
    assert "In each family of at least 5 readings at least 85 % lie inside" in bands.families_words(families[1:3])
    lines = bands.family_lines(families, "HV")
    assert list(lines.index)[:2] == ["Ni-based", "Fe-based (steels)"]
    assert list(lines.loc["Ni-based"]) == ["100", "9", "84 %", "500"]
    coverage = pd.DataFrame({"kind": ["raw", "conformal"], "level": 0.9, "coverage": [0.6, 0.9], "papers": [0.6, 0.8],
                             "whole_papers": 0.5, "n_readings": 200, "n_papers": 40})
    sure = pd.Series({"coverage_low": 0.85, "coverage_high": 0.93, "papers_low": 0.74, "papers_high": 0.86})
    accuracy = pd.DataFrame({"kind": ["raw", "conformal"], "mean_z2": [4.0, np.nan]})
    words = bands.verdict(coverage, accuracy, sure, TASKS["hardness"], "new papers")
    assert "band holds: 90 % [85, 93] of 200 readings" in words and "it **does not hold**: 80 % [74, 86]" in words


def test_a_learning_curve_leads_with_all_that_may_be_and_names_what_is_better():
    fits = pd.DataFrame({"model": ["ours", "ridge", "extra trees"], "more": 50, "gain": 0.012, "gain_low": -0.001,
                         "gain_high": 0.016, "step": 0.062, "step_low": 0.008, "step_high": 0.181, "rmse": [144.0, 173.0, 138.0],
                         "fall": 2.0})
    words = studied.curve_verdict(fits, "hardness", "reference")
    assert words.startswith("**Hardness, new papers: cannot be told, 0.00 to +0.18 of R²** by 50 more measurements, of papers")
    assert "+0.012 [−0.001, +0.016] by the fitted curve (RMSE 144 → 142 HV), +0.062 [+0.008, +0.181] if" in words
    assert words.endswith("With all measurements a smaller RMSE than the 144 HV of these networks: extra trees 138.")
    small = studied.curve_verdict(fits.assign(step_high=0.02), "hardness", "composition")
    assert "new compositions: next to nothing to a little, 0.00 to +0.02 of R²" in small


# The page


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The Validate page over a run store of its own."""
    monkeypatch.setattr("mtl_core.registry.runs.RUNS_DIR", tmp_path)
    monkeypatch.setattr("mtl_core.registry.store.RUNS_DIR", tmp_path)
    monkeypatch.setattr("app.services.validations.SHIPPED_REPORT", tmp_path / "validation.json")
    tested = AppTest.from_file(os.path.join(os.path.dirname(__file__), "..", "app", "main.py"), default_timeout=120)

    def opened(**query):
        for name, value in query.items():
            tested.query_params[name] = value
        return tested.switch_page("views/validate.py").run()

    return opened


def make_validation(root, status=Status.complete, report=None, **changes) -> str:
    config = ValidationConfig(rungs=tuple(DIFFERENCES), models=MODELS, n_folds=3, n_fold_seeds=1, **changes)
    now = datetime.now(UTC)
    folder, lock = recorded_run(Record(kind="validate", config=config.model_dump(mode="json")), Label(name="Mine <b>"), root)
    locks.release(lock)
    append_line(folder / PROGRESS, {"rung": "random", "model": "ridge", "share": 0.5, "n_done": 0, "n_cells": 12})
    if status is Status.complete:
        write_json(folder / REPORT, (report or report_of()).model_dump(mode="json"))
    write_state(folder, State(status=status, since=now, queued=now, started=now))
    return folder.name


def said(tested) -> str:
    return " ".join(element.value for element in (*tested.markdown, *tested.caption))


def test_a_run_without_a_validation_shows_what_it_says_of_itself_and_how_to_begin_one(page):
    tested = page()
    assert not tested.exception and "what the run itself wrote down" in said(tested)
    assert "Whether a difference is more than chance takes a validation" in said(tested)
    assert not tested.button(key="start_validation").disabled and "random forest" in said(tested)  # among those not asked
    assert set(tested.table[1].value.index) == {"**this run**", "extra trees", "ridge", "class mean"}
    tested.pills(key="validate_rungs_main").set_value([]).run()
    assert tested.button(key="start_validation").disabled and "At least one test" in tested.error[0].value
    tested.segmented_control(key="validate_size").set_value("ladder").run()
    assert "7 tests × 9 models" in said(tested)


def test_a_link_to_a_validation_opens_it_with_its_verdict(page, tmp_path):
    run = make_validation(tmp_path)
    tested = page(run=run)
    assert not tested.exception and tested.selectbox(key="validate_which").value == run
    assert "**wins 2**, **ties 2** and **loses 2**" in said(tested) and "chosen by hand on these very rows" in said(tested)
    assert tested.selectbox(key="validate_run").value == "shipped" and len(tested.get("plotly_chart")) == 3
    tested.segmented_control(key="validate_metric").set_value("rmse").run()
    assert not tested.exception
    tested.selectbox(key="validate_which").set_value("own").run()
    tested.segmented_control(key="validate_metric").set_value("mae").run()
    assert not tested.exception
    assert "what the run itself wrote down" in said(tested)


def test_a_smoke_check_says_that_it_is_none_of_the_run_and_judges_nothing(page, tmp_path):
    make_validation(tmp_path, report=trained_again(), epochs=8)
    assert "what the run itself wrote down" in said(page())  # it does not open by itself
    tested = page(view="ladder", run=make_validation(tmp_path, report=trained_again(), epochs=8))
    assert not tested.exception and "not your run. Do not quote these numbers" in tested.warning[1].value
    assert "**wins" not in said(tested) and "Verdict" not in tested.table[0].value
    assert "**stand-in**" in tested.table[0].value.index
    assert "smoke check" in tested.selectbox(key="validate_which").format_func(tested.selectbox(key="validate_which").value)


def test_a_validation_that_cannot_be_read_says_so_in_a_line_and_takes_nothing_else_with_it(page, tmp_path):
    run = make_validation(tmp_path)
    write_json(tmp_path / run / REPORT, report_of().model_dump(mode="json") | {"format": 2})
    tested = page(run=run)
    assert not tested.exception and "cannot be read" in tested.error[0].value
    assert "what the run itself wrote down" in said(tested) and not tested.button(key="start_validation").disabled


def test_the_validation_that_comes_along_is_shown_and_one_that_is_damaged_is_not(page, tmp_path):
    (tmp_path / "validation.json").write_text(report_of().model_dump_json())
    assert "**wins 2**" in said(page())
    (tmp_path / "validation.json").write_text("{}")
    tested = page()
    assert not tested.exception and "what the run itself wrote down" in said(tested)


def test_tuning_anew_is_asked_for_with_its_hours_and_shown_with_what_it_found(page, tmp_path):
    tested = page()
    tested.toggle(key="validate_nested").set_value(True).run()
    assert "for 20 searches of 41 trials each" in said(tested) and "tuned anew: roughly **" in said(tested)
    tested.number_input(key="validate_nested_folds_main").set_value(1).run()
    assert "for 2 searches of 41 trials each" in said(tested) and not tested.exception
    (tmp_path / "validation.json").write_text(tuned_anew().model_dump_json())
    tested = page()
    assert not tested.exception and "**wins 2**" in said(tested)
    assert "Tuned anew in each fold: 1 of 3 folds so far" in tested.expander[0].label


@pytest.mark.parametrize("status", [Status.stopped, Status.lost, Status.failed])
def test_a_validation_that_ended_early_can_be_resumed(page, tmp_path, status):
    tested = page(run=make_validation(tmp_path, status))
    assert not tested.exception and tested.button(key="run_resume").label == "Resume validation"
    assert [metric.value for metric in tested.metric if metric.label == "Models scored"] == ["0 of 12"]


def test_bands_say_whether_they_hold_and_how_sure_networks_are_of_themselves(page, monkeypatch):
    monkeypatch.setattr("app.services.trust.by_domain", lambda *_: pd.DataFrame(
        {"task": "hardness", "is_inside": [True, False], "kind": "conformal", "coverage": [0.9, 0.8], "n": [80, 20],
         "n_readings": [40, 10], "n_papers": [9, 2]}))
    monkeypatch.setattr("app.services.trust.separation", lambda *_: pd.DataFrame(
        {"task": "hardness", "by": ["domain score", "outside", "std"], "auroc": 0.7, "auroc_low": 0.6, "auroc_high": 0.8,
         "n": 100, "n_outside": 20, "ratio": 1.5, "ratio_low": 1.1, "ratio_high": 2.0}))
    tested = page(view="bands")
    assert not tested.exception and "the calibrated 90 % band holds" in said(tested) and "too sure" in said(tested)
    assert len(tested.get("plotly_chart")) == 7 and "do have larger errors on average" in said(tested)
    assert "80 % of 10 readings lie inside" in said(tested)


def test_leaks_of_the_shipped_run_keep_their_promises(page):
    tested = page(view="leaks")
    assert not tested.exception and "All 6 promises of the folds hold" in said(tested)
    assert len(tested.get("plotly_chart")) == 2 and "Extra trees on random rows lose" in said(tested)
    assert "From random rows to new papers this run loses" in said(tested) and "go with *near composition* 56 %" in said(tested)


def test_a_link_keeps_the_test_and_the_property_and_passes_over_what_is_none(page):
    tested = page(test="random", property="pitting_potential")
    assert tested.segmented_control(key="validate_rung_3").value == "random" and "698 readings of" in said(tested)
    tested.segmented_control(key="validate_rung_3").set_value("composition").run()
    assert (tested.query_params["test"], tested.query_params["property"]) == ("composition", "pitting_potential")
    tested.segmented_control(key="validate_rung_3").set_value("reference").run()
    assert "test" not in tested.query_params  # the usual stands in no link


def test_a_link_to_no_test_opens_on_new_papers(page):
    tested = page(test="<b>", property="none")
    assert not tested.exception and tested.segmented_control(key="validate_rung_3").value == "reference"


@pytest.mark.parametrize("view", ["sharing", "curves"])
def test_every_other_view_opens(page, view):
    assert not page(view=view).exception


def test_the_card_is_offered_as_html_and_markdown(page, monkeypatch):
    fold = as_markdown("x", [Section("x", (Fold("The <rest>", (Text("Seven."),)),))]).split("\n\n", 2)[2]
    markdown = f"# Title\n\n## Data\n\nFacts.\n\n## Splits\n\nTen.\n\n{fold}"
    monkeypatch.setattr("app.services.trust.card", lambda *_: (markdown, "<!doctype html>"))
    tested = page(view="card")
    assert not tested.exception and "Facts." in said(tested) and len(tested.get("download_button")) == 2
    tested.segmented_control[-1].set_value("Splits").run()
    assert "Ten." in said(tested) and "Facts." not in said(tested) and "details" not in said(tested)
    assert (tested.expander[-1].label, tested.expander[-1].markdown[0].value.strip()) == ("The \\<rest\\>", "Seven.")


def test_a_run_that_is_no_complete_training_is_not_validated(page, tmp_path):
    run = make_validation(tmp_path, Status.stopped)
    tested = page(run="no-such-run")
    assert not tested.exception and "is not here" in tested.warning[0].value and run
