"""The use-cases as verbs: prepare, train, predict, evaluate, nearest. Only this module joins numbers and run store.

What needs TensorFlow or scikit-learn is imported inside the verb that needs it: reading metrics must not cost seconds.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import ValidationError

from mtl_core.chemistry.composition import Composition
from mtl_core.data.curations import Curation, curate, load_curation
from mtl_core.data.datasets import PUBLISHED, find_dataset, read_data
from mtl_core.data.schema import AT
from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import CONDITIONS
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import CheckpointError, RunError, StoppedError, in_words
from mtl_core.features.preparation import check_target
from mtl_core.features.table import FeatureSpec, featurize
from mtl_core.files import read_json, write_arrays, write_json, write_table
from mtl_core.fingerprints import folds_sha256
from mtl_core.registry.runs import METRICS, SHIPPED, append_progress, new_run, read_progress, run_folder
from mtl_core.tasks import TASKS, with_values
from mtl_core.types import Conditions

if TYPE_CHECKING:
    from mtl_core.ensemble.parts import Part
    from mtl_core.ensemble.trainer import Progress
    from mtl_core.features.projection import MapSettings
    from mtl_core.uncertainty.predictor import Predictor

OUT_OF_FOLD, CURATION, STATE = "out_of_fold.csv", "curation.json", "state.npz"
CLASSES = "out_of_fold_classes.csv"  # the probabilities of classes, out of fold
ALONE = "alone.csv"  # out-of-fold predictions of the networks that learn one task only
START_SECONDS = 6.0  # until a process has loaded TensorFlow
PREDICT_SECONDS = 0.02  # for one task of the rows that one part holds out, with its share of the metrics
HELD_OUT = ("measurement_id", "task", "reference_group", "family", "split", "fold_seed", "fold", "low", "high", "mean", "std")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What training starts from: n observations as they are tested, their unscaled features [n, F], and the columns' meaning.

    training: the same rows as training sees them; is_training, is_test: bool [n]; see `mtl_core.data.curations.CuratedRows`.
    """

    observations: pd.DataFrame
    values: np.ndarray
    spec: FeatureSpec
    training: pd.DataFrame
    is_training: np.ndarray
    is_test: np.ndarray
    curation: Curation | None = None

    def parts(self, config: EnsembleConfig) -> tuple[Part, ...]:
        """The folds of the config, with what the curation says about their training rows."""
        from mtl_core.ensemble import residual_rule
        from mtl_core.ensemble.parts import training_parts

        parts = training_parts(self.observations, config, is_training=self.is_training, is_test=self.is_test)
        if self.curation is None or not residual_rule.is_used(self.curation):
            return parts
        return residual_rule.without_large_residuals(parts, self.training, self.values, self.spec, self.curation,
                                                     seed=config.seed)

    def of_task(self, task: str, parts: Sequence[Part]) -> tuple[Prepared, tuple[Part, ...]]:
        """The rows of one task alone, in the same folds."""
        rows = (self.observations["task"] == task).to_numpy()
        mine = {name: getattr(self, name)[rows] for name in ("values", "is_training", "is_test")}
        mine |= {name: getattr(self, name)[rows].reset_index(drop=True) for name in ("observations", "training")}
        return replace(self, **mine), tuple(
            replace(part, is_training=part.is_training[rows], is_test=part.is_test[rows]) for part in parts)


def prepare(table: AlloyTable, config: EnsembleConfig, *, curation: Curation | None = None) -> Prepared:
    """The default rows of the config's tasks, and those that the curation brings back, featurised.

    Raises ConfigError when their values do not go through the config's target transform.
    """
    curated = _curated(table, config, curation)
    rows = curated.rows
    for key in with_values(config.tasks):
        check_target(TASKS[key].to_learning(rows.loc[rows["task"] == key, "high"].to_numpy(float)), config.preparation.target,
                     TASKS[key])
    spec = FeatureSpec(symbols=tuple(symbol for symbol in table.elements if (rows[AT + symbol] > 0).any()), inputs=config.inputs)
    at = rows[[AT + symbol for symbol in spec.symbols]].to_numpy(float)
    return Prepared(rows, featurize(at, rows, spec).values, spec, curated.training, curated.is_training, curated.is_test,
                    curation)


def _curated(table, config, curation):
    """Without what was decided from residuals, which is decided again inside each training part."""
    if curation is not None:
        from mtl_core.ensemble.residual_rule import by_hand

        curation = by_hand(curation)
    return curate(table, config.tasks, curation)


def train(config: EnsembleConfig, *, root: Path | None = None, folder: Path | None = None, resume: bool = False,
          should_stop: Callable[[], bool] | None = None, user_root: Path | None = None, progress: Progress | None = None) -> Path:
    """Train on all splits of the config and write a run: config, deployed ensemble, out-of-fold table, metrics, progress.

    The deployed ensemble is the members of the by-reference split. Returns the run folder. root: of the runs; user_root: of the
    datasets and curations that the config names. The run stores which versions they were, and the curation itself.
    folder: of this run, made by the caller. resume: whether an earlier process may have begun there; its work is gone on with, to
    the numbers of a training that nothing interrupted, and a finished run is left as it is.
    Raises StoppedError soon after should_stop() says so, RunError for a folder that holds a training and is not to be resumed.
    """
    start, logged = time.monotonic(), read_progress(folder) if folder else []
    if logged and not resume:
        raise RunError(f"{folder.name}: expected the folder of a new run, it holds a training; resume it, or start another run")
    if folder is None or not (folder / METRICS).exists():
        config, curation = pinned(config, user_root, folder)
        table = read_data(config.data.datasets, root=user_root)
        prepared = prepare(table, config, curation=curation)
        folder = folder or new_run(root)
        _Training(folder, config, prepared, start=start, logged=logged, progress=progress,
                  should_stop=should_stop or (lambda: False)).run(table.sha256)
    for path in folder.glob(f"{Path(STATE).stem}*.npz"):
        path.unlink()
    return folder


class _Training:
    """The steps of one run. Each file follows from config, data and seed alone, so whatever an earlier process wrote is written
    again as it was."""

    def __init__(self, folder, config, prepared, *, start, logged, progress, should_stop):
        self.folder, self.config, self.prepared, self.should_stop = folder, config, prepared, should_stop
        self.parts = prepared.parts(config)
        self.seconds_after = _seconds_after(prepared, self.parts, config)
        self.progress, self.timing = progress, {"start": start, "earlier": logged}
        self.costs, self.n_begun = _costs(config, prepared), 0

    def run(self, data_sha256):
        import tensorflow as tf

        from mtl_core.ensemble import checkpoint
        from mtl_core.uncertainty import metrics

        tf.config.experimental.enable_op_determinism()  # free here; what gave other numbers each time would be refused
        prepared, parts = self.prepared, self.parts
        if prepared.curation is not None:
            write_json(self.folder / CURATION, prepared.curation.model_dump(mode="json"))
        ensemble, histories = self._together()
        deployed = np.array([parts[part].split == "reference" for part in ensemble.part_of_member])
        checkpoint.save(ensemble.select(deployed), self.folder, data_sha256=data_sha256)
        write_arrays(self.folder / "history.npz", histories)
        write_table(self.folder / OUT_OF_FOLD, metrics.out_of_fold(ensemble, parts, prepared.observations, prepared.values))
        held_out = read_out_of_fold(self.folder.name, root=self.folder.parent)  # as stored: anyone can recompute the metrics
        alone, of_classes = self._alone(held_out) if self.config.alone else ({}, None)
        classes = {"classes": self._classes(ensemble, of_classes)} if self.config.n_classes else {}
        write_json(self.folder / METRICS, {
            "metrics": metrics.evaluate(held_out), "transfer": metrics.transfer(held_out), **alone, **classes,
            "baselines": _baselines(prepared, parts, self.config, self.should_stop), "n_members": int(deployed.sum()),
            "n_masks": self.config.n_masks, "folds_sha256": folds_sha256(held_out), "seconds": round(self.watch.seconds(), 1)})

    def _together(self):
        """The ensemble, and the arrays of its history: by stage where the wiring has several."""
        from mtl_core.ensemble.fit import fit_ensemble
        from mtl_core.ensemble.wiring import fit_wired

        prepared = self.prepared
        given = prepared.training, prepared.values, prepared.spec, self.config, self.parts
        if self.config.wiring == "multi-task":
            ensemble, history = fit_ensemble(*given, **self._watched(self.config, prepared, self.parts),
                                             should_stop=self.should_stop)
            return ensemble, vars(history)
        ensemble, histories = fit_wired(*given, watched=self._watched_stage, should_stop=self.should_stop)
        return ensemble, {f"{stage}/{name}": array
                          for stage, history in histories.items() for name, array in vars(history).items()}

    def _watched_stage(self, stage):
        prepared, parts = self.prepared.of_task(stage.task, self.parts)
        n_after = self.config.n_trainings - self.n_begun - 1
        return self._watched(stage.config, prepared, () if stage.is_inner else parts,
                             marks={"stage": stage.name, "n_after": n_after}, state=f"stage_{stage.name}")

    def _watched(self, config, prepared, parts, *, marks=None, state=""):
        """How the next training is followed and kept; parts: whose rows held out are looked at now and then, if any."""
        from mtl_core.ensemble.watch import Watch
        from mtl_core.uncertainty.held_out import HeldOut

        tasks = with_values(config.tasks)
        scores = HeldOut(parts, prepared.observations, prepared.values, tasks).scores if parts and tasks else None
        after = self.costs[self.n_begun + 1:]
        self.watch = Watch(config, partial(append_progress, self.folder), marks=marks, scores=scores,
                           epochs_after=config.train.epochs * sum(after) / self.costs[self.n_begun],
                           seconds_after=self.seconds_after, progress=self.progress, **self.timing)
        self.n_begun += 1
        name = f"{Path(STATE).stem}_{state}.npz" if state else STATE
        return {"progress": self.watch, "look": self.watch.look, "state": self.folder / name}

    def _classes(self, ensemble, alone):
        """Scores of the classes beside those of other models, see `classification.report`; alone: the table of `_alone`."""
        from mtl_core.ensemble.class_baselines import class_baseline_out_of_fold
        from mtl_core.uncertainty.classification import class_out_of_fold, report

        prepared = self.prepared
        write_table(self.folder / CLASSES, class_out_of_fold(ensemble, self.parts, prepared.observations, prepared.values))
        others = class_baseline_out_of_fold(
            prepared.observations, prepared.values, prepared.spec, self.parts, seed=self.config.seed, training=prepared.training,
            preparation=self.config.preparation, progress=partial(_stop_if_asked, self.should_stop))
        return report(pd.read_csv(self.folder / CLASSES), others, alone)

    def _alone(self, together):
        """What learning together is worth: networks of each task alone, on the same folds, see `comparison.compare`; and the
        out-of-fold table of those of classes."""
        from mtl_core.ensemble.fit import fit_ensemble
        from mtl_core.uncertainty.classification import class_out_of_fold
        from mtl_core.uncertainty.comparison import as_report, compare
        from mtl_core.uncertainty.metrics import out_of_fold

        tables, of_classes = [], []
        for task in self.config.tasks:
            prepared, parts = self.prepared.of_task(task, self.parts)
            config = self.config.for_task(task)
            ensemble, _ = fit_ensemble(prepared.training, prepared.values, prepared.spec, config, parts,
                                       **self._watched(config, prepared, parts, marks={"alone": task}, state=task),
                                       should_stop=self.should_stop)
            found, predict = (of_classes, class_out_of_fold) if TASKS[task].classes else (tables, out_of_fold)
            found.append(predict(ensemble, parts, prepared.observations, prepared.values))
        write_table(self.folder / ALONE, pd.concat(tables))
        compared = {"alone": as_report(compare(pd.read_csv(self.folder / ALONE), together))}
        return compared, pd.concat(of_classes) if of_classes else None


def _costs(config, prepared) -> list[float]:
    """What each training of a run costs, one after the other, beside the others: rows times members of a part."""
    from mtl_core.ensemble.wiring import INNER_FOLDS, stages_of

    rows = {task: float((prepared.observations["task"] == task).sum()) for task in config.tasks}
    alone = [rows[task] for task in config.tasks] if config.alone else []
    if config.wiring == "multi-task":
        return [sum(rows.values()), *alone]
    inside = (INNER_FOLDS - 1) / config.train.n_repeats  # each of as many inner parts has that share of the rows, and one member
    return [rows[stage.task] * (inside if stage.is_inner else 1.0) for stage in stages_of(config)] + alone


def estimate_seconds(config: EnsembleConfig, *, user_root: Path | None = None) -> float:
    """Seconds that `train` will take in a process of its own, measured in a few: some steps of the real graph, and some trees.

    Right within a factor of 1.5 where nothing else keeps the machine busy; with early stopping, the most that it can take.
    """
    from mtl_core.ensemble.fit import seconds_to_fit
    from mtl_core.ensemble.wiring import seconds_to_wire

    start = time.monotonic()
    config, curation = pinned(config, user_root)
    prepared = prepare(read_data(config.data.datasets, root=user_root), config, curation=curation)
    parts = prepared.parts(config)
    seconds_to = seconds_to_fit if config.wiring == "multi-task" else seconds_to_wire
    together = seconds_to(prepared.training, prepared.values, prepared.spec, config, parts)
    costs = _costs(config, prepared)
    shares = sum(costs) / sum(costs[:len(costs) - config.alone * len(config.tasks)])
    return START_SECONDS + time.monotonic() - start + _seconds_after(prepared, parts, config) + together * shares


def _seconds_after(prepared, parts, config) -> float:
    """What Gaussian processes, the out-of-fold table, the baselines and the metrics will take."""
    from mtl_core.ensemble.baselines import baseline_seconds
    from mtl_core.ensemble.class_baselines import class_baseline_seconds

    of_classes = class_baseline_seconds(prepared.observations, prepared.values, prepared.spec, parts, seed=config.seed,
                                        training=prepared.training, preparation=config.preparation)
    return of_classes + (_kernel_seconds(prepared, parts, config) + PREDICT_SECONDS * len(parts) * len(config.tasks)
            + baseline_seconds(prepared.observations, prepared.values, prepared.spec, parts, seed=config.seed,
                               training=prepared.training, preparation=config.preparation))


def _kernel_seconds(prepared, parts, config) -> float:
    if not config.kernel_share:
        return 0.0
    from mtl_core.ensemble.kernel_fit import seconds_to_fit

    rows = [int((prepared.observations["task"] == task).sum()) for task in config.tasks]
    n_fits = len(parts) * (2 if config.alone else 1)
    return sum(seconds_to_fit(n_rows, prepared.values.shape[1], n_fits) for n_rows in rows)


def pinned(config: EnsembleConfig, user_root: Path | None,
           folder: Path | None = None) -> tuple[EnsembleConfig, Curation | None]:
    """The config with the newest version of each name that it gives without one, and its curation.

    folder: of a run that may hold a copy of it, as it stands in there.
    """
    datasets = tuple(name if name == PUBLISHED else find_dataset(name, user_root).id for name in config.data.datasets)
    if folder is not None and (folder / CURATION).exists():
        curation = _stored_curation(folder, config)
    else:
        curation = load_curation(config.data.curation, user_root) if config.data.curation else None
    data = config.data.model_copy(update={"datasets": datasets, "curation": curation and curation.id})
    return config.model_copy(update={"data": data}), curation


def _stop_if_asked(should_stop, *progress) -> None:
    if should_stop():
        raise StoppedError("stopped after the last epoch; resumed, it does again only what follows the training")


def _baselines(prepared, parts, config, should_stop):
    """task → split → model → r2, mae, rmse (pooled, mean of the fold seeds) on the same rows, features and folds."""
    from mtl_core.ensemble.baselines import BASELINES, baseline_out_of_fold
    from mtl_core.uncertainty.metrics import mean_accuracy

    table = baseline_out_of_fold(prepared.observations, prepared.values, prepared.spec, parts, seed=config.seed,
                                 training=prepared.training, preparation=config.preparation,
                                 progress=partial(_stop_if_asked, should_stop))
    return {task: {split: {model: mean_accuracy(rows[rows["model"] == model]) for model in BASELINES}
                   for split, rows in of_task.groupby("split", sort=False)}
            for task, of_task in table.groupby("task", sort=False)}


def load_predictor(run: str = SHIPPED, *, root: Path | None = None, user_root: Path | None = None) -> Predictor:
    """The calibrated predictor of a run. Raises CheckpointError when it was trained on other data or other code, DataError when
    a dataset that it was trained on is no longer there."""
    from mtl_core.ensemble import checkpoint
    from mtl_core.uncertainty.conformal import Calibration
    from mtl_core.uncertainty.predictor import Predictor

    folder = run_folder(run, root)
    ensemble = checkpoint.load(folder)
    table = read_data(ensemble.config.data.datasets, root=user_root)
    trained_on = read_json(folder / checkpoint.DESCRIPTION).get("data_sha256")
    if trained_on != table.sha256:
        raise CheckpointError(f"{folder.name}: expected an ensemble trained on the data with fingerprint {table.sha256[:12]}, "
                              f"got {str(trained_on)[:12]}; train again with `python -m mtl_core train`")
    held_out = read_out_of_fold(run, root=root)
    curated = _curated(table, ensemble.config, _stored_curation(folder, ensemble.config))
    learnt = curated.training[curated.is_training].reset_index(drop=True)
    return Predictor(ensemble, Calibration.fit(held_out), learnt, held_out)


def _stored_curation(folder: Path, config: EnsembleConfig) -> Curation | None:
    """The run's own copy: the user may have deleted the curation since."""
    if config.data.curation is None:
        return None
    try:
        return Curation.model_validate(read_json(folder / CURATION))
    except ValidationError as error:
        raise CheckpointError(f"{folder / CURATION}: expected a curation, got {in_words(error)}; train again") from error


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
    """The stored metrics of a run: metrics, transfer, baselines, n_members, n_masks, folds_sha256, seconds."""
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
    """One prediction as plain values: alloy, conditions, level, tasks, and for each task its numbers and its domain; in `classes`
    the probability of each, where there are any."""
    found = predictor.predict([composition], conditions, level=level)
    numbers = ("mean", "std", "aleatoric", "epistemic", "unreported", "lower", "upper")
    of_task = {
        task.key: {name: float(getattr(found, name)[0, column]) for name in numbers} | {
            "unit": task.unit, "in_domain": bool(found.in_domain[0, column]),
            "domain_reason": found.domain_reason[0][column], "level_supported": bool(found.is_supported[column])}
        for column, task in enumerate(predictor.tasks)}
    classes = {one.task: {"probabilities": dict(zip(one.classes, one.probabilities[0].tolist(), strict=True)),
                          "in_domain": not one.domain_reason[0], "domain_reason": one.domain_reason[0]}
               for one in predictor.predict_classes([composition], conditions)}
    return {"alloy": composition.formula(), "conditions": conditions.model_dump(), "level": level,
            "tasks": list(of_task), "n_members": predictor.n_members, "n_masks": predictor.n_masks, **of_task,
            **({"classes": classes} if classes else {})}


def build_map(path: Path, settings: MapSettings, datasets: Sequence[str]) -> None:
    """Lay out all alloys of the datasets and store the map."""
    from mtl_core.features.projection import project

    project(read_data(datasets), settings).save(path)
