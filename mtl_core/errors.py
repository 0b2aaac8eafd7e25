"""Errors that a user can act on: each says what was expected, what came and what to do."""
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError


class AlloyscopeError(Exception):
    """Base of every error that this project raises on purpose."""


class CompositionError(AlloyscopeError, ValueError):
    """A composition that cannot be read, or that can be read in more than one way."""


class ConfigError(AlloyscopeError, ValueError):
    """A setting outside its allowed values."""


class CheckpointError(AlloyscopeError):
    """A saved ensemble that is damaged or belongs to other code, tasks or data."""


class RunError(AlloyscopeError):
    """A run from which something is asked that its state or its folder does not allow."""


class StoppedError(AlloyscopeError):
    """A training that was asked to stop and did so; what it has learnt is kept, and it can be resumed."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in one place of one file. `row` counts as a spreadsheet does, header = 1; None = whole file."""

    file: str
    row: int | None
    column: str | None
    expected: str
    came: str

    def __str__(self) -> str:
        place = ", ".join(part for part in (
            self.file,
            f"row {self.row}" if self.row is not None else "",
            f"column {self.column!r}" if self.column else "",
        ) if part)
        return f"{place}: expected {self.expected}, got {self.came}"


class DataError(AlloyscopeError, ValueError):
    """All problems of the data that were read, listed together."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        super().__init__(f"{count} in the data:\n" + "\n".join(f"- {problem}" for problem in self.problems))


def in_words(error: ValidationError) -> str:
    """What pydantic refused, one clause a field: which, what was expected and what came. What is wrong with a whole only because
    one of its items is, is left out."""
    found = error.errors()
    inside = {wrong["loc"][:depth] for wrong in found for depth in range(1, len(wrong["loc"]))}
    return "; ".join(f"{'.'.join(map(str, wrong['loc']))}: {_in_words(wrong)}" for wrong in found if wrong["loc"] not in inside)


def _in_words(wrong) -> str:
    own = wrong["type"] == "value_error"  # our validators say themselves what came
    return wrong["msg"].removeprefix("Value error, ") if own else f"{wrong['msg']}, got {wrong['input']!r}"
