"""Curations: versions that nobody overwrites, and rows that are tested as published whatever was decided about them."""
import subprocess
import sys

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from mtl_core.data import observations, read_tables
from mtl_core.data.curations import (
    Curation,
    Decision,
    curate,
    curation_names,
    delete_curation,
    list_curations,
    load_curation,
    save_curation,
)
from mtl_core.errors import ConfigError
from mtl_core.tasks import DEFAULT_TASKS

SAVE_TEN = """
import sys
from pathlib import Path
from mtl_core.data.curations import Curation, save_curation
for number in range(10):
    save_curation(Curation(name="shared", note=f"{sys.argv[2]}-{number}"), Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def table():
    return read_tables()


def decided(**choices):
    return Curation(name="mine", decisions={key.replace("__", "-"): Decision(choice=choice, rule="conflict", reason="it differs")
                                            for key, choice in choices.items()})


def test_a_curation_comes_back_as_it_was_kept_and_each_save_is_a_version(tmp_path):
    first = save_curation(decided(B0001__hardness="exclude"), tmp_path)
    second = save_curation(first.model_copy(update={"note": "again", "rules": ("large-residual",), "k": 4.0}), tmp_path)
    save_curation(Curation(name="other"), tmp_path)
    assert (first.id, second.id) == ("mine@1", "mine@2")
    assert load_curation("mine@1", tmp_path) == first
    assert load_curation("mine", tmp_path) == second
    assert [curation.id for curation in list_curations(tmp_path)] == ["mine@2", "mine@1", "other@1"]


def test_two_processes_that_save_at_once_lose_nothing(tmp_path):
    running = [subprocess.Popen([sys.executable, "-c", SAVE_TEN, str(tmp_path), who]) for who in "ab"]
    assert [process.wait(60) for process in running] == [0, 0]
    kept = list_curations(tmp_path)
    assert sorted(curation.version for curation in kept) == list(range(1, 21))
    assert {curation.note for curation in kept} == {f"{who}-{number}" for who in "ab" for number in range(10)}
    assert sorted(path.suffix for path in (tmp_path / "curations" / "shared").iterdir()) == [".json"] * 20


def test_a_deleted_curation_is_gone_and_its_ids_never_come_back(tmp_path):
    save_curation(save_curation(Curation(name="mine"), tmp_path), tmp_path)
    delete_curation("mine", tmp_path)
    assert curation_names(tmp_path) == () and list_curations(tmp_path) == ()
    assert save_curation(Curation(name="mine"), tmp_path).id == "mine@3"


@pytest.mark.parametrize("name", ["../mine", "a/b", "", ".hidden", "x" * 61, "mine\n", "a b"])
def test_a_name_cannot_leave_its_folder(name, tmp_path):
    with pytest.raises(ValidationError):
        Curation(name=name)
    with pytest.raises(ConfigError, match="name: "):
        save_curation(Curation(name="mine").model_copy(update={"name": name}), tmp_path)
    with pytest.raises(ConfigError, match=r"expected a curation out of \(none is kept yet\)"):
        load_curation(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "words"), [
    ("yours", "expected a curation out of mine, got 'yours'"), ("mine@2", "expected a version of mine out of 1, got '2'"),
    ("mine@../1", "got '../1'"), ("mine@01", "got '01'"),
])
def test_a_curation_that_is_not_there_is_named_with_those_that_are(name, words, tmp_path):
    save_curation(Curation(name="mine"), tmp_path)
    with pytest.raises(ConfigError, match=words):
        load_curation(name, tmp_path)


def test_a_damaged_file_is_named_and_does_not_hide_the_other_curations(tmp_path):
    save_curation(Curation(name="mine"), tmp_path)
    save_curation(Curation(name="yours"), tmp_path)
    (tmp_path / "curations" / "mine" / "1.json").write_text('{"name": "mine"')
    with pytest.raises(ConfigError, match=r"mine/1\.json: expected a curation"):
        load_curation("mine", tmp_path)
    assert curation_names(tmp_path) == ("mine", "yours")
    assert load_curation("yours", tmp_path).id == "yours@1"


def test_without_a_curation_training_sees_the_default_rows(table):
    found = curate(table, DEFAULT_TASKS, None)
    assert found.training is found.rows and found.is_training.all() and found.is_test.all() and found.ignored == 0
    assert_frame_equal(found.rows, observations(table))
    assert_frame_equal(curate(table, DEFAULT_TASKS, Curation(name="empty")).training, observations(table))


def test_an_excluded_row_leaves_training_and_stays_in_the_test(table):
    default = observations(table)
    found = curate(table, DEFAULT_TASKS, decided(B0001__hardness="exclude"))
    assert_frame_equal(found.rows, default)
    assert default["measurement_id"][~found.is_training].tolist() == ["B0001-hardness"]
    assert found.is_test.all()


def test_a_row_that_only_the_curation_brings_back_trains_and_is_never_tested(table):
    left_out = table.measurements.query("flags == 'halide-free-acid'")["measurement_id"].iloc[0]
    default = observations(table)
    found = curate(table, DEFAULT_TASKS, Curation(name="mine", decisions={left_out: Decision(choice="keep")}))
    assert_frame_equal(found.rows.iloc[:-1], default)
    assert found.rows["measurement_id"].iloc[-1] == left_out and found.is_training.all()
    assert found.is_test.tolist() == [True] * len(default) + [False]
    excluded = curate(table, DEFAULT_TASKS, Curation(name="mine", decisions={left_out: Decision(choice="exclude")}))
    assert_frame_equal(excluded.rows, default)


def test_a_bound_changes_what_training_sees_and_not_what_is_tested(table):
    rows = observations(table).set_index("measurement_id")
    above = rows.query("bound == '>'").index[0]
    curation = Curation(name="mine", decisions={
        "B0001-hardness": Decision(choice="lower bound"), "B0002-hardness": Decision(choice="upper bound"),
        above: Decision(choice="upper bound")})
    found = curate(table, DEFAULT_TASKS, curation)
    assert_frame_equal(found.rows, observations(table))
    seen = found.training.set_index("measurement_id")[["value", "low", "high", "bound"]]
    one, two, bound = rows["value"]["B0001-hardness"], rows["value"]["B0002-hardness"], rows["low"][above]
    assert seen.loc["B0001-hardness"].tolist()[1:] == [one, np.inf, ">"]
    assert seen.loc["B0002-hardness"].tolist()[1:] == [-np.inf, two, "<"]
    assert seen.loc[above].tolist()[1:] == [-np.inf, bound, "<"]
    touched = seen.index.isin(curation.decisions)
    assert seen["value"][touched].isna().all()
    assert_frame_equal(seen[~touched], rows[["value", "low", "high", "bound"]][~touched])


def test_decisions_about_other_tasks_do_nothing_and_about_other_tables_are_counted(table):
    curation = decided(B0001__yield_strength="exclude", mylab__1="exclude")
    assert "B0001-yield_strength" in set(table.measurements["measurement_id"])
    found = curate(table, DEFAULT_TASKS, curation)
    assert found.is_training.all() and found.ignored == 1
