"""What one task says about one alloy, in numbers and in words. Pure: a card, a pin and a download say the same."""
from collections.abc import Sequence
from dataclasses import dataclass

from app.figures.style import written
from mtl_core.tasks import TaskSpec
from mtl_core.types import Prediction


@dataclass(frozen=True)
class Result:
    """One alloy, one task; numbers in the unit of the task, as in `mtl_core.types.Prediction`."""

    task: TaskSpec
    level: float
    mean: float
    std: float
    lower: float
    upper: float
    aleatoric: float
    epistemic: float
    unreported: float
    in_domain: bool
    is_supported: bool
    reason: str

    @property
    def value(self) -> str:
        """"182 HV"."""
        return f"{written(self.mean)} {self.task.unit}"

    @property
    def interval(self) -> str:
        """"121 to 262 HV"."""
        return f"{written(self.lower)} to {written(self.upper)} {self.task.unit}"

    @property
    def claim(self) -> str:
        """What the interval is worth: only inside the domain does it carry its level."""
        if not self.in_domain:
            return "rough range, coverage unknown here"
        if not self.is_supported:
            return "widest band that the papers support"
        return f"empirical {100 * self.level:g} % band"


_NUMBERS = ("mean", "std", "lower", "upper", "aleatoric", "epistemic", "unreported")


def results_of(prediction: Prediction, tasks: Sequence[TaskSpec], row: int = 0) -> tuple[Result, ...]:
    """The results of one alloy, in the order of the tasks."""
    return tuple(
        Result(task=task, level=prediction.level, in_domain=bool(prediction.in_domain[row, column]),
               reason=prediction.domain_reason[row][column], is_supported=bool(prediction.is_supported[column]),
               **{name: float(getattr(prediction, name)[row, column]) for name in _NUMBERS})
        for column, task in enumerate(tasks)
    )


def as_record(result: Result) -> dict:
    """The shape in which results are downloaded; the same keys as the command line's JSON."""
    return {"mean": result.mean, "std": result.std, "lower": result.lower, "upper": result.upper,
            "unit": result.task.unit, "level_supported": result.is_supported, "level": result.level,
            "in_domain": result.in_domain, "domain_reason": result.reason}
