"""Where sharing pays, and what more labels would: `python -m benchmarks.sharing [sharing] [curves] [trees]`

Networks of five folds and three fold seeds, one member a fold, 60 epochs; every fold seed draws its own labels. Each finished
training is kept in data/cache/sharing, so the command goes on where it was interrupted; `--anew` forgets them.
sharing: pairs of tasks in the four wirings, by composition, networks and random forests, and two pairs with balanced gradients;
writes assets/sharing.csv and prints the tables of README.md.
curves: each default task beside all labels of the other, by composition and by paper; writes assets/curves.csv,
assets/curve_fits.csv and assets/curve_fans.csv. trees: whether larger forests would say something else. `--quick`: two epochs of
three folds and 20 trees, into the cache alone.
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
from typing import NamedTuple

import pandas as pd

from mtl_core import pipeline
from mtl_core.data import AlloyTable, read_tables
from mtl_core.ensemble.config import EnsembleConfig, TrainConfig
from mtl_core.ensemble.parts import Part
from mtl_core.files import write_table
from mtl_core.settings import ASSETS_DIR, CACHE_DIR
from mtl_core.tasks import DEFAULT_TASKS, TASKS
from mtl_core.validation import curves, sharing

KEPT = CACHE_DIR / "sharing"
QUICK = TrainConfig(epochs=2, n_folds=3, n_fold_seeds=1, n_repeats=1)
SPLITS = ("reference", "composition")
MODELS = ("ours", "ridge", "extra trees")
N_TREES, MANY_TREES = 100, 500  # of a forest; `trees` compares them
GRADIENTS = ("uncertainty", "pcgrad")
BALANCED = (sharing.Pair("yield_strength", "hardness"), sharing.Pair("hardness", "pitting_potential"))  # one helps, one harms
BALANCED_SHARES = (0.1, 1.0)
PRINTED = (0.1, 0.25, 1.0)  # the other shares stand in assets/sharing.csv
FIRST = ("target", "source", "model", "gradients", "against")


class Kept:
    """Out-of-fold tables that are made once; what they depend on stands in the name of their folder."""

    def __init__(self, table: AlloyTable, config: EnsembleConfig):
        said = config.model_dump(mode="json", include={"network", "train", "preparation", "seed", "inputs", "n_masks", "tasks"})
        rest = config.model_dump(mode="json", exclude_defaults=True)  # a field that the config gains later forgets nothing
        facts = json.dumps([table.sha256, rest | said], sort_keys=True)
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


class Setting(NamedTuple):
    """A pair with all that its cells are made of."""

    pair: sharing.Pair
    config: EnsembleConfig
    prepared: pipeline.Prepared
    parts: tuple[Part, ...]
    thin: tuple[Part, ...]

    @classmethod
    def of(cls, pair: sharing.Pair, table: AlloyTable, config: EnsembleConfig) -> "Setting":
        of_pair = sharing.config_of(pair, config)
        prepared = pipeline.prepare(table, of_pair)
        parts = tuple(part for part in prepared.parts(of_pair) if part.split == "composition")
        thin = curves.thinned(prepared.observations, parts, pair.target, seed=config.seed, shares=sharing.SHARES)
        return cls(pair, of_pair, prepared, parts, thin)

    @property
    def rows(self) -> tuple:
        return self.prepared, self.parts, self.thin, self.pair, self.config

    @property
    def labels(self) -> pd.Series:
        return curves.n_labels(self.prepared.observations, self.thin, self.pair.target)

    def described(self, worth: pd.DataFrame, model: str, gradients: str = "", against: str = sharing.ALONE) -> pd.DataFrame:
        return worth.assign(target=self.pair.target, source=self.pair.source, model=model, gradients=gradients, against=against)


def shared(table: AlloyTable, config: EnsembleConfig, kept: Kept, n_trees: int) -> Iterator[pd.DataFrame]:
    """What the wirings of each pair are worth to networks and to forests, see `sharing.worth`; the columns FIRST say whose."""
    settings = [Setting.of(pair, table, config) for pair in sharing.PAIRS]
    for given in settings:
        yield given.described(sharing.worth(networks(given, kept), given.labels), sharing.NETWORKS, "sum")
    for given in settings:
        if given.pair in BALANCED:
            yield from balanced(given, kept)
        trees, nets = forests(given, kept, n_trees), networks(given, kept)
        yield given.described(sharing.worth(trees, given.labels), sharing.FORESTS)
        less = [sharing.against(nets[wiring], trees[wiring], given.labels, wiring) for wiring in sharing.WIRINGS]
        yield given.described(pd.concat(less), sharing.FORESTS, against=sharing.NETWORKS)


def cells_of(given: Setting, kept: Kept, kind: str, make: Callable[[list[str]], Iterator],
             wirings: tuple[str, ...] = sharing.WIRINGS) -> dict[str, pd.DataFrame]:
    """The out-of-fold table of each wiring, kept or else made: make(wirings that are missing)."""
    names = {wiring: (*given.pair, *filter(None, [kind]), wiring) for wiring in wirings}
    missing = [wiring for wiring in wirings if not kept.path(*names[wiring]).exists()]
    for wiring, cell in make(missing):
        kept.keep(cell, *names[wiring])
    return {wiring: pd.read_csv(kept.path(*names[wiring])) for wiring in wirings}


def networks(given: Setting, kept: Kept) -> dict[str, pd.DataFrame]:
    return cells_of(given, kept, "", lambda missing: sharing.wired_cells(*given.rows, wirings=missing, state=kept.state))


def forests(given: Setting, kept: Kept, n_trees: int, wirings: tuple[str, ...] = sharing.WIRINGS) -> dict[str, pd.DataFrame]:
    return cells_of(given, kept, f"{n_trees} trees", lambda missing: sharing.forest_cells(
        *given.rows, wirings=missing, n_trees=n_trees), wirings)


def balanced(given: Setting, kept: Kept) -> Iterator[pd.DataFrame]:
    """One network for both with balanced gradients, against the target alone and against their sum."""
    usual = networks(given, kept)
    thin = [part for part in given.thin if float(part.split) in BALANCED_SHARES]
    for gradients in GRADIENTS:
        cell = kept.cell(lambda gradients=gradients: sharing.balanced_cell(
            given.prepared, thin, given.config, gradients, state=kept.state), *given.pair, sharing.TOGETHER, gradients)
        for reference in (sharing.ALONE, sharing.TOGETHER):
            worth = sharing.against(usual[reference], cell, given.labels, sharing.TOGETHER)
            yield given.described(worth, sharing.NETWORKS, gradients, reference)


def trees(table: AlloyTable, config: EnsembleConfig, kept: Kept, few: int, many: int) -> str:
    """What more trees add to the forests of the first pair, each property alone."""
    given, only = Setting.of(sharing.PAIRS[0], table, config), (sharing.ALONE,)
    small, large = (forests(given, kept, n_trees, only)[sharing.ALONE] for n_trees in (few, many))
    before, rows = (sharing.against(small, cell, given.labels, sharing.ALONE) for cell in (small, large))
    lines = [f"| labels | R², {few} trees | {many} trees add | bands hold, {few} trees | {many} |", "|---" * 5 + "|"]
    lines += [f"| {row.share:.0%} ({row.n_labels:.0f}) | {was.r2:.3f} | {row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}] "
              f"| {was.coverage:.1%} | {row.coverage:.1%} |"
              for row, was in zip(rows.itertuples(), before.itertuples(), strict=True)]
    return "\n".join(lines)


def learnt(table: AlloyTable, config: EnsembleConfig, kept: Kept) -> Iterator[tuple[pd.DataFrame, list[dict], pd.DataFrame]]:
    """Points, fits and fans of each task and split."""
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
            fans = [curves.fan(cell, labels, n=n).assign(task=task, split=split, model=model) for model, cell in cells.items()]
            yield curves.points(cells, labels).assign(task=task, split=split), fits, pd.concat(fans)


def in_markdown(table: pd.DataFrame) -> str:
    """A row a pair, share and kind of model: R² alone, and what each way of sharing adds, bold where papers and draws leave no
    doubt."""
    ways = [wiring for wiring in sharing.WIRINGS if wiring != sharing.ALONE]
    lines = [f"| target, with | labels | model | alone | {' | '.join(ways)} | bands alone hold |", "|---" * (5 + len(ways)) + "|"]
    usual = table[table["gradients"].isin(["", "sum"]) & (table["against"] == sharing.ALONE) & table["share"].isin(PRINTED)]
    for (target, source, share), of_share in usual.groupby(["target", "source", "share"], sort=False):
        for model, rows in of_share.groupby("model", sort=False):
            by_wiring = {row.wiring: row for row in rows.itertuples()}
            alone = by_wiring[sharing.ALONE]
            cells = [_difference(by_wiring[wiring]) for wiring in ways]
            lines.append(f"| {_named(target, source)} | {share:.0%} ({alone.n_labels:.0f}) | {model} | {alone.r2:.2f} "
                         f"| {' | '.join(cells)} | {alone.coverage:.0%} |")
    return "\n".join(lines)


def of_gradients(table: pd.DataFrame) -> str:
    """What balancing gradients adds to their sum, and how the shared network then compares with the target alone."""
    shared = table[(table["model"] == sharing.NETWORKS) & (table["wiring"] == sharing.TOGETHER)]
    lines = ["| target, with | labels | gradients | R² | less alone | less sum |", "|---" * 6 + "|"]
    for target, source in BALANCED:
        rows = shared[(shared["target"] == target) & (shared["source"] == source) & shared["share"].isin(BALANCED_SHARES)]
        for (share, gradients), of_both in rows.groupby(["share", "gradients"]):
            less = {row.against: row for row in of_both.itertuples()}
            alone, summed = less[sharing.ALONE], less.get(sharing.TOGETHER)
            lines.append(f"| {_named(target, source)} | {share:.0%} ({alone.n_labels:.0f}) | {gradients} | {alone.r2:.2f} "
                         f"| {_difference(alone)} | {_difference(summed) if summed else '–'} |")
    return "\n".join(lines)


def _named(target: str, source: str) -> str:
    return f"{TASKS[target].label}, {TASKS[source].label.lower()}"


def _difference(row) -> str:
    text = f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"
    is_sure = (row.low > 0 and row.better == row.n_draws) or (row.high < 0 and row.better == 0)
    return f"**{text}**" if is_sure else text


def main() -> None:
    """Train what is missing, and write the tables after each pair or curve."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", nargs="*", choices=("sharing", "curves", "trees"))
    options.add_argument("--quick", action="store_true")
    options.add_argument("--anew", action="store_true")
    chosen = options.parse_args()
    wanted = chosen.what or ("sharing", "curves")
    config = curves.SMALL.model_copy(update={"train": QUICK} if chosen.quick else {})
    if chosen.anew:
        shutil.rmtree(KEPT, ignore_errors=True)
    table, start = read_tables(), time.monotonic()
    kept = Kept(table, config)
    folder, n_trees = (kept.folder, 20) if chosen.quick else (ASSETS_DIR, N_TREES)
    if "sharing" in wanted:
        found = []
        for rows in shared(table, config, kept, n_trees):
            found.append(rows)
            _write(folder / "sharing.csv", pd.concat(found), FIRST)
        print(in_markdown(pd.concat(found)), of_gradients(pd.concat(found)), sep="\n\n")
    if "trees" in wanted:
        print(trees(table, config, kept, n_trees, 50 if chosen.quick else MANY_TREES))
    if "curves" in wanted:
        config, found, fits, fans = config.model_copy(update={"tasks": DEFAULT_TASKS}), [], [], []
        for rows, of_models, of_curves in learnt(table, config, kept):
            found.append(rows)
            fits += of_models
            fans.append(of_curves)
            _write(folder / "curves.csv", pd.concat(found), ("task", "split"))
            _write(folder / "curve_fits.csv", pd.DataFrame(fits), ())
            _write(folder / "curve_fans.csv", pd.concat(fans), ("task", "split", "model"))
    print(f"{time.monotonic() - start:.0f} s", flush=True)


def _write(path: Path, table: pd.DataFrame, first: tuple[str, ...]) -> None:
    """With some columns first, and no more digits than mean something."""
    numbers = table.select_dtypes("float").columns
    rounded = table.assign(**{name: table[name].map(lambda value: float(f"{value:.4g}")) for name in numbers})
    write_table(path, rounded[[*first, *(name for name in rounded if name not in first)]])


if __name__ == "__main__":
    main()
