"""What visitors keep across visits."""
from app import pins
from app.selection import Selection
from mtl_core.data.datasets import DatasetInfo, delete_dataset, list_datasets, save_dataset
from mtl_core.intake import Intake, Mapping
from mtl_core.settings import USER_DIR

PINS = USER_DIR / "pins.json"


def read_pins() -> dict[str, Selection]:
    """Name → selection; a pin that today's code cannot read is left out."""
    readable = {}
    for name, query in pins.read_pins(PINS).items():
        try:
            readable[name] = Selection.from_query(query)
        except ValueError:
            continue
    return readable


def pin(name: str, selection: Selection) -> None:
    """Keep a selection under a name, for all visits to come."""
    pins.pin(PINS, name, selection.to_query())


def unpin(name: str) -> None:
    """Forget a pin."""
    pins.unpin(PINS, name)


def datasets() -> tuple[DatasetInfo, ...]:
    """The stored datasets by name and version."""
    return list_datasets()


def newest(name: str) -> str:
    """The id of the newest stored version of a name; "" when there is none."""
    return next((info.id for info in reversed(datasets()) if info.name == name.strip()), "")


def keep_dataset(name: str, intake: Intake, mapping: Mapping) -> DatasetInfo:
    """Keep the good rows of a file as the next version of `name`, with how they were read; raises ConfigError for a bad name."""
    about = {"file": intake.sheet.name, "sheet": intake.sheet.title, "rows": len(intake.good_rows),
             "rejected": len(intake.bad_rows), "mapping": mapping.model_dump(mode="json")}
    return save_dataset(name, intake.table, about)


def forget_dataset(dataset_id: str) -> None:
    """Delete one version of a dataset; raises DataError when it is not there."""
    delete_dataset(dataset_id)
