"""What visitors keep across visits."""
from app import pins
from app.selection import Selection
from mtl_core.data.datasets import DatasetInfo, list_datasets
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
