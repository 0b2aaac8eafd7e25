"""The data verbs of the command line: python -m mtl_core data VERB …"""
from pathlib import Path
from typing import Annotated

import typer

from mtl_core.console import AsJson, emit
from mtl_core.settings import ASSETS_DIR, DATA_DIR

data_app = typer.Typer(no_args_is_help=True, help="The fact tables in data/: build, check, summary.")


@data_app.command("build")
def data_build(
    source_dir: Annotated[Path, typer.Option(help="Folder with the two published workbooks.")],
    output_dir: Annotated[Path, typer.Option(help="Where the tables go.")] = DATA_DIR,
) -> None:
    """Read the published workbooks and write alloys.csv, measurements.csv and references.csv."""
    from mtl_core.data import build_tables, write_tables

    table = build_tables(source_dir)
    write_tables(table, output_dir)
    typer.echo(f"{output_dir}: {len(table.alloys)} alloys, {len(table.measurements)} measurements, "
               f"{len(table.references)} references", err=True)


@data_app.command("check")
def data_check(folder: Annotated[Path, typer.Argument(help="Folder with the three tables.")] = DATA_DIR) -> None:
    """List every problem of the tables in a folder; exit code 1 when there is one."""
    from mtl_core.data import check_tables

    problems = check_tables(folder)
    for problem in problems:
        typer.echo(f"- {problem}")
    typer.echo(f"{folder}: {len(problems)} problems" if problems else f"{folder}: no problem found", err=True)
    raise typer.Exit(code=bool(problems))


@data_app.command("summary")
def data_summary(as_json: AsJson = False) -> None:
    """How much there is of each property: all rows, censored ones, alloys, papers, rows of default training."""
    from mtl_core.data import read_tables, summary

    emit(summary(read_tables()), as_json=as_json, show=_show_summary)


def _show_summary(content):
    typer.echo(f"{'property':<26}{'rows':>7}{'censored':>10}{'alloys':>8}{'papers':>8}{'default':>9}")
    for key, count in content["properties"].items():
        typer.echo(f"{key:<26}{count['n']:>7}{count['n_censored']:>10}{count['n_alloys']:>8}"
                   f"{count['n_references']:>8}{count['n_default']:>9}")


@data_app.command("map")
def data_map(output: Annotated[Path, typer.Option(help="Where the map goes.")] = ASSETS_DIR / "projection.npz") -> None:
    """Lay all alloys out by UMAP (fixed seed) and store the coordinates."""
    from mtl_core import pipeline

    pipeline.build_map(output)
    typer.echo(str(output), err=True)
