"""What all verbs of the command line share: how an answer is printed, and what is kept off the screen."""
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]


def emit(content: dict, *, as_json: bool, show: Callable[[dict], None]) -> None:
    """The answer of a command: one JSON object, or lines for people."""
    if as_json:
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
    else:
        show(content)


@contextmanager
def without_startup_notes() -> Iterator[None]:
    """While TensorFlow's libraries load they write to stderr at any log level; that would drown what a user reads."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
