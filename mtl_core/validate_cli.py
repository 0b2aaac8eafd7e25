"""python -m mtl_core validate: a run on the rungs of the validation ladder, beside baselines on the same rows."""
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtl_core.console import AsJson, emit
from mtl_core.tasks import TASKS
from mtl_core.validation.config import OURS
from mtl_core.validation.rungs import RUNGS

if TYPE_CHECKING:
    from mtl_core.validation.config import Search, ValidationConfig
    from mtl_core.validation.report import Estimate, Report, Searched


def validate(
    run: Annotated[str, typer.Option(help="The run whose config is validated, or 'shipped'.")] = "shipped",
    size: Annotated[Literal["smoke", "main", "ladder"], typer.Option(
        help="smoke: seconds, a stand-in of few epochs; main: the three splits of the run, minutes; ladder: seven rungs, "
             "longer.")] = "main",
    rung: Annotated[list[str] | None, typer.Option(
        help=f"One of {', '.join(RUNGS)}; repeat for several. Default: those of the size.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="A baseline, or 'ours' for the run; repeat for several. Default: "
                                                           "all.")] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Default: as the run.")] = None,
    fold_seeds: Annotated[int | None, typer.Option(min=1, help="Default: as the run.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Members of the run a part, where it is trained for this.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of the run; given, it is trained for this on every rung.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of folds and models. Default: as the run.")] = None,
    nested: Annotated[bool, typer.Option("--nested", help="Also search for other settings anew in each fold, hours; without "
                                                          "--rung and --model only that, beside the run.")] = False,
    outer_folds: Annotated[int | None, typer.Option(min=1, help="So many folds of each rung, with --nested. Default: those of "
                                                                "one division.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Of each search, with --nested. Default: 40, 1 for smoke.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that fit baselines and trials; 0: this one.")] = None,
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
    usual = size_named(size)
    given = {"run": run, "rungs": rung and tuple(rung), "models": model and tuple(model), "n_folds": folds, "seed": seed,
             "n_fold_seeds": fold_seeds, "n_repeats": repeats, "epochs": epochs, "workers": workers, "scheduler": scheduler}
    config = usual.model_dump() | {key: value for key, value in given.items() if value is not None}
    if nested:
        config |= _nested(usual.nested, rung, model, {"n_outer": outer_folds, "n_trials": trials})
    config = ValidationConfig.model_validate(config)
    (_start if detach else _validate)(config, name, as_json)


def _nested(usual: "Search", rungs: list[str] | None, models: list[str] | None, given: dict) -> dict:
    """What of a ValidationConfig changes with the nested evaluation."""
    from mtl_core.data.folds import SPLITS
    from mtl_core.validation.config import NESTED

    searched = tuple(one for one in rungs if one in SPLITS) if rungs else usual.rungs
    return {"rungs": tuple(rungs or usual.rungs), "models": (*dict.fromkeys((*(models or (OURS,)), NESTED)),),
            "nested": usual.model_dump() | {"rungs": searched} | {key: value for key, value in given.items() if value}}


def _start(config: "ValidationConfig", name: str, as_json: bool) -> None:
    from mtl_core import validations
    from mtl_core.registry.store import check_label

    run = validations.start_validation(config, label=check_label(name=name))
    emit({"run": run}, as_json=as_json, show=lambda content: typer.echo(f"{run}: started; `runs show {run}` tells how it goes"))


def _validate(config: "ValidationConfig", name: str, as_json: bool) -> None:
    from mtl_core import validations
    from mtl_core.registry.store import check_label, find_run

    with typer.progressbar(length=len(config.cells), label="cells", file=sys.stderr) as bar:
        def show(line: dict) -> None:
            bar.label = f"{line['model']}, {line['rung']}, {line['share']:.0%}"
            bar.update(line["n_done"] - bar.pos)

        folder = validations.validate_here(config, label=check_label(name=name), progress=show)
    typer.echo(f"run {folder.name}: {folder}", err=True)
    report = validations.read_validation(folder.name).report
    epochs = find_run(report.run).config["train"]["epochs"]
    emit({"validation": folder.name, "is_stand_in": report.is_stand_in(epochs), **report.model_dump(mode="json")},
         as_json=as_json, show=lambda content: show_report(report, epochs))


def show_report(report: "Report", epochs: int = 0) -> None:
    """What a validation found, in lines: R² of each model on each rung, the paired difference to the run, the noise ceiling.

    epochs: of the run, of which a stand-in may have been trained for fewer.
    """
    ours = "stand-in" if report.is_stand_in(epochs) else "this run"
    if report.is_stand_in(epochs):
        typer.echo(f"Smoke check: what is scored is a stand-in that was trained for {report.epochs} epochs, not {report.run}, "
                   f"which had {epochs}. Do not quote it.")
    typer.echo(f"Run {report.run}: {report.n_folds} folds × {report.n_fold_seeds} fold seeds, seed {report.seed}. R² is pooled "
               "over out-of-fold rows, mean of the fold seeds; intervals are 95 %, over papers.")
    for rung, facts in report.rungs.items():
        typer.echo(f"\n{facts.label} ({facts.lock.rstrip('.')}). Held out: {facts.holds_out}.")
        for task in report.tasks:
            typer.echo(f"  {TASKS[task].label}")
            for score in (one for one in report.scores if (one.rung, one.task) == (rung, task)):
                gain = f"   {ours} − it {_words(score.difference, '+.3f')}" if score.difference else ""
                model = ours if score.model == OURS else score.model
                typer.echo(f"    {model:<18} R² {_words(score.r2, '.3f')}  MAE {score.mae.value:.4g}  n {score.n}{gain}")
    for rung, folds in report.nested.items():
        _show_searches(report.rungs[rung].label, folds)
    for task, kinds in report.noise.items():
        ceilings = ", ".join(f"{noise.r2_ceiling:.2f} (same {same}, {noise.n_groups} groups)" for same, noise in kinds.items()
                             if noise.r2_ceiling is not None)
        typer.echo(f"Repeats of {TASKS[task].label.lower()} leave an R² of at most {ceilings or 'what nobody measured'}.")


def _show_searches(rung: str, folds: "tuple[Searched, ...]") -> None:
    typer.echo(f"\n{rung}, tuned anew fold by fold; R² on inner folds before and after:")
    for fold in folds:
        r2 = ", ".join(f"{TASKS[task].symbol or task} {value:.3f} → {fold.after.get(task, value):.3f}"
                       for task, value in fold.before.items())
        changes = ", ".join(f"{name.split('.')[-1]} {value}" for name, value in fold.changes.items()) or "nothing"
        typer.echo(f"  fold {fold.fold}: {fold.n_trials} trials, {fold.seconds / 60:.0f} min; {r2}; changed: {changes}")


def _words(found: "Estimate", spec: str) -> str:
    return f"{found.value:{spec}}" + (f" [{found.low:{spec}}, {found.high:{spec}}]" if found.low is not None else "")
