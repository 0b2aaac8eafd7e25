"""Bad files: whatever is uploaded, the intake says what is wrong, and no dataset is ever half there."""
import io
import zipfile

import openpyxl
import pytest

from benchmarks.fuzz_intake import bad_file, tried
from mtl_core.data.datasets import list_datasets
from mtl_core.errors import DataError
from mtl_core.intake import read_file


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return stream.getvalue()


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Alloy", "HV"])
    book.active.append(["Fe80Cr20", 200])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


FILES = {
    "an empty file": (b"", "an empty file"), "blanks": (b" \n \t\n", "an empty file"), "commas": (b",,,\n,,\n", "no filled cell"),
    "only a header": (b"Alloy,HV\n", "1 to 50,000 rows below the header, got 0"), "only numbers": (b"1,2\n3,4\n", "only numbers"),
    "NUL bytes": (b"Alloy,HV\nFe\0Cr,200\n", "NUL bytes"), "a cut workbook": (workbook()[:900], "not a zip archive"),
    "a workbook with a hole": (workbook()[:700] + b"\0" * 300 + workbook()[1000:], "damaged"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + b"\0" * 99, "old .xls"),
    "a PDF": (b"%PDF-1.7\n...", "a PDF"),
    "a zip of something else": (zipped(mimetype=b"application/vnd.oasis"), "another kind of zip"),
    "macros": (zipped(xl__workbook_DOT_xml=b"<a/>", xl__vbaProject_DOT_bin=b"x"), "without macros"),
    "entities": (zipped(xl__workbook_DOT_xml=b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'), "XML declarations"),
    "a bomb": (zipped(xl__workbook_DOT_xml=b"<a/>", xl__worksheets__sheet1_DOT_xml=b" " * (501 * 2**20)), "MB unpacked"),
    "an empty workbook": (zipped(xl__workbook_DOT_xml=b"<a/>"), "a damaged one"),
    "no known text": (b"Alloy,HV\n\x81\x8d,1\n", "no text in UTF-8"),
    "a thousand columns": (b"a," * 1000 + b"b\n" + b"1," * 1000 + b"2\n", "at most 300 columns"),
    "an endless cell": (b"Alloy,HV\n" + b"x" * 40_000 + b",1\n", "32,767 characters"),
    "an endless quote": (b'Alloy,"HV\n' + b"x,1\n" * 50_000, "cannot be divided"),
    "too many rows": (b"Alloy,HV\n" + b"Fe80Cr20,1\n" * 50_100, "at most 50,000 rows"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_table_is_refused_in_words(kind):
    content, said = FILES[kind]
    with pytest.raises(DataError) as error:
        read_file("../<b>lab</b>.csv", content)
    assert said in str(error.value) and all(problem.file == "b>.csv" for problem in error.value.problems)


def test_generated_bad_files_are_refused_or_read_and_never_half_stored(tmp_path):
    outcomes = [tried(seed, tmp_path) for seed in range(150)]
    assert {"refused", "rejected", "stored"} == set(outcomes)
    assert len(list_datasets(tmp_path)) == outcomes.count("stored")


def test_the_same_seed_makes_the_same_file():
    assert bad_file(7) == bad_file(7) != bad_file(8)
