"""Stored datasets: seen whole or not at all, never changed, never mixed up, and read together with the published tables."""
import json
import multiprocessing
from pathlib import Path

import pytest
from data_samples import write_sample_tables
from typer.testing import CliRunner

from mtl_core.data import datasets as store
from mtl_core.data import read_tables
from mtl_core.data.datasets import delete_dataset, find_dataset, list_datasets, read_data, save_dataset
from mtl_core.data.folds import make_folds
from mtl_core.data.training import observations
from mtl_core.data_cli import data_app
from mtl_core.errors import ConfigError, DataError

PUBLISHED_DOI = "10.1016/j.actamat.2011.06.041"


@pytest.fixture
def sample(tmp_path):
    """Two made-up alloys with one measurement each."""
    folder = tmp_path / "sample"
    folder.mkdir()
    return read_tables(write_sample_tables(folder))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "user"


def test_the_published_tables_alone_are_those_that_the_project_carries():
    assert read_data().sha256 == read_tables().sha256
    assert list_datasets(Path("/nowhere")) == ()


def test_a_saved_dataset_comes_back_with_ids_of_its_own_and_its_name_as_source(sample, root):
    info = save_dataset("mylab", sample, {"file": "a.csv"}, root)
    assert (info.id, info.n_alloys, info.n_measurements, info.n_references) == ("mylab@1", 2, 2, 2)
    assert list_datasets(root) == (info,) and find_dataset("mylab", root) == info
    alone = read_data(["mylab@1"], root=root)
    assert set(alone.measurements["measurement_id"]) == {"mylab.B0001-hardness", "mylab.N0001-pitting_potential"}
    assert set(alone.alloys["source"]) == {"mylab"} and alone.elements == ("Cr", "Fe")


def test_the_union_holds_every_row_once_and_does_not_depend_on_the_order(sample, root):
    save_dataset("mylab", sample, root=root)
    save_dataset("another", sample, root=root)
    published, both = read_tables(), read_data(["mylab", "published", "another@1"], root=root)
    assert len(both.measurements) == len(published.measurements) + 4
    assert both.measurements["measurement_id"].is_unique and both.alloys["alloy_id"].is_unique
    assert both.alloys.filter(like="at_").notna().all(axis=None) and both.elements == published.elements
    assert both.sha256 == read_data(["published", "another", "mylab"], root=root).sha256
    assert len(observations(both, ("hardness",))) == len(observations(published, ("hardness",))) + 2


def test_a_paper_that_two_datasets_hold_is_never_on_both_sides_of_a_fold(sample, root):
    cited = sample.references.assign(doi=[PUBLISHED_DOI.upper(), ""])
    save_dataset("mylab", type(sample)(sample.alloys, sample.measurements, cited), root=root)
    references = read_data(["published", "mylab"], root=root).references.set_index("reference_id")
    assert references["group"]["mylab.borg-1"] == references["group"]["borg-1"]
    assert references["group"]["mylab.nyby-1"] == "mylab.nyby-1"
    rows = observations(read_data(["published", "mylab"], root=root), ("hardness",))
    folds = make_folds(rows, kind="reference", n_folds=5, seed=0)
    assert len(set(folds[rows["doi"].str.lower() == PUBLISHED_DOI])) == 1


def test_dois_chain_groups_together(sample, root):
    def cited(*dois):
        return type(sample)(sample.alloys, sample.measurements, sample.references.assign(doi=list(dois), group="together"))

    save_dataset("a", cited("10.1/one", "10.1/two"), root=root)
    save_dataset("b", cited("10.1/two", "10.1/three"), root=root)
    save_dataset("c", cited("10.1/three", "10.1/four"), root=root)
    assert set(read_data("abc", root=root).references["group"]) == {"a.together"}


def test_the_same_name_gives_the_next_version_and_a_deleted_number_is_never_given_again(sample, root):
    assert [save_dataset("mylab", sample, root=root).version for _ in range(3)] == [1, 2, 3]
    delete_dataset("mylab@3", root)
    assert [info.version for info in list_datasets(root)] == [1, 2]
    assert save_dataset("mylab", sample, root=root).id == find_dataset("mylab", root).id == "mylab@4"
    for version in (1, 2, 4):
        delete_dataset(f"mylab@{version}", root)
    assert list_datasets(root) == () and save_dataset("mylab", sample, root=root).version == 5


def _save(root, sample, done):
    done.put([save_dataset("mylab", sample, root=root).id for _ in range(5)])


def test_writers_at_once_lose_nothing(sample, root):
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    writers = [context.Process(target=_save, args=(root, sample, done)) for _ in range(3)]
    for writer in writers:
        writer.start()
    made = [one for _ in writers for one in done.get(timeout=120)]
    for writer in writers:
        writer.join()
    assert sorted(made) == sorted(info.id for info in list_datasets(root)) and len(set(made)) == 15
    assert all(len(read_data([one], root=root).alloys) == 2 for one in made)


@pytest.mark.parametrize("step", ["write_tables", "read_tables", "write_json"])
def test_an_interrupted_save_leaves_nothing_visible_and_the_next_one_works(sample, root, monkeypatch, step):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            save_dataset("mylab", sample, root=root)
    assert list_datasets(root) == () and list(root.rglob("*.csv")) == []
    assert save_dataset("mylab", sample, root=root) == list_datasets(root)[0]


def test_tables_that_break_the_schema_are_not_stored(sample, root):
    broken = type(sample)(sample.alloys.assign(at_Fe=-5.0), sample.measurements, sample.references)
    with pytest.raises(DataError, match="greater than or equal to 0"):
        save_dataset("mylab", broken, root=root)
    assert list_datasets(root) == () and list(root.rglob("*.csv")) == []


@pytest.mark.parametrize("name", ["", "..", "../up", "a/b", "a\\b", "a.b", "a@1", "-a", "a" * 61, "published", "Borg2020", "a\nb",
                                  "<b>"])
def test_a_name_that_leaves_the_folder_or_misleads_is_refused(sample, root, name):
    with pytest.raises(ConfigError, match="expected a name"):
        save_dataset(name, sample, root=root)
    assert not root.exists()


def test_what_is_not_there_twice_there_or_changed_is_said(sample, root):
    save_dataset("mylab", sample, root=root)
    save_dataset("mylab", sample, root=root)
    with pytest.raises(DataError, match="expected a dataset out of published, mylab@1, mylab@2, got none of this name"):
        read_data(["published", "mylab@3"], root=root)
    with pytest.raises(DataError, match="none of this name"):
        delete_dataset("../mylab@1", root)
    with pytest.raises(ConfigError, match="one version of each dataset, got mylab more than once"):
        read_data(["mylab@1", "mylab@2"], root=root)
    with pytest.raises(ConfigError, match="at least one dataset"):
        read_data([], root=root)
    path = root / "datasets" / "mylab" / "1" / "measurements.csv"
    path.write_text(path.read_text().replace(",200,", ",300,"))
    with pytest.raises(DataError, match=r"as they were saved, got [0-9a-f]+: they were changed"):
        read_data(["mylab@1"], root=root)
    assert len(read_data(["mylab@2"], root=root).alloys) == 2


def test_the_command_line_keeps_a_file_names_its_bad_rows_and_lists_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "USER_DIR", tmp_path / "user")
    run, lab, rejected = CliRunner().invoke, tmp_path / "lab.csv", tmp_path / "rejected.csv"
    lab.write_text("Alloy,Hardness\nFe80Cr20,2.5\nFe80Cr20,abc\n")
    answered = ["import", str(lab), "--name", "mylab", "--unit", "Hardness=GPa", "--rejected", str(rejected)]
    assert "In which unit is 'Hardness'?" in str(run(data_app, answered[:4]).exception)
    assert "lab.csv, row 3, column 'Hardness': expected a number" in str(run(data_app, answered).exception)
    assert "abc" in rejected.read_text() and list_datasets() == ()
    done = json.loads(run(data_app, [*answered, "--take-good", "--json"]).stdout)
    assert (done["dataset"], done["good_rows"], done["bad_rows"]) == ("mylab@1", 1, [3])
    assert [info["id"] for info in json.loads(run(data_app, ["datasets", "--json"]).stdout)["datasets"]] == ["mylab@1"]
    assert run(data_app, ["template"]).stdout.startswith("name,composition,")
