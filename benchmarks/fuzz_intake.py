"""Bad files for the intake: `python -m benchmarks.fuzz_intake --minutes 5`. Same seed, same file.

Each file is read, mapped with random answers, converted and stored. Anything but a DataError counts as uncaught, and a
stored dataset that is not read back as it was made counts as partial.
"""
import argparse
import io
import random
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from datetime import datetime
from pathlib import Path

import openpyxl

from mtl_core.data.datasets import list_datasets, read_data, save_dataset
from mtl_core.errors import DataError
from mtl_core.intake import bad_rows_csv, convert, propose_mapping, read_file
from mtl_core.intake.meanings import MEANINGS

HEADERS = (
    "Alloy", "Composition", "Fe", "Cr (wt.%)", "at_Ni", "x_Mo", "V", "C", "S [ppm]", "HV", "Hardness", "Hardness (GPa)",
    "HV std", "±", "max HV", "HRC", "YS (MPa)", "UTS", "El. (%)", "Epit (mV vs SCE)", "Epit (mV Ag/AgCl)", "E_rp [V]",
    "icorr (µA/cm²)", "CPT (°C)", "T (K)", "T", "[Cl-] (M)", "Cl (ppm)", "NaCl (wt.%)", "pH", "scan rate (mV/s)", "Solution",
    "Process", "Phases", "DOI", "Year", "Reference", "property", "value", "value_low", "unit", "bound", "", "HV",
    "<script>alert(1)</script>", "=1+1", "a" * 3000, "Nb+Ta", "😀", "\u202efdp", "Fe", "test type", "{}", "%s",
    "../../etc/passwd")
CELLS = (
    "", "bal", "n/a", "-", "70", "18.5", "18,5", "1,234.5", "-5", "1e308", "1e999", "-1e308", "nan", "inf", "0", "<0.01",
    "> 800", "30-45", "45-30", "450 ± 20", "450 ± -20", "abc", "=1+1", "=HYPERLINK(\"http://x\")", "@SUM(1)", "+1", "'=1",
    "<b>x</b>", "![x](http://x/y.png)", "Fe80Cr20", "Al0.5CoCrFeNi", "Fe-18Cr-10Ni", "Fe-18Cr wt%", "Xx50Fe50", "(CoCr)94Al6",
    "10.1000/x", "https://doi.org/10.1/y", "2024", "2024-12-10 00:00:00", "3.5 wt% NaCl", "1 M HCl", "RT", "annealed",
    "hardness", "HV", "mV vs SCE", "\0", "\ud7ff", "٣", "½", "450²", "9" * 400, "x" * 40_000, "a\nb", "\"", "''", "a;b",
    "a\tb", "💥", "\u202e", "None", "True", "#DIV/0!", "1_000", "0x1F", "1.2.3", "--")
GOOD = {  # a header, and a cell as it should be
    "Sample": lambda rng: f"S{rng.randrange(9)}", "Fe (wt.%)": lambda rng: "bal", "Cr (wt.%)": lambda rng: rng.randrange(10, 25),
    "Ni (wt.%)": lambda rng: rng.randrange(20), "HV": lambda rng: rng.randrange(100, 600), "std HV": lambda rng: rng.randrange(9),
    "Epit (mV vs SCE)": lambda rng: rng.choice(("> 800", "", rng.randrange(-300, 900))), "T (K)": lambda rng: 298,
    "Solution": lambda rng: "3.5 wt% NaCl", "pH": lambda rng: rng.randrange(1, 12), "Process": lambda rng: "annealed",
    "DOI": lambda rng: "10.1000/x"}
NAMES = ("lab.csv", "../../etc/passwd", "C:\\x\\y.xlsx", "<img src=x>.csv", "", "a" * 400, "nul", "lab.xlsx", "x\0y.csv",
         "💥.csv")
MEMBERS = ("xl/workbook.xml", "[Content_Types].xml", "xl/worksheets/sheet1.xml", "../../evil", "xl/vbaProject.bin", "_rels/.rels",
           "mimetype", "xl/sharedStrings.xml", "a/" * 60 + "b")
ANSWERS = 3


def table(rng: random.Random) -> list[list[str]]:
    """A table that is about as wrong as those of a bad day: a good one with wrong cells, or nothing but odd ones."""
    if rng.random() < 0.6:
        rows = [list(GOOD), *([str(cell(rng)) for cell in GOOD.values()] for _ in range(rng.choice((1, 5, 40))))]
        for _ in range(rng.choice((0, 1, 3, 20))):
            row = rng.choice(rows)
            row[rng.randrange(len(row))] = rng.choice(HEADERS if row is rows[0] else CELLS)
        return rows
    width, height = rng.choice((1, 2, 5, 9, 20, 400)), rng.choice((0, 1, 3, 12, 60))
    rows = [[rng.choice(HEADERS) for _ in range(width)]]
    rows += [[rng.choice(CELLS) for _ in range(max(0, width + rng.choice((0, 0, 0, 0, 1, -1))))] for _ in range(height)]
    if rng.random() < 0.2:
        rows.insert(0, ["Report", "of", "lab"][:width])
    return rows


def csv_bytes(rng: random.Random) -> bytes:
    mark, end = rng.choice(",;\t|^"), rng.choice(("\n", "\r\n", "\r"))
    quote = rng.choice((lambda cell: cell, lambda cell: '"' + cell.replace('"', '""') + '"', lambda cell: f'"{cell}'))
    text = end.join(mark.join(quote(cell) for cell in row) for row in table(rng))
    return text.encode(rng.choice(("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "shift_jis")), errors="replace")


def workbook_bytes(rng: random.Random) -> bytes:
    book = openpyxl.Workbook()
    for row in table(rng):
        book.active.append([_typed(rng, cell) for cell in row])
    for _ in range(rng.choice((0, 0, 2))):
        book.create_sheet(rng.choice(("data", "Tab<1>", "x" * 20)))
    if rng.random() < 0.1:
        book.active.cell(row=rng.choice((1, 1_048_576)), column=rng.choice((1, 16_384)), value="far")
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _typed(rng: random.Random, cell: str) -> object:
    legal = "".join(mark for mark in cell[:32_000] if mark.isprintable() and not "\ud800" <= mark <= "\udfff")
    return rng.choice((legal, legal, legal, rng.uniform(-1e3, 1e3), datetime(2024, 12, 10), True, None))


def archive_bytes(rng: random.Random) -> bytes:
    """Zip archives that only look like workbooks."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in rng.sample(MEMBERS, rng.randint(0, 6)):
            archive.writestr(name, rng.choice((
                b"", b"<a>", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\0" * 3_000_000,
                rng.randbytes(300), b"<workbook xmlns='http://x'/>")))
    return stream.getvalue()


def noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 50, 5000)))


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut off, with flipped, doubled or inserted bytes."""
    content = bytearray(content[:rng.randint(0, len(content))] if rng.random() < 0.5 else content)
    for _ in range(rng.choice((0, 1, 5, 50))):
        if content:
            content[rng.randrange(len(content))] = rng.randrange(256)
    spot = rng.randint(0, len(content))
    return bytes(content[:spot]) + rng.choice((b"", b"\0", b"\xff\xfe", b'"' * 3, content[:200])) + bytes(content[spot:])


def bad_file(seed: int) -> tuple[str, bytes]:
    """A name and a content, both of one seed."""
    rng = random.Random(seed)
    made = rng.choices((csv_bytes, workbook_bytes, archive_bytes, noise), (6, 4, 2, 1))[0](rng)
    return rng.choice(NAMES), damaged(made, rng) if rng.random() < 0.3 else made


def tried(seed: int, root: Path) -> str:
    """"refused", "rejected" (no good row), or "stored"; raises what was not caught, AssertionError for a broken promise."""
    rng = random.Random(f"answers {seed}")
    try:
        sheet = read_file(*bad_file(seed))
        mapping = propose_mapping(sheet)
        for _ in range(rng.choice((0, 0, ANSWERS))):
            mapping = mapping.with_meaning(rng.choice(sheet.headers), rng.choice(("", *MEANINGS)))
        mapping = mapping.model_copy(update={"decimal": rng.choice(".,"), "is_filled_down": rng.random() < 0.3})
        for question in mapping.questions:
            mapping = mapping.with_unit(question.columns, rng.choice(question.choices))
        intake = convert(sheet, mapping)
    except DataError as error:
        assert error.problems
        return "refused"
    assert sorted(intake.good_rows + intake.bad_rows) == list(sheet.numbers)
    assert set(intake.bad_rows) == {problem.row for problem in intake.problems}
    bad_rows_csv(intake)
    if intake.table is None:
        return "rejected"
    info = save_dataset("fuzz", intake.table, root=root)
    assert len(read_data([info.id], root=root).measurements) == info.n_measurements == len(intake.table.measurements)
    return "stored"


def main() -> None:
    """Try files until the time is over, and say what became of them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    outcomes, slowest, start, seed = Counter(), (0.0, 0), time.monotonic(), chosen.seed
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() - start < 60 * chosen.minutes:
            began = time.monotonic()
            try:
                outcomes[tried(seed, Path(folder))] += 1
            except Exception:
                outcomes["uncaught"] += 1
                print(f"seed {seed}\n{traceback.format_exc()}")
            slowest = max(slowest, (time.monotonic() - began, seed))
            seed += 1
        whole = [info for info in list_datasets(Path(folder)) if read_data([info.id], root=Path(folder))]
        print(f"{sum(outcomes.values())} files in {(time.monotonic() - start) / 60:.1f} min: {dict(outcomes)}; "
              f"{outcomes['stored'] - len(whole)} partial datasets; slowest {slowest[0]:.1f} s (seed {slowest[1]})")


if __name__ == "__main__":
    main()
