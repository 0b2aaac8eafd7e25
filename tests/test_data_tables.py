"""The three tables: what is committed, what is refused and in which words, and that writing them loses nothing."""
import subprocess
import sys

import pytest
from data_samples import SOURCE_DIR, WHY_SKIPPED, write_sample_tables

from mtl_core.data import DATA_DIR, RULES, build_tables, check_tables, read_tables, summary, write_tables
from mtl_core.errors import DataError
from mtl_core.tasks import PROPERTIES


def test_the_committed_tables_have_no_problems_and_cover_every_task():
    assert check_tables() == ()
    counts = summary(read_tables())["properties"]
    assert list(counts) == list(PROPERTIES)
    assert counts["hardness"] == {"n": 515, "n_censored": 0, "n_alloys": 434, "n_references": 107, "n_default": 495}
    assert counts["pitting_potential"]["n_censored"] == 41 + 13 + 1


def test_the_data_card_prints_the_counts_of_the_tables():
    card = (DATA_DIR / "README.md").read_text()
    for key, counts in summary(read_tables())["properties"].items():
        assert f"| {key} | {' | '.join(map(str, counts.values()))} |" in card
    assert all(f"| `{rule.name}` | " in card and rule.reason in card for rule in RULES)


@pytest.mark.skipif(not SOURCE_DIR.is_dir(), reason=WHY_SKIPPED)
def test_the_committed_tables_are_rebuilt_byte_for_byte_from_the_published_workbooks(tmp_path):
    write_tables(build_tables(SOURCE_DIR), tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (DATA_DIR / path.name).read_bytes(), path.name
    assert len(list(tmp_path.iterdir())) == 3


def test_reading_and_writing_again_changes_no_byte(tmp_path):
    table = read_tables(write_sample_tables(tmp_path))
    before = table.texts()
    write_tables(table, tmp_path)
    assert read_tables(tmp_path).texts() == before
    assert table.elements == ("Cr", "Fe")
    assert table.sha256 == read_tables(tmp_path).sha256


@pytest.mark.parametrize(("change", "message"), [
    ({"alloys": ("at_Cr", "at_Xx")},
     "alloys.csv, row 1, column 'at_Xx': expected at_ and the symbol of an element with data, got Xx"),
    ({"alloys": ("20,80", "20,75")}, "alloys.csv, row 2: expected at.% that add up to 100 ± 2, got 95"),
    ({"alloys": ("20,80", "-20,120")},
     "alloys.csv, row 2, column 'at_Cr': expected greater than or equal to 0, got '-20'"),
    ({"alloys": ("18.5,81.5", "much,81.5")},
     "alloys.csv, row 3, column 'at_Cr': expected a valid number, unable to parse string as a number, got 'much'"),
    ({"alloys": ("CAST", "cast")},
     "alloys.csv, row 2, column 'process': expected 'CAST', 'WROUGHT', 'ANNEAL', 'POWDER' or 'OTHER', got 'cast'"),
    ({"alloys": ("N C", "N Zz")},
     "alloys.csv, row 3, column 'not_reported': expected only symbols of elements with data, got Zz"),
    ({"alloys": ("N0001", "B0001")},
     "alloys.csv, row 3, column 'alloy_id': expected an id that is used once, got 'B0001'"),
    ({"measurements": ("HV,=", "GPa,=")},
     "measurements.csv, row 2: expected the unit 'HV' for hardness, got 'GPa'"),
    ({"measurements": (",200,,,HV", ",-200,,,HV")},
     "measurements.csv, row 2: expected hardness of at least 0 HV, got -200"),
    ({"measurements": (",450,,mV", ",,450,mV")}, "measurements.csv, row 3: expected '=' with value or with value_low"),
    ({"measurements": ("SCE,>,", "SCE,~,")},
     "measurements.csv, row 3, column 'bound': expected '=', '>' or '<', got '~'"),
    ({"measurements": ("transpassive", "guessed")},
     "measurements.csv, row 3, column 'flags': expected only names of rules, got guessed"),
    ({"measurements": (",scan_rate_mv_s,", ",scan_rate,")},
     "measurements.csv, row 1, column 'scan_rate_mv_s': expected this column, got no such column"),
    ({"measurements": ("hardness,B0001", "hardness,B0009")},
     "measurements.csv, row 2, column 'alloy_id': expected an id of alloys.csv, got 'B0009'"),
    ({"references": ("borg-1,10", "borg-2,10")},
     "measurements.csv, row 2, column 'reference_id': expected an id of references.csv, got 'borg-1'"),
    ({"references": ("10.1000/one", "doi.org")}, "references.csv, row 2, column 'doi': expected match pattern"),
])
def test_a_wrong_cell_is_named_by_file_row_and_column(tmp_path, change, message):
    with pytest.raises(DataError) as error:
        read_tables(write_sample_tables(tmp_path, **change))
    assert message in str(error.value)


def test_all_problems_of_all_files_come_in_one_error(tmp_path):
    folder = write_sample_tables(tmp_path, alloys=("20,80", "-20,80"), measurements=("HV,=", "GPa,="))
    (folder / "references.csv").unlink()
    with pytest.raises(DataError) as error:
        read_tables(folder)
    assert [str(problem) for problem in error.value.problems] == [
        "alloys.csv, row 2, column 'at_Cr': expected greater than or equal to 0, got '-20'",
        "measurements.csv, row 2: expected the unit 'HV' for hardness, got 'GPa'",
        "references.csv: expected a file, got no such file",
    ]


@pytest.mark.parametrize(("content", "message"), [
    (b"", "expected a table with a header, got an empty file"),
    (b"alloy_id,at_Fe\n", "expected at least one row below the header, got none"),
    (b"alloy_id,\xff\xfe\n1,2\n", "expected a UTF-8 CSV with a header"),
])
def test_a_file_that_is_no_table_is_refused(tmp_path, content, message):
    (write_sample_tables(tmp_path) / "alloys.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_tables(tmp_path)


def test_a_200_mb_file_is_refused_unread(tmp_path):
    with (write_sample_tables(tmp_path) / "alloys.csv").open("r+b") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(DataError, match=r"alloys.csv: expected at most 50 MB, got 200 MB \(not read\)"):
        read_tables(tmp_path)


def test_importing_the_data_layer_stays_light():
    heavy = "tensorflow", "sklearn", "openpyxl", "matplotlib"
    code = f"import sys, mtl_core.data; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=DATA_DIR.parent).stdout.strip() == "[]"
