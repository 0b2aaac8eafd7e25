"""The verbs on runs of the command line: python -m mtl_core runs VERB …"""
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtl_core.console import AsJson, emit, without_startup_notes
from mtl_core.ensemble.config import TaskGradients, Wiring
from mtl_core.errors import RunError
from mtl_core.features.preparation import Fill, Scaling, Transform
from mtl_core.tasks import DEFAULT_TASKS, TASKS, task_key

if TYPE_CHECKING:
    from mtl_core.ensemble.config import EnsembleConfig

runs_app = typer.Typer(no_args_is_help=True, help="Trainings and studies as processes: start, stop, resume, list, hand on.")


class Preset(StrEnum):
    """Names of the presets, spelt out here so that --help does not pay for them."""

    smoke = "smoke"
    default = "default"
    networks = "networks"
    full = "full"


KINDS = {"train": "training", "tune": "search", "validate": "validation"}
RunId = Annotated[str, typer.Argument(help="A run id, as `runs list` shows it.", show_default=False)]
PresetOption = Annotated[Preset, typer.Option(help="smoke: seconds; default: minutes; networks: the same without Gaussian "
                                              "processes; full: the better part of an hour.")]
Tasks = Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(TASKS)}, or HV, E_pit …; repeat for several.")]
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
Datasets = Annotated[list[str] | None, typer.Option(help="A dataset by name or name@version; repeat for several. "
                                                         "Default: published.")]
CurationOption = Annotated[str | None, typer.Option(help="A curation by name or name@version. Default: none.")]
ScalingOption = Annotated[Scaling, typer.Option(help="Centre and unit of the features.")]
FillOption = Annotated[Fill, typer.Option(help="What stands for a feature that was not reported.")]
Cap = Annotated[float, typer.Option(help="Share of a feature's values that is capped at each end.")]
TargetTransform = Annotated[Transform, typer.Option(help="Of the measured values, before the network sees them.")]
Alone = Annotated[bool, typer.Option("--alone", help="Each property alone as well, to tell what learning together is worth.")]
WiringOption = Annotated[Wiring, typer.Option(
    help="How properties share: one network for all; one each; the others correct a multiple of what is predicted for the "
         "first; or take it as one more input.")]
Gradients = Annotated[TaskGradients, typer.Option(
    "--task-gradients", help="Of a network of several properties: added as they are; divided by a variance learnt with them; or "
                             "rid of what one has against another.")]
ConfigFile = Annotated[typer.FileText | None, typer.Option(
    "--config", help="An EnsembleConfig in JSON, as the config of a run, instead of the other options; - for stdin.")]


def config_of(preset: Preset, task, seed, dataset, curation, scaling, fill, cap, target_transform, alone=False,
              config=None, wiring="multi-task", task_gradients="sum") -> "EnsembleConfig":
    """The preset with what the options say, or what a file says; raises ValidationError for a value outside its range."""
    from mtl_core.ensemble.config import EnsembleConfig
    from mtl_core.ensemble.config import preset as preset_named

    if config is not None:
        return EnsembleConfig.model_validate_json(config.read())
    chosen = preset_named(preset.value).model_dump()
    return EnsembleConfig.model_validate(
        chosen | {
            "tasks": tuple(map(task_key, task or DEFAULT_TASKS)), "seed": seed, "alone": alone, "wiring": wiring,
            "train": chosen["train"] | {"task_gradients": task_gradients},
            "data": {"datasets": tuple(dataset or ("published",)), "curation": curation},
            "preparation": {"scaling": scaling, "fill": fill, "cap": cap, "target": target_transform}})


@runs_app.command("start")
def runs_start(
    preset: PresetOption = Preset.default, task: Tasks = None, seed: Seed = 0, dataset: Datasets = None,
    curation: CurationOption = None, scaling: ScalingOption = "standard", fill: FillOption = "mean", cap: Cap = 0.0,
    target_transform: TargetTransform = "none", alone: Alone = False, wiring: WiringOption = "multi-task",
    task_gradients: Gradients = "sum", config: ConfigFile = None,
    name: Annotated[str, typer.Option(help="What to call the run.")] = "",
    as_json: AsJson = False,
) -> None:
    """Train in a process of its own, which goes on when this terminal is closed; one run at a time, the others wait."""
    from mtl_core.registry.store import check_label
    from mtl_core.trainings import start_training

    chosen = config_of(preset, task, seed, dataset, curation, scaling, fill, cap, target_transform, alone, config, wiring,
                       task_gradients)
    run = start_training(chosen, preset=None if config else preset.value, label=check_label(name=name))
    _emit_run(run, as_json)


@runs_app.command("estimate")
def runs_estimate(
    preset: PresetOption = Preset.default, task: Tasks = None, seed: Seed = 0, dataset: Datasets = None,
    curation: CurationOption = None, scaling: ScalingOption = "standard", fill: FillOption = "mean", cap: Cap = 0.0,
    target_transform: TargetTransform = "none", alone: Alone = False, wiring: WiringOption = "multi-task",
    task_gradients: Gradients = "sum", config: ConfigFile = None, as_json: AsJson = False,
) -> None:
    """How long such a training takes when nothing else keeps this machine busy, from a few steps of it."""
    from mtl_core import pipeline

    chosen = config_of(preset, task, seed, dataset, curation, scaling, fill, cap, target_transform, alone, config, wiring,
                       task_gradients)
    with without_startup_notes():
        seconds = pipeline.estimate_seconds(chosen)
    emit({"seconds": round(seconds, 1)}, as_json=as_json,
         show=lambda content: typer.echo(f"about {content['seconds'] / 60:.1f} minutes"))


@runs_app.command("list")
def runs_list(
    status: Annotated[str | None, typer.Option(help="Only runs of this status.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only runs with this tag.")] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """All runs, the newest first, with R² of new papers."""
    from mtl_core.registry.runs import Status
    from mtl_core.registry.store import list_runs

    if status is not None and status not in list(Status):
        raise typer.BadParameter(f"expected --status out of {', '.join(Status)}, got {status!r}")
    shown = [run for run in list_runs(deleted=deleted)
             if status in (None, run.status.value) and (tag is None or tag in run.label.tags)]
    emit({"runs": [run.model_dump(mode="json", exclude={"config"}) for run in shown]}, as_json=as_json, show=_show_list)


def _show_list(content):
    typer.echo(f"{'run':<22}{'status':<10}{'what':<12}{'seconds':>8}  R² of new papers")
    for run in content["runs"]:
        scores = "  ".join(f"{task} {splits['reference']['r2']:.3f}" for task, splits in run["scores"].items()
                           if "reference" in splits)
        words = scores or (run["sentence"] if run["status"] not in ("queued", "complete") else "")
        what = run["preset"] or KINDS[run["kind"]]
        label = run["label"]
        named = " ".join([label["name"], *(f"#{tag}" for tag in label["tags"]), "(deleted)" if label["deleted"] else ""]).strip()
        seconds = f"{run['seconds']:>8.0f}" if run["seconds"] is not None else " " * 8
        typer.echo(f"{run['id']:<22}{run['status']:<10}{what:<12}{seconds}  {words}{'  ' * bool(named)}{named}")


@runs_app.command("show")
def runs_show(run: RunId, as_json: AsJson = False) -> None:
    """One run: status, config, label, progress, and the traceback if it failed."""
    _emit_run(run, as_json)


def _emit_run(run: str, as_json: bool) -> None:
    from mtl_core.errors import CheckpointError
    from mtl_core.registry.runs import read_progress, read_state, run_folder
    from mtl_core.registry.store import find_run

    folder, found = run_folder(run), find_run(run)
    try:
        traceback = read_state(folder).traceback
    except CheckpointError:  # said by the status already
        traceback = ""
    last = (read_progress(folder) or [{}])[-1]
    emit(found.model_dump(mode="json") | {"folder": str(folder), "progress": last, "traceback": traceback}, as_json=as_json,
         show=_show_run)


def _show_run(content):
    typer.echo(f"{content['id']}: {content['status']}. {content['sentence']}")
    label, progress = content["label"], content["progress"]
    if "epoch" in progress:
        typer.echo(f"  epoch {progress['epoch']} of {progress.get('n_epochs', '?')}")
    for name, value in (("folder", content["folder"]), ("process", content["pid"]), ("preset", content["preset"]),
                        ("name", label["name"]), ("tags", ", ".join(label["tags"])), ("note", label["note"])):
        if value:
            typer.echo(f"  {name:<9}{value}")
    if content["traceback"]:
        typer.echo(content["traceback"], nl=False)


@runs_app.command("stop")
def runs_stop(run: RunId) -> None:
    """Ask the process of a run to stop after the epochs under way; `runs resume` continues."""
    from mtl_core.registry import jobs

    jobs.stop(run)
    typer.echo(f"{run}: asked to stop", err=True)


@runs_app.command("resume")
def runs_resume(run: RunId, as_json: AsJson = False) -> None:
    """Continue a run that was stopped, lost or failed."""
    from mtl_core.registry import jobs

    jobs.resume(run)
    _emit_run(run, as_json)


@runs_app.command("label")
def runs_label(
    run: RunId,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    note: Annotated[str | None, typer.Option(help="Anything to remember.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Replaces its tags; repeat for several, \"\" for none.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give a run a name, a note or tags; nothing else of it ever changes."""
    from mtl_core.registry.store import set_label

    tags = None if tag is None else tuple(filter(None, tag))
    set_label(run, **{key: value for key, value in {"name": name, "note": note, "tags": tags}.items() if value is not None})
    _emit_run(run, as_json)


@runs_app.command("delete")
def runs_delete(run: RunId) -> None:
    """Take a run off the list; its folder stays, and `runs restore` brings it back, until `runs purge` removes it."""
    from mtl_core.registry.store import delete_run

    delete_run(run)
    typer.echo(f"{run}: deleted; `runs restore {run}` brings it back", err=True)


@runs_app.command("restore")
def runs_restore(run: RunId) -> None:
    """Bring a deleted run back."""
    from mtl_core.registry.store import restore_run

    restore_run(run)
    typer.echo(f"{run}: restored", err=True)


@runs_app.command("purge")
def runs_purge(
    run: Annotated[list[str] | None, typer.Argument(help="Deleted runs; default: all of them.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False, as_json: AsJson = False,
) -> None:
    """Remove deleted runs from the disk for good."""
    from mtl_core.registry.store import list_runs, purge_run, size_of

    chosen = run or [one.id for one in list_runs(deleted=True) if one.label.deleted]
    size = sum(size_of(one) for one in chosen) / 1e6
    if chosen and not yes:
        typer.confirm(f"Remove {', '.join(chosen)} for good? It frees {size:.1f} MB and cannot be undone.", abort=True, err=True)
    freed = {one: purge_run(one) for one in chosen}
    emit({"removed": list(freed), "bytes": sum(freed.values())}, as_json=as_json,
         show=lambda content: typer.echo(f"{len(content['removed'])} runs removed, {content['bytes'] / 1e6:.1f} MB freed"))


@runs_app.command("export")
def runs_export(run: RunId, output: Annotated[Path | None, typer.Option(help="Default: RUN.zip, here.")] = None) -> None:
    """Write a complete run as a zip file: arrays, JSON and CSV."""
    from mtl_core.registry.archive import export_run

    target = output or Path(f"{run}.zip")
    half_written = target.with_name(target.name + ".part")
    try:
        with half_written.open("xb") as file:
            export_run(run, file)
        half_written.replace(target)
    except FileExistsError as error:
        raise RunError(f"expected that nobody else writes {target}, got {half_written}; remove it if nobody does") from error
    except BaseException:
        half_written.unlink(missing_ok=True)
        raise
    typer.echo(str(target), err=True)


@runs_app.command("import")
def runs_import(file: Annotated[Path, typer.Argument(help="A zip file of `runs export`.")], as_json: AsJson = False) -> None:
    """Take in a run from elsewhere; nothing of a file that is not what it should be is kept."""
    from mtl_core.trainings import import_training

    _emit_run(import_training(file), as_json)


@runs_app.command("rebuild")
def runs_rebuild() -> None:
    """Make the index of runs anew from their folders."""
    from mtl_core.registry.store import rebuild

    typer.echo(f"{rebuild()} runs", err=True)


@runs_app.command("work", hidden=True)
def runs_work(run: RunId, lock: Annotated[int | None, typer.Option(hidden=True)] = None) -> None:
    """Be the process of a queued run. `runs start`, `runs resume`, `tune --detach` and `validate --detach` start it."""
    from mtl_core.registry.store import find_run

    kind = find_run(run).kind
    if kind == "tune":
        from mtl_core.studies import tune_queued as work
    elif kind == "validate":
        from mtl_core.validations import validate_queued as work
    else:
        from mtl_core.trainings import train_queued as work
    work(run, lock=lock)
