"""A laboratory's file becomes the three tables, or says what is wrong with it, row by row and column by column."""
import io
import random

import numpy as np
import openpyxl
import pytest
from data_samples import SOURCE_DIR, WHY_SKIPPED
from openpyxl.styles.numbers import FORMAT_PERCENTAGE_00

from mtl_core.chemistry.composition import Composition
from mtl_core.data.datasets import read_data, save_dataset
from mtl_core.data.training import observations
from mtl_core.errors import ConfigError, DataError
from mtl_core.intake import Mapping, bad_rows_csv, convert, propose_mapping, read_file, template_csv
from mtl_core.intake.cells import read_cell
from mtl_core.intake.meanings import recognise
from mtl_core.intake.units import UNITS


def taken_in(text, *answers, name="lab.csv", decimal=None):
    """What becomes of a file whose questions are answered, in any order, by unit keys."""
    sheet = read_file(name, text.encode() if isinstance(text, str) else text)
    mapping = propose_mapping(sheet)
    for question in mapping.questions:
        answer = next((answer for answer in answers if answer in question.choices), None)
        mapping = mapping.with_unit(question.columns, answer) if answer else mapping
    return convert(sheet, mapping if decimal is None else mapping.model_copy(update={"decimal": decimal}))


def first(intake, column="value"):
    return intake.table.measurements.iloc[0][column]


def workbook(*rows, **formats):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell, style in formats.items():
        book.active[cell].number_format = style
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# ---- units: each against a number from a handbook, not from our own code

@pytest.mark.parametrize(("header", "cell", "answer", "expected"), [
    ("HV", "250", "", 250), ("Hardness (GPa)", "2.5", "", 254.93), ("Hardness [MPa]", "2500", "", 254.93),
    ("Nanohardness (GPa)", "2.5", "", 236.3), ("YS / GPa", "0.5", "", 500), ("UTS (ksi)", "100", "", 689.48),
    ("Elongation (%)", "12", "", 12), ("Epit (mV vs SCE)", "300", "", 300), ("Epit (V vs SHE)", "0.541", "", 300),
    ("Epit (mV, Ag/AgCl sat. KCl)", "300", "", 256), ("Epit (mV Ag/AgCl)", "300", "mV vs Ag/AgCl (3.5 M KCl)", 264),
    ("Epit (V_SCE)", "-0.25", "", -250), ("E_b [mV MSE]", "-100", "", 299), ("CPT (K)", "323.15", "", 50),
    ("CPT (°F)", "122", "", 50), ("icorr (µA/cm²)", "0.5", "", 5e-7), ("ipass (A m^-2)", "0.01", "", 1e-6),
    ("log icorr (A/cm2)", "-6", "", 1e-6)])
def test_a_value_is_converted_to_the_unit_of_the_tables(header, cell, answer, expected):
    intake = taken_in(f"Alloy;{header}\nFe80Cr20;{cell}\n", answer)
    assert intake.problems == () and first(intake) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("header", "cell", "answer", "expected"), [
    ("[Cl-] (M)", "0.6", "", 0.6), ("NaCl (wt.%)", "3.5", "", 0.6128), ("NaCl (wt.%)", "10", "", 1.832),
    ("Cl- (ppm)", "1000", "", 0.02821),
    ("Cl (ppm)", "1000", "ppm NaCl", 0.01711), ("Cl (ppm)", "1000", "ppm Cl⁻", 0.02821), ("NaCl (g/L)", "35", "", 0.5989),
    ("chloride (mmol/L)", "100", "", 0.1), ("Solution", "3.5 wt% NaCl", "", 0.6128), ("Electrolyte", "0.6 mol/L NaCl", "", 0.6),
    ("Solution", '"NaCl 0,1 M"', "", 0.1), ("Solution", "1000 ppm Cl-", "", 0.02821)])
def test_chloride_is_converted_to_mol_per_litre(header, cell, answer, expected):
    intake = taken_in(f"Alloy;Epit (mV SCE);{header}\nFe80Cr20;300;{cell}\n", answer)
    assert first(intake, "chloride_m") == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(("header", "question"), [
    ("Epit (mV vs Ag/AgCl)", "Which KCl"), ("Cl (ppm)", "chloride ions or of sodium chloride"), ("Epit (mV)", "In which unit"),
    ("Elongation", "In which unit"), ("T", "In which unit")])
def test_what_a_header_leaves_open_is_asked_and_not_guessed(header, question):
    sheet = read_file("lab.csv", f"Alloy;HV;{header}\nFe80Cr20;200;1\n".encode())
    asked = propose_mapping(sheet).questions
    assert [question in one.text for one in asked] == [True]
    with pytest.raises(DataError, match=r"expected an answer: .*got none"):
        convert(sheet, propose_mapping(sheet))


@pytest.mark.parametrize("header", ["HRC", "Hardness (HRB)", "Brinell hardness", "HK"])
def test_a_hardness_that_no_constant_converts_is_refused_with_the_reason(header):
    with pytest.raises(DataError, match="ASTM E140"):
        taken_in(f"Alloy,{header}\nFe80Cr20,45\n")
    assert "45 HRC" in str(taken_in("Alloy,HV\nFe80Cr20,45 HRC\n").problems[0])


def test_every_conversion_but_the_refused_ones_increases():
    conversions = [unit.convert for units in UNITS.values() for unit in units if unit.convert]
    assert len(conversions) > 50 and all(convert_one(1.0) < convert_one(2.0) for convert_one in conversions)


# ---- cells

@pytest.mark.parametrize(("text", "expected"), [
    ("450", (450, None, None, "=")), ("450 ± 20", (450, 430, 470, "=")), ("450 +/- 20 HV", (450, 430, 470, "=")),
    ("> 800", (None, 800, None, ">")), ("≥1200", (None, 1200, None, ">")), ("<0.003", (None, None, 0.003, "<")),
    ("30-45", (None, 30, 45, "=")), ("-300 – -250", (None, -300, -250, "=")), ("-200 to -150", (None, -200, -150, "=")),
    ("1.70 E -7", (1.7e-7, None, None, "=")), ("1.7×10⁻⁷", (1.7e-7, None, None, "=")), ("−200", (-200, None, None, "=")),
    ("18,5", (18.5, None, None, "=")), ("1,200", (1200, None, None, "=")), ("1 200", (1200, None, None, "=")),
    ("450*", (450, None, None, "="))])
def test_a_cell_is_read_as_what_it_is(text, expected):
    value = read_cell(text).value
    assert (value.number, value.low, value.high, value.bound) == expected


@pytest.mark.parametrize(("text", "said"), [
    ("450²", "footnote"), ("450①", "footnote"), ("45-30", "lower end first"), ("2024-12-10 00:00:00", "turned this into a date"),
    ("=A1*2", "formula has no stored result"), ("#DIV/0!", "error of a formula"), ("1e999", "finite"), ("inf", "a number"),
    ("transpassive", "a number"), ("5 6 7", "a number"), ("1.2.3", "a number"), ("1_000", "a number"), ("--5", "a number")])
def test_a_cell_that_is_no_value_says_why(text, said):
    with pytest.raises(ValueError, match=said):
        read_cell(text)


@pytest.mark.parametrize("text", ["", "-", "n/a", "NaN", "not reported", "n.d.", "#N/A", " — ".strip()])
def test_what_was_not_reported_is_no_value(text):
    assert read_cell(text) is None


def test_a_decimal_comma_is_found_and_a_number_with_two_readings_is_refused():
    assert first(taken_in("Alloy;HV\nFe80Cr20;250,5\nFe70Cr30;300,25\n")) == 250.5
    assert "may be 1200 or 1.200" in str(taken_in("Alloy;HV\nFe80Cr20;1.200\n", decimal=",").problems[0])
    assert first(taken_in("Alloy;HV\nFe80Cr20;1,200\n")) == 1.2
    assert first(taken_in("Alloy\tHV\nFe80Cr20\t1,200\n", decimal=".")) == 1200


# ---- compositions

def test_amounts_in_weight_per_cent_with_a_balance_a_bound_and_a_blank():
    intake = taken_in("Alloy,Fe,Cr,Ni,S,N,HV\nX,bal,18,10,<0.01,,200\n", "wt.%")
    alloy = intake.table.alloys.iloc[0]
    expected = Composition.from_mapping({"Fe": 71.99, "Cr": 18, "Ni": 10, "S": 0.01}, basis="wt").at
    assert {symbol: alloy[f"at_{symbol}"] for symbol in expected} == pytest.approx(expected, abs=1e-5)
    assert (alloy["not_reported"], alloy["upper_bound"], alloy["family"]) == ("N", "S", "Fe")


@pytest.mark.parametrize(("cells", "said"), [
    ("50,18,10", "add up to 100 ± 2 %, got 78"), ("bal,bal,10", "at most one element as the balance"),
    ("bal,90,20", "below 100 %"), ("70,-5,35", "an amount of at least 0"), ("a,18,10", "'Fe (wt%)'"),
    (",,", "a composition, got no amount"), (">70,18,10", "'bal'"),
    ("1e308,18,10", "below a million")])
def test_amounts_that_make_no_alloy_are_named(cells, said):
    intake = taken_in(f"Fe (wt%),Cr (wt%),Ni (wt%),HV\n{cells},200\n70,18,12,200\n")
    assert intake.bad_rows == (2,) and said in str(intake.problems[0]) and len(intake.problems) == 1


@pytest.mark.parametrize(("header", "cell", "answer"), [
    ("Composition", "Al0.5CoCrFeNi", ""), ("Formula", "Al0.5 Co1 Cr1 Fe1 Ni1", ""),
    ("Composition (at.%)", "Co 22.2 Cr 22.2 Fe 22.2 Ni 22.2 Al 11.2", ""),
    ("Composition", "Co-22.2Cr-22.2Fe-22.2Ni-11.2Al", "at.%")])
def test_a_composition_is_read_as_text(header, cell, answer):
    at = taken_in(f"{header},HV\n{cell},200\n", answer).table.alloys.iloc[0]
    assert (at["at_Al"], at["at_Co"]) == pytest.approx((11.1, 22.2), abs=0.1)


def test_element_columns_take_ratios_fractions_and_ppm():
    ratio = taken_in("x_Co,x_Cr,x_Al,HV\n1,1,0.5,200\n").table.alloys.iloc[0]
    assert (ratio["at_Co"], ratio["at_Al"]) == (40, 20)
    ppm = taken_in("Fe (wt.%),Cr (wt.%),C (wt. ppm),HV\n79.98,20,200,200\n").table.alloys.iloc[0]
    steel = Composition.from_mapping({"Fe": 79.98, "Cr": 20, "C": 0.02}, basis="wt")
    assert ppm["at_C"] == pytest.approx(steel.at["C"], abs=1e-5)
    with pytest.raises(DataError, match="a mixture"):
        taken_in("Fe (wt.%),Cr (at.%),HV\n80,20,200\n")


def test_rows_below_a_merged_cell_take_the_alloy_above_when_told_so():
    sheet = read_file("lab.csv", b"Alloy,HV\nFe80Cr20,200\n,210\nFe70Cr30,300\n")
    mapping = propose_mapping(sheet)
    assert convert(sheet, mapping).bad_rows == (3,)
    filled = convert(sheet, mapping.model_copy(update={"is_filled_down": True}))
    assert filled.bad_rows == () and len(filled.table.alloys) == 2


# ---- sheets

def test_titles_above_the_header_and_a_row_of_units_below_it_are_understood():
    intake = taken_in("Report of lab 7\n\nSample,Composition,Hardness,±,T\n,,GPa,GPa,K\nS1,CoCrFeNi,2.5,0.1,298\n")
    assert intake.good_rows == (5,) and first(intake) == pytest.approx(254.9, abs=0.1)
    assert first(intake, "value_high") == pytest.approx(265.1, abs=0.1)
    assert intake.table.alloys["alloy_id"].tolist() == ["S1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_csv_is_read_whatever_its_delimiter_and_encoding(encoding, mark):
    text = mark.join(["Alloy", "HV", "T (°C)"]) + "\r\n" + mark.join(["Fe80Cr20", "200 ± 5", "25"]) + "\r\n"
    assert first(taken_in(text.encode(encoding))) == 200


def test_a_workbook_gives_stored_results_percentages_and_says_where_a_formula_has_none():
    percentages = dict.fromkeys(("C2", "C3", "C4"), FORMAT_PERCENTAGE_00)
    intake = taken_in(workbook(["Alloy", "HV", "Elongation"], ["Fe80Cr20", 200, 0.12], ["Fe70Cr30", "=1+1", 0.1],
                               ["Fe60Cr40", 250.1 + 0.2, 0.2], **percentages), "%", name="lab.xlsx")
    rows = intake.table.measurements
    assert rows.query("property == 'elongation'")["value"].tolist() == [12, 20]
    assert rows.query("property == 'hardness'")["value"].tolist() == [200, 250.3]
    assert intake.bad_rows == (3,) and "formula has no stored result" in str(intake.problems[0])


def test_the_sheet_with_a_table_is_found_and_another_can_be_asked_for():
    book = openpyxl.Workbook()
    book.active.append(["Only a title"])
    book.create_sheet("data").append(["Alloy", "HV"])
    book["data"].append(["Fe80Cr20", 200])
    stream = io.BytesIO()
    book.save(stream)
    sheet = read_file("lab.xlsx", stream.getvalue())
    assert (sheet.title, sheet.sheets) == ("data", ("Sheet", "data"))
    with pytest.raises(DataError, match="expected a sheet out of Sheet, data, got 'other'"):
        read_file("lab.xlsx", stream.getvalue(), "other")


def test_a_row_with_more_cells_than_headers_is_named_with_the_likely_reason():
    intake = taken_in("Alloy,HV,pH\nFe80Cr20,200,7\nFe80Cr20,200,5,7\n")
    assert intake.bad_rows == (3,) and "decimal comma" in str(intake.problems[0])


@pytest.mark.parametrize(("header", "meaning"), [
    ("V", "element:V"), ("V (wt.%)", "element:V"), ("wt_Mo", "element:Mo"), ("%Ni", "element:Ni"), ("Nb+Ta", ""),
    ("σ0.2 / MPa", "yield_strength"), ("Rp0.2 [MPa]", "yield_strength"), ("Rm (MPa)", "ultimate_strength"), ("HV0.3", "hardness"),
    ("Hardness SD", "hardness:±"), ("max. hardness", "hardness:high"), ("E_crev", "crevice_potential"),
    ("E_rp (V)", "repassivation_potential"), ("phases", "phases"), ("pH", "ph"), ("PROPERTY: YS (MPa)", "yield_strength"),
    ("a：b", ""),
    ("Legierung", "name"), ("Zustand", "process"), ("Jahr", "year"), ("Härte (HV)", "hardness"), ("Quelle", "reference"),
    ("Lochfraßpotential (mV SCE)", "pitting_potential"), ("Zugfestigkeit [MPa]", "ultimate_strength"),
    ("Reference electrode", ""), ("Comments", ""), ("chloride_m", "chloride_m")])
def test_a_header_is_recognised_as_people_write_it(header, meaning):
    assert recognise(header) == meaning


# ---- the whole way

def test_both_templates_are_read_without_a_question_or_a_problem():
    for form, n in (("wide", 4), ("long", 3)):
        intake = taken_in(template_csv(form))
        assert intake.problems == () and len(intake.table.measurements) == n
    with pytest.raises(ConfigError, match="'wide' or 'long'"):
        template_csv("deep")


def test_the_long_form_reads_its_own_units_bounds_and_properties():
    intake = taken_in("composition,property,value,unit,bound\nFe80Cr20,Hardness,2.5,GPa,\nFe80Cr20,Epit,800,mV vs SCE,>\n"
                      "Fe80Cr20,hardness,45,HRC,\nFe80Cr20,colour,3,,\nFe80Cr20,Epit,800,mV,\n")
    assert intake.table.measurements["value"].round(1).tolist()[0] == 254.9
    assert intake.table.measurements[["bound", "value_low"]].values.tolist()[1] == [">", 800]
    assert intake.bad_rows == (4, 5, 6)
    reasons = "ASTM E140", "a property out of hardness", "a unit of Pitting potential"
    assert all(said in str(problem) for problem, said in zip(intake.problems, reasons, strict=True))


def test_conditions_belong_to_the_properties_that_were_measured_under_them():
    both = taken_in("Alloy,HV,Epit (mV SCE),T (°C),Cl- (M),pH\nFe80Cr20,200,300,80,0.1,3\n")
    rows = both.table.measurements.set_index("property")
    assert rows.loc["pitting_potential", ["temperature_c", "chloride_m", "ph"]].tolist() == [80, 0.1, 3]
    assert rows.loc["hardness", ["temperature_c", "chloride_m", "ph"]].isna().all() and rows.loc["hardness", "flags"] == ""
    hot = taken_in("Alloy,HV,YS (MPa),T (°C)\nFe80Cr20,200,300,600\n").table.measurements
    assert hot["flags"].tolist() == ["elevated-temperature"] * 2


def test_acid_without_halide_is_flagged_as_in_the_published_tables():
    rows = taken_in("Alloy,Epit (mV SCE),Solution\nFe80Cr20,900,0.5 M H2SO4\nFe80Cr20,300,1 M NaCl\nFe80Cr20,1,saliva\n")
    assert rows.table.measurements["flags"].tolist() == ["halide-free-acid", ""]
    assert rows.bad_rows == (4,) and "a solution such as" in str(rows.problems[0])


def test_all_problems_of_all_rows_are_listed_at_once_and_the_bad_rows_come_back_with_them():
    intake = taken_in("Sample,Fe,Cr,HV,pH,DOI\n=cmd|' /C calc'!A0,50,10,-5,17,nowhere\n"
                      "ok,80,20,200,7,https://doi.org/10.1000/x\n", "wt.%")
    assert intake.good_rows == (3,) and intake.bad_rows == (2,)
    assert {problem.column for problem in intake.problems} == {None, "HV", "DOI"}
    text = bad_rows_csv(intake)
    assert text.splitlines()[0] == "Sample,Fe,Cr,HV,pH,DOI,row,reason" and text.splitlines()[1].startswith("'=cmd|")
    assert ",-5," in text and "add up to 100 ± 2 %, got 60" in text
    again = taken_in(text, "wt.%")
    assert again.bad_rows == (2,) and again.sheet.rows[0][:3] == ("=cmd|' /C calc'!A0", "50", "10")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_rejected_rows_are_divided_as_their_file_was(mark):
    text = bad_rows_csv(taken_in(f"Alloy{mark}HV{mark}pH\nFe80Cr20{mark}-5{mark}7\n"))
    assert text.splitlines()[0] == mark.join(["Alloy", "HV", "pH", "row", "reason"])


@pytest.mark.parametrize(("written", "process"), [
    ("geglüht", "ANNEAL"), ("annealed 1100 °C, water quenched", "ANNEAL"), ("kaltgewalzt und lösungsgeglüht", "ANNEAL"),
    ("quenched", "OTHER"), ("quenched and tempered", "OTHER"), ("cast at room temperature", "CAST"), ("Feinguss", "CAST"),
    ("geschmiedet", "WROUGHT"), ("warmgewalzt", "WROUGHT"), ("gesintert", "POWDER"), ("Pulver", "POWDER"), ("printed", "OTHER")])
def test_words_of_processing_are_read_and_every_reading_is_told(written, process):
    intake = taken_in(f"Alloy;Zustand;HV\nFe80Cr20;{written};200\n")
    assert intake.table.alloys["process"].tolist() == [process] and intake.processing == {2: written}
    assert any(note.startswith(f"Processing read as {process}") and f"{written} (1 row)" in note for note in intake.notes)


def test_each_year_without_a_paper_is_a_reference_of_its_own_in_one_group():
    intake = taken_in("Alloy,HV,Year\nFe80Cr20,200,2021\nFe70Cr30,210,2019\nFe60Cr40,220,2021\n")
    assert intake.table.references[["reference_id", "year", "group"]].values.tolist() == [
        ["own-2021", 2021, "own"], ["own-2019", 2019, "own"]]
    assert any("each year is a reference of its own (2019, 2021)" in note for note in intake.notes)


@pytest.mark.parametrize("table", ["NaCl (wt.%)\nFe80Cr20,100,35", "Solution\nFe80Cr20,100,35 wt.% NaCl",
                                   "NaCl (g/L)\nFe80Cr20,100,350", "Solution\nFe80Cr20,100,8 M NaCl"])
def test_more_salt_than_dissolves_is_refused(table):
    intake = taken_in(f"Alloy,Epit (mV SCE),{table}\n")
    assert intake.bad_rows == (2,) and "at most 26.5 wt.% NaCl" in str(intake.problems[0])
    assert taken_in("Alloy,Epit (mV SCE),NaCl (wt.%)\nFe80Cr20,100,26.4\n").bad_rows == ()


@pytest.mark.parametrize("header", ["HRC,HV", "HV,HRC"])
def test_a_hardness_beside_vickers_is_left_out_with_the_reason(header):
    cells = "20,200" if header.startswith("HRC") else "200,20"
    intake = taken_in(f"Alloy,{header}\nFe80Cr20,{cells}\n")
    assert first(intake) == 200 and any("HRC is not used" in note and "ASTM E140" in note for note in intake.notes)


@pytest.mark.parametrize("grade", ["316L", "AISI 304", "1.4404", "X2CrNiMo17-12-2", "Inconel 625", "S31603"])
def test_a_grade_name_is_no_composition_and_said_so(grade):
    intake = taken_in(f"Composition,HV\nFe80Cr20,200\nFe70Cr30,210\n{grade},200\n")
    assert "a grade name, not a composition: write its analysis" in str(intake.problems[0])


def test_a_formula_with_decimal_commas_is_read_where_the_file_has_them():
    at = taken_in("Legierung;HV\nAl0,5CoCrFeNi;250\n").table.alloys.iloc[0]
    assert (at["at_Al"], at["at_Co"]) == pytest.approx((11.111, 22.222), abs=1e-3)


def test_an_unlikely_number_asks_for_its_unit():
    for text in ("Alloy,HV\nFe80Cr20,25000\n", "Alloy,Epit (V SCE)\nFe80Cr20,300\n",
                 "Alloy,Epit (V SCE),Cl- (M)\nFe80Cr20,0.3,1000\n"):
        assert "is the unit right?" in str(taken_in(text).problems[0])
    assert any("Are they volts?" in note for note in taken_in("Alloy,Epit (mV SCE)\nFe80Cr20,0.3\nFe70Cr30,-0.2\n").notes)


def test_a_mapping_survives_json_and_belongs_to_its_own_sheet():
    sheet = read_file("lab.csv", b"Alloy;Cr;Fe;Epit (mV Ag/AgCl)\n316L;18;82;300\n")
    mapping = propose_mapping(sheet).with_unit(["Cr", "Fe"], "wt.%").with_meaning("Alloy", "")
    assert Mapping.model_validate_json(mapping.model_dump_json()) == mapping
    with pytest.raises(ValueError, match="expected a unit of pitting_potential"):
        mapping.with_unit(["Epit (mV Ag/AgCl)"], "HV")
    with pytest.raises(DataError, match="a mapping of this sheet's columns"):
        convert(read_file("other.csv", b"Alloy,HV\nFe80Cr20,200\n"), mapping)


def test_what_is_taken_in_is_stored_and_trained_on_beside_the_published_rows(tmp_path):
    intake = taken_in("Sample,Fe,Cr,Ru,HV,Ref\nS1,70,20,10,200 ± 5,Thesis A\nS1,70,20,10,210,Thesis A\n"
                      "S/1,60,30,10,>300,\n", "at.%")
    save_dataset("mylab", intake.table, root=tmp_path)
    rows = observations(read_data(["mylab", "published"], root=tmp_path), ("hardness",)).query("source == 'mylab'")
    assert rows["measurement_id"].tolist() == ["mylab.S-1-hardness", "mylab.S1-hardness", "mylab.S1-hardness-2"]
    assert rows["reference_group"].tolist() == ["mylab.own", "mylab.Thesis-A", "mylab.Thesis-A"]
    assert rows["low"].tolist() == [300, 200, 210] and np.isinf(rows["high"].iloc[0]) and (rows["at_Ru"] == 10).all()


def test_ten_thousand_rows_of_which_a_twentieth_is_bad_are_all_named():
    rng, bad, lines = random.Random(0), [], ["Sample,Fe (wt.%),Cr (wt.%),HV,Epit (mV vs SCE),pH"]
    for number in range(2, 10_002):
        chromium = rng.randrange(10, 30)
        cells = [f"S{number}", 100 - chromium, chromium, rng.randrange(100, 600), rng.randrange(-500, 900), 7]
        if number % 20 == 0:
            bad.append(number)
            column, cell = rng.choice([(1, "abc"), (2, 90), (3, -5), (4, "n.b."), (5, 17)])
            cells[column] = cell
        lines.append(",".join(map(str, cells)))
    intake = taken_in("\n".join(lines))
    assert intake.bad_rows == tuple(bad) and {problem.row for problem in intake.problems} == set(bad)
    assert len(intake.good_rows) == 9500 and len(intake.table.measurements) == 19_000


@pytest.mark.skipif(not SOURCE_DIR.is_dir(), reason=WHY_SKIPPED)
def test_the_published_workbooks_are_read_nearly_whole_by_whoever_uploads_them():
    borg = taken_in((SOURCE_DIR / "borg2020_mpea_dataset.csv").read_bytes())
    assert {problem.expected for problem in borg.problems} == {"at least one measured value"} and len(borg.good_rows) == 1412
    assert borg.table.measurements["property"].value_counts()["hardness"] == 530
    nyby = taken_in((SOURCE_DIR / "nyby2021_cra_database.xlsx").read_bytes(), "wt.%", name="nyby.xlsx")
    assert nyby.sheet.title == "Pitting Potential" and len(nyby.good_rows) > 700
    assert set(nyby.table.measurements["bound"]) == {"=", ">"}
