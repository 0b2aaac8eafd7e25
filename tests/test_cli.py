"""The command line as scripts use it: in its own process, one JSON object on stdout, exit codes, any working folder."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime

import pandas as pd
import pytest
from typer.testing import CliRunner

from mtl_core.cli import app
from mtl_core.registry import store
from mtl_core.registry.runs import Run, read_progress

DEFAULTS = {"process": None, "temperature_c": 25.0, "chloride_m": 0.6, "ph": 7.0, "scan_rate_mv_s": None}


def run_cli(*arguments, cwd, code=0):
    done = subprocess.run([sys.executable, "-m", "mtl_core", *map(str, arguments)], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("command", ["", "data", "data build", "data check", "data summary", "data suspects", "data noise",
                                     "data map", "train", "predict", "explain", "explain-all", "evaluate", "runs", "runs start",
                                     "runs import"])
def test_every_command_explains_itself(command, tmp_path):
    done = run_cli(*command.split(), "--help", cwd=tmp_path)
    assert "Usage: python -m mtl_core" in done.stdout


def test_the_summary_counts_each_property(tmp_path):
    content = json.loads(run_cli("data", "summary", "--json", cwd=tmp_path).stdout)
    for key in ("hardness", "pitting_potential"):
        counts = content["properties"][key]
        assert set(counts) >= {"n", "n_censored", "n_alloys", "n_references", "n_default"}
        assert counts["n"] >= counts["n_default"] > 400 and counts["n_references"] > 50


def test_suspects_and_noise_are_listed_for_scripts_and_for_people(tmp_path):
    content = json.loads(run_cli("data", "suspects", "--rule", "lone-outlier", "--rule", "implausible-composition", "--json",
                                 cwd=tmp_path).stdout)
    assert content["k"] == 3.0 and {one["rule"] for one in content["suspects"]} == {"lone-outlier", "implausible-composition"}
    listed = run_cli("data", "suspects", "--rule", "lone-outlier", cwd=tmp_path).stdout
    assert "980 mV vs SCE stands between -150 and 10" in listed and "10.1149/1.2712794" in listed
    assert "expected rules out of wrong-quantity" in run_cli("data", "suspects", "--rule", "guess", cwd=tmp_path, code=2).stderr
    noise = json.loads(run_cli("data", "noise", "--json", cwd=tmp_path).stdout)["noise"]
    never_repeated = next(row for row in noise if row["n_rows"] == 0)
    assert never_repeated["sd"] is None and never_repeated["note"] == "No repeats."


def test_the_shipped_tables_pass_their_own_check(tmp_path):
    assert "no problem found" in run_cli("data", "check", cwd=tmp_path).stderr
    (tmp_path / "empty").mkdir()
    assert "alloys.csv" in run_cli("data", "check", tmp_path / "empty", cwd=tmp_path, code=1).stdout


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["predict"], 2, "either --alloy"),
    (["runs", "start", "--wiring", "latent", "--task", "hardness"], 1, "two tasks or more for the wiring 'latent'"),
    (["predict", "--alloy", "CoCrFeNi", "--input", "in.csv"], 2, "either --alloy"),
    (["predict", "--alloy", "CoCrFeNi", "--process", "FORGED"], 2, "FORGED"),
    (["predict", "--alloy", "CoCrFeNi", "--basis", "mol"], 2, "not one of 'at', 'wt'"),
    (["predict", "--alloy", "CoCrFeNi", "--ph", "acid"], 2, "--ph"),
    (["predict", "--alloy", "CoCrFeNi", "--ph", "99"], 1, "ph: Input should be less than or equal to 16, got 99.0"),
    (["predict", "--alloy", "Fe-18Cr-10Ni"], 1, "may be meant in at.% or in wt.%"),
    (["predict", "--input", "nowhere.csv", "--output", "out.csv"], 1, "nowhere.csv: expected a file"),
    (["explain", "--alloy", "CoCrFeNi", "--task", "beauty"], 1, "expected one of the tasks hardness (HV), pitting_potential"),
    (["explain", "--alloy", "CoCrFeNi", "--baseline", "middle"], 1, "middle"),
    (["explain", "--alloy", "CoCrFeNi", "--by", "swap", "--step", "5"], 1, "at most 1 at.%, got 5"),
    (["train", "--preset", "huge"], 2, "huge"), (["train", "--task", "beauty"], 1, "got beauty"),
    (["train", "--cap", "0.7"], 1, "preparation.cap: Input should be less than 0.5, got 0.7"),
    (["train", "--curation", "nope"], 1, "expected a curation out of"),
    (["train", "--target-transform", "log"], 1, "expected values above zero"),
    (["train", "--alone", "--task", "hardness"], 1, "expected two tasks or more to compare with each task alone, got one"),
    (["data", "build", "--source-dir", "nowhere"], 1, "expected"), (["fly"], 2, "fly"),
    (["runs", "start", "--preset", "huge"], 2, "huge"), (["runs", "start", "--task", "beauty"], 1, "got beauty"),
    (["runs", "start", "--target-transform", "log"], 1, "expected values above zero"),
    (["runs", "start", "--preset", "smoke", "--name", "x" * 81], 1, "at most 80 characters"),
    (["runs", "show", "nope"], 1, "expected one of the runs shipped"), (["runs", "stop", "shipped"], 1, "it is complete"),
    (["runs", "resume", "shipped"], 1, "which belongs to the program"),
    (["runs", "list", "--status", "asleep"], 2, "expected --status out of queued, running, complete"),
    (["validate", "--rung", "nonsense"], 1, "'leave-one-out', got 'nonsense'"),
    (["runs", "export", "shipped"], 1, "a complete run of this version to export"),
    (["runs", "import", "nowhere.zip"], 1, "nowhere.zip"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_mistake_is_a_sentence_and_an_exit_code_and_leaves_stdout_empty(arguments, code, words, tmp_path):
    done = run_cli(*arguments, cwd=tmp_path, code=code)
    assert words in " ".join(done.stderr.replace("│", " ").split()) and done.stdout == ""
    assert "Tuple should" not in done.stderr  # what is wrong with a whole, beside the item that is


def test_a_training_takes_its_config_from_a_file_or_from_what_is_piped_in(tmp_path):
    """What stands in it is read: a config that no data can be divided by is refused for that reason."""
    config = json.dumps({"train": {"n_folds": 5000, "splits": ["reference"]}, "tasks": ["hardness"]})
    (tmp_path / "config.json").write_text(config)
    for source in ("config.json", "-"):
        done = subprocess.run([sys.executable, "-m", "mtl_core", "train", "--config", source], input=config, capture_output=True,
                              text=True, cwd=tmp_path)
        assert done.returncode == 1 and "n_folds from 2 to the number of groups by reference" in done.stderr, done.stderr


def test_a_csv_with_a_comma_too_many_is_refused_not_cut(tmp_path):
    (tmp_path / "in.csv").write_text("name,composition\na,CoCrFe,Ni\n")
    done = run_cli("predict", "--input", "in.csv", "--output", "out.csv", cwd=tmp_path, code=1)
    assert "in.csv, row 2: expected 2 cells" in done.stderr and not (tmp_path / "out.csv").exists()


def test_the_list_says_what_each_run_is_and_for_what_has_no_score_nothing_else(monkeypatch):
    made = dict(status="complete", sentence="All its models are scored.", created=datetime(2026, 1, 31, tzinfo=UTC))
    scores = {"hardness": {"reference": {"r2": 0.5}}}
    runs = [Run(id="20260131-000000-0001", kind="validate", **made), Run(id="20260131-000000-0002", kind="tune", **made),
            Run(id="20260131-000000-0003", preset="smoke", scores=scores, **made)]
    monkeypatch.setattr(store, "list_runs", lambda **_: runs)
    lines = [line.split() for line in CliRunner().invoke(app, ["runs", "list"]).stdout.splitlines()]
    assert [line[1:] for line in lines[1:]] == [["complete", "validation"], ["complete", "search"],
                                                ["complete", "smoke", "hardness", "0.500"]]


@pytest.fixture(scope="module")
def one_alloy(tmp_path_factory):
    done = run_cli("predict", "--alloy", "Co20Cr20Fe20Mn20Ni20", "--json", cwd=tmp_path_factory.mktemp("elsewhere"))
    return json.loads(done.stdout), done.stderr


def test_one_alloy_is_one_json_object_with_its_conditions_and_defaults(one_alloy):
    content, notes = one_alloy
    assert content["conditions"] == DEFAULTS and content["level"] == 0.9
    for task, unit in (("hardness", "HV"), ("pitting_potential", "mV vs SCE")):
        answer = content[task]
        assert answer["unit"] == unit and isinstance(answer["in_domain"], bool)
        assert answer["lower"] < answer["mean"] < answer["upper"] and answer["std"] > 0
        assert (answer["domain_reason"] == "") == answer["in_domain"]
    assert notes == ""


def test_a_file_keeps_its_rows_and_one_bad_row_does_not_stop_the_others(one_alloy, tmp_path):
    (tmp_path / "in.csv").write_text('id,composition,ph\n7,Co20Cr20Fe20Mn20Ni20,7\n"8, odd",Qq3Fe,7\n9,CoCrFeNi,\n')
    done = run_cli("predict", "--input", "in.csv", "--output", "out.csv", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (said["output"], said["rows"], said["predicted"], [error["row"] for error in said["errors"]]) == ("out.csv", 3, 2, [3])
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert found["id"].tolist() == ["7", "8, odd", "9"] and found["composition"][1] == "Qq3Fe"
    parts = ("mean", "std", "lower", "upper", "in_domain")
    columns = [f"{task}_{part}" for task in ("hardness", "pitting_potential") for part in parts]
    assert found.columns.tolist() == ["id", "composition", "ph", *columns, "error"]
    assert found["hardness_mean"].tolist()[1] == "" and "Qq" in found["error"][1]
    for task in ("hardness", "pitting_potential"):
        for part in ("mean", "std", "lower", "upper"):
            assert float(found[f"{task}_{part}"][0]) == pytest.approx(one_alloy[0][task][part], rel=1e-5)
        assert found[f"{task}_in_domain"][0] == str(one_alloy[0][task]["in_domain"])


@pytest.mark.parametrize("by", ["element", "swap"])
def test_explain_gives_bars_that_add_up_and_swaps_with_what_they_do_to_each_task(by, tmp_path):
    content = json.loads(run_cli("explain", "--alloy", "Al0.5CoCrFeNi", "--baseline", "nearest", "--by", by, "--json",
                                 cwd=tmp_path).stdout)
    assert content["conditions"] == DEFAULTS and content["by"] == by
    if by == "swap":
        assert len(content["swaps"]) > 50 and set(content["swaps"][0]["tasks"]) == {"hardness", "pitting_potential"}
        for [key], rows in zip((["hardness"], ["pitting_potential"]), content["best"].values(), strict=False):
            best = [one["tasks"][key] for one in rows]
            assert best and all(one["in_domain"] and one["n_measured"] >= 5 and one["value"] > 0 for one in best)
        return
    for task in content["tasks"].values():
        total = sum(bar["value"] for bar in task["bars"]) + task["gap"]
        assert total == pytest.approx(task["prediction"] - task["baseline"], abs=1e-6) and abs(task["gap"]) < 1.0


def test_explain_says_what_was_asked_and_what_its_numbers_mean(tmp_path):
    text = run_cli("explain", "--alloy", "316l", "--baseline", "316L", "--by", "feature", "--ph", "3", cwd=tmp_path).stdout
    assert text.startswith("316L: Fe") and "pH 3 · processing not reported" in text.splitlines()[0]
    assert text.count("Nothing differs from the baseline") == 2 and "not the error against a measurement" in text
    swaps = ("explain", "--alloy", "CoCrFeMnNi", "--by", "swap", "--task", "HV")
    few, every = (run_cli(*swaps, *more, cwd=tmp_path).stdout.count("measured with as much") for more in ((), ("--all",)))
    assert few == 3 and every > 50


def test_evaluate_gives_accuracy_and_coverage_by_task_and_split(smoke_training, smoke_run, smoke_environment, tmp_path):
    done = subprocess.run([sys.executable, "-m", "mtl_core", "evaluate", "--run", smoke_run.name, "--json"], cwd=tmp_path,
                          env=smoke_environment, capture_output=True, text=True, check=True)
    content = json.loads(done.stdout)
    assert content == smoke_training
    assert content["run"] == smoke_run.name
    for task in ("hardness", "pitting_potential"):
        for split in ("random", "composition", "reference"):
            found = content["metrics"][task][split]
            assert found["n"] > 400 and found["r2"] < 1 and found["rmse"] >= found["mae"] > 0
            assert set(found["coverage"]) == set(found["width"]) == {"0.68", "0.9", "0.95"}
            assert found["width"]["0.68"] < found["width"]["0.9"] < found["width"]["0.95"]
        assert set(content["transfer"][task]) == {"random", "composition", "reference"}


def test_a_run_of_its_own_process_is_killed_resumed_handed_on_and_gives_the_numbers_of_train(smoke_run, smoke_training, tmp_path):
    here, there = ({**os.environ, "ALLOYSCOPE_RUNS": str(tmp_path / name)} for name in ("here", "there"))

    def runs(*arguments, env=here, code=0):
        done = subprocess.run([sys.executable, "-m", "mtl_core", "runs", *map(str, arguments)], cwd=tmp_path, env=env, text=True,
                              capture_output=True)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if "--json" in arguments else done.stderr

    def seen(condition):
        end = time.monotonic() + 240
        while not condition(found := store.find_run(run, tmp_path / "here")):
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found

    run = runs("start", "--preset", "smoke", "--name", "first", "--json")["id"]
    folder = tmp_path / "here" / run
    pid = seen(lambda found: found.status == "running" and read_progress(folder)).pid
    os.kill(pid, signal.SIGKILL)
    assert [found["status"] for found in runs("list", "--json")["runs"]] == ["lost"]
    assert runs("resume", run, "--json")["status"] in ("queued", "running")
    assert seen(lambda found: found.status not in ("queued", "running")).status == "complete", (folder / "run.log").read_text()
    assert (folder / "out_of_fold.csv").read_bytes() == (smoke_run / "out_of_fold.csv").read_bytes()
    assert runs("show", run, "--json")["scores"]["hardness"]["reference"]["r2"] == (
        smoke_training["metrics"]["hardness"]["reference"]["r2"])

    runs("export", run, "--output", "run.zip")
    brought = runs("import", "run.zip", "--json", env=there)
    assert (brought["id"], brought["label"]["name"], brought["status"]) == (run, "first", "complete")
    with zipfile.ZipFile(tmp_path / "run.zip") as old, zipfile.ZipFile(tmp_path / "tampered.zip", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"hardness", b"softness") if name.endswith(".csv") else content)
    runs("delete", run)
    assert runs("list", "--json")["runs"] == []
    assert runs("purge", "--yes", "--json")["removed"] == [run] and runs("list", "--deleted", "--json")["runs"] == []
    shutil.rmtree(tmp_path / "there")
    assert "out_of_fold.csv: the fingerprint: expected" in runs("import", "tampered.zip", env=there, code=1)
    assert runs("list", "--json", env=there)["runs"] == []
