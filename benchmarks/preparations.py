"""What another preparation of the numbers is worth: `python -m benchmarks.preparations`

Each against the default one, paired on the same folds by paper and the same untouched test rows; the last row changes nothing
but the seed of the networks. Ridge on three fold seeds, extra trees and networks on one, one member a fold. Prints a line a cell,
and at the end the two tables of README.md. `--quick`: one cell, in seconds; `--model ridge`: one column.
"""
import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Iterator, Sequence
from itertools import chain

import pandas as pd

from mtl_core.data import AlloyTable, read_tables
from mtl_core.effects import MODELS, preparation_effect
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig
from mtl_core.features.preparation import Preparation
from mtl_core.tasks import DEFAULT_TASKS, TASKS

SPLIT = "reference"
FOLD_SEEDS = {"ridge": 3, "extra trees": 1, "ensemble": 1}
PREPARATIONS = {
    "smallest and largest": Preparation(scaling="min-max"), "median and quartiles": Preparation(scaling="robust"),
    "gaps by a regression": Preparation(fill="model"), "1 % capped at each end": Preparation(cap=0.01),
    "5 % capped at each end": Preparation(cap=0.05), "Yeo-Johnson targets": Preparation(target="yeo-johnson"),
    "logarithm of hardness": Preparation(target="log"),
}
ANOTHER_SEED = "another seed, nothing changed"
SEEDS = (1, 2)
WORTH_SAYING = 0.02  # a difference of R² from which the table shows its interval


def cells(table: AlloyTable, models: Sequence[str], names: Sequence[str]) -> Iterator[pd.DataFrame]:
    """The effect of each preparation on each model: rows as `preparation_effect` gives them, with the columns name and model."""
    for model in models:
        for name in names:
            tasks = ("hardness",) if PREPARATIONS[name].target == "log" else DEFAULT_TASKS
            found = preparation_effect(table, tasks, PREPARATIONS[name], model=model, splits=(SPLIT,),
                                       n_fold_seeds=FOLD_SEEDS[model])
            yield found.assign(name=name, model=model)


def another_seed(table: AlloyTable) -> Iterator[pd.DataFrame]:
    """The default networks against themselves with other seeds, on the same folds; columns as `cells`."""
    from mtl_core import pipeline
    from mtl_core.ensemble.fit import fit_ensemble
    from mtl_core.uncertainty.comparison import compare
    from mtl_core.uncertainty.metrics import out_of_fold

    config = EnsembleConfig(train=TrainConfig(n_fold_seeds=FOLD_SEEDS["ensemble"], n_repeats=1, splits=(SPLIT,)))
    prepared = pipeline.prepare(table, config)
    parts = prepared.parts(config)

    def held_out(seed: int) -> pd.DataFrame:
        seeded = config.model_copy(update={"seed": seed})
        ensemble, _ = fit_ensemble(prepared.training, prepared.values, prepared.spec, seeded, parts)
        return out_of_fold(ensemble, parts, prepared.observations, prepared.values)

    before = held_out(config.seed)
    for seed in SEEDS:
        yield compare(before, held_out(config.seed + seed)).assign(name=ANOTHER_SEED, model="ensemble")


def written(number: float) -> str:
    """"−.033"."""
    return f"{number:+.3f}".replace("0.", ".", 1).replace("-", "−")


def in_table(rows: pd.DataFrame) -> str:
    """"−.033 [−.097, −.004]": the interval where the difference is more than noise; of several seeds the extremes."""
    if rows.empty:
        return "–"
    if len(rows) > 1:
        return f"{written(rows['difference'].min())} to {written(rows['difference'].max())}"
    row = rows.iloc[0]
    interval = f" [{written(row['low'])}, {written(row['high'])}]" if abs(row["difference"]) >= WORTH_SAYING else ""
    return written(row["difference"]) + interval


def tables(found: pd.DataFrame) -> str:
    """One table a task in Markdown: a row a preparation, a column a model."""
    lines = []
    for task, rows in found.groupby("task", sort=False):
        models = list(dict.fromkeys(rows["model"]))
        r2 = [rows.loc[rows["model"] == model, "r2_before"].iloc[0] for model in models]
        lines += ["", f"| {TASKS[task].label}, by paper | {' | '.join(models)} |", "|---" * (len(models) + 1) + "|",
                  f"| default R² | {' | '.join(f'{one:.3f}' for one in r2)} |"]
        for name, of_name in rows.groupby("name", sort=False):
            lines.append(f"| {name} | {' | '.join(in_table(of_name[of_name['model'] == model]) for model in models)} |")
    return "\n".join(lines)


def main() -> None:
    """Score what was asked for, print a line a cell, then the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--model", choices=MODELS, action="append")
    chosen = options.parse_args()
    models = ("ridge",) if chosen.quick else tuple(chosen.model or MODELS)
    table, found = read_tables(), []
    seeds = another_seed(table) if "ensemble" in models else ()
    names = list(PREPARATIONS)[:1] if chosen.quick else list(PREPARATIONS)
    for one in chain(cells(table, models, names), seeds):
        found.append(one)
        for row in one.itertuples():
            print(f"{row.model:<13}{row.name:<32}{row.task:<19}{row.r2_before:.3f} → {row.r2_after:.3f}   {row.difference:+.3f} "
                  f"[{row.low:+.3f}, {row.high:+.3f}]", flush=True)
    print(tables(pd.concat(found, ignore_index=True)))


if __name__ == "__main__":
    main()
