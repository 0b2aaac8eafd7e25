"""python -m mtl_core explain: what pushes a prediction, and what a small swap of elements would do to it."""
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from mtl_core.console import AsJson, emit, without_startup_notes
from mtl_core.errors import ConfigError
from mtl_core.tasks import task_key
from mtl_core.types import Conditions, Process
from mtl_core.words import signed, spoken, with_spread, written

Alloy = Annotated[str, typer.Option(help="Al0.5CoCrFeNi, \"Fe-18Cr-10Ni-2Mo wt%\", or a grade such as 316L.")]
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
        help="An alloy or a grade; or typical, nearest, mean or distribution of those measured.")] = "typical",
    by: Annotated[Literal["element", "feature", "kind", "swap"], typer.Option(help="What a bar stands for.")] = "element",
    step: Annotated[float, typer.Option(help="at.% that a swap replaces, at most 1.")] = 1.0,
    every: Annotated[bool, typer.Option("--all", help="All swaps, not only the best.")] = False,
    basis: Basis = None, process: ProcessOption = None, temperature_c: Temperature = 25.0, chloride_m: Chloride = 0.6,
    ph: PH = 7.0, scan_rate: ScanRate = None, run: Run = "shipped", as_json: AsJson = False,
) -> None:
    """Say what pushes a prediction away from a baseline's (--by element, feature or kind), or what swaps would do (--by swap)."""
    from mtl_core import pipeline
    from mtl_core.chemistry.grades import read_alloy

    composition = read_alloy(alloy, basis)
    conditions = Conditions(process=process, temperature_c=temperature_c, chloride_m=chloride_m, ph=ph, scan_rate_mv_s=scan_rate)
    with without_startup_notes():
        import tensorflow  # noqa: F401
    predictor = pipeline.load_predictor(run)
    chosen = [spec for spec in predictor.tasks if task is None or task_key(task) == spec.key]
    if not chosen:
        known = ", ".join(f"{spec.key} ({spec.symbol})" for spec in predictor.tasks)
        raise ConfigError(f"expected one of the tasks {known} of the run {run}, got {task!r}")
    content = {"alloy": composition.formula(), "name": _name(alloy), "conditions": conditions.model_dump(), "run": run, "by": by}
    if by == "swap":
        content |= _swaps(predictor, composition, conditions, chosen, step)
    else:
        content |= {"baseline": baseline, "tasks": {
            spec.key: _bars(predictor, composition, conditions, spec, baseline, by) for spec in chosen}}
    emit(content, as_json=as_json, show=partial(_show_swaps, every=every) if by == "swap" else _show_bars)


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
    from mtl_core.explain.baselines import baseline_of, outside_domain
    from mtl_core.explain.words import is_rough, sum_sentence, unit_of_change
    from mtl_core.features.words import called

    start = baseline_of(baseline, predictor, composition, task)
    found = attribute(predictor, composition, conditions, task, by=by, baseline=start)
    columns = zip(found.names, found.values, found.spread, found.is_stable, found.error, strict=True)
    bars = [{"name": name, "label": called(name), "value": float(value), "spread": float(spread), "is_stable": bool(is_stable),
             "error": float(error)} for name, value, spread, is_stable, error in columns]
    bars = sorted(bars, key=lambda bar: -abs(bar["value"]))
    return {"unit": task.unit, "unit_of_change": unit_of_change(task), "label": task.label,
            "baseline_alloy": None if isinstance(start, tuple) else start.formula(),
            "baseline": found.baseline, "prediction": found.prediction, "gap": found.gap, "is_rough": bool(is_rough(found)),
            "sum": sum_sentence(found, unit_of_change(task)),
            "outside_domain": outside_domain(predictor, composition, conditions, task, start),
            "baseline_name": _name(baseline), "bars": bars}


def _swaps(predictor, composition, conditions, tasks, step):
    from mtl_core.explain.attribution import typical_range
    from mtl_core.explain.swaps import swaps
    from mtl_core.explain.words import best_swaps, no_swap_words, support_words, swap_words, unit_of_change

    keys = [spec.key for spec in tasks]
    found = swaps(predictor, composition, conditions, step=step).of_tasks(keys)
    rows = [{"out": found.out[row], "into": found.into[row],
             "words": swap_words(found, row), "support": support_words(found, row), "tasks": {
                 key: {"value": float(found.values[row, column]), "spread": float(found.spread[row, column]),
                       "is_stable": bool(found.is_stable[row, column]), "in_domain": bool(found.in_domain[row, column]),
                       "n_measured": int(found.n_measured[row, column])} for column, key in enumerate(keys)}}
            for row in range(len(found.out))]
    best = best_swaps(found, {spec.key: typical_range(predictor, spec) for spec in tasks})
    return {"step": step, "no_swap": no_swap_words(found), "units": {spec.key: unit_of_change(spec) for spec in tasks},
            "best": {wanted: [rows[row] for row in chosen] for wanted, chosen in best.items()},
            "swaps": [rows[row] for row in found.ranked(range(len(rows)))]}


def _name(text):
    """Of a grade, None for anything else."""
    from mtl_core.chemistry.grades import graded

    grade = graded(text)
    return grade.name if grade else None


def _asked(content):
    """The alloy and all of its conditions, in a line."""
    stated = Conditions(**content["conditions"])
    unknown = [words for name, words in (("process", "processing not reported"), ("scan_rate_mv_s", "scan rate not reported"))
               if getattr(stated, name) is None]
    name = f"{content['name']}: " if content["name"] else ""
    typer.echo(name + " · ".join([content["alloy"], *filter(None, (spoken(stated), *unknown))]))


def _show_bars(content):
    from mtl_core.explain.words import SPREAD

    _asked(content)
    for task in content["tasks"].values():
        start, unit = task["baseline_name"] or task["baseline_alloy"] or "all measured alloys, one by one", task["unit"]
        start += f" ({content['baseline']})" if content["baseline"] in ("typical", "nearest", "mean") else ""
        change = f"{signed(task['prediction'] - task['baseline'])} {task['unit_of_change']}"
        typer.echo(f"\n{task['label']}: {start} {written(task['baseline'])} {unit} → {content['name'] or content['alloy']} "
                   f"{written(task['prediction'])} {unit} ({change})")
        if task["outside_domain"]:
            typer.echo(f"  Outside the domain: {' and '.join(task['outside_domain'])}; unlike what was measured for it.")
        if not task["bars"]:
            typer.echo("  Nothing differs from the baseline, so there is nothing to explain.")
            continue
        for bar in task["bars"]:
            doubt = "" if bar["is_stable"] else "   the networks disagree on the sign"
            typer.echo(f"  {bar['label']:<28}{with_spread(bar['value'], bar['spread']):>18}{doubt}")
        typer.echo(f"  {'not explained':<28}{signed(task['gap']):>9}")
        typer.echo(f"  {task['sum']}{' Read only bars that are much longer than that.' if task['is_rough'] else ''}")
    typer.echo(f"\n{SPREAD}\nNot explained: what the bars miss of the difference; an integral is taken as a sum over few points.")


def _show_swaps(content, every):
    from mtl_core.explain.words import MARKS, SPREAD

    _asked(content)
    typer.echo(f"{content['step']:g} at.% of one element out, as much of another in; {len(content['swaps'])} swaps tried.")
    for wanted, rows in ({"All swaps, those without a mark first": content["swaps"]} if every else content["best"]).items():
        typer.echo(f"\n{wanted}")
        for row in rows:
            typer.echo(f"  {row['words']}; {row['support']}")
        if not rows:
            typer.echo(f"  {content['no_swap']}")
    typer.echo(f"\n{SPREAD} {MARKS}{'' if every else ' --all lists all swaps.'}")
