"""Small made-up inputs in the shape of the real ones; nothing in here is copied from a published workbook."""
from pathlib import Path

import openpyxl

from mtl_core.data import borg, nyby

SOURCE_DIR = Path(__file__).resolve().parents[2] / "shared" / "data" / "raw"
WHY_SKIPPED = f"the published workbooks are not at {SOURCE_DIR}"

ALLOYS = """alloy_id,at_Cr,at_Fe,not_reported,upper_bound,process,phases,family,source
B0001,20,80,,,CAST,BCC,Fe,made-up
N0001,18.5,81.5,N C,,,,Fe,made-up
"""
MEASUREMENTS = """measurement_id,alloy_id,property,value,value_low,value_high,unit,bound,temperature_c,chloride_m,\
bromide_m,sulphate_m,perchlorate_m,acid_m,ph,scan_rate_mv_s,test_type,reference_id,source_rows,flags
B0001-hardness,B0001,hardness,200,,,HV,=,,,,,,,,,,borg-1,2,
N0001-pitting_potential,N0001,pitting_potential,,450,,mV vs SCE,>,25,0.1,0,0,0,0,-1,,,nyby-1,3,transpassive
"""
REFERENCES = """reference_id,doi,year,group
borg-1,10.1000/one,2001,borg-1
nyby-1,,1975,nyby-1
"""


def write_sample_tables(folder: Path, **changes: tuple[str, str]) -> Path:
    """The three tables above; `alloys=("old", "new")` replaces text in alloys.csv, and so on."""
    for name, text in {"alloys": ALLOYS, "measurements": MEASUREMENTS, "references": REFERENCES}.items():
        old, new = changes.get(name, ("", ""))
        assert old in text
        (folder / f"{name}.csv").write_text(text.replace(old, new) if old else text)
    return folder


def write_borg(folder: Path, *rows: dict[str, str], without: str | None = None) -> Path:
    """A Borg-shaped CSV with one line a row; `without` leaves a column out."""
    usual = {borg.REFERENCE: "1", borg.FORMULA: "Cr1 Fe4", borg.DOI: "10.1000/one", borg.YEAR: "2001",
             borg.PROCESS: "CAST", "PROPERTY: HV": "200.0"}
    columns = [column for column in borg.COLUMNS if column != without]
    lines = [",".join({**usual, **row}.get(column, "") for column in columns) for row in rows or ({},)]
    path = folder / borg.FILE
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


USUAL = {"Fe": 70, "Cr": 18, "Ni": 12, "N": "NA", "Cl": 0.1, "pH": 7, "T": 25, "rate": 0.2, "solution": "0.1M NaCl",
         "reference": 1, "class": "Fe Alloy"}
_TAIL = {"T": ("Test Temp.", "oC"), "solution": ("Test Solution", None), "Cl": ("[Cl-]", "M"), "pH": ("pH", None),
         "rate": ("Scan Rate", "mV/s"), "reference": ("Reference", None), "class": (None, "Material class")}
_VALUES = {
    "Pitting Potential": [("Epit, mV (SCE)", None)],
    "Repassivation Potential": [("Ave. Erp", "VSCE")],
    "Crevice Corrosion Potential": [("Ecrev, mV (SCE)", "Avg."), (None, "Max"), (None, "Min")],
    "Pitting Temp": [("Tpit, oC", "Avg."), (None, "Max"), (None, "Min")],
    "Crevice Corrosion Temp": [("Tcrev, oC", "Avg."), (None, "Max"), (None, "Min")],
    "HEAs_Ecorr, icorr, ipass, Rate": [("ECORR, mV (SCE)", "Avg."), (None, "SE (±)"), ("iCORR, A/cm2", "Avg."),
                                       (None, "SE (±)"), ("iPASS, A/cm2", None)],
}
ONE_ROW = {
    "Pitting Potential": [(300,)], "Repassivation Potential": [(-200,)],
    "Crevice Corrosion Potential": [(10, "NA", "NA")],
    "Pitting Temp": [("NA", 40, 30)], "Crevice Corrosion Temp": [("NA", "<-2.5", "NA")],
    "HEAs_Ecorr, icorr, ipass, Rate": [(-300, 5, "1.70 E -7", 0.03, "NA")],
}


def write_nyby(folder: Path, values: dict[str, list[tuple]] | None = None, *, cells: dict[str, object] | None = None,
               titles: dict[str, list[tuple]] | None = None, elements: tuple[str, ...] = ("Fe", "Cr", "Ni", "N"),
               swap: bool = False) -> Path:
    """A Nyby-shaped workbook. values: sheet → the value cells of each row; cells: other cells than usual on every row;
    titles: sheet → the two header cells of each value column; swap: conditions before composition."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet, columns in {**_VALUES, **(titles or {})}.items():
        page = book.create_sheet(sheet)
        front = [("Composition, wt.%" if name == "Fe" else None, name) for name in elements] + columns
        tail = list(_TAIL.values())
        header = [("No.", None), *(tail + front if swap else front + tail)]
        for line in zip(*header, strict=True):
            page.append(line)
        for number, row in enumerate({**ONE_ROW, **(values or {})}[sheet], start=1):
            known = {**USUAL, **(cells or {})}
            amounts, conditions = [*(known[name] for name in elements), *row], [known[name] for name in _TAIL]
            page.append([number, *(conditions + amounts if swap else amounts + conditions)])
    page = book.create_sheet("References")
    page.append(("No", "References", "DOI"))
    page.append((1, "A. Author, Journal 12 (1975): p. 1.", "\ufeff10.1000/two"))
    path = folder / nyby.FILE
    book.save(path)
    return path
