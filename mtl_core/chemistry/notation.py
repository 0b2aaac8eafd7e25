"""Read how metallurgists write alloys, and ask where a text has two meanings.

formula       "Al0.5CoCrFeNi", "Al0.25 Co1 Fe1 Ni1"    numbers touch the symbol before them; atomic ratios, none means 1
spaced        "Fe 70 Cr 18 Ni 12 at%"                  per cent
number first  "Fe-18Cr-10Ni-2Mo wt%"                   per cent; a bare first element takes up the rest
In the two per-cent notations "bal" may stand for one number: "Cr 18 Ni 10 Fe bal wt%".
"""
import re
import unicodedata
from collections.abc import Iterable

from mtl_core.chemistry.elements import SYMBOLS, check_symbols
from mtl_core.errors import CompositionError

MAX_LENGTH = 200
EXAMPLES = "'Fe-18Cr-10Ni wt%' (Fe takes up the rest), 'Fe 72 Cr 18 Ni 10 at%', 'Al0.5CoCrFeNi' (atomic ratios)"

_SYMBOL, _NUMBER, _GAP = r"[A-Z][a-z]?", r"(?:\d+\.?\d*|\.\d+|[Bb]al(?:ance)?\.?)", r"[\s,;/+\-]"
_NOTATIONS = {name: re.compile(pattern) for name, pattern in {
    "formula": rf"(?:{_SYMBOL}{_NUMBER}?{_GAP}*)+",
    "spaced": rf"{_SYMBOL}\s*{_NUMBER}?(?:{_GAP}+{_SYMBOL}\s*{_NUMBER}?)*",
    # Either each number touches its symbol, or a gap stands between one pair and the next.
    "number first": rf"(?:{_SYMBOL}{_GAP}*)?(?:{_NUMBER}{_SYMBOL}{_GAP}*)+"
                    rf"|(?:{_SYMBOL}{_GAP}+)?{_NUMBER}\s*{_SYMBOL}(?:{_GAP}+{_NUMBER}\s*{_SYMBOL})*",
}.items()}
_PAIRS = {"formula": rf"(?P<symbol>{_SYMBOL})(?P<number>{_NUMBER})?",
          "spaced": rf"(?P<symbol>{_SYMBOL})\s*(?P<number>{_NUMBER})?",
          "number first": rf"(?P<number>{_NUMBER})?\s*(?P<symbol>{_SYMBOL})"}
_BASIS = re.compile(r"[(\[]?(at|atomic|mol|wt|weight|mass)\b\.?[\s-]*(?:%|per ?cent)[)\]]?", re.IGNORECASE)
_AT_WORDS = ("at", "atomic", "mol")


def read_notation(text: str, basis: str | None = None) -> tuple[dict[str, float], str, bool]:
    """(amount of each symbol, "at" or "wt", whether the amounts are ratios rather than per cent).

    basis: what per cent means when the text does not say. Raises CompositionError, saying how to write what is meant.
    """
    body, said = _split_basis(_clean(text))
    if said and basis and said != basis:
        raise CompositionError(f"{text!r} says {said}.%, but {basis}.% was asked for: leave out one of them")
    is_percent = said is not None or "%" in body
    body = body.replace("%", " ").strip()
    notation = _notation(body)
    pairs = [(match["symbol"], match["number"]) for match in re.finditer(_PAIRS[notation], body)]
    _check_pairs(pairs)
    if _is_ratio(pairs, notation, said or basis, is_percent):
        return {symbol: float(number or 1) for symbol, number in pairs}, "at", True
    return _percent(pairs, notation), _required_basis(said or basis, text), False


def _is_ratio(pairs: list[tuple[str, str | None]], notation: str, basis: str | None, is_percent: bool) -> bool:
    """Whether the numbers of a formula are atomic ratios; with two bare elements neither can be the balance."""
    bare = [symbol for symbol, number in pairs if number is None]
    if len(pairs) == len(bare) == 1:
        return True  # a pure element is the same in any basis
    if notation == "number first" or basis == "wt" or any(_is_balance(number) for _, number in pairs):
        return False
    return len(bare) == len(pairs) or (notation == "formula" and (not is_percent or len(bare) > 1))


def _clean(text: str) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_LENGTH:
        came = f"{len(text)} characters" if isinstance(text, str) else repr(type(text).__name__)
        raise CompositionError(f"expected a composition of 1 to {MAX_LENGTH} characters such as {EXAMPLES}; got {came}")
    plain = re.sub(r"[‐‑‒–—−]", "-", unicodedata.normalize("NFKC", text))
    if re.search(r"\d,\d", plain):
        raise CompositionError(f"{text!r}: a comma between digits may be a decimal comma or a separator: "
                               "write 18.5, or a space after the comma")
    return re.sub(r"[:=]", " ", plain).strip()


def _split_basis(text: str) -> tuple[str, str | None]:
    """The text without its basis words, and "at", "wt" or None."""
    said = {"at" if word.lower() in _AT_WORDS else "wt" for word in _BASIS.findall(text)}
    if len(said) > 1:
        raise CompositionError(f"{text!r} says both at.% and wt.%: write one of them")
    body = _BASIS.sub(" ", text)
    if re.search(r"[()\[\]]", body):
        raise CompositionError(f"{text!r}: in '(CoCrNi)94Al6' 94 may be meant for each element or for "
                               "the three together; multiply out and write without brackets")
    return body.strip(), said.pop() if said else None


def _notation(body: str) -> str:
    """The one notation that the text follows; "spaced" gives way to "formula", which is its case without spaces."""
    fits = [name for name, pattern in _NOTATIONS.items() if pattern.fullmatch(body)]
    _check_capitals(body)
    if not fits:
        raise CompositionError(f"cannot read {body!r}; write for example {EXAMPLES}; "
                               "symbols are written Fe, not FE or fe")
    if "number first" in fits and len(fits) > 1:
        raise CompositionError(_two_readings(body))
    return fits[0]


def _two_readings(body: str) -> str:
    after = [f"{m['symbol']}{m['number'] or 1}" for m in re.finditer(_PAIRS["spaced"], body)]
    before = [f"{m['number'] or ''}{m['symbol']}" for m in re.finditer(_PAIRS["number first"], body)]
    return (f"{body!r} has two readings: the atomic ratios '{''.join(after)}', or per cent before each symbol, "
            f"'{'-'.join(before)} wt%' (or at%); write the one that you mean")


def _check_capitals(body: str) -> None:
    for pair in re.findall(r"(?=([A-Z]{2})(?![A-Z]?[a-z]))", body):
        if pair.capitalize() in SYMBOLS:
            raise CompositionError(f"{pair!r} may be {pair.capitalize()} or {pair[0]} and {pair[1]}: "
                                   f"write '{pair.capitalize()}', or '{pair[0]} {pair[1]}' with a space")


def _check_pairs(pairs: Iterable[tuple[str, str | None]]) -> None:
    symbols = [symbol for symbol, _ in pairs]
    check_symbols(symbols)
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if twice:
        raise CompositionError(f"expected each element once, got {', '.join(twice)} more than once")


def _is_balance(number: str | None) -> bool:
    return number is not None and number.lower().startswith("bal")


def _percent(pairs: list[tuple[str, str | None]], notation: str) -> dict[str, float]:
    """Per cent of each element; the one marked "bal", or bare and first before its numbers, takes up the rest."""
    rest = [symbol for symbol, number in pairs
            if _is_balance(number) or (number is None and notation == "number first")]
    missing = [symbol for symbol, number in pairs if number is None and symbol not in rest]
    if missing or len(rest) > 1:
        raise CompositionError("expected a per cent for every element and at most one balance, got none for "
                               f"{', '.join(missing or rest)}; write for example {EXAMPLES}")
    amounts = {symbol: float(number) for symbol, number in pairs if symbol not in rest}
    left = 100.0 - sum(amounts.values())
    if rest and left <= 0:
        raise CompositionError(f"nothing is left for {rest[0]}: the other elements already add up to {100 - left:g} %")
    return {symbol: left if symbol in rest else amounts[symbol] for symbol, _ in pairs}


def _required_basis(basis: str | None, text: str) -> str:
    if basis is None:
        body = text.replace("%", "").strip()
        raise CompositionError(f"{text!r} may be meant in at.% or in wt.%: write '{body} at%' or '{body} wt%'")
    return basis
