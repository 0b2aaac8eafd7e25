"""What the visitor chose, as one frozen value that a URL can carry."""
import math
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from app import simplex
from mtl_core.chemistry.composition import Composition
from mtl_core.types import PROCESSES, Conditions

Basis = Literal["at", "wt"]
NOT_REPORTED = "none"
"""How a link spells a condition that is not reported; a missing key means the documented default."""

UNITS = {"at": "at.%", "wt": "wt.%"}

MAIN = 50.0
"""Per cent from which an element counts as the base of an alloy; below, none stands out."""

_NUMBERS = {"temperature_c": "t", "chloride_m": "cl", "ph": "ph", "scan_rate_mv_s": "scan"}


class Selection(BaseModel):
    """One alloy under design, its conditions and the level of the band.

    amounts: symbol → amount in `basis` (at.% or wt.%), summing to 100, in the order shown.
    balance: the element that takes up the rest; None = all unlocked ones in proportion.
    moved: the element whose slider was touched last; sweeps run along it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    amounts: dict[str, float]
    basis: Basis = "at"
    balance: str | None = None
    locked: frozenset[str] = frozenset()
    moved: str = ""
    conditions: Conditions = Conditions()
    level: float = Field(0.9, ge=0.5, le=0.95)

    @field_validator("amounts")
    @classmethod
    def _sums_to_100(cls, amounts: dict[str, float]) -> dict[str, float]:
        if not (_is_closed(amounts) and min(amounts.values()) >= 0):
            raise ValueError(f"expected amounts of at least 0 that sum to 100, got {amounts}")
        return amounts

    @model_validator(mode="after")
    def _names_its_own_elements(self) -> Self:
        strangers = ({self.moved, self.balance} | self.locked) - {"", None} - self.amounts.keys()
        if strangers:
            raise ValueError(f"expected elements of the alloy, got {sorted(strangers)}")
        return self

    @classmethod
    def of(cls, composition: Composition, *, basis: Basis = "at", **chosen) -> Self:
        """Start from an alloy: a main element above 50 % is the balance, the second largest is swept first."""
        amounts = composition.at if basis == "at" else composition.wt
        ranked = sorted(amounts, key=amounts.__getitem__, reverse=True)
        usual = {"amounts": {symbol: amounts[symbol] for symbol in ranked}, "basis": basis,
                 "balance": ranked[0] if amounts[ranked[0]] > MAIN else None, "moved": ranked[:2][-1]}
        return cls(**usual | chosen)

    @property
    def composition(self) -> Composition:
        """The alloy without the elements that stand at 0."""
        present = {symbol: amount for symbol, amount in self.amounts.items() if amount > 0}
        return Composition.from_mapping(present, basis=self.basis)

    @property
    def spelled(self) -> str:
        """"Fe 66.48 · Cr 17 · Ni 12 wt.%", most abundant first."""
        ranked = sorted(self.amounts.items(), key=lambda pair: -round(pair[1], 6))
        shown = (f"{symbol} {amount:.4g}" for symbol, amount in ranked if amount > 0)
        return " · ".join(shown) + f" {UNITS[self.basis]}"

    @property
    def rules(self) -> dict:
        """The keywords that every simplex edit takes."""
        return {"locked": self.locked, "balance": self.balance}

    @property
    def is_movable(self) -> bool:
        """Whether some other element can make room for the one that was moved last."""
        return bool(simplex.givers(self.amounts, self.moved, **self.rules))

    def but(self, **changes) -> Self:
        """A validated copy with some fields changed."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | changes)

    def with_moved(self, symbol: str, amount: float) -> Self:
        """The amounts after one slider or number box was set."""
        return self.but(amounts=simplex.move(self.amounts, symbol, amount, **self.rules), moved=symbol)

    def with_element(self, symbol: str) -> Self:
        """One more element, at 0; it becomes the one that is swept."""
        return self.but(amounts=self.amounts | {symbol: 0.0}, moved=symbol)

    def without_element(self, symbol: str) -> Self:
        """One element fewer; unchanged where its share cannot go anywhere."""
        amounts = simplex.removed(self.amounts, symbol, **self.rules)
        if symbol in amounts:
            return self
        moved = _main(amounts) if self.moved == symbol else self.moved
        balance = None if self.balance == symbol else self.balance
        return self.but(amounts=amounts, moved=moved, balance=balance, locked=self.locked - {symbol})

    def in_basis(self, basis: Basis) -> Self:
        """The same alloy counted in the other unit; elements at 0 stay listed."""
        if basis == self.basis:
            return self
        converted = self.composition.at if basis == "at" else self.composition.wt
        return self.but(amounts={symbol: converted.get(symbol, 0.0) for symbol in self.amounts}, basis=basis)

    def to_query(self) -> dict[str, str]:
        """The selection as URL parameters; `from_query` gives it back."""
        return {
            "alloy": ",".join(f"{symbol}:{amount:.10g}" for symbol, amount in self.amounts.items()),
            "basis": self.basis,
            "balance": self.balance or NOT_REPORTED,
            "lock": ",".join(sorted(self.locked)),
            "sweep": self.moved,
            **conditions_query(self.conditions),
            "level": f"{100 * self.level:.10g}",
        }

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Read a link. Raises ValueError (CompositionError, pydantic's included) where it cannot be followed."""
        basis = query.get("basis", "at")
        listed = _parsed_amounts(query.get("alloy", ""))
        present = {symbol: amount for symbol, amount in listed.items() if amount != 0}
        composition = Composition.from_mapping(present, basis=basis)
        chosen = {
            "amounts": listed if _is_closed(listed) else simplex.normalised(listed),
            "conditions": conditions_from(query),
            "level": float(query.get("level", "90")) / 100,
            # Locks, balance and sweep of elements that the alloy does not have say nothing about it.
            "locked": frozenset(query.get("lock", "").split(",")) & listed.keys(),
        }
        if query.get("balance") in {NOT_REPORTED, *listed}:
            chosen["balance"] = None if query["balance"] == NOT_REPORTED else query["balance"]
        if query.get("sweep") in listed:
            chosen["moved"] = query["sweep"]
        return cls.of(composition, basis=basis, **chosen)


def _main(amounts: Mapping[str, float]) -> str:
    return max(amounts, key=amounts.__getitem__)


def _spelled(number: float | None) -> str:
    return NOT_REPORTED if number is None else f"{number:.10g}"


def _is_closed(amounts: Mapping[str, float]) -> bool:
    return abs(math.fsum(amounts.values()) - simplex.TOTAL) < 1e-6


def _parsed_amounts(text: str) -> dict[str, float]:
    pairs = [part.partition(":") for part in text.split(",") if part]
    try:
        return {symbol: float(amount) for symbol, _, amount in pairs}
    except ValueError as error:
        raise ValueError(f"expected an alloy such as Fe:70,Cr:18,Ni:12, got {text!r}") from error


def conditions_query(conditions: Conditions) -> dict[str, str]:
    """Conditions as URL parameters; `conditions_from` gives them back."""
    numbers = {short: _spelled(getattr(conditions, name)) for name, short in _NUMBERS.items()}
    return {"process": conditions.process or NOT_REPORTED} | numbers


def conditions_from(query: Mapping[str, str]) -> Conditions:
    """Read the conditions of a link; raises ValueError where they cannot be followed."""
    numbers = {name: _number(query[short]) for name, short in _NUMBERS.items() if short in query}
    process = query.get("process", NOT_REPORTED)
    if process not in (*PROCESSES, NOT_REPORTED):
        raise ValueError(f"expected a process out of {', '.join(PROCESSES)}, got {process!r}")
    return Conditions(process=None if process == NOT_REPORTED else process, **numbers)


def _number(text: str) -> float | None:
    return None if text == NOT_REPORTED else float(text)
