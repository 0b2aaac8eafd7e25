"""Whether anything that is fitted in a fold has seen what it is tested on."""
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from mtl_core.ensemble.fit import fitted_transforms
from mtl_core.ensemble.parts import Part
from mtl_core.features.preparation import mapped
from mtl_core.features.scaling import Scaler
from mtl_core.validation.leakage import Leak
from mtl_core.validation.peeking import fitted_outside, given_outside

if TYPE_CHECKING:
    from mtl_core.report.facts import Facts


def tried(facts: "Facts") -> tuple[Leak, ...]:
    """Whether scalers, fillers and target transforms change with the test rows, for each part of the first division."""
    prepared = facts.prepared

    def fit(values, y, part):
        return fitted_transforms(prepared.training.assign(value=y), values, prepared.spec, facts.config, part)

    parts = [part for part in facts.parts if part.fold_seed == 0]
    return fitted_outside({"What scales features and targets": fit}, prepared.values,
                          prepared.training["value"].to_numpy(float), parts)


def given(facts: "Facts", parts: list[Part]) -> tuple[Leak, ...]:
    """Whether the ensemble as it is stored was given what the training rows of its parts alone give: the scaler of its networks,
    where they learn together, and that of the Gaussian processes of each property."""
    prepared, steps, fits = facts.prepared, {}, {}
    if facts.config.wiring == "multi-task":
        name, (ensemble, _) = "What scales the features of the networks", next(iter(facts.ensemble_of.values()))
        steps[name] = [mapped(ensemble.features, itemgetter(place)) for place in range(len(parts))]
        fits[name] = partial(_of_networks, facts)
    for task in facts.tasks if facts.config.kernel_share else ():
        name = f"What scales the features of the Gaussian processes of {task.label.lower()}"
        ensemble, index = facts.ensemble_of[task.key]
        steps[name] = [mapped(ensemble.kernels.features, itemgetter((place, index))) for place in range(len(parts))]
        fits[name] = partial(_of_processes, facts, task.key)
    return given_outside(steps, fits, prepared.values, prepared.training["value"].to_numpy(float), parts)


def _of_networks(facts: "Facts", values: np.ndarray, y: np.ndarray, part: Part) -> Scaler:
    return fitted_transforms(facts.prepared.training, values, facts.prepared.spec, facts.config, part)[0]


def _of_processes(facts: "Facts", task: str, values: np.ndarray, y: np.ndarray, part: Part) -> Scaler:
    """Of the exact training rows of a task."""
    rows = facts.prepared.training
    is_learnt = part.is_training & (rows["task"] == task).to_numpy() & (rows["low"] == rows["high"]).to_numpy()
    return Scaler.fit(values[is_learnt], facts.config.preparation)
