"""Averages over the atoms of alloys: one implementation for NumPy arrays and TensorFlow tensors.

    notation   c  atomic fraction    w  wt.%    v  a number of each element    ⟨v⟩ = Σ c v
"""
from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType
from typing import Any

import numpy as np

from mtl_core.chemistry.elements import mixing_enthalpy, property_of

Array = Any  # np.ndarray, or tf.Tensor when `xp` is tensorflow.experimental.numpy

# A square root has no slope at zero, where pure elements lie. In relative units; 1e-5 is 0.001 % of size mismatch.
SMALLEST_SPREAD = 1e-5
TINY = 1e-30  # added where a zero would be divided by, or have its logarithm taken


def smooth_root(square: Array, smallest: float, xp: ModuleType = np) -> Array:
    """√x with a finite slope at zero: x / √(x + s²); equal to √x within s²/2x."""
    return square / xp.sqrt(square + smallest**2)


def sigmoid(value: Array, xp: ModuleType = np) -> Array:
    """A smooth transition from 0 to 1; tanh does not overflow."""
    return 0.5 + 0.5 * xp.tanh(0.5 * value)


@cache
def _known(column: str, symbols: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, float]:
    """(1 where a number is known, the number less the centre, or 0, [E]; the centre): centred for precision."""
    values = property_of(column, symbols)
    centre = float(np.nanmean(values))
    return np.isfinite(values).astype(float), np.nan_to_num(values - centre), centre


@dataclass(frozen=True)
class Mixture:
    """n alloys as atomic fractions [n, E] of `symbols`; rows are closed to 1. Every public method returns [n].

    xp: numpy, or tensorflow.experimental.numpy for gradients.
    """

    fraction: Array
    symbols: tuple[str, ...]
    xp: ModuleType = np

    @classmethod
    def from_at(cls, at: Array, symbols: tuple[str, ...], xp: ModuleType = np) -> "Mixture":
        """From at.% [n, E]."""
        at = xp.asarray(at, dtype=np.float64)
        return cls(at / xp.sum(at, axis=-1, keepdims=True), tuple(symbols), xp)

    def mean(self, column: str) -> Array:
        """⟨v⟩ over the elements whose v is known; where none is, the plain mean over all elements."""
        known, shifted, centre = _known(column, self.symbols)
        return centre + self._dot(shifted) / (self._dot(known) + TINY)

    def spread(self, column: str) -> Array:
        """Standard deviation √(⟨v²⟩ − ⟨v⟩²) over the elements whose v is known, in the unit of v."""
        known, shifted, centre = _known(column, self.symbols)
        total = self._dot(known) + TINY
        square = self._dot(shifted**2) / total - (self._dot(shifted) / total) ** 2
        return smooth_root(square, SMALLEST_SPREAD * abs(centre), self.xp)

    def mismatch(self, column: str) -> Array:
        """δ = √(Σ c (1 − v/⟨v⟩)²), in %."""
        return 100.0 * self.spread(column) / self.mean(column)

    @cached_property
    def entropy(self) -> Array:
        """−Σ c ln c, in units of the gas constant."""
        return 0.0 - self._sum(self.fraction * self.xp.log(self.fraction + TINY))

    @cached_property
    def pair_enthalpy(self) -> Array:
        """Σ_i Σ_j c_i c_j H_ij, kJ/mol; H the mixing enthalpy of the equiatomic pair, H_ii = 0."""
        return self._pairs(mixing_enthalpy(self.symbols))

    @cached_property
    def pair_enthalpy_square(self) -> Array:
        """Σ_i Σ_j c_i c_j H_ij², (kJ/mol)²."""
        return self._pairs(mixing_enthalpy(self.symbols) ** 2)

    def wt(self, symbol: str) -> Array:
        """wt.% of one element; 0 when it is not among `symbols`."""
        return 100.0 * self._column(self._weight, symbol)

    def base(self, symbol: str) -> Array:
        """How far an element is the base, w⁸ / Σ w⁸: near 1 where it dominates, shared where amounts are equal."""
        return self._column(self._dominance, symbol)

    @cached_property
    def _weight(self) -> Array:
        masses = self.fraction * property_of("atomic_mass", self.symbols)
        return masses / self.xp.sum(masses, axis=-1, keepdims=True)

    @cached_property
    def _dominance(self) -> Array:
        square = self._weight * self._weight
        fourth = square * square
        eighth = fourth * fourth
        return eighth / self.xp.sum(eighth, axis=-1, keepdims=True)

    def _column(self, table: Array, symbol: str) -> Array:
        return table[:, self.symbols.index(symbol)] if symbol in self.symbols else self.xp.zeros_like(table[:, 0])

    def _pairs(self, matrix: np.ndarray) -> Array:
        return self._sum(self.xp.matmul(self.fraction, matrix) * self.fraction)

    def _dot(self, values: np.ndarray) -> Array:
        return self.xp.matmul(self.fraction, values)

    def _sum(self, values: Array) -> Array:
        return self.xp.sum(values, axis=-1)
