"""Which alloys and readings are looked at, as one frozen value that a URL can carry."""
import math
from collections.abc import Callable, Mapping
from typing import Literal, Self, get_args

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from app.atlas import CONDITIONS, LABELS, PRESENT, Atlas, Quantity
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.data.schema import AT

Support = Literal["any", "hardness", "corrosion", "both", "domain"]
SUPPORT: dict[Support, str] = {
    "any": "All alloys", "hardness": "Hardness measured", "corrosion": "Corrosion measured",
    "both": "Hardness and corrosion measured", "domain": "Hardness and pitting inside the model's domain"}
_WORDS = ("family", "process", "source")
_TO = ".."


class Filters(BaseModel):
    """What passes: all of it has to hold.

    contains, excludes: element symbols, from `PRESENT` at.% on. family, process, source: words of an alloy, any of them;
    none = all. support: see `SUPPORT`. ranges: key → (low, high), None = open; keys of `Atlas.quantities` look at the
    alloy (a property at the median of its readings), keys of `CONDITIONS` at each reading.
    with_excluded: also readings that a rule leaves out of default training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contains: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    process: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    support: Support = "any"
    ranges: dict[str, tuple[float | None, float | None]] = {}
    with_excluded: bool = False

    def but(self, **changes) -> Self:
        """A copy with some fields changed."""
        return self.model_copy(update=changes)

    def within(self, key: str, ends: tuple[float | None, float | None]) -> Self:
        """A copy with this range, written as a link writes it; a range without an end is none."""
        ends = tuple(None if end is None else float(_spelled(end)) for end in ends)
        return self.but(ranges=_less(self.ranges, key) if ends == (None, None) else {**self.ranges, key: ends})

    def readings(self, atlas: Atlas) -> pd.DataFrame:
        """The readings that pass; one that does not state a condition fails a range of it."""
        rows = atlas.readings
        keep = np.ones(len(rows), bool) if self.with_excluded else ~rows["is_left_out"].to_numpy(bool)
        for key in self.ranges.keys() & CONDITIONS.keys():
            keep &= _inside(rows[key], self.ranges[key])
        return rows[keep]

    def alloys(self, atlas: Atlas, readings: pd.DataFrame, in_domain: Callable[[], pd.Series]) -> np.ndarray:
        """Whether each alloy passes, [n] bool; readings: those that pass; in_domain: asked only where it is needed."""
        keep = np.ones(len(atlas.alloys), bool)
        if self.ranges.keys() & CONDITIONS.keys():
            keep &= atlas.alloys.index.isin(readings["alloy_id"])
        for symbol in self.contains:
            keep &= _amount(atlas, symbol) >= PRESENT
        for symbol in self.excludes:
            keep &= _amount(atlas, symbol) < PRESENT
        for name in _WORDS:
            keep &= atlas.alloys[name].isin(getattr(self, name)).to_numpy() if getattr(self, name) else True
        for key in self.ranges.keys() & atlas.quantities.keys():
            keep &= _inside(atlas.numbers(key, readings), self.ranges[key])
        return keep & self._supported(atlas, in_domain)

    def _supported(self, atlas: Atlas, in_domain: Callable[[], pd.Series]) -> np.ndarray | bool:
        if self.support == "any":
            return True
        if self.support == "domain":
            return in_domain().reindex(atlas.alloys.index, fill_value=False).to_numpy(bool)
        accepted = ("both",) if self.support == "both" else ("both", f"{self.support} only")
        return atlas.alloys["coverage"].isin(accepted).to_numpy()

    def spoken(self, quantities: Mapping[str, Quantity]) -> dict[str, Self]:
        """Each part that is set, in words → the filters without it."""
        parts = {f"contains {symbol}": self.but(contains=_without(self.contains, symbol)) for symbol in self.contains}
        parts |= {f"no {symbol}": self.but(excludes=_without(self.excludes, symbol)) for symbol in self.excludes}
        parts |= {f"{LABELS[name].lower()} {' or '.join(getattr(self, name))}": self.but(**{name: ()})
                  for name in _WORDS if getattr(self, name)}
        if self.support != "any":
            parts[SUPPORT[self.support].lower()] = self.but(support="any")
        known = {**CONDITIONS, **quantities}
        parts |= {_range_words(known[key], ends): self.but(ranges=_less(self.ranges, key))
                  for key, ends in self.ranges.items() if key in known}
        return parts | ({"with readings left out by rules": self.but(with_excluded=False)} if self.with_excluded else {})

    def to_query(self) -> dict[str, str]:
        """The parts that are set as URL parameters; `from_query` gives them back."""
        query = {"with": ",".join(self.contains), "without": ",".join(self.excludes),
                 **{name: ",".join(getattr(self, name)) for name in _WORDS},
                 "support": "" if self.support == "any" else self.support,
                 "range": ",".join(f"{key}:{_spelled(low)}{_TO}{_spelled(high)}" for key, (low, high) in self.ranges.items()),
                 "rows": "all" if self.with_excluded else ""}
        return {key: text for key, text in query.items() if text}

    @classmethod
    def from_query(cls, query: Mapping[str, str], atlas: Atlas) -> tuple[Self, list[str]]:
        """Read a link; what cannot be followed is left out, with a sentence each."""
        said: list[str] = []
        symbols = {name: _listed(query, key, SYMBOLS, said) for name, key in (("contains", "with"), ("excludes", "without"))}
        words = {name: _listed(query, name, set(atlas.alloys[name]), said) for name in _WORDS}
        support = _listed(query, "support", get_args(Support), said)
        return cls(**symbols, **words, support=support[0] if support else "any", ranges=_ranges(query, atlas, said),
                   with_excluded=query.get("rows") == "all"), said


QUERY_KEYS = ("with", "without", *_WORDS, "support", "range", "rows")


def _amount(atlas: Atlas, symbol: str) -> np.ndarray:
    """at.% of an element, [n]; 0 where the data do not have it."""
    return atlas.alloys[AT + symbol].to_numpy(float) if symbol in atlas.symbols else np.zeros(len(atlas.alloys))


def _inside(values: pd.Series, ends: tuple[float | None, float | None]) -> np.ndarray:
    low, high = (-math.inf if ends[0] is None else ends[0]), (math.inf if ends[1] is None else ends[1])
    return values.between(low, high).to_numpy()


def _without(symbols: tuple[str, ...], symbol: str) -> tuple[str, ...]:
    return tuple(other for other in symbols if other != symbol)


def _less(ranges: dict, key: str) -> dict:
    return {other: ends for other, ends in ranges.items() if other != key}


def _range_words(quantity: Quantity, ends: tuple[float | None, float | None]) -> str:
    """"Hardness 300 to 500 HV", "Cr at least 12 at.%"."""
    low, high = (None if end is None else f"{end:.4g}" for end in ends)
    span = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    return f"{quantity.label} {span} {quantity.unit}".strip()


def _spelled(end: float | None) -> str:
    return "" if end is None else f"{end:.6g}"


def _listed(query: Mapping[str, str], key: str, known, said: list[str]) -> tuple[str, ...]:
    wanted = dict.fromkeys(part for part in query.get(key, "").split(",") if part)
    strange = [part for part in wanted if part not in known]
    if strange:
        said.append(f"“{key}” in this link names {', '.join(map(_short, strange))}, which these data lack; it is left out.")
    return tuple(part for part in wanted if part in known)


def _ranges(query: Mapping[str, str], atlas: Atlas, said: list[str]) -> dict[str, tuple[float | None, float | None]]:
    found = {}
    for part in filter(None, query.get("range", "").split(",")):
        key, _, span = part.partition(":")
        try:
            if key not in atlas.quantities and key not in CONDITIONS:
                raise ValueError(key)
            found[key] = _ends(span)
        except ValueError:
            said.append(f"A range in this link reads {_short(part)}; expected one such as hardness:300..500; it is left out.")
    return found


def _ends(span: str) -> tuple[float | None, float | None]:
    low, separator, high = span.partition(_TO)
    ends = tuple(float(end) if end else None for end in (low, high))
    stated = [end for end in ends if end is not None]
    if not separator or not stated or not all(map(math.isfinite, stated)) or stated != sorted(stated):
        raise ValueError(span)
    return ends


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
