"""Where sharing pays, and what more labels would: `python -m benchmarks.sharing [sharing] [curves]`

Networks of five folds and three fold seeds, one member a fold, 60 epochs; every fold seed draws its own labels. Each finished
training is kept in data/cache/sharing, so the command goes on where it was interrupted; `--anew` forgets them.
sharing: pairs of tasks in the four wirings, by composition; writes assets/sharing.csv and prints the table of README.md.
curves: each default task beside all labels of the other, by composition and by paper; writes assets/curves.csv and
assets/curve_fits.csv. `--quick`: two epochs of three folds, into the cache alone.
"""
import argparse
import hashlib
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from mtl_core import pipeline
from mtl_core.data import AlloyTable, read_tables
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig
from mtl_core.files import write_table
from mtl_core.settings import ASSETS_DIR, CACHE_DIR
from mtl_core.tasks import DEFAULT_TASKS, TASKS
from mtl_core.validation import curves, sharing

KEPT = CACHE_DIR / "sharing"
QUICK = TrainConfig(epochs=2, n_folds=3, n_fold_seeds=1, n_repeats=1)
SPLITS = ("reference", "composition")
MODELS = ("ours", "ridge", "extra trees")


class Kept:
    """Out-of-fold tables that are made once; what they depend on stands in the name of their folder."""

    def __init__(self, table: AlloyTable, config: EnsembleConfig):
        facts = json.dumps([table.sha256, config.model_dump(mode="json")], sort_keys=True)
        self.folder = KEPT / hashlib.sha256(facts.encode()).hexdigest()[:12]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state, self._since = self.folder / "state.npz", time.monotonic()
        for path in self.folder.glob("state*.npz"):  # the code may have changed since: what was under way begins anew
            path.unlink()

    def path(self, *names: str) -> Path:
        return self.folder / f"{'-'.join(names).replace(' ', '_')}.csv"

    def cell(self, make: Callable[[], pd.DataFrame], *names: str) -> pd.DataFrame:
        """What is kept under these names, or else is made."""
        if not self.path(*names).exists():
            self.keep(make(), *names)
        return pd.read_csv(self.path(*names))

    def keep(self, table: pd.DataFrame, *names: str) -> None:
        """Write it down, and say how long it took since the last one."""
        write_table(self.path(*names), table)
        now = time.monotonic()
        print(f"  {' · '.join(names)}: {now - self._since:.0f} s", flush=True)
        self._since = now


def shared(table: AlloyTable, config: EnsembleConfig, kept: Kept) -> Iterator[pd.DataFrame]:
    """What the wirings of each pair are worth, see `sharing.worth`; columns target, source and model before it."""
    for pair in sharing.PAIRS:
        of_pair = sharing.config_of(pair, config)
        prepared = pipeline.prepare(table, of_pair)
        parts = tuple(part for part in prepared.parts(of_pair) if part.split == "composition")
        thin = curves.thinned(prepared.observations, parts, pair.target, seed=config.seed, shares=sharing.SHARES)
        missing = [wiring for wiring in sharing.WIRINGS if not kept.path(*pair, wiring).exists()]
        for wiring, cell in sharing.wired_cells(prepared, parts, thin, pair, of_pair, wirings=missing, state=kept.state):
            kept.keep(cell, *pair, wiring)
        cells = {wiring: pd.read_csv(kept.path(*pair, wiring)) for wiring in sharing.WIRINGS}
        worth = sharing.worth(cells, curves.n_labels(prepared.observations, thin, pair.target))
        yield worth.assign(target=pair.target, source=pair.source, model="network")


def learnt(table: AlloyTable, config: EnsembleConfig, kept: Kept) -> Iterator[tuple[pd.DataFrame, list[dict]]]:
    """Points and fits of each task and split."""
    from mtl_core.validation.cells import baseline_cell

    prepared = pipeline.prepare(table, config)
    for split in SPLITS:
        parts = tuple(part for part in prepared.parts(config) if part.split == split)
        for task in config.tasks:
            thin = curves.thinned(prepared.observations, parts, task, seed=config.seed)
            makers = {model: lambda model=model, thin=thin: baseline_cell(prepared, thin, model, config) for model in MODELS[1:]}
            makers[MODELS[0]] = lambda thin=thin: curves.cell_of_networks(prepared, thin, config, state=kept.state)
            cells = {model: kept.cell(makers[model], "curve", task, split, model) for model in MODELS}
            labels = curves.n_labels(prepared.observations, thin, task)
            n = int((prepared.observations["task"] == task).sum())
            fits = [{"task": task, "split": split, "model": model, **asdict(curves.fit(cell, labels, n=n))}
                    for model, cell in cells.items()]
            yield curves.points(cells, labels).assign(task=task, split=split), fits


def in_markdown(table: pd.DataFrame) -> str:
    """A row a pair and share: R² alone, and what each way of sharing adds, bold where papers and draws leave no doubt."""
    shared = [wiring for wiring in sharing.WIRINGS if wiring != sharing.ALONE]
    lines = [f"| target, with | labels | alone | {' | '.join(shared)} |", "|---" * (3 + len(shared)) + "|"]
    for (target, source, share), rows in table.groupby(["target", "source", "share"], sort=False):
        by_wiring = {row.wiring: row for row in rows.itertuples()}
        alone = by_wiring[sharing.ALONE]
        cells = [_difference(by_wiring[wiring]) for wiring in shared]
        lines.append(f"| {TASKS[target].label}, {TASKS[source].label.lower()} | {share:.0%} ({alone.n_labels:.0f}) "
                     f"| {alone.r2:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _difference(row) -> str:
    text = f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"
    is_sure = (row.low > 0 and row.better == row.n_draws) or (row.high < 0 and row.better == 0)
    return f"**{text}**" if is_sure else text


def main() -> None:
    """Train what is missing, and write the tables after each pair or curve."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", nargs="*", choices=("sharing", "curves"))
    options.add_argument("--quick", action="store_true")
    options.add_argument("--anew", action="store_true")
    chosen = options.parse_args()
    wanted = chosen.what or ("sharing", "curves")
    config = curves.SMALL.model_copy(update={"train": QUICK} if chosen.quick else {})
    if chosen.anew:
        shutil.rmtree(KEPT, ignore_errors=True)
    table, start = read_tables(), time.monotonic()
    kept = Kept(table, config)
    folder = kept.folder if chosen.quick else ASSETS_DIR
    if "sharing" in wanted:
        found = []
        for rows in shared(table, config, kept):
            found.append(rows)
            _write(folder / "sharing.csv", pd.concat(found), ("target", "source", "model"))
        print(in_markdown(pd.concat(found)))
    if "curves" in wanted:
        config, found, fits = config.model_copy(update={"tasks": DEFAULT_TASKS}), [], []
        for rows, of_models in learnt(table, config, kept):
            found.append(rows)
            fits += of_models
            _write(folder / "curves.csv", pd.concat(found), ("task", "split"))
            _write(folder / "curve_fits.csv", pd.DataFrame(fits), ())
    print(f"{time.monotonic() - start:.0f} s", flush=True)


def _write(path: Path, table: pd.DataFrame, first: tuple[str, ...]) -> None:
    """With some columns first, and no more digits than mean something."""
    numbers = table.select_dtypes("float").columns
    rounded = table.assign(**{name: table[name].map(lambda value: float(f"{value:.4g}")) for name in numbers})
    write_table(path, rounded[[*first, *(name for name in rounded if name not in first)]])


if __name__ == "__main__":
    main()
