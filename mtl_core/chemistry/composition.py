"""What an alloy is made of, in at.% or wt.%."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mtl_core.chemistry.elements import SYMBOLS, check_symbols, property_of
from mtl_core.chemistry.notation import read_notation
from mtl_core.errors import CompositionError

Basis = Literal["at", "wt"]

SUM_TOLERANCE = 2.0  # per cent; published analyses add up to 100 within this


def to_at(wt: np.ndarray, symbols: Sequence[str]) -> np.ndarray:
    """at.% [..., E] from wt.% [..., E]; rows need not be closed and come back closed to 100.

    a_i = 100 (w_i / M_i) / Σ_j (w_j / M_j), M the atomic mass.
    """
    return _closed(np.asarray(wt, float) / property_of("atomic_mass", tuple(symbols)))


def to_wt(at: np.ndarray, symbols: Sequence[str]) -> np.ndarray:
    """wt.% [..., E] from at.% [..., E]; the inverse of `to_at`."""
    return _closed(np.asarray(at, float) * property_of("atomic_mass", tuple(symbols)))


def _closed(amounts: np.ndarray) -> np.ndarray:
    return 100.0 * amounts / amounts.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Composition:
    """An alloy as (symbol, at.%) pairs by atomic number, without zeros, closed to 100; made by a `from_…` method."""

    atoms: tuple[tuple[str, float], ...]

    def __post_init__(self):
        numbers = [SYMBOLS.index(symbol) for symbol, value in self.atoms if value > 0]
        total = sum(value for _, value in self.atoms)
        if numbers != sorted(set(numbers)) or len(numbers) != len(self.atoms) or abs(total - 100) > 1e-6:
            raise CompositionError(f"expected positive at.% by atomic number that add up to 100, got {self.atoms}")

    @classmethod
    def from_text(cls, text: str, basis: Basis | None = None) -> "Composition":
        """Read "Fe-18Cr-10Ni-2Mo wt%" (balance first), "Al0.5CoCrFeNi" (atomic ratios), "Fe 70 Cr 18 Ni 12 at%".

        basis: what bare per-cent numbers mean when the text does not say; formulas are atomic ratios either way.
        Raises CompositionError for text that cannot be read, or that can be read in more than one way.
        """
        amounts, said, is_ratio = read_notation(text, basis)
        return cls.from_mapping(amounts, basis=said, normalise=is_ratio)

    @classmethod
    def from_mapping(cls, amounts: Mapping[str, float], basis: Basis = "at", *,
                     normalise: bool = False) -> "Composition":
        """From symbol → per cent. The sum must be 100 ± 2, unless `normalise` says that the amounts are ratios."""
        return cls.from_array(list(amounts.values()), tuple(amounts), basis=basis, normalise=normalise)

    @classmethod
    def from_array(cls, values: Sequence[float], symbols: Sequence[str], basis: Basis = "at", *,
                   normalise: bool = False) -> "Composition":
        """From amounts [E] in the order of `symbols`."""
        if basis not in ("at", "wt"):
            raise CompositionError(f"expected the basis 'at' or 'wt', got {basis!r}")
        check_symbols(symbols)
        amounts = _checked(values, symbols)
        if not normalise:
            _check_sum(amounts, symbols, basis)
        at = to_at(amounts, symbols) if basis == "wt" else _closed(amounts)
        pairs = [(symbol, float(value)) for symbol, value in zip(symbols, at, strict=True) if value > 0]
        return cls(tuple(sorted(pairs, key=lambda pair: SYMBOLS.index(pair[0]))))

    @property
    def at(self) -> dict[str, float]:
        """at.% of each element present; the sum is 100."""
        return dict(self.atoms)

    @property
    def wt(self) -> dict[str, float]:
        """wt.% of each element present; the sum is 100."""
        symbols = tuple(self.at)
        return dict(zip(symbols, to_wt(np.array(list(self.at.values())), symbols).tolist(), strict=True))

    def at_vector(self, symbols: Sequence[str]) -> np.ndarray:
        """at.% [E] in the order of `symbols`; raises CompositionError when the alloy has an element outside them."""
        outside = sorted(set(self.at) - set(symbols))
        if outside:
            raise CompositionError(f"expected only {' '.join(symbols)}, got also {' '.join(outside)}")
        return np.array([self.at.get(symbol, 0.0) for symbol in symbols])

    def formula(self, basis: Basis = "at", digits: int = 2) -> str:
        """Text that `from_text` reads: "Fe70Cr18Ni12" (at.%) or "Fe 70 Cr 18 Ni 12 wt%"; most abundant first."""
        amounts = self.at if basis == "at" else self.wt
        ordered = sorted(amounts.items(), key=lambda pair: (-round(pair[1], 9), pair[0]))
        shown = [(symbol, f"{round(value, digits):.12g}") for symbol, value in ordered if round(value, digits) > 0]
        if basis == "at":
            return "".join(symbol + number for symbol, number in shown)
        return " ".join(f"{symbol} {number}" for symbol, number in shown) + " wt%"


def _checked(values: Sequence[float], symbols: Sequence[str]) -> np.ndarray:
    try:
        amounts = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise CompositionError(f"expected numbers, got {values!r}") from error
    if amounts.shape != (len(symbols),) or len(set(symbols)) != len(symbols):
        raise CompositionError(f"expected one amount for each of {' '.join(symbols)}, each named once, "
                               f"got an array of shape {amounts.shape}")
    wrong = [f"{symbol} {value}" for symbol, value in zip(symbols, amounts, strict=True)
             if not (np.isfinite(value) and value >= 0)]
    if wrong or amounts.sum() <= 0:
        raise CompositionError("expected finite amounts, none negative and not all zero, "
                               f"got {', '.join(wrong) or 'only zeros'}")
    return amounts


def _check_sum(amounts: np.ndarray, symbols: Sequence[str], basis: str) -> None:
    total = amounts.sum()
    if abs(total - 100) <= SUM_TOLERANCE:
        return
    scaled = zip(symbols, _closed(amounts), strict=True)
    rescaled = " ".join(f"{symbol} {value:.4g}" for symbol, value in scaled if value > 0)
    raise CompositionError(f"expected {basis}.% that add up to 100 ± {SUM_TOLERANCE:g}, got {total:.6g}; "
                           f"if the proportions are right, rescaled to 100 they are: {rescaled} {basis}%")
