"""What is validated: the config of a run on its own data, with the parts of every rung that is asked for."""
import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pandas as pd

from mtl_core import pipeline
from mtl_core.data.datasets import read_data
from mtl_core.data.tables import AlloyTable
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.errors import CheckpointError
from mtl_core.files import read_json, write_json
from mtl_core.fingerprints import code_sha256, folds_sha256, versions
from mtl_core.registry.runs import run_folder
from mtl_core.registry.store import find_run
from mtl_core.settings import ASSETS_DIR
from mtl_core.tasks import with_classes
from mtl_core.validation.config import OURS, ValidationConfig
from mtl_core.validation.ladder import fold_table, lock_words
from mtl_core.validation.rungs import RUNGS, RungName, RungPart, rung_parts

LOCKS = ASSETS_DIR / "folds.json"
UNLOCKED = ("monte-carlo", "leave-one-out")  # no rungs of the ladder
# What a cell depends on, below mtl_core.
_CODE = ("chemistry", "data", "features", "tasks.py", "types.py", "seeds.py", "validation/cells.py")
_CODE_OF_BASELINES = (*_CODE, "ensemble/baselines.py", "ensemble/gaussian_process.py")
_CODE_OF_OURS = (*_CODE, "ensemble", "uncertainty")
# Settings that came after the first look at the locked folds: left at their default they change nothing, no fingerprint either.
_LATER = ("kernel_share",)


@cache
def _code(under: tuple[str, ...]) -> str:
    """As it was when this process first asked: what it has loaded stays, whatever is written since."""
    return code_sha256(under)


@dataclass(frozen=True, eq=False)
class Subject:
    """A run that trained, as it is validated. config: with nothing left open; own: the out-of-fold table of the run."""

    config: ValidationConfig
    base: EnsembleConfig
    table: AlloyTable
    prepared: pipeline.Prepared
    own: pd.DataFrame

    @classmethod
    def of(cls, config: ValidationConfig, root: Path | None = None) -> "Subject":
        """Raises CheckpointError for a run that trained nothing, or whose data are not those of today."""
        found = find_run(config.run, root)
        if found.kind != "train" or found.status != "complete":
            raise CheckpointError(f"{config.run}: expected a complete training to validate, it is {found.status} ({found.kind})")
        base, curation = pipeline.pinned(EnsembleConfig.model_validate(found.config), None, run_folder(config.run, root))
        if base.n_classes:
            raise CheckpointError(f"{config.run}: expected a training of properties with values; it learns the classes of "
                                  f"{', '.join(with_classes(base.tasks))} as well, whose scores stand in its results")
        table = read_data(base.data.datasets)
        if table.sha256 != found.data_sha256:
            raise CheckpointError(f"{config.run}: expected a run that learnt from the data with the fingerprint "
                                  f"{table.sha256[:12]}, got {found.data_sha256[:12]}; train again")
        folds = {"n_folds": base.train.n_folds, "n_fold_seeds": base.train.n_fold_seeds, "seed": base.seed}
        settled = config.model_copy(update={name: value for name, value in folds.items() if getattr(config, name) is None})
        return cls(settled, base, table, pipeline.prepare(table, base, curation=curation),
                   pipeline.read_out_of_fold(config.run, root=root))

    @cached_property
    def _parts(self) -> dict[RungName, tuple[RungPart, ...]]:
        return {}

    def parts(self, rung: RungName) -> tuple[RungPart, ...]:
        """See `rung_parts`; made once."""
        if rung not in self._parts:
            config = self.config
            self._parts[rung] = rung_parts(self.prepared, rung, seed=config.seed, n_folds=config.n_folds,
                                           n_fold_seeds=config.n_fold_seeds)
        return self._parts[rung]

    @cached_property
    def trained(self) -> EnsembleConfig:
        """The config by which ours is trained on rungs that the run does not have."""
        changed = {"n_repeats": self.config.n_repeats, "epochs": self.config.epochs or self.base.train.epochs}
        return self.base.model_copy(update={"seed": self.config.seed, "alone": False,
                                            "train": self.base.train.model_copy(update=changed)})

    def of_run(self, rung: RungName) -> pd.DataFrame | None:
        """What the run itself says of a rung, if it was tested on the same folds and nothing else is asked for."""
        rows = self.own[self.own["split"] == rung]
        is_same = len(rows) > 0 and self.config.epochs is None and folds_sha256(rows) == self.folds_sha256(rung)
        return rows if is_same else None

    def key(self, rung: RungName, model: str) -> str:
        """Fingerprint of all that a cell depends on."""
        digest = hashlib.sha256()
        for part in self.parts(rung):
            digest.update(part.is_training.tobytes() + part.is_test.tobytes())
        config = self.trained.model_dump(mode="json") if model == OURS else {
            "seed": self.config.seed, "preparation": self.base.preparation.model_dump(), "inputs": self.base.inputs,
            "tasks": self.base.tasks, "datasets": self.base.data.model_dump(mode="json")}
        code = _code(_CODE_OF_OURS if model == OURS else _CODE_OF_BASELINES)
        facts = [self.table.sha256, code, digest.hexdigest(), rung, model, config, versions()]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def folds_sha256(self, rung: RungName) -> str:
        """Of which measurement is held out in which fold, see `fingerprints.folds_sha256`."""
        if rung not in self._folds:
            self._folds[rung] = folds_sha256(fold_table(self.parts(rung), self.prepared.observations))
        return self._folds[rung]

    @cached_property
    def _folds(self) -> dict[RungName, str]:
        return {}

    @property
    def config_sha256(self) -> str:
        """Of the config of the run, see `config_sha256`."""
        return config_sha256(self.base)

    def lock(self, rung: RungName) -> str:
        """"locked folds", or in what they differ from the locked ones; see `ladder.lock_words`."""
        return lock_words(rung, self.folds_sha256(rung), self._of_folds, read_json(LOCKS))

    @property
    def _of_folds(self) -> dict[str, object]:
        return {"data_sha256": self.table.sha256, "tasks": list(self.base.tasks), "n_folds": self.config.n_folds,
                "n_fold_seeds": self.config.n_fold_seeds, "seed": self.config.seed}


def config_sha256(config: EnsembleConfig) -> str:
    """By which a frozen config is known; the same for one that was frozen before there were settings that it leaves alone."""
    content, fields = config.model_dump(mode="json"), EnsembleConfig.model_fields
    known = {name: value for name, value in content.items() if name not in _LATER or value != fields[name].default}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def lock_folds(path: Path = LOCKS) -> dict:
    """Write the fingerprints of the outer folds of the shipped ensemble, which nobody tunes on; returns what was written."""
    subject = Subject.of(ValidationConfig())
    content = {**subject._of_folds, "rungs": {rung: subject.folds_sha256(rung) for rung in RUNGS if rung not in UNLOCKED}}
    write_json(path, content)
    return content
