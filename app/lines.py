"""The line through composition space along which one element moves, and the measured alloys near it. Pure NumPy."""
from dataclasses import dataclass

import numpy as np

from app import simplex
from app.selection import Selection
from mtl_core.chemistry.composition import Composition, to_at, to_wt

POINTS = 21
NEAR = 5.0  # at.%: how far off the line a measured alloy may lie to be drawn


@dataclass(frozen=True)
class Line:
    """amounts [n] of `symbol` in the unit of the selection, and the alloys [n] that the editor would reach there."""

    symbol: str
    basis: str
    amounts: np.ndarray
    alloys: tuple[Composition, ...]


def line_through(selection: Selection, *, end: float, n: int = POINTS) -> Line:
    """From 0 to `end` (or as far as the others can make room) in the moved element."""
    most = min(end, simplex.reach(selection.amounts, selection.moved, **selection.rules))
    amounts = np.linspace(0.0, max(most, 1e-6), n)
    alloys = tuple(selection.with_moved(selection.moved, float(amount)).composition for amount in amounts)
    return Line(selection.moved, selection.basis, amounts, alloys)


def near_line(line: Line, at: np.ndarray, symbols: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Which of the alloys at [m, E] lie near the line. Returns their amount of the moved element [m] and distance [m].

    Distance = half the L1 distance in at.% to the alloy of the line with the same amount, infinite beyond its ends.
    """
    index = symbols.index(line.symbol)
    amount = (at if line.basis == "at" else to_wt(at, symbols))[:, index]
    ends = np.array([[alloy.at.get(symbol, 0.0) for symbol in symbols] for alloy in (line.alloys[0], line.alloys[-1])])
    if line.basis == "wt":
        ends = to_wt(ends, symbols)
    share = (amount - line.amounts[0]) / (line.amounts[-1] - line.amounts[0])
    on_line = ends[0] + share[:, None] * (ends[1] - ends[0])
    inside = (share >= 0) & (share <= 1)
    on_line[~inside] = ends[0]
    on_line = on_line if line.basis == "at" else to_at(on_line, symbols)
    return amount, np.where(inside, np.abs(at - on_line).sum(axis=1) / 2, np.inf)
