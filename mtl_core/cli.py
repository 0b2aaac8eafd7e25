"""The command line. With --json, stdout is exactly one JSON object; everything else goes to stderr.

Exit codes: 0 done, 1 the input or the data is wrong (the message says where), 2 the command itself is wrong.
"""
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from mtl_core.console import AsJson, emit, without_startup_notes
from mtl_core.data_cli import data_app
from mtl_core.errors import AlloyscopeError, in_words
from mtl_core.explain_cli import PH, Basis, Chloride, ProcessOption, Run, ScanRate, Temperature, explain, explain_all
from mtl_core.report_cli import report
from mtl_core.runs_cli import (
    Alone,
    Cap,
    ConfigFile,
    CurationOption,
    Datasets,
    FillOption,
    Gradients,
    Preset,
    PresetOption,
    ScalingOption,
    Seed,
    TargetTransform,
    Tasks,
    WiringOption,
    config_of,
    runs_app,
)
from mtl_core.tasks import TASKS
from mtl_core.tune_cli import tune, tune_beliefs, tune_cost
from mtl_core.types import Conditions
from mtl_core.validate_cli import validate

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Multi-task ensembles on sparsely labelled alloy data: data, train, tune, runs, predict, evaluate.")
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")
app.command()(explain)
app.command("explain-all")(explain_all)
app.command()(tune)
app.command("tune-cost")(tune_cost)
app.command("tune-beliefs")(tune_beliefs)
app.command()(validate)
app.command()(report)



def main() -> None:
    """Run the command line; a mistake of the user is a message and exit code 1, never a traceback."""
    try:
        app()
    except (AlloyscopeError, ValidationError, OSError) as error:
        typer.echo(f"Error: {in_words(error) if isinstance(error, ValidationError) else error}", err=True)
        sys.exit(1)


def _load_tensorflow() -> None:
    """For the commands that train or predict; it takes seconds."""
    with without_startup_notes():
        import tensorflow  # noqa: F401


@app.command()
def train(
    preset: PresetOption = Preset.default, task: Tasks = None, seed: Seed = 0, dataset: Datasets = None,
    curation: CurationOption = None, scaling: ScalingOption = "standard", fill: FillOption = "mean", cap: Cap = 0.0,
    target_transform: TargetTransform = "none", alone: Alone = False, wiring: WiringOption = "multi-task",
    task_gradients: Gradients = "sum", config: ConfigFile = None, as_json: AsJson = False,
) -> None:
    """Train here on all three splits, calibrate by paper, write a run folder and print its metrics; see also `runs start`."""
    from mtl_core import pipeline
    from mtl_core.trainings import train_here

    chosen = config_of(preset, task, seed, dataset, curation, scaling, fill, cap, target_transform, alone, config, wiring,
                       task_gradients)
    _load_tensorflow()
    with typer.progressbar(length=chosen.n_trainings * chosen.train.epochs, label="epochs", file=sys.stderr) as bar:
        folder = train_here(chosen, preset=None if config else preset.value, progress=lambda epoch, n_epochs, loss: bar.update(1))
    typer.echo(f"run {folder.name}: {folder}", err=True)
    emit(pipeline.evaluate(folder.name), as_json=as_json, show=_show_metrics)


@app.command()
def evaluate(run: Run = "shipped", as_json: AsJson = False) -> None:
    """Accuracy, coverage and width by task and split, beside ridge and extra trees on the same folds."""
    from mtl_core import pipeline

    emit(pipeline.evaluate(run), as_json=as_json, show=_show_metrics)


def _show_metrics(content):
    typer.echo(f"Run {content['run']}: {content['n_members']} members × {content['n_masks']} dropout masks. "
               "R² is pooled over out-of-fold rows, mean of the fold seeds.")
    for task, splits in content["metrics"].items():
        typer.echo(f"\n{TASKS[task].label} ({TASKS[task].learning_unit})")
        typer.echo(f"  {'split':<13}{'n':>5}{'R²':>7}{'MAE':>8}{'RMSE':>8}{'90 % covers':>13}{'width':>8}"
                   f"{'class mean':>12}{'ridge':>8}{'extra trees':>13}")
        for split, row in splits.items():
            other = {model: scores["r2"] for model, scores in content["baselines"][task][split].items()}
            typer.echo(f"  {split:<13}{row['n']:>5}{row['r2']:>7.3f}{row['mae']:>8.3g}{row['rmse']:>8.3g}"
                       f"{row['coverage']['0.9']:>13.3f}{row['width']['0.9']:>8.4g}{row['class_mean_r2']:>12.3f}"
                       f"{other['ridge']:>8.3f}{other['extra trees']:>13.3f}")
        _show_families(splits["reference"]["families"])
        _show_transfer(content["transfer"][task])
    _show_classes(content.get("classes", {}))


def _show_classes(classes):
    """Macro F1 by split, beside other models on the same rows, with 95 % intervals over papers."""
    for task, splits in classes.items():
        typer.echo(f"\n{TASKS[task].label} ({', '.join(TASKS[task].classes)})")
        typer.echo(f"  {'split':<13}{'n':>5}  {'model':<22}{'macro F1':>10}{'accuracy':>10}{'log loss':>10}   F1 gained")
        for split, row in splits.items():
            lines = [("this run", row["scores"], "")]
            lines += [(model, other["scores"], "{:+.3f} [{:+.3f}, {:+.3f}]".format(*other["gain"]["macro_f1"]))
                      for model, other in row["others"].items()]
            for model, scores, gain in lines:
                values = "".join(f"{scores[name][0]:>10.3f}" for name in ("macro_f1", "accuracy", "log_loss"))
                typer.echo(f"  {split:<13}{row['n']:>5}  {model:<22}{values}   {gain}")
        typer.echo("  Confusion by paper, true class by row: " + "; ".join(
            f"{name} " + " ".join(f"{count:.0f}" for count in counts)
            for name, counts in zip(splits["reference"]["classes"], splits["reference"]["confusion"], strict=True)))


def _show_families(families):
    within = ", ".join(f"{name} {row['r2']:.2f} (MAE {row['mae']:.3g}, n {row['n']})" for name, row in families.items())
    typer.echo(f"  R² within a family, by reference: {within or 'too few rows'}")


def _show_transfer(matrix):
    typer.echo("  90 % band, calibrated on (row) and tested on (column): " + ", ".join(matrix))
    for split, row in matrix.items():
        typer.echo(f"    {split:<13}" + "  ".join(f"{share:.3f}" for share in row.values()))


@app.command()
def predict(
    alloy: Annotated[str | None, typer.Option(help="Al0.5CoCrFeNi, or \"Fe-18Cr-10Ni-2Mo wt%\".")] = None,
    basis: Basis = None, process: ProcessOption = None, temperature_c: Temperature = 25.0, chloride_m: Chloride = 0.6,
    ph: PH = 7.0, scan_rate: ScanRate = None,
    level: Annotated[float, typer.Option(help="Nominal level of the band, 0.5 to 0.95.")] = 0.9,
    input: Annotated[Path | None, typer.Option(help="CSV with `composition` or at_Fe … / wt_Fe … columns.")] = None,
    output: Annotated[Path | None, typer.Option(help="CSV for the predictions of --input.")] = None,
    run: Run = "shipped",
    as_json: AsJson = False,
) -> None:
    """Predict one alloy (--alloy), or every row of a file (--input and --output)."""
    if (alloy is None) == (input is None) or (input is None) != (output is None):
        raise typer.BadParameter("expected either --alloy TEXT, or --input IN.csv with --output OUT.csv")
    conditions = Conditions(process=process, temperature_c=temperature_c, chloride_m=chloride_m, ph=ph, scan_rate_mv_s=scan_rate)
    if alloy is not None:
        _predict_one(alloy, basis, conditions, level, run, as_json)
    else:
        _predict_file(input, output, basis, conditions, level, run, as_json)


def _predict_one(alloy, basis, conditions, level, run, as_json):
    from mtl_core import pipeline
    from mtl_core.chemistry.grades import read_alloy

    composition = read_alloy(alloy, basis)
    _load_tensorflow()
    content = pipeline.predict_alloy(pipeline.load_predictor(run), composition, conditions, level=level)
    emit(content, as_json=as_json, show=_show_prediction)


def _show_prediction(content):
    conditions = ", ".join(f"{name} {'not reported' if value is None else value}"
                           for name, value in content["conditions"].items())
    typer.echo(f"{content['alloy']} (at.%); {conditions}")
    for task in content["tasks"]:
        answer = content[task]
        typer.echo(f"{TASKS[task].label}: {answer['mean']:.4g} {answer['unit']}  "
                   f"({answer['lower']:.4g} to {answer['upper']:.4g}, {_trust(answer, content['level'])})")
        if answer["domain_reason"]:
            typer.echo(f"  {answer['domain_reason']}")
    for task, answer in content.get("classes", {}).items():
        chances = ", ".join(f"{name} {chance:.0%}" for name, chance in answer["probabilities"].items())
        typer.echo(f"{TASKS[task].label}: {chances}{'' if answer['in_domain'] else '  (outside the domain)'}")
        if answer["domain_reason"]:
            typer.echo(f"  {answer['domain_reason']}")


def _trust(answer, level):
    if not answer["in_domain"]:
        return "outside the domain, band not supported"
    return f"empirical {level:.0%} band" if answer["level_supported"] else f"too few papers for a {level:.0%} band"


def _predict_file(source, target, basis, conditions, level, run, as_json):
    from mtl_core import pipeline
    from mtl_core.data.guards import read_text_table

    rows = read_text_table(source)
    _load_tensorflow()
    from mtl_core.batch import predict_table

    predictor = pipeline.load_predictor(run)
    with typer.progressbar(length=len(rows), label="alloys", file=sys.stderr) as bar:
        answers = predict_table(predictor, rows, default=conditions, level=level, basis=basis, progress=bar.update)
    answers.to_csv(target, index=False, lineterminator="\n")
    errors = [{"row": row, "error": error} for row, error in enumerate(answers["error"], start=2) if error]  # header: row 1
    emit({"output": str(target), "rows": len(rows), "predicted": len(rows) - len(errors), "errors": errors},
         as_json=as_json, show=_show_written)


def _show_written(content):
    typer.echo(f"{content['output']}: {content['predicted']} of {content['rows']} rows predicted, "
               f"{len(content['errors'])} with an error", err=True)
