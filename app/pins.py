"""Named alloys that survive reload and restart: one JSON file, replaced by rename so that it is never half written."""
import json
import os
import threading
from pathlib import Path

Query = dict[str, str]
"""What a pin remembers: the link parameters of a selection, so that it is always predicted by the current model."""

_writing = threading.Lock()  # the visitors of one server are threads of one process


def read_pins(path: Path) -> dict[str, Query]:
    """Name → link parameters, oldest first; empty where nothing was pinned yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def pin(path: Path, name: str, query: Query) -> None:
    """Keep a selection under a name; the same name again replaces it."""
    if not name.strip():
        raise ValueError("expected a name for the pin, got an empty one")
    with _writing:
        _replace(path, read_pins(path) | {name.strip(): query})


def unpin(path: Path, name: str) -> None:
    """Forget a pin; a name that is not there is no error."""
    with _writing:
        _replace(path, {other: query for other, query in read_pins(path).items() if other != name})


def _replace(path: Path, pins: dict[str, Query]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(pins, indent=1, ensure_ascii=False), encoding="utf-8")
    temporary.replace(path)
