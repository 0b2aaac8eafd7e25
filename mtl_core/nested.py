"""The nested evaluation: settings are searched for anew for each fold that is held out, and tested there, by rows that the search
never saw (Cawley & Talbot 2010, J. Mach. Learn. Res. 11, 2079).

Beside the run, whose settings were chosen once, on the same rows and folds: what the run is better by, others who choose their
settings on all of their data and score them there should expect to lose. A search is a study as Tune makes it: its trials learn
from inner folds of the rows outside the outer fold, its first one has the settings of the run. Trials are networks alone, as in
every study; what was chosen is then trained as the run was, Gaussian processes included.

Trials and tables are kept in data/cache, by all that they depend on: what was stopped or killed loses the trial under way.
"""
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import pandas as pd

from mtl_core.console import without_startup_notes
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import ConfigError, in_words
from mtl_core.files import write_table
from mtl_core.fingerprints import code_sha256, versions
from mtl_core.seeds import child_seed
from mtl_core.settings import CACHE_DIR
from mtl_core.studies import evaluation, search
from mtl_core.subjects import Subject
from mtl_core.tuning.rows import development
from mtl_core.tuning.space import Space, default_space
from mtl_core.tuning.study import TRIALS, StudyConfig, Trial, changes_of, incumbent, read_trials
from mtl_core.validation.config import NESTED
from mtl_core.validation.report import Searched
from mtl_core.validation.rungs import RungName, RungPart

SEARCHES = CACHE_DIR / "searches"
_CODE = ("chemistry", "data", "features", "ensemble", "uncertainty", "tuning", "tasks.py", "types.py", "seeds.py")

ShouldStop = Callable[[], bool]
Say = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Fold:
    """One outer fold, and the search that never sees it."""

    subject: Subject
    part: RungPart

    @cached_property
    def study(self) -> StudyConfig:
        """Raises ConfigError for a run whose settings cannot be searched for, see `StudyConfig`."""
        config, base, part = self.subject.config, self.subject.trained, self.part
        try:
            return StudyConfig(
                **config.nested.model_dump(exclude={"rungs", "n_outer"}), base=base.model_copy(update={"kernel_share": 0.0}),
                space=_space(self.subject), split=part.split, workers=config.workers, scheduler=config.scheduler,
                seed=child_seed(config.seed, "nested", part.split, part.fold_seed, part.fold))
        except ValueError as error:
            raise ConfigError(f"{config.run}: expected settings that can be searched for, got {in_words(error)}") from error

    @property
    def name(self) -> str:
        """"reference_0_3": rung, division and fold."""
        return f"{self.part.split}_{self.part.fold_seed}_{self.part.fold}"

    @cached_property
    def folder(self) -> Path:
        """Of its trials in the cache, by all that they depend on."""
        study = self.study.model_dump(mode="json", exclude={"workers", "scheduler"})
        rows = hashlib.sha256(self.part.is_training.tobytes() + self.part.is_test.tobytes()).hexdigest()
        return SEARCHES / _fingerprint([self.subject.table.sha256, _code(), study, self.name, versions(), rows])

    @property
    def table(self) -> Path:
        """What was chosen says of the rows held out, beside the trials that led to it."""
        return self.folder / f"out_of_fold_{_fingerprint(self._as_run)[:16]}.csv"

    @property
    def trials(self) -> list[Trial]:
        """Those that are finished."""
        return read_trials(self.folder / TRIALS)

    @property
    def is_done(self) -> bool:
        """Whether it was tested already."""
        return self.table.exists()

    @property
    def n_members(self) -> int:
        """Networks that all trials train together, if none is ended early."""
        return (self.study.n_trials + 1) * self.study.n_inner * self.study.n_seeds

    def chosen(self) -> EnsembleConfig:
        """What the search says is best, with all else as the run has it."""
        best = incumbent(self.trials)
        return self.study.config_of(best and best.point)

    @property
    def _as_run(self) -> dict:
        """What is as in the run, whatever was found: seed, members a part, weight of the Gaussian processes."""
        train, rung = self.subject.base.train, self.part.split
        n_repeats = train.n_repeats if self.subject.of_run(rung) is not None else self.subject.config.n_repeats
        return {"seed": self.subject.config.seed, "kernel_share": self.subject.base.kernel_share, "n_repeats": n_repeats}

    def make(self, state: Path, should_stop: ShouldStop, say: Say) -> None:
        """Search, train what was found on all rows outside the fold, and test it there. Raises StoppedError if it should stop.

        state: a file from which an interrupted training goes on. say: told the share that is done.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        prepared, n_trials = self.subject.prepared, self.study.n_trials + 2  # the run's settings first, the training at the end
        with evaluation(self.study, development(prepared, self.study, self.part), should_stop) as evaluate:
            search(self.folder, self.study, evaluate, lambda trial: say((trial.number + 1) / n_trials))
        write_table(self.table, self._tested(state, should_stop))

    def _tested(self, state: Path, should_stop: ShouldStop) -> pd.DataFrame:
        from mtl_core.validation.cells import our_cell

        chosen, as_run = self.chosen(), self._as_run
        train = chosen.train.model_copy(update={"n_repeats": as_run.pop("n_repeats")})
        prepared = self.subject.prepared
        seen = replace(prepared, spec=prepared.spec.model_copy(update={"inputs": chosen.inputs}))
        return our_cell(seen, [self.part], chosen.model_copy(update=as_run | {"train": train}), state=state,
                        should_stop=should_stop)

    def facts(self, trials: Sequence[Trial]) -> Searched:
        """What report.json says of it."""
        best, default = incumbent(trials), next((trial for trial in trials if trial.number == 0), None)
        seconds = sum(sum(trial.seconds.model_dump().values()) for trial in trials)
        return Searched(
            fold_seed=self.part.fold_seed, fold=self.part.fold, n_trials=len(trials), seconds=round(seconds, 1),
            changes=changes_of(self.study.config_of(best and best.point), self.study.base), after=best.r2 if best else {},
            before=default.r2 if default else {})


@cache
def _code() -> str:
    """As it was when this process first asked: what it has loaded stays, whatever is written since."""
    return code_sha256(_CODE)


def _fingerprint(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _space(subject: Subject) -> Space:
    """What Tune searches by default, but for epochs where the validation says how many."""
    space = default_space(subject.base.tasks)
    dimensions = [one for one in space.dimensions if one.name != "epochs" or subject.config.epochs is None]
    return space.model_copy(update={"dimensions": tuple(dimensions)})


def folds_of(subject: Subject, rung: RungName) -> tuple[Fold, ...]:
    """The outer folds of a rung that are searched for."""
    parts, n_outer = subject.parts(rung), subject.config.nested.n_outer
    return tuple(Fold(subject, part) for part in parts[:n_outer or subject.config.n_folds])


def nested_cell(folder: Path, subject: Subject, rung: RungName, *, state: Path, should_stop: ShouldStop,
                say: Say) -> pd.DataFrame:
    """The out-of-fold table of a rung, and in the folder the trials of each of its folds."""
    folds, tables = folds_of(subject, rung), []
    with_tensorflow()
    for done, fold in enumerate(folds):
        if not fold.is_done:
            fold.make(state.with_stem(f"{state.stem}_{fold.name}"), should_stop,
                      lambda share, before=done: say((before + share) / len(folds)))
        tables.append(pd.read_csv(fold.table))
        shutil.copyfile(fold.folder / TRIALS, folder / trials_name(fold))
    return pd.concat(tables, ignore_index=True)


def trials_name(fold: Fold) -> str:
    """File of the trials of a fold in the folder of a validation: "trials_reference_0_3.jsonl"."""
    return f"trials_{fold.name}.jsonl"


def searched(folder: Path, subject: Subject) -> dict[RungName, tuple[Searched, ...]]:
    """Rung → what was found in each of its folds, from the trials in the folder of a validation."""
    return {rung: tuple(fold.facts(read_trials(folder / trials_name(fold))) for fold in folds_of(subject, rung))
            for rung, model in subject.config.cells if model == NESTED}


def with_tensorflow() -> None:
    """Load it so that the same training gives the same bytes, and without its notes."""
    with without_startup_notes():
        import tensorflow as tf
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")  # each training is a new graph, and TensorFlow would advise against that
