"""python -m mtl_core explain: what pushes a prediction, and what a small swap of elements would do to it."""
from pathlib import Path
from typing import Annotated, Literal

import typer

from mtl_core.console import AsJson, emit, without_startup_notes
from mtl_core.errors import ConfigError
from mtl_core.tasks import task_key
from mtl_core.types import Conditions, Process

Alloy = Annotated[str, typer.Option(help="Al0.5CoCrFeNi, or \"Fe-18Cr-10Ni-2Mo wt%\".")]
Basis = Annotated[Literal["at", "wt"] | None, typer.Option(help="Where the text does not say.")]
ProcessOption = Annotated[Process | None, typer.Option(case_sensitive=False, help="Default: not reported.")]
Temperature = Annotated[float, typer.Option(help="Temperature of the test solution in °C.")]
Chloride = Annotated[float, typer.Option(help="Chloride in mol/L.")]
PH = Annotated[float, typer.Option(help="pH of the test solution.")]
ScanRate = Annotated[float | None, typer.Option(help="mV/s; default: not reported.")]
Run = Annotated[str, typer.Option(help="A run id under data/runs, or 'shipped'.")]


def explain(
    alloy: Alloy,
    task: Annotated[str | None, typer.Option(help="By name or symbol: hardness or HV, pitting_potential or E_pit. Default: all "
                                                  "tasks of the run.")] = None,
    baseline: Annotated[str, typer.Option(
        help="An alloy; or typical, nearest, mean or distribution of those measured.")] = "typical",
    by: Annotated[Literal["element", "feature", "kind", "swap"], typer.Option(help="What a bar stands for.")] = "element",
    step: Annotated[float, typer.Option(help="at.% that a swap replaces, at most 1.")] = 1.0,
    basis: Basis = None, process: ProcessOption = None, temperature_c: Temperature = 25.0, chloride_m: Chloride = 0.6,
    ph: PH = 7.0, scan_rate: ScanRate = None, run: Run = "shipped", as_json: AsJson = False,
) -> None:
    """Say what pushes a prediction away from a baseline's (--by element, feature or kind), or what swaps would do (--by swap)."""
    from mtl_core import pipeline
    from mtl_core.chemistry.composition import Composition

    composition = Composition.from_text(alloy, basis=basis)
    conditions = Conditions(process=process, temperature_c=temperature_c, chloride_m=chloride_m, ph=ph, scan_rate_mv_s=scan_rate)
    with without_startup_notes():
        import tensorflow  # noqa: F401
    predictor = pipeline.load_predictor(run)
    chosen = [spec for spec in predictor.tasks if task is None or task_key(task) == spec.key]
    if not chosen:
        known = ", ".join(f"{spec.key} ({spec.symbol})" for spec in predictor.tasks)
        raise ConfigError(f"expected one of the tasks {known} of the run {run}, got {task!r}")
    content = {"alloy": composition.formula(), "conditions": conditions.model_dump(), "run": run, "by": by}
    if by == "swap":
        content |= _swaps(predictor, composition, conditions, chosen, step)
    else:
        content |= {"baseline": baseline, "tasks": {
            spec.key: _bars(predictor, composition, conditions, spec, baseline, by) for spec in chosen}}
    emit(content, as_json=as_json, show=_show_swaps if by == "swap" else _show_bars)


def explain_all(
    by: Annotated[Literal["element", "feature", "kind"], typer.Option(help="What a bar stands for.")] = "element",
    n: Annotated[int, typer.Option(min=10, max=5000, help="Alloys of each task, drawn evenly; all where there are fewer.")] = 500,
    same: Annotated[bool, typer.Option("--same", help="The same alloys for all tasks, also where one was not measured.")] = False,
    baseline: Annotated[Literal["typical", "mean"], typer.Option(help="What each is compared with.")] = "typical",
    output: Annotated[Path | None, typer.Option(help="File for all bars of all networks (.npz).")] = None,
    layout: Annotated[Path | None, typer.Option(help="File for a map of alloys that are explained alike (.npz).")] = None,
    run: Run = "shipped", as_json: AsJson = False,
) -> None:
    """Say what pushes the predictions of all alloys that each task was learnt from, each against the same one."""
    with without_startup_notes():
        import tensorflow  # noqa: F401
    from mtl_core import pipeline
    from mtl_core.explain import overall
    from mtl_core.explain.summary import summary
    from mtl_core.files import write_arrays

    found = overall.overall(pipeline.load_predictor(run), overall.OverallSettings(n=n, same=same, baseline=baseline),
                            progress=lambda done, total: typer.echo(f"{done} of {total} alloys", err=True))
    if output:
        overall.save(output, found)
    if layout:
        write_arrays(layout, {one.task.key: overall.layout(one) for one in found})
    emit({"run": run, "by": by, "tasks": {
        one.task.key: {"label": one.task.label, "unit": one.task.unit, "n_alloys": len(one.alloys),
                       "bars": _rows(summary(one.bars(by)))} for one in found}},
         as_json=as_json, show=_show_summary)


def _rows(table):
    """Records in which what is unknown is null."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _show_summary(content):
    for task in content["tasks"].values():
        typer.echo(f"{task['label']} ({task['unit']}), {task['n_alloys']} alloys; mean push (5 to 95 % of the networks), and "
                   "what one more at.% or unit does")
        for bar in task["bars"]:
            push = "" if bar["push"] is None else f"{bar['push']:>+12.3g} ({bar['push_low']:+.3g} to {bar['push_high']:+.3g})"
            typer.echo(f"  {bar['name']:<28}{bar['importance']:>10.3g} ({bar['low']:.3g} to {bar['high']:.3g}){push}")


def _bars(predictor, composition, conditions, task, baseline, by):
    from mtl_core.explain.attribution import attribute
    from mtl_core.explain.baselines import baseline_of

    start = baseline_of(baseline, predictor, composition, task)
    found = attribute(predictor, composition, conditions, task, by=by, baseline=start)
    columns = zip(found.names, found.values, found.spread, found.is_stable, found.error, strict=True)
    bars = [{"name": name, "value": float(value), "spread": float(spread), "is_stable": bool(is_stable), "error": float(error)}
            for name, value, spread, is_stable, error in columns]
    return {"unit": task.unit, "label": task.label, "baseline_alloy": None if isinstance(start, tuple) else start.formula(),
            "baseline": found.baseline, "prediction": found.prediction, "gap": found.gap,
            "bars": sorted(bars, key=lambda bar: -abs(bar["value"]))}


def _swaps(predictor, composition, conditions, tasks, step):
    from mtl_core.explain.swaps import swaps

    found = swaps(predictor, composition, conditions, step=step)
    columns = {spec.key: found.tasks.index(spec) for spec in tasks}
    rows = [{"out": out, "into": into, "tasks": {
        key: {"value": float(found.values[row, column]), "spread": float(found.spread[row, column]),
              "is_stable": bool(found.is_stable[row, column]), "in_domain": bool(found.in_domain[row, column])}
        for key, column in columns.items()}} for row, (out, into) in enumerate(zip(found.out, found.into, strict=True))]
    return {"step": step, "units": {spec.key: spec.unit for spec in tasks},
            "swaps": sorted(rows, key=lambda row: -row["tasks"][tasks[0].key]["value"])}


def _show_bars(content):
    for task in content["tasks"].values():
        start = content["baseline"] + (f" ({task['baseline_alloy']})" if content["baseline"] in ("typical", "nearest") else "")
        typer.echo(f"{task['label']}: {start} {task['baseline']:.4g} {task['unit']} → {content['alloy']} "
                   f"{task['prediction']:.4g} {task['unit']}")
        for bar in task["bars"]:
            doubt = "" if bar["is_stable"] else "   the networks disagree on the sign"
            typer.echo(f"  {bar['name']:<28}{bar['value']:>+10.4g} ± {bar['spread']:.3g}{doubt}")
        typer.echo(f"  {'not explained':<28}{task['gap']:>+10.2g}")


def _show_swaps(content):
    for row in content["swaps"]:
        effects = ", ".join(f"{one['value']:+.3g} ± {one['spread']:.2g} {content['units'][key]}{_doubt(one)}"
                            for key, one in row["tasks"].items())
        typer.echo(f"{content['step']:g} at.% {row['out']} → {row['into']}: {effects}")
    typer.echo("(?) fewer than nine networks in ten agree on the sign; (!) outside the domain of the property.")


def _doubt(effect):
    return ("" if effect["is_stable"] else " (?)") + ("" if effect["in_domain"] else " (!)")
