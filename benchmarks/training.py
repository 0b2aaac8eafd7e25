"""How much faster all members train at once than one Keras model pair after the other."""
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.keras_loop import epoch_seconds
from mtl_core.data import read_tables
from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig, TrainConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.parts import Part, training_parts
from mtl_core.features.scaling import Scaler
from mtl_core.pipeline import Prepared, prepare
from mtl_core.tasks import TASKS

# 5 folds × 3 fold seeds × 4 repeats = 60 members. What one epoch costs does not depend on how many follow.
CONFIG = EnsembleConfig(
    network=NetworkConfig(trunk=(64, 64)),
    train=TrainConfig(epochs=12, batch_size=32, n_folds=5, n_fold_seeds=3, n_repeats=4, splits=("reference",)))


@dataclass(frozen=True)
class TrainingTimes:
    """Median seconds of one epoch of all members: ours measured, the reference that of a few members × n_members."""

    n_members: int
    ours: float
    reference: float

    @property
    def ratio(self) -> float:
        """How many times longer the reference takes."""
        return self.reference / self.ours


def compare(config: EnsembleConfig = CONFIG) -> TrainingTimes:
    """One reference member, all of ours, one more reference member. The first epoch of each compiles and is left out."""
    prepared = prepare(read_tables(), config)
    parts = training_parts(prepared.observations, config)
    before = _reference_epochs(prepared, parts[0], config)
    ours = _our_epochs(prepared, parts, config)
    after = _reference_epochs(prepared, parts[-1], config)
    n_members = len(parts) * config.train.n_repeats
    return TrainingTimes(n_members, float(np.median(ours)), n_members * float(np.median([*before, *after])))


def _our_epochs(prepared: Prepared, parts: tuple[Part, ...], config: EnsembleConfig) -> np.ndarray:
    """Seconds of each epoch after the first."""
    ends = []
    fit_ensemble(prepared.observations, prepared.values, prepared.spec, config, parts,
                 progress=lambda epoch, n_epochs, loss: ends.append(time.perf_counter()))
    return np.diff(ends)


def _reference_epochs(prepared: Prepared, part: Part, config: EnsembleConfig) -> np.ndarray:
    """Seconds of each epoch after the first, for one member on the same rows."""
    scaler = Scaler.fit(prepared.values[part.is_training])
    features, targets = [], []
    for key in config.tasks:
        rows = part.is_training & (prepared.observations["task"] == key).to_numpy()
        low, high = (prepared.observations[side].to_numpy()[rows] for side in ("low", "high"))
        y = np.where(np.isfinite(low), low, high)
        features.append((scaler.transform(prepared.values[rows]) * prepared.spec.visible(TASKS[key])).astype(np.float32))
        targets.append(((y - y.mean()) / y.std()).astype(np.float32))
    return epoch_seconds(features, targets, config.network, config.train)[1:]
