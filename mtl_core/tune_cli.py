"""python -m mtl_core tune: search for a better configuration, here or in a process of its own."""
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtl_core.console import AsJson, emit, without_startup_notes
from mtl_core.data.folds import Split
from mtl_core.errors import ConfigError
from mtl_core.runs_cli import CurationOption, Datasets, Preset, PresetOption, Seed, Tasks, config_of

if TYPE_CHECKING:
    from mtl_core.tuning.space import Space
    from mtl_core.tuning.study import StudyConfig, Trial

SPACES = ("default", "seed-project")
SpaceOption = Annotated[str, typer.Option(help=f"{' or '.join(SPACES)}, or a file with a space in JSON; see --show-space.")]


def tune(
    method: Annotated[Literal["bayesian", "random", "grid"], typer.Option(help="How the next trial is chosen.")] = "bayesian",
    trials: Annotated[int, typer.Option(min=1, help="After the one of the preset itself.")] = 40,
    initial: Annotated[int, typer.Option(min=2, help="Trials that fill the space before a surrogate is asked.")] = 10,
    acquisition: Annotated[Literal["EI", "LCB", "MPI"], typer.Option(help="What the surrogate is asked.")] = "EI",
    objective: Annotated[str, typer.Option(help="\"mean r2\", r2:TASK, nll or interval; on inner folds.")] = "mean r2",
    space: SpaceOption = "default",
    split: Annotated[Split, typer.Option(help="What the folds keep together.")] = "reference",
    outer_folds: Annotated[int, typer.Option(min=2)] = 5,
    outer_fold: Annotated[int, typer.Option(min=0, help="The one that is never tuned on.")] = 0,
    inner_folds: Annotated[int, typer.Option(min=2)] = 4,
    fold_seeds: Annotated[int, typer.Option(min=1, help="How often the inner folds are drawn.")] = 2,
    pruning: Annotated[bool, typer.Option(help="Reject hopeless trials early, by the median rule.")] = True,
    levels: Annotated[int, typer.Option(min=1, help="Values of a range, in a grid.")] = 3,
    workers: Annotated[int, typer.Option(min=0, help="Processes of one thread for trials side by side; 0: one by one.")] = 2,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, whose workers train instead.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Trials proposed together. Default: as many as workers.")] = None,
    preset: PresetOption = Preset.default, task: Tasks = None, seed: Seed = 0, dataset: Datasets = None,
    curation: CurationOption = None,
    name: Annotated[str, typer.Option(help="What to call the study.")] = "",
    detach: Annotated[bool, typer.Option("--detach", help="In a process of its own, which outlives this terminal.")] = False,
    show_space: Annotated[bool, typer.Option("--show-space", help="Print the space as JSON and do nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search for a better configuration on inner folds, and score it on an outer fold that the search never saw.

    A study is a run: `runs list`, `runs stop`, `runs resume` and the others work for it.
    """
    from mtl_core.tuning.study import StudyConfig

    base = config_of(preset, task, seed, dataset, curation, "standard", "mean", 0.0, "none")
    chosen = _space(space, base.tasks)
    if show_space:
        typer.echo(chosen.model_dump_json(indent=1))
        return
    config = StudyConfig(
        base=base, space=chosen, method=method, n_trials=trials, n_initial=initial, acquisition=acquisition, objective=objective,
        split=split, n_outer=outer_folds, outer_fold=outer_fold, n_inner=inner_folds, n_seeds=fold_seeds, pruning=pruning,
        levels=levels, batch=batch or max(1, workers), workers=workers, scheduler=scheduler, seed=seed)
    _start(config, name, as_json) if detach else _tune(config, name, as_json)


def _space(text: str, tasks: tuple[str, ...]) -> "Space":
    from mtl_core.tuning.space import Space, default_space, seed_project_space

    if text in SPACES:
        return default_space(tasks) if text == "default" else seed_project_space(tasks)
    if not Path(text).is_file():
        raise ConfigError(f"expected --space {', '.join(SPACES)} or a JSON file, got {text!r}")
    return Space.model_validate_json(Path(text).read_text(encoding="utf-8"))


def _start(config: "StudyConfig", name: str, as_json: bool) -> None:
    from mtl_core import studies
    from mtl_core.registry.store import check_label

    run = studies.start_study(config, label=check_label(name=name))
    emit({"run": run}, as_json=as_json, show=lambda content: typer.echo(f"{run}: started; `runs show {run}` tells how it goes"))


def _tune(config: "StudyConfig", name: str, as_json: bool) -> None:
    from mtl_core import studies
    from mtl_core.registry.store import check_label

    with typer.progressbar(length=config.n_trials + 1, label="trials", file=sys.stderr) as bar:
        def show(trial: "Trial") -> None:
            bar.label = f"trial {trial.number} {trial.status}" + (f", {trial.score:.4f}" if trial.score is not None else "")
            bar.update(1)

        folder = studies.tune_here(config, label=check_label(name=name), progress=show)
    typer.echo(f"run {folder.name}: {folder}", err=True)
    emit({"run": folder.name, **(studies.read_study(folder.name).report or {})}, as_json=as_json, show=show_report)


def show_report(content: dict) -> None:
    """What a study found, in lines."""
    typer.echo(f"{content['n_trials']} trials: {content['complete']} complete, {content['pruned']} pruned, "
               f"{content['failed']} failed. Objective: {content['objective']}, folds by {content['split']}.")
    if "outer" not in content:
        typer.echo("No trial, or not the default, could be scored.")
        return
    inner, outer = content["inner"], content["outer"]
    typer.echo(f"Best: trial {content['incumbent']}" + ("" if content["changes"] else ", the default itself"))
    for setting, value in content["changes"].items():
        typer.echo(f"  {setting} = {value}")
    typer.echo(f"  {'':<22}{'default':>9}{'tuned':>9}{'gain':>9}")
    for words, row in (("inner folds", inner), ("outer fold, never seen", outer)):
        typer.echo(f"  {words:<22}{row['default']:>9.4f}{row['tuned']:>9.4f}{row['gain']:>+9.4f}")
    typer.echo(f"  optimism of the search {content['optimism']:>+26.4f}")
    for task, row in outer["tasks"].items():
        interval = f"[{row['low']:+.3f}, {row['high']:+.3f}]" if row["low"] is not None else "one paper, no interval"
        typer.echo(f"  R² on the outer fold, {task:<18} {row['r2_before']:.3f} → {row['r2_after']:.3f}, "
                   f"{row['difference']:+.3f} {interval}")


def tune_cost(
    config: Annotated[typer.FileText, typer.Argument(help="A StudyConfig in JSON, as the config of a study; - for stdin.")] = "-",
    as_json: AsJson = False,
) -> None:
    """How long such a study takes when nothing else keeps this machine busy, from a few steps of some of its trials."""
    from mtl_core.tuning.study import StudyConfig
    from mtl_core.workers import ONE_THREAD

    chosen = StudyConfig.model_validate_json(config.read())
    if chosen.workers:
        os.environ |= ONE_THREAD
    with without_startup_notes():
        from mtl_core.prospects import cost

        found = cost(chosen)
    emit(found.model_dump(), as_json=as_json, show=lambda content: typer.echo(
        f"{content['n_trials']} trials of about {content['of_trial'][0]:.0f} s: about {content['seconds'] / 60:.0f} minutes"))


def tune_beliefs(run: Annotated[str, typer.Argument(help="The id of a study.")], as_json: AsJson = False) -> None:
    """What the surrogate of a study believes now: importances, curves and planes of the score, and what to try next."""
    from mtl_core.prospects import landscape

    found = landscape(run)
    emit(found.model_dump() if found else {}, as_json=as_json, show=_show_beliefs)


def _show_beliefs(content: dict) -> None:
    if not content:
        typer.echo("The surrogate needs two trials with different scores.")
        return
    typer.echo(f"After {content['n_trials']} trials. Share of the score's variation that a dimension explains alone:")
    for name, share in content["importance"].items():
        typer.echo(f"  {name:<28}{share:>6.0%}")
    for proposal in content["next"]:
        typer.echo(f"Trial {proposal['number']}, {proposal['proposed_by']}: expected {proposal['mean']:.4f} ± "
                   f"{proposal['std']:.4f}, beats the best so far with {proposal['chance']:.0%}")
        typer.echo("  " + ", ".join(f"{name} {value}" for name, value in proposal["point"].items()))
