"""What the bars of many alloys have in common: how much each matters, which way it pushes, and what one more at.% does.

Of n alloys with bars φ_mn of members m, φ_n their mean over members, and amounts Δ_n counted from the baseline,
    importance    ⟨|φ_n|⟩ over alloys; of one member ⟨sign(φ_n) φ_mn⟩, so that its mean over members is that
    push          Σ Δ_n φ_mn / Σ Δ_n², over the alloys that hold an element: what one more at.% of it does on average
    fit           1 − Σ (φ_n − push Δ_n)² / Σ (φ_n − φ̄)², over the same alloys: what that straight line explains of their pushes
    concordance   Σ sign(Δ_n) φ_n / Σ |φ_n|: 1 where more than in the baseline always raises, and less always lowers

Axes: member M · alloy n · bar N.
"""
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from mtl_core.explain.members import AGREEMENT, OfMembers

FEWEST = 5  # alloys that have to hold an element before its push is told
CLEAR = 0.5  # a concordance from which the direction is clear
STRAIGHT = 0.5  # fit from which a slope tells what one more at.% does
N_BINS = 9  # of a running median
TINY = 1e-12
INTERVAL = (0.05, 0.95)  # of the members


@dataclass(frozen=True, eq=False)
class Bars(OfMembers):
    """Bars of n alloys in the unit of the task, of_members [M, n, N]. amounts: [n, N] of what each bar stands for, baseline: [N];
    NaN: none. holds: [n, N] bool, whether an alloy has any of it."""

    names: tuple[str, ...]
    of_members: np.ndarray
    amounts: np.ndarray
    baseline: np.ndarray
    holds: np.ndarray

    @cached_property
    def values(self) -> np.ndarray:
        """Mean over members [n, N]."""
        return self.of_members.mean(axis=0)

    def of(self, rows: np.ndarray) -> "Bars":
        """Those of some alloys, indices or bool [n]."""
        return Bars(self.names, self.of_members[:, rows], self.amounts[rows], self.baseline, self.holds[rows])


def summary(bars: Bars) -> pd.DataFrame:
    """One row a bar, the most important first: name, importance, low, high (5 to 95 % of the members), push, push_low, push_high
    in the unit of the task for one at.% or one unit of a feature, fit, turns, straight, concordance, direction, n (alloys that
    hold it), usual (the median amount in these).

    turns: the running median of the pushes comes back by more than half of its way. straight: the line explains half of their
    variance and the median does not turn, so that a push tells what one more at.% does.

    direction: sign of the concordance where that is clear: it is .5 or more with nine members in ten agreeing, or as many agree
    on a push that way; 0 where it is open: networks disagree, as many push the other way, or fewer than five alloys hold it.
    """
    towards = np.einsum("mij,ij->mj", bars.of_members, np.sign(bars.values), dtype=float) / max(len(bars.values), 1)
    change, n = np.nan_to_num(bars.amounts - bars.baseline), bars.holds.sum(axis=0)
    square = (np.where(bars.holds, change, 0.0) ** 2).sum(axis=0)
    enough = (n >= FEWEST) & (square > 0)
    pushes = np.einsum("mij,ij->mj", bars.of_members, np.where(bars.holds, change, 0.0), dtype=float)
    pushes /= np.where(enough, square, np.nan)
    fit, turns = _straightness(bars, pushes.mean(axis=0) * change)
    concordant = np.einsum("mij,ij->mj", bars.of_members, np.sign(change), dtype=float)
    concordance = concordant.mean(axis=0) / np.maximum(np.abs(bars.values).sum(axis=0), TINY)
    direction = np.where(enough, _clear_sign(concordance, concordant, pushes), 0)
    frame = pd.DataFrame({"name": bars.names, **_spread("", towards, "importance"), **_spread("push_", pushes, "push"),
                          "fit": fit, "turns": turns, "straight": (fit >= STRAIGHT) & ~turns, "concordance": concordance,
                          "direction": direction.astype(int), "n": n,
                          "usual": [np.median(bars.amounts[rows, column]) if rows.any() else np.nan
                                    for column, rows in enumerate(bars.holds.T)]})
    return frame.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def _straightness(bars, line):
    """What a line [n, N] explains of the values of the alloys that hold an element, NaN where there is none; and whether their
    running median turns; [N] each."""
    fit, turns = np.full(len(bars.names), np.nan), np.zeros(len(bars.names), bool)
    for column, rows in enumerate(bars.holds.T):
        values = bars.values[rows, column]
        if np.isfinite(line[:, column]).all():
            fit[column] = 1.0 - ((values - line[rows, column]) ** 2).sum() / max(((values - values.mean()) ** 2).sum(), TINY)
        turns[column] = _turns(running_median(bars.amounts[rows, column], values)[1])
    return fit, turns


def running_median(amounts: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Medians of both, [n] each, in at most `N_BINS` groups of as many neighbours by the amount, five or more in a group; alloys
    with an amount or value of NaN are left out. Two arrays of equal length, empty where there are too few alloys."""
    has = np.isfinite(amounts) & np.isfinite(values)
    order = np.argsort(amounts[has], kind="stable")
    n_bins = min(N_BINS, len(order) // FEWEST)
    groups = np.array_split(order, n_bins) if n_bins > 1 else []
    return tuple(np.array([np.median(numbers[has][group]) for group in groups]) for numbers in (amounts, values))


def _turns(medians):
    return bool(len(medians) > 2 and abs(medians[-1] - medians[0]) < 0.5 * np.ptp(medians))


def _clear_sign(concordance, concordant, pushes):
    """The sign of the concordance [N], or 0; concordant, pushes: of the members [M, N]."""
    sign = np.sign(concordance)
    agree, along, against = ((np.sign(of_members) == wanted).mean(axis=0) >= AGREEMENT
                             for of_members, wanted in ((concordant, sign), (pushes, sign), (pushes, -sign)))
    return np.where((agree & (np.abs(concordance) >= CLEAR) | along) & ~against, sign, 0)


def _spread(prefix, of_members, name):
    low, high = np.quantile(of_members, INTERVAL, axis=0)
    return {name: of_members.mean(axis=0), f"{prefix}low": low, f"{prefix}high": high}
