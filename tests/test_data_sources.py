"""The readers of the two workbooks: every spelling they meet, and every way in which a file can be wrong."""
import zipfile

import openpyxl
import pytest
from data_samples import ONE_ROW, SOURCE_DIR, WHY_SKIPPED, write_borg, write_nyby

from mtl_core.data import build_tables
from mtl_core.data.borg import read_borg
from mtl_core.data.nyby import FILE, potential_scale, read_nyby
from mtl_core.errors import DataError

PITTING = "Pitting Potential"


def readings_of(path, key="pitting_potential"):
    return [reading for reading in read_nyby(path)[0] if reading.property == key]


def problems_of(read, path):
    with pytest.raises(DataError) as error:
        read(path)
    return [str(problem) for problem in error.value.problems]


def test_every_sheet_gives_its_readings(tmp_path):
    found = {reading.property: reading for reading in read_nyby(write_nyby(tmp_path))[0]}
    assert found["pitting_potential"].value.number == 300
    assert (found["pitting_temperature"].value.low, found["pitting_temperature"].value.high) == (30, 40)
    assert (found["crevice_temperature"].value.bound, found["crevice_temperature"].value.high) == ("<", -2.5)
    assert found["corrosion_current"].value.number == pytest.approx(1.7e-7)
    assert found["corrosion_current"].value.high == pytest.approx(1.7e-7 + 0.03e-6)
    assert "passive_current" not in found
    material, electrolyte = found["pitting_potential"].material, found["pitting_potential"].electrolyte
    assert dict(material.amounts) == {"Fe": 70, "Cr": 18, "Ni": 12}
    assert (material.not_reported, material.family) == (("N",), "Fe")
    assert (electrolyte.chloride_m, electrolyte.bromide_m, electrolyte.ph, electrolyte.temperature_c) == (0.1, 0, 7, 25)


def test_the_order_of_columns_does_not_matter(tmp_path):
    usual = read_nyby(write_nyby(tmp_path))[0]
    swapped = read_nyby(write_nyby(tmp_path, swap=True))[0]
    bare = [[(r.property, r.value, r.material, r.electrolyte) for r in readings] for readings in (usual, swapped)]
    assert bare[0] == bare[1]


def test_pitting_potentials_under_two_header_rows_have_their_range(tmp_path):
    titles = {PITTING: [("Epit, mV (SCE)", "Avg."), (None, "Max"), (None, "Min")]}
    path = write_nyby(tmp_path, {PITTING: [(300, 350, 250), ("NA", 400, 200), (">800", "NA", "NA")]}, titles=titles)
    values = [reading.value for reading in readings_of(path)]
    assert [(v.number, v.low, v.high, v.bound) for v in values] == [
        (300, 250, 350, "="), (None, 200, 400, "="), (None, 800, None, ">")]


@pytest.mark.skipif(not SOURCE_DIR.is_dir(), reason=WHY_SKIPPED)
def test_the_workbook_with_one_header_row_and_with_two_gives_the_same_tables(tmp_path):
    book = openpyxl.load_workbook(SOURCE_DIR / FILE, data_only=True)
    page = book[PITTING]
    titles = [cell.value for cell in page[1]]
    column = titles.index("Epit, mV (SCE)") + 1
    page.insert_rows(1)
    page.cell(1, column, "Epit, mV (SCE)")
    page.cell(2, column, "Avg.")
    page.insert_cols(column + 1, 2)
    page.cell(2, column + 1, "Max")
    page.cell(2, column + 2, "Min")
    book.save(tmp_path / FILE)
    (tmp_path / "borg2020_mpea_dataset.csv").write_bytes((SOURCE_DIR / "borg2020_mpea_dataset.csv").read_bytes())
    assert build_tables(tmp_path).sha256 == build_tables(SOURCE_DIR).sha256


@pytest.mark.parametrize(("cells", "expected"), [
    ({"N": "<0.003", "Ni": 11.997}, ((), ("N",), ())),
    ({"N": 0}, ((), (), ())),
    ({"N": None}, (("N",), (), ())),
    ({"N": ".1-.2", "Ni": 11.85}, ((), (), ("composition-range",))),
])
def test_not_reported_stated_zero_and_upper_bound_stay_apart(tmp_path, cells, expected):
    reading = readings_of(write_nyby(tmp_path, cells=cells))[0]
    assert (reading.material.not_reported, reading.material.upper_bound, reading.flags) == expected


def test_a_scan_rate_in_words_and_a_missing_condition_are_not_reported(tmp_path):
    cells = {"rate": "steady state", "T": "NA", "pH": None}
    electrolyte = readings_of(write_nyby(tmp_path, cells=cells))[0].electrolyte
    assert (electrolyte.scan_rate_mv_s, electrolyte.temperature_c, electrolyte.ph) == (None, None, None)


def test_transpassive_rows_and_swapped_ranges_are_flagged(tmp_path):
    values = {PITTING: [("Transpassive",)], "Pitting Temp": [(54, 53, 55)]}
    path = write_nyby(tmp_path, values)
    assert readings_of(path)[0].flags == ("transpassive",)
    temperature = readings_of(path, "pitting_temperature")[0]
    assert (temperature.value.low, temperature.value.high, temperature.flags) == (53, 55, ("range-swapped",))


def test_a_standard_error_larger_than_its_current_is_left_out(tmp_path):
    sheet = "HEAs_Ecorr, icorr, ipass, Rate"
    current = readings_of(write_nyby(tmp_path, {sheet: [(-180, 12, 2.9e-8, 0.66, "NA")]}), "corrosion_current")[0]
    assert (current.value.low, current.value.high, current.flags) == (None, None, ("standard-error-unit",))


@pytest.mark.parametrize(("header", "values", "expected"), [
    ("Ave. Erp VSCE", [-504.0, -403.5, "NA"], (1.0, ("header-unit",))),
    ("Ave. Erp VSCE", [-0.504, 0.4, None], (1000.0, ())),
    ("Epit, mV (SCE)", [-0.5], (1.0, ())),
])
def test_a_header_in_volts_over_millivolts_is_overruled(header, values, expected):
    assert potential_scale(header, values) == expected


def test_niobium_plus_tantalum_is_booked_as_niobium_and_the_balance_gives_way(tmp_path):
    path = write_nyby(tmp_path, elements=("Fe", "Cr", "Ni", "Nb+Ta"), cells={"Nb+Ta": 3.5})
    reading = readings_of(path)[0]
    assert dict(reading.material.amounts) == pytest.approx({"Fe": 66.5, "Cr": 18, "Ni": 12, "Nb": 3.5})
    assert "Ta" in reading.material.not_reported
    assert reading.flags == ("nb-plus-ta", "balance-corrected")


def test_all_problems_of_a_workbook_come_in_one_error(tmp_path):
    path = write_nyby(tmp_path, {PITTING: [("high",), (300,)]}, cells={"Cr": -18, "pH": "acidic"})
    problems = problems_of(read_nyby, path)
    place = f"{FILE} › {PITTING}, row"
    for problem in (
        "3, column 'pitting_potential': expected a number, 'NA', 'Transpassive', '>x' or '<x', got 'high'",
        "4, column 'Cr': expected wt.% of at least 0, 'NA', '<x' or 'a-b', got '-18'",
        "4, column 'ph': expected a number or 'NA', got 'acidic'",
    ):
        assert f"{place} {problem}" in problems
    assert len(problems) == len(set(problems)) > 6


def test_a_composition_that_does_not_add_up_is_refused(tmp_path):
    problems = problems_of(read_nyby, write_nyby(tmp_path, cells={"Fe": 60}))
    assert problems[0].endswith("column 'composition': expected wt.% that add up to 100 ± 2, got 90")


def test_a_paper_that_is_not_listed_is_named(tmp_path):
    problems = problems_of(read_nyby, write_nyby(tmp_path, cells={"reference": 9}))
    assert problems == [f"{FILE}: expected nyby-9 on the sheet References, got no such number"]


def test_a_wrong_unit_and_a_missing_column_or_sheet_are_named(tmp_path):
    path = write_nyby(tmp_path, titles={PITTING: [("Epit, A/cm2", None)], "Repassivation Potential": [("Erp", "VSCE")]})
    book = openpyxl.load_workbook(path)
    del book["Pitting Temp"]
    book.save(path)
    problems = problems_of(read_nyby, path)
    assert f"{FILE} › {PITTING}, row 1, column 'Epit, A/cm2': expected a header with the unit V" in problems[0]
    assert "expected this column, got no such column" in problems[1]
    assert f"{FILE}: expected a sheet 'Pitting Temp'" in problems[2]


def test_a_workbook_with_macros_is_refused_unopened(tmp_path):
    path = write_nyby(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    assert problems_of(read_nyby, path) == [
        f"{FILE}: expected a workbook without macros, got one with vbaProject.bin (not opened)"]


def test_a_workbook_that_is_not_one_is_refused(tmp_path):
    path = tmp_path / FILE
    path.write_bytes(b"PK, but not really")
    assert problems_of(read_nyby, path) == [f"{FILE}: expected an XLSX workbook, got a file that is not a zip archive"]
    with path.open("r+b") as file:
        file.truncate(200 * 2**20)
    assert problems_of(read_nyby, path) == [f"{FILE}: expected at most 50 MB, got 200 MB (not read)"]


@pytest.mark.parametrize(("row", "message"), [
    ({"FORMULA": "Cr1 Xx4"}, "row 2, column 'FORMULA': expected elements with data, got Xx"),
    ({"FORMULA": "CrFe"}, "row 2, column 'FORMULA': expected atomic ratios such as 'Al0.25 Co1 Fe1', got 'CrFe'"),
    ({"PROPERTY: HV": "hard"}, "row 2, column 'PROPERTY: HV': expected a number of at least 0, got 'hard'"),
    ({"PROPERTY: HV": "-3"}, "row 2, column 'PROPERTY: HV': expected a number of at least 0, got '-3'"),
    ({"PROPERTY: Type of test": "X"},
     "row 2, column 'PROPERTY: Type of test': expected one of C, T or a blank, got 'X'"),
    ({"REFERENCE: doi": ""}, "row 2, column 'REFERENCE: doi': expected a value, got a blank cell"),
])
def test_a_wrong_cell_of_the_hardness_table_is_named(tmp_path, row, message):
    assert problems_of(read_borg, write_borg(tmp_path, row)) == [f"borg2020_mpea_dataset.csv, {message}"]


def test_a_missing_column_of_the_hardness_table_is_named(tmp_path):
    assert problems_of(read_borg, write_borg(tmp_path, without="PROPERTY: HV")) == [
        "borg2020_mpea_dataset.csv, row 1, column 'PROPERTY: HV': expected this column, got no such column"]


def test_problems_of_both_workbooks_come_together(tmp_path):
    write_borg(tmp_path, {"FORMULA": "Cr1 Xx4"})
    with pytest.raises(DataError) as error:
        build_tables(tmp_path)
    assert [problem.file for problem in error.value.problems] == ["borg2020_mpea_dataset.csv", FILE]


def test_made_up_workbooks_build_into_tables(tmp_path):
    write_borg(tmp_path)
    write_nyby(tmp_path)
    table = build_tables(tmp_path)
    assert len(table.measurements) == 1 + len(ONE_ROW) + 1
    assert table.alloys["at_Cr"].iloc[0] == 20
    assert set(table.references["reference_id"]) == {"borg-1", "nyby-1"}
