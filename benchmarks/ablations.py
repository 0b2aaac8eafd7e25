"""What single choices are worth, paired on the same folds: python -m benchmarks.ablations

Each variant trains the networks of the default, without the Gaussian processes beside them, on the folds of the default run and
answers the same untouched exact rows. The difference is variant − default in pooled out-of-fold R², with a 95 % interval from
resampling whole papers.
Writes assets/ablations.csv, from which the Train page says what multi-task learning is worth.
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import replace

import pandas as pd

from mtl_core import pipeline
from mtl_core.data import observations, read_tables
from mtl_core.data.training import has_flag
from mtl_core.ensemble.config import PRESETS, EnsembleConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.settings import ASSETS_DIR
from mtl_core.uncertainty.comparison import compare
from mtl_core.uncertainty.metrics import out_of_fold

NETWORKS = {"no linear skip": {"linear_skip": False}, "one noise a task": {"noise": "task"}, "no dropout": {"dropout": 0.0}}
DEFAULT = PRESETS["networks"]
# Two fold seeds and one member a fold: differences are paired, so that this is enough, and ten trainings stay affordable.
CONFIG = DEFAULT.model_copy(update={"train": DEFAULT.train.model_copy(update={"n_fold_seeds": 2, "n_repeats": 1})})


def main() -> None:
    """Train the default and every variant, and print a table."""
    table = read_tables()
    prepared = pipeline.prepare(table, CONFIG)
    parts = prepared.parts(CONFIG)
    default = _held_out(prepared, parts, CONFIG)
    print(f"{'variant':<34}{'task':<19}{'split':<13}{'R²':>7}{'Δ R²':>8}   95 % interval")
    found = []
    for task in CONFIG.tasks:
        only = (prepared.observations["task"] == task).to_numpy()
        masked = [replace(part, is_training=part.is_training & only) for part in parts]
        found += _report("single task", _held_out(prepared, masked, CONFIG).query("task == @task"), default)
    for name, change in NETWORKS.items():
        config = CONFIG.model_copy(update={"network": CONFIG.network.model_copy(update=change)})
        found += _report(name, _held_out(prepared, parts, config), default)
    stopping = CONFIG.model_copy(update={"train": CONFIG.train.model_copy(update={"validation_share": 0.1})})
    found += _report("early stopping on 10 % of papers", _held_out(prepared, parts, stopping), default)
    found += _transpassive(table, prepared, parts, default)
    pd.DataFrame(found).to_csv(ASSETS_DIR / "ablations.csv", index=False, float_format="%.3f", lineterminator="\n")


def _held_out(prepared, parts, config: EnsembleConfig) -> pd.DataFrame:
    """Out-of-fold rows, the test rows of all parts."""
    ensemble, _ = fit_ensemble(prepared.training, prepared.values, prepared.spec, config, parts)
    return out_of_fold(ensemble, parts, prepared.observations, prepared.values)


def _transpassive(table, prepared, parts, default) -> list[dict]:
    """Move the bound of the 41 transpassive rows by ±200 mV, then leave them out; the folds stay."""
    found = []
    is_transpassive = prepared.observations["measurement_id"].isin(
        table.measurements.loc[has_flag(table, ("transpassive",)), "measurement_id"]).to_numpy()
    print(f"  {is_transpassive.sum()} transpassive rows, mean prediction: {_mean_of(default, is_transpassive, prepared)}")
    for shift in (-200.0, 200.0):
        shifted = replace(prepared, training=observations(table, CONFIG.tasks, transpassive_shift_mv=shift))
        rows = _held_out(shifted, parts, CONFIG)
        found += _report(f"transpassive bound {shift:+.0f} mV", rows, default)
        print(f"  their mean prediction: {_mean_of(rows, is_transpassive, prepared)}")
    without = [replace(part, is_training=part.is_training & ~is_transpassive) for part in parts]
    rows = _held_out(prepared, without, CONFIG)
    found += _report("transpassive rows left out", rows, default)
    print(f"  their mean prediction: {_mean_of(rows, is_transpassive, prepared)}")
    return found


def _mean_of(rows, chosen, prepared):
    ids = prepared.observations.loc[chosen, "measurement_id"]
    means = rows[rows["measurement_id"].isin(ids)].groupby("split", sort=False)["mean"].mean()
    return ", ".join(f"{split} {value:.0f} mV" for split, value in means.items())


def _report(name, variant, default) -> list[dict]:
    """Print and return one row a task and split."""
    found = compare(default, variant).rename(columns={"r2_after": "r2"})
    for row in found.itertuples():
        print(f"{name:<34}{row.task:<19}{row.split:<13}{row.r2:>7.3f}{row.difference:>+8.3f}   [{row.low:+.3f}, {row.high:+.3f}]",
              flush=True)
    return found.assign(variant=name)[["variant", "task", "split", "r2", "difference", "low", "high"]].to_dict("records")


if __name__ == "__main__":
    main()
