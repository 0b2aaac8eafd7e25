"""The data verbs of the command line: python -m mtl_core data VERB …"""
from pathlib import Path
from typing import Annotated

import typer

from mtl_core.console import AsJson, emit
from mtl_core.errors import DataError
from mtl_core.settings import ASSETS_DIR, DATA_DIR

data_app = typer.Typer(no_args_is_help=True, help="Tables of measurements: build, check, count, doubt.")


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


Dataset = Annotated[list[str] | None, typer.Option(help="A dataset id; repeat for several. Default: the published tables.")]


@data_app.command("suspects")
def data_suspects(
    k: Annotated[float, typer.Option(help="How many times the scatter of repeats is too far.")] = 3.0,
    rule: Annotated[list[str] | None, typer.Option(help="Only what this rule finds; repeat for several.")] = None,
    dataset: Dataset = None,
    as_json: AsJson = False,
) -> None:
    """List the measurements to doubt, the worst first; residuals are those of the shipped ensemble."""
    from mtl_core.data.datasets import PUBLISHED, read_data
    from mtl_core.data.suspects import SUSPECT_RULES, find_suspects
    from mtl_core.pipeline import read_out_of_fold

    unknown = sorted(set(rule or ()) - set(SUSPECT_RULES))
    if unknown:
        raise typer.BadParameter(f"expected rules out of {', '.join(SUSPECT_RULES)}, got {', '.join(unknown)}")
    found = find_suspects(read_data(dataset or (PUBLISHED,)), out_of_fold=read_out_of_fold(), k=k)
    shown = found[found["rule"].isin(rule or SUSPECT_RULES)]
    emit({"k": k, "suspects": shown.to_dict("records")}, as_json=as_json, show=_show_suspects)


def _show_suspects(content):
    for one in content["suspects"]:
        note = "  (left out by default)" if one["is_excluded"] else ""
        typer.echo(f"{one['severity']:5.2f}  {one['rule']}: {one['measurement_ids'][-1]}, {one['alloy']}{note}\n"
                   f"       {one['evidence']} {one['suggestion'].capitalize()}? {' '.join(one['dois'])}")


@data_app.command("noise")
def data_noise(dataset: Dataset = None, as_json: AsJson = False) -> None:
    """Scatter of repeated measurements by property, and the R² that it leaves possible."""
    from mtl_core.data.datasets import PUBLISHED, read_data
    from mtl_core.data.noise import repeat_noise

    table = repeat_noise(read_data(dataset or (PUBLISHED,)))
    emit({"noise": table.astype(object).where(table.notna(), None).to_dict("records")}, as_json=as_json, show=_show_noise)


def _show_noise(content):
    typer.echo(f"{'property':<26}{'same':<22}{'groups':>7}{'rows':>6}{'scatter':>10}{'robust':>10}{'R² ≤':>8}{'robust':>8}")
    for row in content["noise"]:
        scatter = "".join(f"{number:>10.3g}" if number is not None else " " * 10 for number in (row["sd"], row["robust_sd"]))
        ceilings = (row["r2_ceiling"], row["robust_r2_ceiling"])
        ceiling = "".join(f"{number:>8.2f}" if number is not None else " " * 8 for number in ceilings)
        typer.echo(f"{row['property']:<26}{row['same']:<22}{row['n_groups']:>7}{row['n_rows']:>6}{scatter}{ceiling}  "
                   f"{row['note']}")


@data_app.command("map")
def data_map(
    output: Annotated[Path, typer.Option(help="Where the map goes.")] = ASSETS_DIR / "projection.npz",
    dataset: Annotated[list[str] | None, typer.Option(help="A dataset id; repeat for several.")] = None,
    method: Annotated[str, typer.Option(help="umap or pca.")] = "umap",
    inputs: Annotated[str, typer.Option(help="What alloys are compared by: elements, descriptors, or both.")] = "both",
    n_neighbors: Annotated[int, typer.Option(help="UMAP: how many neighbours each alloy keeps.")] = 15,
    min_dist: Annotated[float, typer.Option(help="UMAP: how close points may lie.")] = 0.3,
    metric: Annotated[str, typer.Option(help="UMAP: euclidean, manhattan, cosine or correlation.")] = "euclidean",
    seed: Annotated[int, typer.Option(help="UMAP: everything random follows from it.")] = 0,
) -> None:
    """Lay out all alloys on a map and store their coordinates."""
    from mtl_core import pipeline
    from mtl_core.data.datasets import PUBLISHED
    from mtl_core.features.projection import MapSettings

    settings = MapSettings(method=method, inputs=inputs, n_neighbors=n_neighbors, min_dist=min_dist, metric=metric, seed=seed)
    pipeline.build_map(output, settings, dataset or (PUBLISHED,))
    typer.echo(str(output), err=True)


@data_app.command("import")
def data_import(
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX: one row per alloy, or one row per measurement.")],
    name: Annotated[str, typer.Option(help="Letters, digits, - and _; the same name again makes the next version.")],
    unit: Annotated[list[str] | None, typer.Option(help='"COLUMN=UNIT" where the header leaves it open; repeat.')] = None,
    sheet: Annotated[str | None, typer.Option(help="The worksheet; default: the first with a table.")] = None,
    take_good: Annotated[bool, typer.Option("--take-good", help="Keep the good rows although others are rejected.")] = False,
    rejected: Annotated[Path | None, typer.Option(help="CSV for the rejected rows with their reasons.")] = None,
    as_json: AsJson = False,
) -> None:
    """Keep your own measurements as a dataset; every problem is listed by row and column."""
    from mtl_core.data.datasets import check_name, save_dataset
    from mtl_core.intake import bad_rows_csv, convert, propose_mapping

    check_name(name)
    content = _sheet_of(file, sheet)
    mapping = propose_mapping(content)
    for answer in unit or ():
        column, _, key = answer.rpartition("=")
        mapping = mapping.with_unit((column,), key)
    intake = convert(content, mapping)
    if rejected and intake.bad_rows:
        rejected.write_text(bad_rows_csv(intake), encoding="utf-8")
    if intake.table is None or (intake.bad_rows and not take_good):
        raise DataError(intake.problems)
    info = save_dataset(name, intake.table, {"file": content.name, "mapping": mapping.model_dump(mode="json")})
    emit({"dataset": info.id, "good_rows": len(intake.good_rows), "bad_rows": list(intake.bad_rows), "alloys": info.n_alloys,
          "measurements": info.n_measurements, "problems": list(map(str, intake.problems)), "notes": list(intake.notes)},
         as_json=as_json, show=_show_imported)


def _sheet_of(file: Path, sheet: str | None):
    """The sheet of a file; raises DataError when the file is missing, huge or no table."""
    from mtl_core.data.guards import check_file
    from mtl_core.intake import read_file

    if problems := check_file(file):
        raise DataError(problems)
    return read_file(file.name, file.read_bytes(), sheet)


def _show_imported(content):
    for line in (*content["notes"], *content["problems"]):
        typer.echo(f"- {line}")
    typer.echo(f"{content['dataset']}: {content['alloys']} alloys, {content['measurements']} measurements from "
               f"{content['good_rows']} rows; {len(content['bad_rows'])} rows rejected")


@data_app.command("datasets")
def data_datasets(as_json: AsJson = False) -> None:
    """The datasets that were kept; `published` is always there."""
    from mtl_core.data.datasets import list_datasets

    emit({"datasets": [{"id": info.id} | info.model_dump(mode="json", exclude={"about"}) for info in list_datasets()]},
         as_json=as_json, show=_show_datasets)


def _show_datasets(content):
    for info in content["datasets"] or [{"id": "none yet"}]:
        counts = f"{info['n_alloys']:>8}{info['n_measurements']:>8}  {info['made'][:16]}" if "made" in info else ""
        typer.echo(f"{info['id']:<40}{counts}")


@data_app.command("template")
def data_template(
    long: Annotated[bool, typer.Option("--long", help="One row per measurement instead of one row per alloy.")] = False,
) -> None:
    """Print a CSV to fill in."""
    from mtl_core.intake import template_csv

    typer.echo(template_csv("long" if long else "wide"), nl=False)
