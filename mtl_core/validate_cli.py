"""python -m mtl_core validate: a run on the rungs of the validation ladder, beside baselines on the same rows."""
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtl_core.console import AsJson, emit
from mtl_core.tasks import TASKS
from mtl_core.validation.rungs import RUNGS

if TYPE_CHECKING:
    from mtl_core.validation.config import ValidationConfig
    from mtl_core.validation.report import Estimate, Report


def validate(
    run: Annotated[str, typer.Option(help="The run whose config is validated, or 'shipped'.")] = "shipped",
    size: Annotated[Literal["smoke", "main", "ladder"], typer.Option(
        help="smoke: seconds; main: the three splits of the run, minutes; ladder: seven rungs, longer.")] = "main",
    rung: Annotated[list[str] | None, typer.Option(
        help=f"One of {', '.join(RUNGS)}; repeat for several. Default: those of the size.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="A baseline, or 'ours'; repeat for several. Default: all.")] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Default: as the run.")] = None,
    fold_seeds: Annotated[int | None, typer.Option(min=1, help="Default: as the run.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Members of ours a part, where it is trained for this.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of ours; given, it is trained for this on every rung.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of folds and models. Default: as the run.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that fit the baselines; 0: threads of this one.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, whose workers fit them instead.")] = None,
    name: Annotated[str, typer.Option(help="What to call the validation.")] = "",
    detach: Annotated[bool, typer.Option("--detach", help="In a process of its own, which outlives this terminal.")] = False,
    lock_folds: Annotated[bool, typer.Option("--lock-folds", help="Write assets/folds.json anew, and do nothing else.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score a run's config and the baselines on every rung, with intervals over papers, paired on the same rows.

    A validation is a run: `runs list`, `runs stop`, `runs resume` and the others work for it.
    """
    from mtl_core.validation.config import ValidationConfig
    from mtl_core.validation.config import size as size_named

    if lock_folds:
        from mtl_core import subjects

        emit(subjects.lock_folds(), as_json=as_json, show=lambda content: typer.echo(f"{len(content['rungs'])} rungs locked"))
        return
    given = {"run": run, "rungs": rung and tuple(rung), "models": model and tuple(model), "n_folds": folds, "seed": seed,
             "n_fold_seeds": fold_seeds, "n_repeats": repeats, "epochs": epochs, "workers": workers, "scheduler": scheduler}
    config = ValidationConfig.model_validate(size_named(size).model_dump() | {
        key: value for key, value in given.items() if value is not None})
    (_start if detach else _validate)(config, name, as_json)


def _start(config: "ValidationConfig", name: str, as_json: bool) -> None:
    from mtl_core import validations
    from mtl_core.registry.store import check_label

    run = validations.start_validation(config, label=check_label(name=name))
    emit({"run": run}, as_json=as_json, show=lambda content: typer.echo(f"{run}: started; `runs show {run}` tells how it goes"))


def _validate(config: "ValidationConfig", name: str, as_json: bool) -> None:
    from mtl_core import validations
    from mtl_core.registry.store import check_label

    with typer.progressbar(length=len(config.rungs) * len(config.models), label="cells", file=sys.stderr) as bar:
        def show(line: dict) -> None:
            bar.label = f"{line['model']}, {line['rung']}, {line['share']:.0%}"
            bar.update(line["n_done"] - bar.pos)

        folder = validations.validate_here(config, label=check_label(name=name), progress=show)
    typer.echo(f"run {folder.name}: {folder}", err=True)
    report = validations.read_validation(folder.name).report
    emit({"validation": folder.name, **report.model_dump(mode="json")}, as_json=as_json, show=lambda content: show_report(report))


def show_report(report: "Report") -> None:
    """What a validation found, in lines: R² of each model on each rung, the paired difference to ours, the noise ceiling."""
    typer.echo(f"Run {report.run}: {report.n_folds} folds × {report.n_fold_seeds} fold seeds, seed {report.seed}. R² is pooled "
               "over out-of-fold rows, mean of the fold seeds; intervals are 95 %, over papers.")
    for rung, facts in report.rungs.items():
        typer.echo(f"\n{facts.label} ({facts.lock.rstrip('.')}). Held out: {facts.holds_out}.")
        for task in report.tasks:
            typer.echo(f"  {TASKS[task].label}")
            for score in (one for one in report.scores if (one.rung, one.task) == (rung, task)):
                gain = f"   ours − it {_words(score.difference, '+.3f')}" if score.difference else ""
                typer.echo(f"    {score.model:<18} R² {_words(score.r2, '.3f')}  MAE {score.mae.value:.4g}  n {score.n}{gain}")
    for task, kinds in report.noise.items():
        ceilings = ", ".join(f"{noise.r2_ceiling:.2f} (same {same}, {noise.n_groups} groups)" for same, noise in kinds.items()
                             if noise.r2_ceiling is not None)
        typer.echo(f"Repeats of {TASKS[task].label.lower()} leave an R² of at most {ceilings or 'what nobody measured'}.")


def _words(found: "Estimate", spec: str) -> str:
    return f"{found.value:{spec}}" + (f" [{found.low:{spec}}, {found.high:{spec}}]" if found.low is not None else "")
