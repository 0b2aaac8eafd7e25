"""Choices about single measurements, kept under a name beside the data: the source tables never change.

A curation is stored as `curations/<name>/<version>.json` in the user's folder. A version, once written, stays as it is, and its
number is not given out again, so that `name@version` in a training always means the same choices.
"""
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args
from uuid import uuid4

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mtl_core import settings
from mtl_core.data.rules import DEFAULT_EXCLUDED
from mtl_core.data.schema import Identifier
from mtl_core.data.tables import AlloyTable
from mtl_core.data.training import observations
from mtl_core.errors import ConfigError, in_words

Choice = Literal["keep", "exclude", "lower bound", "upper bound"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
Name = Annotated[Identifier, Field(max_length=60)]


class Decision(BaseModel):
    """What is done with one measurement, by which rule it was found, and why. A bound says that the true value lies at or
    above ("lower bound"), or at or below ("upper bound"), what was reported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    choice: Choice
    rule: str = Field("", max_length=60)
    reason: str = Field("", max_length=1000)


class Curation(BaseModel):
    """Decisions by measurement id. Version 0 has not been saved.

    rules: applied anew inside each training part, with threshold k, because their findings depend on the rows that a model saw;
    datasets: those that were looked at when the decisions were made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    version: int = Field(0, ge=0)
    decisions: dict[str, Decision] = {}
    rules: tuple[Literal["large-residual"], ...] = ()
    k: float = Field(3.0, gt=0)
    note: str = ""
    datasets: tuple[str, ...] = ("published",)

    @property
    def id(self) -> str:
        """What a training names: "name@version"."""
        return f"{self.name}@{self.version}"


def curation_names(root: Path | None = None) -> tuple[str, ...]:
    """Names of the curations that can be loaded, in alphabetical order."""
    return tuple(sorted({path.parent.name for path in _folder(root).glob("*/*.json")}))


def list_curations(root: Path | None = None) -> tuple[Curation, ...]:
    """Every version of every curation, by name, the newest first. Raises ConfigError for a damaged file."""
    return tuple(_read(_folder(root) / name / f"{version}.json")
                 for name in curation_names(root) for version in reversed(_versions(_folder(root) / name, "json")))


def load_curation(name: str, root: Path | None = None) -> Curation:
    """A curation by "name@version", or the newest version by "name". Raises ConfigError when there is none."""
    name, _, asked = name.partition("@")
    _check_known(name, root)
    versions = _versions(_folder(root) / name, "json")
    version = asked or str(versions[-1])
    if version not in map(str, versions):
        raise ConfigError(f"expected a version of {name} out of {', '.join(map(str, versions))}, got {version!r}")
    return _read(_folder(root) / name / f"{version}.json")


def save_curation(curation: Curation, root: Path | None = None) -> Curation:
    """Keep a curation as the next version of its name, and return it with that version; others are left as they are."""
    folder = _folder(root) / _checked(curation.model_dump()).name
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        kept = curation.model_copy(update={"version": max(_versions(folder), default=0) + 1})
        try:
            _write_new(folder / f"{kept.version}.json", kept.model_dump_json(indent=1) + "\n")
        except FileExistsError:  # someone else took this number in the meantime
            continue
        return kept


def delete_curation(name: str, root: Path | None = None) -> None:
    """Delete all versions of a curation; their numbers stay taken. Raises ConfigError when there is none."""
    _check_known(name, root)
    for path in (_folder(root) / name).glob("*.json"):
        path.with_suffix(".deleted").touch()
        path.unlink()


def _folder(root: Path | None) -> Path:
    return (root or settings.USER_DIR) / "curations"


def _versions(folder: Path, suffix: str = "*") -> list[int]:
    """Version numbers in use, ascending; those of deleted versions are among them unless `suffix` is "json"."""
    return sorted({int(path.stem) for path in folder.glob(f"[1-9]*.{suffix}") if path.stem.isdecimal()})


def _check_known(name: str, root: Path | None) -> None:
    known = curation_names(root)
    if name not in known:
        raise ConfigError(f"expected a curation out of {', '.join(known) or '(none is kept yet)'}, got {name!r}")


def _write_new(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all. Raises FileExistsError when it is there; a rename would replace it."""
    temporary = path.with_name(f".{uuid4().hex}.part")
    temporary.write_text(text, encoding="utf-8")
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()


def _read(path: Path) -> Curation:
    try:
        return Curation.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ConfigError(f"{path.parent.name}/{path.name}: expected a curation, got {in_words(error)}") from error


def _checked(content: dict) -> Curation:
    """Validated once more, because `model_copy` does not."""
    try:
        return Curation.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"expected a curation that can be kept, got {in_words(error)}") from error


@dataclass(frozen=True, eq=False)
class CuratedRows:
    """n measurements of the tasks under a curation.

    rows: as `observations` gives them, first those of default training, then those that a default rule leaves out and the
    curation brings back; training: the same rows with value, low, high and bound as training sees them;
    is_training [n]: False where the curation excludes; is_test [n]: True for the default rows whatever the curation says;
    ignored: how many decisions concern measurements that are not in the table.
    """

    rows: pd.DataFrame
    training: pd.DataFrame
    is_training: np.ndarray
    is_test: np.ndarray
    ignored: int = 0


def curate(table: AlloyTable, tasks: Sequence[str], curation: Curation | None, *,
           excluded: Collection[str] = DEFAULT_EXCLUDED) -> CuratedRows:
    """The rows of `tasks` with what a curation says about training on them; without one, exactly the default rows.

    Rows are tested as they were published: a curation that left out what it predicts badly would otherwise raise its own score.
    """
    default = observations(table, tasks, excluded=excluded)
    if curation is None:
        return CuratedRows(default, default, np.ones(len(default), bool), np.ones(len(default), bool))
    choices = {key: made.choice for key, made in curation.decisions.items()}
    everything = observations(table, tasks, excluded=())
    is_default = everything["measurement_id"].isin(default["measurement_id"])
    is_wanted = everything["measurement_id"].map(choices).isin(set(CHOICES) - {"exclude"})
    order = np.concatenate([np.flatnonzero(is_default), np.flatnonzero(~is_default & is_wanted)])
    rows = everything.iloc[order].reset_index(drop=True)
    choice = rows["measurement_id"].map(choices)
    return CuratedRows(rows, _with_bounds(rows, choice), (choice != "exclude").to_numpy(), np.arange(len(rows)) < len(default),
                       len(set(choices) - set(table.measurements["measurement_id"])))


def _with_bounds(rows: pd.DataFrame, choice: pd.Series) -> pd.DataFrame:
    """The censoring interval of each row after its choice; a bound stands at the end of the interval that is known."""
    is_lower, is_upper = choice == "lower bound", choice == "upper bound"
    low = rows["low"].where(np.isfinite(rows["low"]), rows["high"])
    high = rows["high"].where(np.isfinite(rows["high"]), rows["low"])
    return rows.assign(
        value=rows["value"].mask(is_lower | is_upper), bound=rows["bound"].mask(is_lower, ">").mask(is_upper, "<"),
        low=rows["low"].mask(is_lower, low).mask(is_upper, -np.inf),
        high=rows["high"].mask(is_upper, high).mask(is_lower, np.inf))
