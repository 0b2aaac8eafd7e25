"""Editing amounts that sum to 100: what one element gains, others give. Pure functions on symbol → amount.

Amounts may be at.% or wt.%; the algebra is the same. Locked elements keep their amount exactly. `balance` names the
element that takes up the rest; None shares the rest among all unlocked elements in proportion to their amounts.
"""
import math
from collections.abc import Collection, Mapping

TOTAL = 100.0

Amounts = Mapping[str, float]


def normalised(amounts: Amounts) -> dict[str, float]:
    """Scale to a sum of 100. Raises ValueError where nothing is there to scale, or an amount is negative."""
    total = math.fsum(amounts.values())
    if not total > 0 or min(amounts.values()) < 0:
        raise ValueError(f"expected amounts of at least 0 with a sum above 0, got {dict(amounts)}")
    return {symbol: amount * TOTAL / total for symbol, amount in amounts.items()}


def givers(
    amounts: Amounts, symbol: str, *, locked: Collection[str] = (), balance: str | None = None
) -> tuple[str, ...]:
    """The elements that make room when `symbol` moves; empty where it cannot move."""
    if symbol in locked:
        return ()
    free = tuple(other for other in amounts if other != symbol and other not in locked)
    return (balance,) if balance in free else free


def reach(amounts: Amounts, symbol: str, *, locked: Collection[str] = (), balance: str | None = None) -> float:
    """The largest amount that `symbol` can take: its own plus all that its givers have."""
    others = givers(amounts, symbol, locked=locked, balance=balance)
    return min(TOTAL, math.fsum([amounts[symbol], *(amounts[other] for other in others)]))


def move(
    amounts: Amounts, symbol: str, target: float, *, locked: Collection[str] = (), balance: str | None = None
) -> dict[str, float]:
    """Set `symbol` to `target`, held between 0 and its reach; the givers take up the difference."""
    others = givers(amounts, symbol, locked=locked, balance=balance)
    if not others:
        return dict(amounts)
    moved = dict(amounts)
    moved[symbol] = min(max(target, 0.0), reach(amounts, symbol, locked=locked, balance=balance))
    kept = math.fsum(amount for other, amount in moved.items() if other not in others)
    return moved | _shared(max(0.0, TOTAL - kept), {other: amounts[other] for other in others})


def removed(
    amounts: Amounts, symbol: str, *, locked: Collection[str] = (), balance: str | None = None
) -> dict[str, float]:
    """The amounts without `symbol`, its share handed to the givers; unchanged where nobody can take it."""
    emptied = move(amounts, symbol, 0.0, locked=locked, balance=balance)
    if emptied[symbol] != 0.0:
        return emptied
    return {other: amount for other, amount in emptied.items() if other != symbol}


def _shared(rest: float, parts: Amounts) -> dict[str, float]:
    """Split `rest` in proportion to `parts` (evenly where all are 0); the largest takes the rounding error."""
    total = math.fsum(parts.values())
    weights = {name: part / total if total > 0 else 1 / len(parts) for name, part in parts.items()}
    shares = {name: rest * weight for name, weight in weights.items()}
    largest = max(shares, key=shares.__getitem__)
    shares[largest] = max(0.0, rest - math.fsum(share for name, share in shares.items() if name != largest))
    return shares
