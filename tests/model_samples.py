"""Small made-up data on which an ensemble trains in about a second."""
import numpy as np
import pandas as pd

from mtl_core.ensemble.config import EnsembleConfig, NetworkConfig, TrainConfig
from mtl_core.ensemble.parts import Part
from mtl_core.features.table import FeatureSpec, featurize

SPEC = FeatureSpec(symbols=("Cr", "Fe", "Ni"))
CONFIG = EnsembleConfig(network=NetworkConfig(trunk=(8,), head=4, dropout=0.3),
                        train=TrainConfig(epochs=4, batch_size=16, n_folds=3, n_fold_seeds=1, n_repeats=2))


def made_up_observations(n: int = 90, seed: int = 0) -> pd.DataFrame:
    """n rows of two tasks in 15 papers: chromium helps both, chloride lowers the pitting potential; one in ten pitting
    potentials is known from below only."""
    rng = np.random.default_rng(seed)
    chromium, nickel = rng.uniform(10, 30, n), rng.uniform(5, 20, n)
    frame = pd.DataFrame({
        "measurement_id": [f"m{row}" for row in range(n)], "task": ["hardness", "pitting_potential"] * (n // 2),
        "reference_group": [f"paper-{row % 15}" for row in range(n)], "family": rng.choice(["Fe", "HEA"], n),
        "at_Cr": chromium, "at_Fe": 100 - chromium - nickel, "at_Ni": nickel, "not_reported": "",
        "process": rng.choice(["CAST", "ANNEAL"], n), "temperature_c": 25.0, "chloride_m": rng.choice([0.1, 0.6, 3.0], n),
        "bromide_m": 0.0, "sulphate_m": 0.0, "ph": 7.0, "scan_rate_mv_s": np.nan})
    is_hardness = frame["task"] == "hardness"
    value = np.where(is_hardness, 100 + 10 * chromium, 20 * chromium - 200 * np.log10(frame["chloride_m"]))
    value = value + rng.normal(0, 10, n)
    is_bound = ~is_hardness & (rng.random(n) < 0.1)
    return frame.assign(value=np.where(is_bound, np.nan, value), low=value, high=np.where(is_bound, np.inf, value))


def features_of(observations: pd.DataFrame) -> np.ndarray:
    """Unscaled features [n, F] in the columns of SPEC."""
    return featurize(observations[["at_Cr", "at_Fe", "at_Ni"]].to_numpy(), observations, SPEC).values


def parts_by_paper(observations: pd.DataFrame, n_folds: int = 3) -> tuple[Part, ...]:
    """Every third paper held out, in turn."""
    fold = observations["reference_group"].str.removeprefix("paper-").astype(int).to_numpy() % n_folds
    return tuple(Part("reference", 0, number, fold != number, fold == number) for number in range(n_folds))
