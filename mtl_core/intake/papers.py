"""Where each row was published: papers by DOI, by what names them, or the own work of a laboratory."""
import re
from collections.abc import Callable

from mtl_core.intake.cells import is_absent, read_number
from mtl_core.intake.reader import Reader

OWN = "own"  # the paper of rows that name none: work of one laboratory, which folds by paper keep together


def read_papers(reader: Reader) -> list[dict[str, object]]:
    """For each row: doi ("" = none), year, and the text that names the paper or report."""
    doi = _each(reader, "doi", _doi, "")
    year = _each(reader, "year", lambda text: _year(text, reader.mapping.decimal), None)
    text = ["" if is_absent(cell) else cell for cell in reader.texts("reference")]
    return [{"doi": doi[row] or "", "year": year[row], "text": text[row]} for row in range(len(reader))]


def _each(reader: Reader, meaning: str, read: Callable[[str], object], otherwise: object) -> list:
    column = reader.column(meaning)
    return reader.each(column, read) if column else [otherwise] * len(reader)


def _doi(text: str) -> str:
    if is_absent(text):
        return ""
    bare = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:?\s*)", "", text.strip(), flags=re.IGNORECASE).rstrip(".,; ")
    if not re.fullmatch(r"10\.\d{4,9}/[^\s<>\"]+", bare):
        raise ValueError("a DOI such as 10.1038/s41597-020-00768-9")
    return bare


def _year(text: str, decimal: str) -> float | None:
    year = read_number(text, decimal)
    if year is not None and (year % 1 or not 1900 <= year <= 2100):
        raise ValueError("a year from 1900 to 2100")
    return year


def _key(paper: dict[str, object]) -> str:
    return paper["doi"].lower() or paper["text"] or OWN


def _years(papers: list[dict], good: list[int]) -> dict[str, list]:
    """The different years that the good rows state for each paper, in their order; None = not stated."""
    years: dict[str, dict] = {}
    for row in good:
        years.setdefault(_key(papers[row]), {})[papers[row]["year"]] = None
    return {key: list(found) for key, found in years.items()}


def read_references(papers: list[dict], good: list[int]) -> tuple[list[str], list[dict]]:
    """An id for each good row, and the rows of references.csv.

    A paper without DOI that has several years is a reference for each of them; its group stays one, so that folds by paper keep
    them together. A DOI is one paper, whose first stated year is kept.
    """
    years, groups, ids, taken = _years(papers, good), {}, {}, set()
    rows, of_row = [], []
    for row in good:
        paper, name = papers[row], _key(papers[row])
        is_divided = not paper["doi"] and len(years[name]) > 1 and paper["year"] is not None
        year = next((year for year in years[name] if year is not None), None) if paper["doi"] else paper["year"]
        if name not in groups:
            groups[name] = distinct(slug(paper["doi"] or paper["text"]) or OWN, taken)
        if (name, year) not in ids:
            ids[name, year] = distinct(f"{groups[name]}-{year:.0f}", taken) if is_divided else groups[name]
            rows.append({"reference_id": ids[name, year], "doi": paper["doi"], "year": year, "group": groups[name]})
        of_row.append(ids[name, year])
    return of_row, rows


def paper_notes(papers: list[dict], good: list[int]) -> list[str]:
    """What became of rows without a paper, and of papers with several years."""
    years = _years(papers, good)
    unnamed = sum(_key(papers[row]) == OWN for row in good)
    notes = []
    if unnamed:
        count = "1 row names" if unnamed == 1 else f"{unnamed:,} rows name"
        divided = f"; {_divided(years[OWN])}" if years[OWN] != [None] else ""
        notes.append(f"{count} no paper: own work of one laboratory, which tests by paper keep together{divided}.")
    dois = {papers[row]["doi"].lower() for row in good}
    for key, stated in years.items():
        known = [f"{year:.0f}" for year in stated if year is not None]
        if key in dois and len(known) > 1:
            notes.append(f"{key}: the years {', '.join(known)} are stated for one DOI; {known[0]} is kept.")
        elif key != OWN and len(stated) > 1:
            notes.append(f"{key[:60]}: {_divided(stated)}.")
    return notes


def _divided(years: list) -> str:
    known = sorted(f"{year:.0f}" for year in years if year is not None)
    if len(years) < 2:
        return f"the year is {known[0]}"
    blank = " and rows without a year" if None in years else ""
    return f"each year is a reference of its own ({', '.join(known)}{blank})"


def slug(text: str) -> str:
    """A name as an id: letters, digits, _ . and -; "" when nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-._")[:48].strip("-._")


def distinct(name: str, taken: set[str]) -> str:
    """The name, with a count behind it when it is taken; it is taken from now on."""
    found, count = name, 1
    while found.lower() in taken:
        count += 1
        found = f"{name}-{count}"
    taken.add(found.lower())
    return found
