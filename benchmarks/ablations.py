"""What single choices are worth, paired on the same folds: python -m benchmarks.ablations

Each variant trains the default network on the folds of the default run and answers the same untouched exact rows.
The difference is variant − default in pooled out-of-fold R², with a 95 % interval from resampling whole papers.
Writes assets/ablations.csv, from which the Train page says what multi-task learning is worth.
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from mtl_core import pipeline
from mtl_core.data import observations, read_tables
from mtl_core.data.training import has_flag
from mtl_core.ensemble.config import PRESETS, EnsembleConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.parts import training_parts
from mtl_core.settings import ASSETS_DIR
from mtl_core.uncertainty.metrics import out_of_fold

N_BOOTSTRAP = 1000
NETWORKS = {"no linear skip": {"linear_skip": False}, "one noise a task": {"noise": "task"}, "no dropout": {"dropout": 0.0}}
DEFAULT = PRESETS["default"]
# Two fold seeds and one member a fold: differences are paired, so that this is enough, and ten trainings stay affordable.
CONFIG = DEFAULT.model_copy(update={"train": DEFAULT.train.model_copy(update={"n_fold_seeds": 2, "n_repeats": 1})})


def main() -> None:
    """Train the default and every variant, and print a table."""
    table = read_tables()
    prepared = pipeline.prepare(table, CONFIG)
    parts = training_parts(prepared.observations, CONFIG)
    default = _held_out(prepared, parts, CONFIG)
    print(f"{'variant':<34}{'task':<19}{'split':<13}{'R²':>7}{'Δ R²':>8}   95 % interval")
    found = []
    for task in CONFIG.tasks:
        only = (prepared.observations["task"] == task).to_numpy()
        masked = [replace(part, is_training=part.is_training & only) for part in parts]
        found += _report("single task", _held_out(prepared, masked, CONFIG, test=parts).query("task == @task"), default)
    for name, change in NETWORKS.items():
        config = CONFIG.model_copy(update={"network": CONFIG.network.model_copy(update=change)})
        found += _report(name, _held_out(prepared, parts, config), default)
    stopping = CONFIG.model_copy(update={"train": CONFIG.train.model_copy(update={"validation_share": 0.1})})
    found += _report("early stopping on 10 % of papers", _held_out(prepared, parts, stopping), default)
    found += _transpassive(table, prepared, parts, default)
    pd.DataFrame(found).to_csv(ASSETS_DIR / "ablations.csv", index=False, float_format="%.3f", lineterminator="\n")


def _held_out(prepared, parts, config: EnsembleConfig, *, test=None) -> pd.DataFrame:
    """Out-of-fold rows of `test` (the parts themselves, unless the variant trains on fewer rows than it leaves in)."""
    ensemble, _ = fit_ensemble(prepared.observations, prepared.values, prepared.spec, config, parts)
    return out_of_fold(ensemble, test or parts, prepared.observations, prepared.values)


def _transpassive(table, prepared, parts, default) -> list[dict]:
    """Move the bound of the 41 transpassive rows by ±200 mV, then leave them out; the folds stay."""
    found = []
    is_transpassive = prepared.observations["measurement_id"].isin(
        table.measurements.loc[has_flag(table, ("transpassive",)), "measurement_id"]).to_numpy()
    print(f"  {is_transpassive.sum()} transpassive rows, mean prediction: {_mean_of(default, is_transpassive, prepared)}")
    for shift in (-200.0, 200.0):
        shifted = replace(prepared, observations=observations(table, CONFIG.tasks, transpassive_shift_mv=shift))
        rows = _held_out(shifted, parts, CONFIG)
        found += _report(f"transpassive bound {shift:+.0f} mV", rows, default)
        print(f"  their mean prediction: {_mean_of(rows, is_transpassive, prepared)}")
    without = [replace(part, is_training=part.is_training & ~is_transpassive) for part in parts]
    rows = _held_out(prepared, without, CONFIG, test=parts)
    found += _report("transpassive rows left out", rows, default)
    print(f"  their mean prediction: {_mean_of(rows, is_transpassive, prepared)}")
    return found


def _mean_of(rows, chosen, prepared):
    ids = prepared.observations.loc[chosen, "measurement_id"]
    means = rows[rows["measurement_id"].isin(ids)].groupby("split", sort=False)["mean"].mean()
    return ", ".join(f"{split} {value:.0f} mV" for split, value in means.items())


def _report(name, variant, default) -> list[dict]:
    """Print and return one row a task and split."""
    found = []
    keys = ["measurement_id", "task", "split", "fold_seed"]
    exact = variant[variant["low"] == variant["high"]]
    paired = exact.merge(default[[*keys, "mean"]], on=keys, suffixes=("", "_default"), validate="1:1")
    for (task, split), rows in paired.groupby(["task", "split"], sort=False):
        difference, low, high = _difference(rows)
        value = np.mean([r2_score(part["low"], part["mean"]) for _, part in rows.groupby("fold_seed")])
        print(f"{name:<34}{task:<19}{split:<13}{value:>7.3f}{difference:>+8.3f}   [{low:+.3f}, {high:+.3f}]", flush=True)
        found.append({"variant": name, "task": task, "split": split, "r2": value, "difference": difference, "low": low,
                      "high": high})
    return found


def _difference(rows):
    """Δ R² pooled within fold seeds and averaged over them, with its percentile interval over papers."""
    y, new, old = (rows[name].to_numpy() for name in ("low", "mean", "mean_default"))
    seed, paper = (pd.factorize(rows[name])[0] for name in ("fold_seed", "reference_group"))
    gain = (y - old) ** 2 - (y - new) ** 2

    def of(weight):
        """Weighted Δ R²; weight: [n], how often a row's paper was drawn."""
        found = []
        for one in range(seed.max() + 1):
            w = weight * (seed == one)
            found.append((w * gain).sum() / (w * (y - np.average(y, weights=w)) ** 2).sum())
        return np.mean(found)

    rng, n_papers = np.random.default_rng(0), paper.max() + 1
    draws = [of(np.bincount(rng.integers(n_papers, size=n_papers), minlength=n_papers)[paper]) for _ in range(N_BOOTSTRAP)]
    return of(np.ones(len(y))), *np.quantile(draws, [0.025, 0.975])


if __name__ == "__main__":
    main()
