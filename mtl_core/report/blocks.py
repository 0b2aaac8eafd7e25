"""What a report is made of, and how it becomes Markdown or one HTML file that needs nothing else."""
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    words: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    lines: str


@dataclass(frozen=True)
class Table:
    """columns: heads; rows: cells, all of them texts; see `table`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Fold:
    """What stays closed until somebody asks for it."""

    title: str
    blocks: tuple["Block", ...]


Block = Text | Bullets | Code | Table | Fold


@dataclass(frozen=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose numbers are written by `number`."""
    return Table(tuple(columns), tuple(tuple(number(cell) for cell in row) for row in rows))


def number(cell: object) -> str:
    """"0.837", "56.9", "1,248", "–" for what there is not; whole numbers as they are, others with three digits that count."""
    if cell is None or cell != cell:
        return "–"
    if isinstance(cell, (bool, str)):
        return "yes" if cell is True else "no" if cell is False else cell
    if float(cell).is_integer():
        return f"{int(cell):,}"
    return f"{cell:.3f}" if abs(cell) < 1 else f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"


FAMILIES = {"HEA": "high-entropy alloys", "Fe": "Fe-based (steels)", "": "not reported"}
CONDITION_NAMES = {"temperature_c": "temperature", "ph": "pH", "scan_rate_mv_s": "scan rate"}


def family_name(family: str) -> str:
    """"Ni-based", as the pages call a family that the data name by its base element."""
    return FAMILIES.get(family) or (f"{family}-based" if len(family) < 3 else family)


def condition(name: str) -> str:
    """"temperature", "chloride", "pH": of a column of conditions."""
    return CONDITION_NAMES.get(name, name.removesuffix("_m"))


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """"0.156 [0.101, 0.223]"."""
    return number(value) if low is None or low != low else f"{number(value)} [{number(low)}, {number(high)}]"


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """One document; whatever markup its texts hold is shown and not obeyed."""
    parts = [f"# {_plain(title)}"]
    for section in sections:
        parts += [f"## {_plain(section.title)}", _markdown(section.blocks)]
    return "\n\n".join(parts) + "\n"


def _markdown(blocks: Sequence[Block]) -> str:
    return "\n\n".join(_MARKDOWN[type(block)](block) for block in blocks)


def _plain(words: str) -> str:
    """With the signs that Markdown or HTML would act upon made harmless, on one line; inside a word "_" is none."""
    return re.sub(r"([\\`*\[\]<>|#~]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9]))", r"\\\1", " ".join(words.split()))


def _markdown_table(block: Table) -> str:
    lines = [block.columns, ("---",) * len(block.columns), *block.rows]
    return "\n".join("| " + " | ".join(cell if cell == "---" else _plain(cell) for cell in line) + " |" for line in lines)


_MARKDOWN: dict[type, Callable[[Block], str]] = {
    Text: lambda block: _plain(block.words), Table: _markdown_table,
    Bullets: lambda block: "\n".join(f"- {_plain(item)}" for item in block.items),
    Code: lambda block: "\n".join(f"    {line}" for line in block.lines.splitlines()),
    Fold: lambda block: (f"<details><summary>{escape(' '.join(block.title.split())).replace('[', '&#91;')}</summary>\n\n"
                         f"{_markdown(block.blocks)}\n\n</details>"),
}


def as_html(title: str, sections: Sequence[Section]) -> str:
    """One page without scripts or anything from elsewhere; all texts are escaped."""
    links = "".join(f'<li><a href="#s{place}">{escape(section.title)}</a></li>' for place, section in enumerate(sections))
    body = "".join(f'<section id="s{place}"><h2>{escape(section.title)}</h2>{_html(section.blocks)}</section>'
                   for place, section in enumerate(sections))
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
            f"<body><main><h1>{escape(title)}</h1><nav><ul>{links}</ul></nav>{body}</main></body></html>\n")


def _html(blocks: Sequence[Block]) -> str:
    return "".join(_HTML[type(block)](block) for block in blocks)


def _html_table(block: Table) -> str:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in block.columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in block.rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


_HTML: dict[type, Callable[[Block], str]] = {
    Text: lambda block: f"<p>{escape(block.words)}</p>", Table: _html_table,
    Bullets: lambda block: "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>",
    Code: lambda block: f"<pre>{escape(block.lines)}</pre>",
    Fold: lambda block: f"<details><summary>{escape(block.title)}</summary>{_html(block.blocks)}</details>",
}
_STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.55 system-ui, sans-serif; margin: 0; overflow-wrap: anywhere; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-top: 1px solid var(--line); padding-top: 1rem; }
nav ul { columns: 2; padding-left: 1.2rem; }
.wide { overflow-x: auto; margin: 0.8rem 0; background:
  linear-gradient(to right, Canvas 2rem, transparent 4rem) left / 100% 100% no-repeat local,
  linear-gradient(to left, Canvas 2rem, transparent 4rem) right / 100% 100% no-repeat local,
  linear-gradient(to right, var(--line), transparent) left / 0.9rem 100% no-repeat scroll,
  linear-gradient(to left, var(--line), transparent) right / 0.9rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.8rem 0.25rem 0; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; padding: 0.8rem; border: 1px solid var(--line); border-radius: 6px; font-size: 0.85rem; }
summary { cursor: pointer; padding: 0.3rem 0; }
@media (max-width: 40rem) { nav ul { columns: 1; } }
"""
