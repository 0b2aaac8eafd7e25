"""Lattice of an alloy as a class: `python -m benchmarks.classes`

Networks that learn the phase with hardness, the phase alone, and three classifiers, on the same folds: five folds, three fold
seeds, one member a fold, 60 epochs, by composition and by paper. Prints the table of README.md. `--quick`: two epochs of three
folds.
"""
import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time

from mtl_core import pipeline
from mtl_core.data import read_tables
from mtl_core.ensemble.class_baselines import class_baseline_out_of_fold
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.uncertainty.classification import SCORES, class_out_of_fold, report

SPLITS = ("composition", "reference")
USUAL = TrainConfig(epochs=60, n_folds=5, n_fold_seeds=3, n_repeats=1, splits=SPLITS)
QUICK = TrainConfig(epochs=2, n_folds=3, n_fold_seeds=1, n_repeats=1, splits=SPLITS)


def measured(config: EnsembleConfig) -> dict:
    """What `classification.report` says of the phase, learnt with hardness, beside the others."""
    prepared = pipeline.prepare(read_tables(), config)
    parts = prepared.parts(config)
    together, _ = fit_ensemble(prepared.training, prepared.values, prepared.spec, config, parts)
    ours = class_out_of_fold(together, parts, prepared.observations, prepared.values)
    rows, mine = prepared.of_task("phase", parts)
    apart, _ = fit_ensemble(rows.training, rows.values, rows.spec, config.for_task("phase"), mine)
    alone = class_out_of_fold(apart, mine, rows.observations, rows.values)
    others = class_baseline_out_of_fold(prepared.observations, prepared.values, prepared.spec, parts, seed=config.seed)
    return report(ours, others, alone)["phase"]


def in_markdown(found: dict) -> str:
    """A row a split and model: macro F1, accuracy, log loss, and what the networks that learn hardness as well gain in F1."""
    lines = ["| held out | model | macro F1 | accuracy | log loss | F1: with hardness, less this |", "|---|---|---|---|---|---|"]
    for split, facts in found.items():
        rows = [("networks, with hardness", facts["scores"], "")]
        rows += [("networks, phase alone" if model == "alone" else model, other["scores"], _interval(other["gain"]["macro_f1"]))
                 for model, other in facts["others"].items()]
        lines += [f"| {split} | {model} | {' | '.join(f'{scores[name][0]:.3f}' for name in SCORES)} | {gain} |"
                  for model, scores, gain in rows]
    return "\n".join(lines)


def _interval(gain: list[float]) -> str:
    text = "{:+.3f} [{:+.3f}, {:+.3f}]".format(*gain)
    return f"**{text}**" if gain[1] > 0 or gain[2] < 0 else text


def main() -> None:
    """Train, score, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true")
    train, start = QUICK if options.parse_args().quick else USUAL, time.monotonic()
    found = measured(EnsembleConfig(tasks=("hardness", "phase"), train=train))
    print(in_markdown(found))
    for split, facts in found.items():
        print(f"{split}: {facts['n']} rows, {facts['counts']}; confusion {facts['confusion']}")
    print(f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
