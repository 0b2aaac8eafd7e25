"""The use-cases as verbs: prepare, train, predict, evaluate, nearest. Only this module joins numbers and run store.

What needs TensorFlow or scikit-learn is imported inside the verb that needs it: reading metrics must not cost seconds.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.data.tables import AlloyTable, read_tables
from mtl_core.data.training import CONDITIONS, observations
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import CheckpointError
from mtl_core.features.table import FeatureSpec, featurize
from mtl_core.files import read_json, write_arrays, write_json, write_table
from mtl_core.registry.runs import SHIPPED, append_progress, new_run, run_folder
from mtl_core.types import Conditions

if TYPE_CHECKING:
    from mtl_core.uncertainty.predictor import Predictor

OUT_OF_FOLD, METRICS = "out_of_fold.csv", "metrics.json"
HELD_OUT = ("measurement_id", "task", "reference_group", "family", "split", "fold_seed", "fold", "low", "high", "mean", "std")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What training starts from: observations (n rows), their unscaled features [n, F], and the columns' meaning."""

    observations: pd.DataFrame
    values: np.ndarray
    spec: FeatureSpec


def prepare(table: AlloyTable, config: EnsembleConfig) -> Prepared:
    """The default training rows of the config's tasks, featurised."""
    rows = observations(table, config.tasks)
    spec = FeatureSpec(symbols=tuple(symbol for symbol in table.elements if (rows[AT + symbol] > 0).any()))
    at = rows[[AT + symbol for symbol in spec.symbols]].to_numpy(float)
    return Prepared(rows, featurize(at, rows, spec).values, spec)


def train(config: EnsembleConfig, *, root: Path | None = None,
          progress: Callable[[int, int, np.ndarray], None] | None = None) -> Path:
    """Train on all splits of the config and write a run: config, deployed ensemble, out-of-fold table, metrics, progress.

    The deployed ensemble is the members of the by-reference split. Returns the run folder.
    """
    from mtl_core.ensemble import checkpoint
    from mtl_core.ensemble.fit import fit_ensemble
    from mtl_core.ensemble.parts import training_parts
    from mtl_core.uncertainty import metrics

    table, start = read_tables(), time.time()
    prepared = prepare(table, config)
    parts, folder = training_parts(prepared.observations, config), new_run(root)

    def report(epoch, n_epochs, loss):
        append_progress(folder, {"epoch": epoch, "n_epochs": n_epochs, "loss": loss.tolist(), "seconds": time.time() - start})
        if progress:
            progress(epoch, n_epochs, loss)

    ensemble, history = fit_ensemble(prepared.observations, prepared.values, prepared.spec, config, parts, progress=report)
    deployed = np.array([parts[part].split == "reference" for part in ensemble.part_of_member])
    checkpoint.save(ensemble.select(deployed), folder, data_sha256=table.sha256)
    write_arrays(folder / "history.npz", vars(history))
    write_table(folder / OUT_OF_FOLD, metrics.out_of_fold(ensemble, parts, prepared.observations, prepared.values))
    held_out = read_out_of_fold(folder.name, root=root)  # as stored, so that anyone can recompute the metrics
    write_json(folder / METRICS, {
        "metrics": metrics.evaluate(held_out), "transfer": metrics.transfer(held_out),
        "baselines": _baselines(prepared, parts, config.seed), "n_members": int(deployed.sum()), "n_masks": config.n_masks,
        "seconds": round(time.time() - start, 1)})
    return folder


def _baselines(prepared, parts, seed):
    """task → split → model → r2, mae, rmse (pooled, mean of the fold seeds) on the same rows, features and folds."""
    from mtl_core.ensemble.baselines import BASELINES, baseline_out_of_fold
    from mtl_core.uncertainty.metrics import mean_accuracy

    table = baseline_out_of_fold(prepared.observations, prepared.values, prepared.spec, parts, seed=seed)
    return {task: {split: {model: mean_accuracy(rows[rows["model"] == model]) for model in BASELINES}
                   for split, rows in of_task.groupby("split", sort=False)}
            for task, of_task in table.groupby("task", sort=False)}


def load_predictor(run: str = SHIPPED, *, root: Path | None = None) -> Predictor:
    """The calibrated predictor of a run. Raises CheckpointError when it was trained on other data or other code."""
    from mtl_core.ensemble import checkpoint
    from mtl_core.uncertainty.conformal import Calibration
    from mtl_core.uncertainty.predictor import Predictor

    folder, table = run_folder(run, root), read_tables()
    ensemble = checkpoint.load(folder)
    trained_on = read_json(folder / checkpoint.DESCRIPTION).get("data_sha256")
    if trained_on != table.sha256:
        raise CheckpointError(f"{folder.name}: expected an ensemble trained on the data with fingerprint {table.sha256[:12]}, "
                              f"got {str(trained_on)[:12]}; train again with `python -m mtl_core train`")
    held_out = read_out_of_fold(run, root=root)
    return Predictor(ensemble, Calibration.fit(held_out), observations(table, ensemble.config.tasks), held_out)


def read_out_of_fold(run: str = SHIPPED, *, root: Path | None = None) -> pd.DataFrame:
    """The out-of-fold table of a run; see `metrics.out_of_fold`. Raises CheckpointError when it is missing or damaged."""
    path = run_folder(run, root) / OUT_OF_FOLD
    if not path.is_file():
        raise CheckpointError(f"{run}: expected a finished run with {OUT_OF_FOLD}, it has none; train again")
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # what pandas raises for anything that is not a CSV
        raise CheckpointError(f"{path}: expected a CSV, got a damaged file ({error})") from error
    missing = [name for name in HELD_OUT if name not in table]
    if missing or table[["low", "high", "mean", "std"]].isna().any(axis=None):
        came = f"no {', '.join(missing)}" if missing else "empty cells"
        raise CheckpointError(f"{path}: expected the columns {', '.join(HELD_OUT)}, got {came}; train again")
    return table


def evaluate(run: str = SHIPPED, *, root: Path | None = None) -> dict:
    """The stored metrics of a run: metrics, transfer, baselines, n_members, n_masks, seconds."""
    return {"run": run, **read_json(run_folder(run, root) / METRICS)}


def nearest(observations: pd.DataFrame, composition: Composition, task: str, n: int = 5) -> pd.DataFrame:
    """The n measurements of a task whose alloys differ least in composition, the nearest first.

    observations: as `mtl_core.data.training.observations` gives them. Columns: measurement_id, alloy_id, alloy (formula in
    at.%), distance (at.% to swap), value, low, high, bound, unit, the conditions, process, doi, year, source.
    """
    symbols = tuple(name.removeprefix(AT) for name in observations if name.startswith(AT))
    rows = observations[observations["task"] == task]
    at = rows[[AT + symbol for symbol in symbols]].to_numpy(float)
    asked = np.array([composition.at.get(symbol, 0.0) for symbol in symbols])
    foreign = 100.0 - asked.sum()  # at.% of elements that no measured alloy holds
    distance = 0.5 * (np.abs(at - asked).sum(axis=1) + foreign)
    chosen = np.argsort(distance, kind="stable")[:n]
    formulas = [Composition.from_array(row, symbols, normalise=True).formula() for row in at[chosen]]
    columns = ["measurement_id", "alloy_id", "value", "low", "high", "bound", "unit", *CONDITIONS, "process", "doi", "year",
               "source"]
    return rows.iloc[chosen][columns].assign(alloy=formulas, distance=distance[chosen]).reset_index(drop=True)


def predict_alloy(predictor: Predictor, composition: Composition, conditions: Conditions, *, level: float = 0.9) -> dict:
    """One prediction as plain values: alloy, conditions, level, tasks, and for each task its numbers and its domain."""
    found = predictor.predict([composition], conditions, level=level)
    numbers = ("mean", "std", "aleatoric", "epistemic", "unreported", "lower", "upper")
    of_task = {
        task.key: {name: float(getattr(found, name)[0, column]) for name in numbers} | {
            "unit": task.unit, "in_domain": bool(found.in_domain[0, column]),
            "domain_reason": found.domain_reason[0][column], "level_supported": bool(found.is_supported[column])}
        for column, task in enumerate(predictor.tasks)}
    return {"alloy": composition.formula(), "conditions": conditions.model_dump(), "level": level,
            "tasks": list(of_task), "n_members": predictor.n_members, "n_masks": predictor.n_masks, **of_task}


def build_map(path: Path) -> None:
    """Lay out all alloys of the data by UMAP and store the map."""
    from mtl_core.features.projection import project

    project(read_tables()).save(path)
