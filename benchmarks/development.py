"""What each piece of the mean is worth, on folds that no other table shows: `python -m benchmarks.development`

Constants of `mtl_core.ensemble.kernel_fit` and the share of the networks are chosen here and nowhere else: on two seeds that make
other folds than the default one, a division into ten each. All rows of the table answer the same readings. Writes
assets/development.csv, and the table into README.md. `--networks FOLDER` keeps the trained networks there, or takes them from
there.
"""
import argparse
import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score

from mtl_core import pipeline
from mtl_core.data import read_tables
from mtl_core.ensemble import checkpoint
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig
from mtl_core.ensemble.fit import fit_ensemble, fit_kernels
from mtl_core.ensemble.kernel_fit import earned_share
from mtl_core.settings import ASSETS_DIR, ROOT
from mtl_core.tasks import DEFAULT_TASKS, TASKS
from mtl_core.uncertainty.comparison import compare
from mtl_core.uncertainty.conformal import pooled
from mtl_core.uncertainty.metrics import banded, out_of_fold
from mtl_core.validation.rungs import rung_parts
from mtl_core.validation.separation import WORST

SEEDS = (101, 102)
SHARE = 0.75  # of the processes in the answer
LEVEL, BANDS = 0.9, ("coverage", "width", "auroc")
MARKERS = "<!-- development: `python -m benchmarks.development` writes these lines -->\n{}\n<!-- development ends -->"
README = ROOT / "benchmarks" / "README.md"
TABLE = ASSETS_DIR / "development.csv"
NETWORKS, ALL = "networks alone", "and a quarter of networks: the preset"
# Each with what it changes of the process and its line.
VARIANTS = {
    "process, a length for each feature": {"effect": 0.0, "share": lambda *_: 0.0},
    "and what a paper's readings share": {"share": lambda *_: 0.0},
    "and a ridge regression with the share v² that it earns": {
        "share": lambda *errors: earned_share(*errors) ** 2, "apart": math.inf},
    "with its root, v": {"apart": math.inf},
    "less where it contradicts the process": {},
}
FAR = "cluster"  # held out as well, where a line can go anywhere; processes and lines answer alone there


def config_of(seed: int, **train: int) -> EnsembleConfig:
    """The default networks on the folds of a seed; train: what a smaller size changes."""
    return EnsembleConfig(seed=seed, train=TrainConfig(n_fold_seeds=1, **train))


def answers(prepared, config: EnsembleConfig, folder: Path | None = None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each row of the table with its out-of-fold predictions; folder: where the networks are, or will be."""
    parts = prepared.parts(config)
    networks = _networks(prepared, config, parts, folder)
    alone = out_of_fold(networks, parts, prepared.observations, prepared.values)
    yield NETWORKS, alone
    *processes, (_, last) = _with_processes(prepared, config, parts, networks, alone)
    yield from processes
    yield ALL, last


def far_answers(prepared, config: EnsembleConfig) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of processes and lines on FAR; what networks say is taken off again, so that an epoch of them is enough."""
    parts = rung_parts(prepared, FAR, seed=config.seed, n_folds=config.train.n_folds, n_fold_seeds=config.train.n_fold_seeds)
    short = config.model_copy(update={"train": config.train.model_copy(update={"epochs": 1, "n_repeats": 1})})
    networks = _networks(prepared, short, parts, None)
    alone = out_of_fold(networks, parts, prepared.observations, prepared.values)
    *processes, _ = _with_processes(prepared, short, parts, networks, alone)
    yield from processes


def _with_processes(prepared, config, parts, networks, alone):
    """Each variant of the processes without the networks, and the last one with them."""
    both = config.model_copy(update={"kernel_share": SHARE})
    for name, choices in VARIANTS.items():
        kernels = fit_kernels(prepared.training, prepared.values, prepared.spec, both, parts, **choices)
        shared = replace(networks, config=both, kernels=kernels)
        mixed = out_of_fold(shared, parts, prepared.observations, prepared.values)
        yield name, mixed.assign(mean=(mixed["mean"] - (1.0 - SHARE) * alone["mean"]) / SHARE)
    yield ALL, mixed


def _networks(prepared, config, parts, folder):
    if folder and (folder / checkpoint.ARRAYS).exists():
        return checkpoint.load(folder)
    ensemble, _ = fit_ensemble(prepared.training, prepared.values, prepared.spec, config, parts)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint.save(ensemble, folder, data_sha256="")
    return ensemble


def table_of(seed: int, found: Iterator[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """A row for each row of the table, task and split: seed, what, task, split, n, r2; and against the row before it the
    difference of R² with its 95 % interval over papers, low and high."""
    tables, before = [], None
    for name, answered in found:
        scores = compare(answered if before is None else before, answered)
        if name in (NETWORKS, ALL):  # of the others only the means are theirs
            scores = scores.merge(bands_of(answered))
        tables.append(scores.assign(seed=seed, what=name, r2=scores["r2_after"]))
        print(f"{seed}  {name:<66}" + "  ".join(f"{value:.3f}" for value in scores["r2_after"]), flush=True)
        before = answered
    columns = ["seed", "what", "task", "split", "n", "r2", "difference", "low", "high", *BANDS]
    return pd.concat(tables).reindex(columns=columns)


def bands_of(answered: pd.DataFrame) -> pd.DataFrame:
    """Of each task and split: coverage and mean width of the 90 % band, calibrated on the same split outside the fold, and how
    well the stated std finds the worst quarter of the errors (AUROC)."""
    found, pooled_rows = [], pooled(answered)
    for (task, split), rows in pooled_rows[pooled_rows["low"] == pooled_rows["high"]].groupby(["task", "split"]):
        band = banded(rows, rows, (LEVEL,))
        error = (rows["low"] - rows["mean"]).abs()
        auroc = roc_auc_score(error > error.quantile(1.0 - WORST), rows["std"])
        found.append((task, split, *(band[name][str(LEVEL)] for name in ("coverage", "width")), auroc))
    return pd.DataFrame(found, columns=["task", "split", *BANDS])


def main(networks: Path | None) -> None:
    """Both seeds, one after the other."""
    table = read_tables()
    found = []
    for seed in SEEDS:
        config = config_of(seed)
        prepared = pipeline.prepare(table, config)
        found.append(table_of(seed, answers(prepared, config, networks and networks / str(seed))))
        found.append(table_of(seed, far_answers(prepared, config)))
    pd.concat(found).to_csv(TABLE, index=False, float_format="%.3f", lineterminator="\n")
    write_readme()


def write_readme() -> None:
    """The table of assets/development.csv into README.md."""
    (start, end), table = map(re.escape, MARKERS.split("{}")), MARKERS.format(readme_table(pd.read_csv(TABLE)))
    page = re.sub(f"{start}.*?{end}", lambda _: table, README.read_text(encoding="utf-8"), flags=re.DOTALL)
    README.write_text(page, encoding="utf-8")


def readme_table(found: pd.DataFrame) -> str:
    """R² of both seeds on each split, and on FAR where processes answer alone, a line a row of the table; then bands by paper."""
    columns = [(task, seed) for task in DEFAULT_TASKS for seed in SEEDS]
    lines = _head("R², random / by composition / by paper / on clusters", columns)
    for what, rows in found.groupby("what", sort=False):
        cells = rows.groupby(["task", "seed"])["r2"].agg(lambda r2: " / ".join(map(short, r2)))
        lines.append(f"| {what} | " + " | ".join(cells[column] for column in columns) + " |")
    return "\n".join([*lines, "", *_bands_table(found.dropna(subset=BANDS), columns)])


def _bands_table(found, columns):
    lines = _head("By paper: coverage and mean width of the 90 % band / AUROC of \"among the worst quarter\" by std", columns)
    for what, rows in found[found["split"] == "reference"].groupby("what", sort=False):
        cells = {(row.task, row.seed): f"{short(row.coverage)}, {row.width:.0f} / {short(row.auroc)}"
                 for row in rows.itertuples()}
        lines.append(f"| {what} | " + " | ".join(cells[column] for column in columns) + " |")
    return lines


def _head(title, columns):
    names = " | ".join(f"{TASKS[task].label}, seed {seed}" for task, seed in columns)
    return [f"| {title} | {names} |", "|---" * (1 + len(columns)) + "|"]


def short(value: float) -> str:
    """Three digits without the zero before them."""
    return f"{value:.3f}".replace("0.", ".", 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=Path, help="folder that keeps the trained networks")
    main(parser.parse_args().networks)
