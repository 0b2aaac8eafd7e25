"""The nouns that every layer shares; each is frozen and checked when it is made."""
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Process = Literal["CAST", "WROUGHT", "ANNEAL", "POWDER", "OTHER"]
PROCESSES: tuple[Process, ...] = get_args(Process)


class Conditions(BaseModel):
    """What surrounds a composition in a what-if: its processing and the electrolyte (an NaCl solution).

    None means "not reported": a prediction then averages over the values seen in training, and its band widens.
    temperature_c in °C, chloride_m in mol/L, scan_rate_mv_s in mV/s; process is one of `PROCESSES`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    process: Process | None = None
    temperature_c: float | None = Field(25.0, ge=-20.0, le=350.0)
    chloride_m: float | None = Field(0.6, ge=0.0, le=20.0)
    ph: float | None = Field(7.0, ge=-2.0, le=16.0)
    scan_rate_mv_s: float | None = Field(None, gt=0.0, le=1000.0)


@dataclass(frozen=True)
class Prediction:
    """Predictions for n alloys and T tasks, in the physical unit of each task.

    mean, std, lower, upper: [n, T]. aleatoric (scatter of the measurements), epistemic (disagreement of members and masks, and
    what their Gaussian processes do not know) and unreported (conditions that were not given) are standard deviations [n, T];
    std² is the sum of their squares.
    in_domain: [n, T] bool; domain_reason: n rows of T sentences, empty where in domain.
    is_supported: [T] bool; whether enough papers stand behind a band of this level.
    level: the nominal share of new papers' measurements inside lower … upper.
    """

    tasks: tuple[str, ...]
    level: float
    mean: np.ndarray
    std: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray
    unreported: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    in_domain: np.ndarray
    domain_reason: tuple[tuple[str, ...], ...]
    is_supported: np.ndarray

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True)
class ClassPrediction:
    """What n alloys are: the probability of each class of one task, [n, C], the mean over members, masks and what conditions that
    were not given may have been. domain_reason: n sentences, empty where in domain."""

    task: str
    classes: tuple[str, ...]
    probabilities: np.ndarray
    domain_reason: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.probabilities)
