"""Named, immutable versions of the three tables, kept in the user's folder and read together with the published ones.

`datasets/<name>/<version>/` holds the three tables and dataset.json. `datasets/<name>/.<version>/` is made first and stays:
it claims the number, so that two writers never get the same one and no number is ever given twice, not even after deletion.
"""
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from mtl_core.data.schema import AT
from mtl_core.data.tables import AlloyTable, read_tables, write_tables
from mtl_core.errors import CheckpointError, ConfigError, DataError, Problem
from mtl_core.files import read_json, write_json
from mtl_core.settings import USER_DIR

PUBLISHED = "published"
RESERVED = (PUBLISHED, "borg2020", "nyby2021")  # these words already say where an alloy comes from
MAX_NAME = 60
DESCRIPTION = "dataset.json"
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_\-]{{0,{MAX_NAME - 1}}}")  # no dot: a dot ends the name in the ids of its rows


class DatasetInfo(BaseModel):
    """What a stored dataset is. about: where it came from and how it was read, as its maker said; sha256: of its tables."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    made: datetime
    n_alloys: int
    n_measurements: int
    n_references: int
    sha256: str
    about: dict[str, object] = {}

    @property
    def id(self) -> str:
        """"name@version", by which the dataset is chosen."""
        return f"{self.name}@{self.version}"


def is_name(text: str) -> bool:
    """Whether a text could name a dataset."""
    return _NAME.fullmatch(text) is not None


def check_name(name: str) -> str:
    """The name without blanks around it. Raises ConfigError when it cannot name a dataset."""
    stripped = name.strip()
    if not is_name(stripped):
        raise ConfigError(f"expected a name of 1 to {MAX_NAME} letters, digits, - and _, the first a letter or digit, "
                          f"got {name[:2 * MAX_NAME]!r}")
    if stripped.lower() in RESERVED:
        raise ConfigError(f"expected a name other than {', '.join(RESERVED)}, got {name!r}")
    return stripped


def list_datasets(root: Path | None = None) -> tuple[DatasetInfo, ...]:
    """The stored datasets by name and version; `published`, which is always there, is not among them."""
    found = (_described(path.parent) for path in _home(root).glob(f"*/*/{DESCRIPTION}") if path.parent.name.isdecimal())
    return tuple(sorted(filter(None, found), key=lambda info: (info.name, info.version)))


def find_dataset(name_or_id: str, root: Path | None = None) -> DatasetInfo:
    """The dataset with this id, or the newest version of this name. Raises DataError when there is none."""
    stored = list_datasets(root)
    matching = [info for info in stored if name_or_id in (info.id, info.name)]
    if not matching:
        known = ", ".join([PUBLISHED, *(info.id for info in stored)])
        raise DataError([Problem(name_or_id[:80], None, None, f"a dataset out of {known}", "none of this name")])
    return matching[-1]


def is_stored(dataset_id: str, root: Path | None = None) -> bool:
    """Whether this very version is there (or is `published`); one look at the disk."""
    name, _, version = dataset_id.partition("@")
    is_id = is_name(name) and version.isascii() and version.isdecimal()
    return dataset_id == PUBLISHED or (is_id and (_home(root) / name / version / DESCRIPTION).is_file())


def dataset_of(source: str) -> str:
    """The name of the dataset to which alloys with this `source` belong."""
    return PUBLISHED if source in RESERVED else source


def save_dataset(name: str, table: AlloyTable, about: Mapping[str, object] | None = None,
                 root: Path | None = None) -> DatasetInfo:
    """Keep the tables as the next version of `name`: seen whole or not at all, and never changed again.

    Raises ConfigError for a name that cannot be one, DataError when the tables do not follow the schema.
    """
    claim = _claim(_home(root) / check_name(name))
    draft = claim / "draft"
    draft.mkdir()
    try:
        write_tables(table, draft)
        stored = read_tables(draft)
        info = DatasetInfo(
            name=claim.parent.name, version=int(claim.name[1:]), made=datetime.now(UTC), n_alloys=len(stored.alloys),
            n_measurements=len(stored.measurements), n_references=len(stored.references), sha256=stored.sha256, about=about or {})
        write_json(draft / DESCRIPTION, info.model_dump(mode="json"))
        draft.rename(claim.with_name(claim.name[1:]))
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # already gone when all went well
    return info


def delete_dataset(dataset_id: str, root: Path | None = None) -> None:
    """Forget one version. Its number is not given again, so that an old link can never mean other data."""
    info = find_dataset(dataset_id, root)
    folder = _home(root) / info.name / str(info.version)
    removed = folder.with_name(f".{info.version}") / "removed"
    removed.parent.mkdir(exist_ok=True)
    folder.rename(removed)
    shutil.rmtree(removed)


def read_data(datasets: Sequence[str] = (PUBLISHED,), *, root: Path | None = None) -> AlloyTable:
    """The union of the datasets, given by id or name (its newest version); their order makes no difference.

    Ids of a stored dataset start with its name and a dot, and its name is the `source` of its alloys. A paper with the DOI of
    another dataset's paper joins that paper's group, so that folds by paper keep both together.
    Raises ConfigError when nothing is chosen or one dataset twice, DataError when one is missing or damaged.
    """
    chosen = {info.id: info for info in (find_dataset(one, root) for one in datasets if one != PUBLISHED)}
    infos = sorted(chosen.values(), key=lambda info: info.name)
    _check_chosen(datasets, [info.name for info in infos])
    published = [read_tables()] if PUBLISHED in datasets else []
    return _union([*published, *(_read(info, root) for info in infos)])


def _check_chosen(datasets: Sequence[str], names: Sequence[str]) -> None:
    if not datasets:
        raise ConfigError(f"expected at least one dataset, such as {PUBLISHED}, got none")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"expected one version of each dataset, got {', '.join(twice)} more than once")


def _home(root: Path | None) -> Path:
    return (USER_DIR if root is None else Path(root)) / "datasets"


def _described(folder: Path) -> DatasetInfo | None:
    """None where the folder was deleted meanwhile, or was not made by `save_dataset`."""
    try:
        return DatasetInfo.model_validate(read_json(folder / DESCRIPTION))
    except (CheckpointError, ValidationError, OSError):
        return None


def _claim(folder: Path) -> Path:
    """A new folder .<version> with the next number that was never given; making a folder succeeds for one writer only."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = (path.name.removeprefix(".") for path in folder.iterdir())
    version = 1 + max((int(name) for name in taken if name.isdecimal()), default=0)
    while True:
        try:
            (folder / f".{version}").mkdir()
            return folder / f".{version}"
        except FileExistsError:
            version += 1


def _read(info: DatasetInfo, root: Path | None) -> AlloyTable:
    table = read_tables(_home(root) / info.name / str(info.version))
    if table.sha256 != info.sha256:
        raise DataError([Problem(info.id, None, None, f"tables with the fingerprint {info.sha256[:12]}, as they were saved",
                                 f"{table.sha256[:12]}: they were changed")])
    return _named(table, info.name)


def _named(table: AlloyTable, name: str) -> AlloyTable:
    def prefixed(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
        return frame.assign(**{column: f"{name}." + frame[column] for column in columns})

    return AlloyTable(prefixed(table.alloys, "alloy_id").assign(source=name),
                      prefixed(table.measurements, "measurement_id", "alloy_id", "reference_id"),
                      prefixed(table.references, "reference_id", "group"))


def _union(tables: Sequence[AlloyTable]) -> AlloyTable:
    """One table as it is; of several, an element that one does not list counts as absent from its alloys."""
    if len(tables) == 1:
        return tables[0]
    alloys = pd.concat([table.alloys for table in tables], ignore_index=True)
    amounts = [column for column in alloys if column.startswith(AT)]
    references = pd.concat([table.references for table in tables], ignore_index=True)
    return AlloyTable(alloys.fillna(dict.fromkeys(amounts, 0.0)),
                      pd.concat([table.measurements for table in tables], ignore_index=True),
                      references.assign(group=_joined(references["doi"].str.lower(), references["group"])))


def _joined(dois: Iterable[str], groups: pd.Series) -> list[str]:
    """The groups, where those that hold one DOI take the name of the first of them."""
    first: dict[str, str] = {}

    def final(group: str) -> str:
        while group in first:
            group = first[group]
        return group

    for doi, held in groups.groupby(list(dois), sort=False):
        keep, *others = dict.fromkeys(map(final, held)) if doi else [None]
        first.update(dict.fromkeys(others, keep))
    return groups.map(final).tolist()
