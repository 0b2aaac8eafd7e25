"""The model card of a run: its numbers are those of the run, its checklists turn with the facts, and nothing in it can act."""
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mtl_core.cli import app
from mtl_core.ensemble.checkpoint import load
from mtl_core.errors import CheckpointError, RunError
from mtl_core.fingerprints import folds_sha256
from mtl_core.registry.runs import Status
from mtl_core.report import facts as module
from mtl_core.report.answering import answering
from mtl_core.report.blocks import Bullets, Code, Fold, Section, Text, as_html, as_markdown, interval, number, table
from mtl_core.report.card import card
from mtl_core.report.checklists import ARTRITH, CHECKLISTS, REFORMS, answers
from mtl_core.report.facts import DEPLOYED, SOURCES, read_facts
from mtl_core.report.failures import failures
from mtl_core.report.sections import sections
from mtl_core.report.transforms import given
from mtl_core.settings import DATA_DIR, SHIPPED_DIR
from mtl_core.subjects import config_sha256
from mtl_core.validation.leakage import Leak
from mtl_core.validation.report import Estimate, Noise, Report, Score

HOSTILE = "<script>alert(1)</script> | [x](javascript:1) `*_~"


@pytest.fixture(scope="module")
def facts(smoke_run):
    """Of the smoke training; what is worked out once is shared by the tests of this file."""
    return read_facts(smoke_run.name, root=smoke_run.parent)


def with_facts(facts, **changes):
    """The same facts with some of them replaced, whatever the files say."""
    other = replace(facts)
    known = {name: value for name, value in vars(facts).items() if name not in module.Facts.__dataclass_fields__}
    vars(other).update(known | changes)
    return other


@pytest.fixture(scope="module")
def written(facts):
    return sections(facts)


def validation_where_ours(difference):
    estimate = Estimate(value=0.5, low=0.4, high=0.6)
    score = Score(task="hardness", rung="reference", model="ridge", n=495, n_papers=102, r2=estimate, mae=estimate, rmse=estimate,
                  difference=difference)
    noise = Noise(r2_ceiling=0.9, sd=60.0, n_groups=40, n_rows=90, note="")
    return "20261122-000000-0000", Report(
        run="x", tasks=("hardness",), models=("mean", "ridge", "gaussian process", "ours"), config_sha256="", data_sha256="",
        n_folds=3, n_fold_seeds=1, seed=0, epochs=8, rungs={}, scores=(score,), noise={"hardness": {"alloy": noise}})


def test_the_card_says_what_the_files_of_the_run_say(facts, written):
    text = as_markdown("Model card", written)
    assert [section.title for section in written][:3] == ["What this is", "Data", "Splits"] and len(written) == 13
    for fact in (facts.table.sha256, folds_sha256(facts.out_of_fold), facts.record.code_sha256, "10.1038/s41597-020-00768-9",
                 f"python -m mtl_core train --preset {facts.record.preset}", "divided into 3 parts (folds), 1 times", "CC BY "
                                                                                                                      "4.0"):
        assert fact in text, fact
    row = facts.metrics["metrics"]["hardness"]["reference"]
    assert f"| Hardness | New papers | {row['n']} | {number(row['r2'])} |" in text
    assert json.loads(next(block for section in written if section.title == "Configuration" for block in section.blocks
                           if isinstance(block, Code)).lines) == facts.config.model_dump(mode="json")
    assert "nan" not in re.sub(r"[a-zA-Z]*nan[a-zA-Z]+", "", text) and "None" not in text.replace("None of", "")


def test_the_shipped_ensemble_quotes_the_validation_that_comes_along_if_it_is_about_it(facts, monkeypatch):
    about = {"config_sha256": config_sha256(facts.config), "data_sha256": facts.table.sha256}
    report = validation_where_ours(None)[1].model_copy(update=about)
    monkeypatch.setattr("mtl_core.validations.shipped_report", lambda: report)
    assert replace(facts, run="shipped").validation == ("that comes along", report) and facts.validation is None
    monkeypatch.setattr("mtl_core.validations.shipped_report", lambda: report.model_copy(update={"config_sha256": "f" * 64}))
    assert replace(facts, run="shipped").validation is None


def test_a_rehearsal_is_named_as_one_and_not_quoted(facts):
    report = validation_where_ours(None)[1].model_copy(update={"epochs": 2})
    rehearsed = with_facts(facts, _validations=[("the-rehearsal", report)])
    assert rehearsed.validation is None
    text = as_markdown("Model card", [section for section in sections(rehearsed) if section.title == "Accuracy"])
    assert "only that everything works: the-rehearsal (2 epochs)" in text and "| ridge |" not in text


def test_no_sentence_of_the_card_is_left_to_be_filled_in(written):
    text = as_markdown("Model card", written)
    assert not re.search(r"TODO|TBD|…\]|\{[a-z_]+\}|lorem|fill in", text, re.IGNORECASE)


def test_each_checklist_has_all_its_items_and_answers_each_with_a_fact(facts):
    assert [len(items) for items in CHECKLISTS.values()] == [16, 32]
    for items in CHECKLISTS.values():
        assert len({item.key for item in items}) == len(items)
        for item, answer in answers(items, facts):
            assert len(answer.fact) > 10, item
    met = {item.key: answer.met for item, answer in answers(REFORMS, facts)}
    assert {met[key] for key in ("1b", "1c", "7b", "8a")} == {"no"}
    assert {met[key] for key in ("2a", "2b", "3d", "6a", "6c")} == {"yes"}
    assert met["5e"] == met["6b"] == "partly"  # settings by hand on these rows; twins of other papers stay in training
    text = as_markdown("x", sections(facts))
    for items in CHECKLISTS.values():
        assert f"{sum(answer.met == 'partly' for _, answer in answers(items, facts))} partly" in text


def test_the_card_tells_what_gaussian_processes_add_and_whether_they_were_scaled_by_training_rows_alone():
    shipped = read_facts()
    text = as_markdown("x", [Section("x", tuple(answering(shipped)))])
    ensemble = load(SHIPPED_DIR)
    share, v = ensemble.config.kernel_share, ensemble.kernels.line.mean(axis=0)
    assert share and f"| Gaussian processes | {share:.0%} |" in text and f"| networks | {1 - share:.0%} |" in text
    assert f"hardness {number(float(v[0]))}, pitting potential {number(float(v[1]))}" in text
    parts = [part for part in shipped.parts if part.split == DEPLOYED]
    assert [(leak.n, leak.n_affected) for leak in given(shipped, parts)] == [(30, 0)] * 3
    features = ensemble.kernels.features
    peeked = replace(ensemble, kernels=replace(ensemble.kernels, features=replace(
        features, mean=features.mean + np.eye(30, 2)[..., None] * features.scale)))  # of the first two parts, one task each
    other = with_facts(shipped, ensemble_of={task.key: (peeked, place) for place, task in enumerate(shipped.tasks)})
    assert [leak.n_affected for leak in given(other, parts)] == [0, 1, 1]


def test_a_band_that_tells_nothing_and_a_domain_that_tells_nothing_are_said_so(facts):
    def asked(low, high):
        row = {"task": "hardness", "n": 90, "n_outside": 9, "auroc": 0.6, "auroc_low": low, "auroc_high": high, "ratio": 1.4,
               "ratio_low": 2.0 * low, "ratio_high": 2.0}
        rows = [row | {"by": by} for by in ("domain score", "outside", "std")]
        return with_facts(facts, separation=pd.DataFrame(rows).set_index(["task", "by"]))

    for found, width, domain in ((asked(0.4, 0.7), "does not tell good", "neither the distance"),
                                 (asked(0.55, 0.65), "hardly tells good", "errors are larger outside (1.4 [1.1, 2] times)")):
        assert any(f"the width of the band {width}" in sentence for sentence in failures(found))
        assert domain in as_markdown("x", [one for one in sections(found) if one.title == "Domain"]).replace("\\", "")


def test_the_files_that_the_sources_were_read_from_are_those_of_the_data_card():
    page = (DATA_DIR / "README.md").read_text(encoding="utf-8")
    assert all(f"    {source.sha256}  {name}_" in page for name, source in SOURCES.items())


def test_a_broken_promise_is_a_failure_and_an_item_that_is_not_met(facts):
    leak = Leak("same paper", "hardness", "reference", 495, 3, "3 of 495 tests.", is_forbidden=True)
    column = Leak("target-derived column", "hardness", "", 80, 1, "at_Cr puts the target in order.", is_forbidden=True)
    broken = with_facts(facts, leaks=(*facts.leaks, leak), derived=(column,))
    unmet = {item.key for item, answer in answers(REFORMS, broken) if not answer.is_met}
    assert {"6b", "6c"} <= unmet and "5c" in {item.key for item, answer in answers(ARTRITH, broken) if not answer.is_met}
    told = [sentence for sentence in failures(broken) if sentence.startswith("Broken promise")]
    assert len(told) == 2 and not [sentence for sentence in failures(facts) if sentence.startswith("Broken promise")]


@pytest.mark.parametrize(("difference", "is_better"), [(Estimate(value=0.2, low=0.1, high=0.3), True),
                                                       (Estimate(value=-0.2, low=-0.3, high=-0.1), False)])
def test_a_validation_gives_intervals_and_says_who_won(facts, difference, is_better):
    validated = with_facts(facts, validation=validation_where_ours(difference))
    met = {item.key: answer.is_met for item, answer in answers(REFORMS, validated)}
    assert met["7b"] and met["7c"] and met["5b"] is is_better
    assert is_better != any("ridge is better" in sentence for sentence in failures(validated))
    assert interval(difference.value, difference.low, difference.high) in as_markdown("x", sections(validated)).replace("\\", "")


def test_only_a_validation_that_trained_as_the_run_did_speaks_for_it(facts, monkeypatch):
    run, report = validation_where_ours(Estimate(value=0.2))
    reports = {"other": report.model_copy(update={"epochs": facts.config.train.epochs - 1}), run: report}
    listed = [SimpleNamespace(id=one, kind="validate", status=Status.complete, config={"run": facts.run}) for one in reports]
    monkeypatch.setattr(module.validations, "read_validation", lambda one, root: SimpleNamespace(report=reports[one]))
    monkeypatch.setattr(module, "list_runs", lambda root: listed)
    assert replace(facts).validation == (run, report)
    monkeypatch.setattr(module, "list_runs", lambda root: listed[:1])
    assert replace(facts).validation is None


def test_a_validation_that_cannot_be_read_is_named_and_left_out(facts, monkeypatch):
    def refuse(one, root):
        raise CheckpointError(f"{one}: expected the report of a validation")

    listed = [SimpleNamespace(id="newer", kind="validate", status=Status.complete, config={"run": facts.run})]
    monkeypatch.setattr(module.validations, "read_validation", refuse)
    monkeypatch.setattr(module, "list_runs", lambda root: listed)
    other = replace(facts)
    assert other.validation is None and other.rehearsals == () and other.unreadable == ("newer",)


def test_markup_in_a_text_is_shown_and_not_obeyed():
    blocks = (Text(HOSTILE), Bullets((HOSTILE,)), Code(HOSTILE), table((HOSTILE,), [(HOSTILE,)]))
    blocks += (Fold(HOSTILE, blocks),)
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
    parser.feed(as_html(HOSTILE, [Section(HOSTILE, blocks)]))
    assert "script" not in {tag for tag, _ in tags}
    assert not any(name.startswith("on") or str(value).startswith(("http", "javascript", "//"))
                   for _, attributes in tags for name, value in attributes.items())
    lines = as_markdown(HOSTILE, [Section(HOSTILE, blocks)]).splitlines()
    for line in lines:
        assert line.startswith("    ") or not re.search(r"(?<!\\)(<script|\[x\])", line)
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")}) == 1  # no cell opens another


def test_numbers_have_the_digits_that_count():
    assert [number(cell) for cell in (None, float("nan"), True, "x", 1248, 0.83651, 56.94, 481.6, 3.0, -0.25)] == [
        "–", "–", "yes", "x", "1,248", "0.837", "56.9", "482", "3", "-0.250"]


def test_a_report_is_refused_for_what_is_no_complete_training_on_these_data(facts, smoke_run, monkeypatch):
    found = module.find_run(facts.run, smoke_run.parent)
    for change in ({"kind": "tune"}, {"status": Status.stopped}):
        with monkeypatch.context() as patch:
            patch.setattr(module, "find_run", lambda *_, change=change: found.model_copy(update=change))
            with pytest.raises(RunError, match="expected a complete training"):
                card(facts.run, root=smoke_run.parent)
    other = replace(facts.table, references=facts.table.references.assign(year=1900))
    monkeypatch.setattr(module, "read_data", lambda *_, **__: other)
    with pytest.raises(CheckpointError, match="expected data with the fingerprint"):
        card(facts.run, root=smoke_run.parent)


def test_the_command_writes_what_the_name_of_the_file_asks_for(facts, written, tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_core.report.card.read_facts", lambda run, **_: facts)
    for name, start in {"card.html": "<!doctype html>", "card.md": "# Model card of run"}.items():
        done = CliRunner().invoke(app, ["report", "--run", facts.run, "--out", str(tmp_path / name), "--json"])
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)
    refused = CliRunner().invoke(app, ["report", "--out", str(tmp_path / "card.pdf")])
    assert refused.exit_code and "ends in .html or .md" in str(refused.exception)
