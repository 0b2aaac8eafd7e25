"""python -m mtl_core report: the model card of a run and its checklists, as HTML or Markdown."""
from pathlib import Path
from typing import Annotated

import typer

from mtl_core.console import AsJson, emit, without_startup_notes
from mtl_core.errors import ConfigError

FORMS = (".html", ".md")


def report(
    run: Annotated[str, typer.Option(help="Id of a complete training, or shipped.")] = "shipped",
    out: Annotated[Path, typer.Option(help="Where it goes: NAME.html or NAME.md.")] = Path("report.html"),
    as_json: AsJson = False,
) -> None:
    """Write the model card of a run: data, splits, leaks, accuracy, bands, domain, known failures, commands, checklists."""
    if out.suffix not in FORMS:
        raise ConfigError(f"expected a file that ends in {' or '.join(FORMS)}, got {out.name!r}")
    with without_startup_notes():
        import tensorflow  # noqa: F401
    from mtl_core.report.card import card

    text = card(run, form=out.suffix.removeprefix("."), say=lambda words: typer.echo(words, err=True))
    out.write_text(text, encoding="utf-8")
    emit({"run": run, "out": str(out), "characters": len(text)}, as_json=as_json,
         show=lambda content: typer.echo(f"{content['out']}: {content['characters']:,} characters"))
