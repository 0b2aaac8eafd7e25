"""Everything that a report of a run is written from, read or worked out once."""
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import ValidationError

from mtl_core import pipeline, validations
from mtl_core.data.curations import Curation
from mtl_core.data.datasets import PUBLISHED, read_data
from mtl_core.data.noise import repeat_noise
from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import waterfall
from mtl_core.ensemble.config import PRESETS, EnsembleConfig
from mtl_core.ensemble.parts import Part
from mtl_core.errors import CheckpointError, RunError, in_words
from mtl_core.files import read_json
from mtl_core.pipeline import Prepared
from mtl_core.registry.runs import CONFIG, SHIPPED, Record, Status, read_record, run_folder
from mtl_core.registry.store import find_run, list_runs
from mtl_core.subjects import config_sha256
from mtl_core.tasks import TASKS, TaskSpec, with_values
from mtl_core.validation import bands, leakage, peeking, separation
from mtl_core.validation.bands import Bands
from mtl_core.validation.leakage import Leak
from mtl_core.validation.report import Report

if TYPE_CHECKING:
    from mtl_core.ensemble.ensemble import Ensemble

DEPLOYED = "reference"  # the split whose members answer
DESCRIPTION = "ensemble.json"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """A published database: how people call it, how to cite it, its paper, its data, its licence, and the SHA-256 of
    the file that the tables were built from (data/README.md)."""

    label: str
    citation: str
    doi: str
    data_doi: str
    licence: str
    sha256: str


SOURCES: dict[str, Source] = {
    "borg2020": Source("Borg et al. 2020", "Borg et al., Sci. Data 7, 430 (2020)", "10.1038/s41597-020-00768-9",
                       "10.6084/m9.figshare.12642953", "CC BY 4.0",
                       "c5504d93fd324d1be26cf814d0694ee9ee95578d68a0b38aba6813b939fa2c5d"),
    "nyby2021": Source("Nyby et al. 2021", "Nyby et al., Sci. Data 8, 58 (2021)", "10.1038/s41597-021-00840-y",
                       "10.6084/m9.figshare.13038257", "CC BY 4.0",
                       "a28a13da352d2f01c6e5caf99f1aa983655bf3080c82ba829bda08f65140d18e"),
}


@dataclass(frozen=True, eq=False)
class Facts:
    """A complete training. config: as it was trained; description: of its ensemble; record: None for a run without one; say:
    told what is being worked out."""

    run: str
    folder: Path
    config: EnsembleConfig
    description: dict
    record: Record | None
    metrics: dict
    out_of_fold: pd.DataFrame
    table: AlloyTable
    curation: Curation | None
    root: Path | None = None
    say: Say = lambda words: None

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        return tuple(TASKS[key] for key in with_values(self.config.tasks))

    @property
    def is_published(self) -> bool:
        """Whether nothing but the tables of the project was learnt from."""
        return self.config.data.datasets == (PUBLISHED,)

    @property
    def preset(self) -> str | None:
        """Which of the presets it is."""
        return next((name for name, config in PRESETS.items() if config == self.config), None)

    @cached_property
    def ensemble_of(self) -> dict[str, tuple["Ensemble", int]]:
        """task → the ensemble that answers it, and its place among the tasks of that one."""
        from mtl_core.ensemble import checkpoint

        found = checkpoint.load(self.folder)
        if self.config.wiring == "multi-task":
            return {task: (found, index) for index, task in enumerate(self.config.tasks)}
        return {task: (found.of_task[task], 0) for task in self.config.tasks}

    def of_processes(self, name: str) -> dict[str, float]:
        """task → "line" or "apart" of its Gaussian processes (see `Kernels`), mean of the parts."""
        return {task: float(getattr(ensemble.kernels, name)[:, index].mean())
                for task, (ensemble, index) in self.ensemble_of.items()}

    @cached_property
    def prepared(self) -> Prepared:
        self.say("features")
        return pipeline.prepare(self.table, self.config, curation=self.curation)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return self.prepared.parts(self.config)

    @property
    def deployed(self) -> list[Part]:
        """Parts of the split that answers, of one fold seed."""
        return [part for part in self.parts if part.split == DEPLOYED and part.fold_seed == 0]

    def rows(self, task: str) -> pd.DataFrame:
        """What is tested of a task."""
        rows = self.prepared.observations[self.prepared.is_test]
        return rows[rows["task"] == task]

    @cached_property
    def waterfall(self) -> pd.DataFrame:
        return waterfall(self.table)

    @cached_property
    def noise(self) -> pd.DataFrame:
        return repeat_noise(self.table).set_index(["property", "same"])

    @cached_property
    def leaks(self) -> tuple[Leak, ...]:
        """Kin across the folds, all splits."""
        self.say("leaks across the folds")
        return leakage.audit(self.prepared.observations, self.parts)

    @cached_property
    def derived(self) -> tuple[Leak, ...]:
        self.say("columns that follow from a target")
        prepared = self.prepared
        return peeking.derived_columns(prepared.observations, prepared.values, prepared.spec.columns, self.deployed,
                                       table=self.table)

    @cached_property
    def transforms(self) -> tuple[Leak, ...]:
        """What is fitted in the fold, tried with other test rows and compared with what the ensemble holds."""
        from mtl_core.report.transforms import given, tried

        self.say("transforms fitted in the fold")
        return (*tried(self), *given(self, [part for part in self.parts if part.split == DEPLOYED]))

    @cached_property
    def bands(self) -> Bands:
        self.say("bands")
        return bands.measure(self.out_of_fold)

    @cached_property
    def coverage(self) -> pd.DataFrame:
        return self.bands.coverage()

    @cached_property
    def transfer(self) -> pd.DataFrame:
        return bands.transfer(self.out_of_fold)

    @cached_property
    def domain(self) -> pd.DataFrame:
        """How far each row of the split that answers lies from its training rows, all fold seeds."""
        self.say("the domain of each fold")
        parts = [part for part in self.parts if part.split == DEPLOYED]
        return separation.domain_scores(self.prepared.observations, parts, self.prepared.spec.symbols)

    @cached_property
    def separation(self) -> pd.DataFrame:
        return separation.separation(self._by_paper, self.domain).set_index(["task", "by"])

    def held(self, by: str) -> pd.DataFrame:
        """`Bands.coverage` of conformal 90 % bands on the split that answers, by "family" or "is_inside" (of the domain)."""
        found = bands.measure(self._by_paper, levels=(0.9,)).joined(self.domain).coverage([by])
        return found[found["kind"] == "conformal"]

    @property
    def _by_paper(self) -> pd.DataFrame:
        return self.out_of_fold[self.out_of_fold["split"] == DEPLOYED]

    @cached_property
    def validation(self) -> tuple[str, Report] | None:
        """What to call it, and the report, of the complete validation of this run with the most rungs, the newest of equals; for
        the shipped ensemble also the one that comes along. One that trained for fewer epochs than the run says nothing about it.
        """
        come_along = validations.shipped_report() if self.run == SHIPPED else None
        reports = [("that comes along", come_along)] if come_along and self._is_about(come_along) else []
        reports += [(run, report) for run, report in self._validations if report.epochs == self.config.train.epochs]
        return max(reports, key=lambda one: (len(one[1].rungs), len(one[1].models), one[0]), default=None)

    def _is_about(self, report: Report) -> bool:
        return (report.config_sha256, report.data_sha256) == (config_sha256(self.config), self.table.sha256)

    @cached_property
    def _validations(self) -> list[tuple[str, Report]]:
        found = []
        for run in self._validated_by:
            with suppress(CheckpointError):  # of another version
                found.append((run, validations.read_validation(run, self.root).report))
        return [(run, report) for run, report in found if report]

    @property
    def _validated_by(self) -> list[str]:
        return [run.id for run in list_runs(self.root) if run.kind == "validate" and run.status is Status.complete
                and run.config.get("run") == self.run]

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Validations that another version of the program wrote, or whose files are damaged."""
        known = {run for run, _ in self._validations}
        return tuple(run for run in self._validated_by if run not in known)

    @property
    def name(self) -> str:
        """What people call the run, and its id."""
        label = "" if self.run == SHIPPED else find_run(self.run, self.root).label.name
        return f"{label} ({self.run})" if label else self.run

    @property
    def rehearsals(self) -> tuple[tuple[str, Report], ...]:
        """Validations that trained for other epochs than the run, as the smoke size does."""
        return tuple(one for one in self._validations if one[1].epochs != self.config.train.epochs)

    @cached_property
    def other_inputs(self) -> tuple[str, ...]:
        """Runs that were tested on the same folds with other columns of the composition."""
        folds, inputs = self.metrics.get("folds_sha256"), self.config.inputs
        return tuple(run.id for run in list_runs(self.root) if run.id != self.run and folds and run.folds_sha256 == folds
                     and run.config.get("inputs", "both") != inputs)

    @property
    def versions(self) -> dict[str, str]:
        """Of what trained the run."""
        return (self.record and self.record.versions) or self.description.get("versions", {})


def read_facts(run: str = SHIPPED, *, root: Path | None = None, user_root: Path | None = None,
               say: Say = lambda words: None) -> Facts:
    """What a report of a complete training starts from.

    Raises RunError for a run that is no complete training, CheckpointError when its data are not what it was trained on.
    """
    folder = run_folder(run, root)
    record = read_record(folder) if (folder / CONFIG).exists() else None
    if run != SHIPPED:
        found = find_run(run, root)
        if found.kind != "train" or found.status is not Status.complete:
            raise RunError(f"expected a complete training, got a run of the kind {found.kind!r} that is {found.status}: a report "
                           "is written from the scores of an ensemble")
    description = read_json(folder / DESCRIPTION)
    try:
        config = EnsembleConfig.model_validate(description.get("config"))
    except ValidationError as error:
        raise CheckpointError(f"{folder.name}/{DESCRIPTION}: expected the config of an ensemble, got "
                              f"{in_words(error)}") from error
    table = read_data(config.data.datasets, root=user_root)
    if description.get("data_sha256") != table.sha256:
        raise CheckpointError(f"{folder.name}: expected data with the fingerprint {str(description.get('data_sha256'))[:12]}, as "
                              f"it was trained on, got {table.sha256[:12]}; train again")
    return Facts(run, folder, config, description, record, pipeline.evaluate(run, root=root),
                 pipeline.read_out_of_fold(run, root=root), table, pipeline.pinned(config, user_root, folder)[1], root, say)
