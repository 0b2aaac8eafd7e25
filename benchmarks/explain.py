"""What explaining one alloy costs and how exact it is: python -m benchmarks.explain VERB

Each verb prints one table; --quick takes few alloys. The shipped ensemble answers.
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time
from functools import cache
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.types import Conditions

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Quick = Annotated[bool, typer.Option(help="A tenth of the alloys.")]
BASELINES = ("mean", "nearest", "CoCrFeNi", "Fe-18.5Cr-9Ni-1.5Mn-0.5Si-0.05C wt%")
REPORTED, UNREPORTED = Conditions(process="CAST", scan_rate_mv_s=1.0), Conditions(process="CAST")


@cache
def predictor():
    from mtl_core.pipeline import load_predictor

    return load_predictor()


def random_alloys(n: int, seed: int = 0) -> list[Composition]:
    """Different measured alloys of all tasks, drawn at random."""
    rows, symbols = predictor().observations, predictor().ensemble.spec.symbols
    at = np.unique(rows[[AT + symbol for symbol in symbols]].to_numpy(float), axis=0)
    drawn = np.random.default_rng(seed).choice(len(at), n, replace=False)
    return [Composition.from_array(at[index], symbols, normalise=True) for index in drawn]


@app.command()
def one(quick: Quick = False) -> None:
    """Seconds for one alloy: all tasks, all members, through path-explain at default steps."""
    from mtl_core.explain.attribution import attribute
    from mtl_core.explain.baselines import baseline_of

    def seconds(alloy, conditions, by, baseline):
        start = time.perf_counter()
        for task in predictor().tasks:
            attribute(predictor(), alloy, conditions, task, by=by, baseline=baseline_of(baseline, predictor(), alloy, task))
        return time.perf_counter() - start

    alloys = random_alloys(5 if quick else 40)
    print(f"first of all, TensorFlow's graphs included: {seconds(alloys[0], UNREPORTED, 'element', 'CoCrFeNi'):.2f} s")
    rows = []
    for said, conditions in (("all conditions reported", REPORTED), ("scan rate not reported", UNREPORTED)):
        for by, baseline in (("element", "CoCrFeNi"), ("element", "mean"), ("feature", "CoCrFeNi"), ("kind", "CoCrFeNi"),
                             ("element", "distribution")):
            few = alloys[:5] if baseline == "distribution" else alloys
            seconds(alloys[0], conditions, by, baseline)
            rows.append({"conditions": said, "by": by, "baseline": baseline}
                        | quantiles([seconds(alloy, conditions, by, baseline) for alloy in few]))
    show(rows)


@app.command()
def compact(quick: Quick = False, browser: Annotated[bool, typer.Option(help="Under a slider in headless Chromium too.")] = False,
            ) -> None:
    """Seconds of the bars under the sliders, all tasks, and their distance from those of path-explain."""
    from mtl_core.explain.attribution import attribute, typical_range
    from mtl_core.explain.compact import compact as bars

    amounts = np.linspace(0.5, 30, 20 if quick else 200)
    baseline, rows = Composition.from_text("CoCrFeNi"), []
    for said, conditions in (("all conditions reported", REPORTED), ("scan rate not reported", UNREPORTED)):
        taken = []
        for amount in (1.0, *amounts):
            alloy = Composition.from_text(f"Al{amount / 25:.6f}CoCrFeNi")
            start = time.perf_counter()
            for task in predictor().tasks:
                bars(predictor(), alloy, conditions, task, baseline=baseline)
            taken.append(time.perf_counter() - start)
        rows.append({"conditions": said} | quantiles(taken[1:]))
    show(rows)
    rows = []
    for task in predictor().tasks:
        away = [np.abs(bars(*asked, baseline=baseline).values - attribute(*asked, baseline=baseline).values).max()
                for asked in ((predictor(), alloy, UNREPORTED, task) for alloy in random_alloys(4 if quick else 40))]
        share = 100 * np.array(away) / typical_range(predictor(), task)
        rows.append({"task": task.key, "largest difference of a bar, % of range: median": np.median(share), "max": share.max()})
    show(rows)
    if browser:
        _under_a_slider(n_moves=10 if quick else 40)


@app.command()
def gap(quick: Quick = False) -> None:
    """prediction − baseline − sum of bars, in % of the task's 5-95 % range: 100 alloys, each against four baselines."""
    from mtl_core.explain.attribution import attribute, typical_range
    from mtl_core.explain.baselines import baseline_of

    rows, alloys = [], random_alloys(10 if quick else 100)
    for task in predictor().tasks:
        for baseline in BASELINES:
            for by in ("element", "feature"):
                found = [attribute(predictor(), alloy, UNREPORTED, task, by=by,
                                   baseline=baseline_of(baseline, predictor(), alloy, task)).gap for alloy in alloys]
                share = 100 * np.abs(found) / typical_range(predictor(), task)
                rows.append({"task": task.key, "baseline": baseline, "by": by, "median %": np.median(share),
                             "p95 %": np.quantile(share, 0.95), "max %": share.max()})
    show(rows)


@app.command()
def swaps(quick: Quick = False) -> None:
    """Ten swaps of 0.1 at.% against one of 1 at.%: 50 alloys, the most abundant element replaced by Cr, Mo, Al and Ni."""
    from mtl_core.explain.attribution import typical_range
    from mtl_core.explain.swaps import swapped, swaps

    tasks, found, seconds = predictor().tasks, [], []
    for alloy in random_alloys(5 if quick else 50):
        most = max(alloy.at, key=alloy.at.__getitem__)
        for into in {"Cr", "Mo", "Al", "Ni"} - {most}:
            whole = _only(swaps(predictor(), alloy, UNREPORTED, into=[into]), most)
            total, now = np.zeros(len(tasks)), alloy
            for _ in range(10):
                total += _only(swaps(predictor(), now, UNREPORTED, step=0.1, into=[into]), most)
                now = swapped(now, most, into, 0.1)
            found.append(np.stack([whole, total - whole]))
        start = time.perf_counter()
        swaps(predictor(), alloy, UNREPORTED)
        seconds.append(time.perf_counter() - start)
    whole, away = np.abs(np.moveaxis(found, 1, 0))
    show([{"task": task.key, "swaps": len(whole), "median change": np.median(whole[:, column]),
           "difference, median": np.median(away[:, column]), "max": away[:, column].max(), "unit": task.unit,
           "max, % of the change": 100 * (away / np.maximum(whole, 1e-3 * typical_range(predictor(), task)))[:, column].max()}
          for column, task in enumerate(tasks)])
    show([{"all pairs of one alloy": "scan rate not reported"} | quantiles(seconds)])


def _only(found, out):
    return found.values[found.out.index(out)]


def _under_a_slider(*, n_moves: int) -> None:
    """From the release of a slider to new numbers and to new bars on the Design page, the fold closed and open."""
    from benchmarks.browser import NUMBERS, SETTLE_MS, design_page

    drawn = "() => [...document.querySelectorAll('[data-testid=stExpander] .barlayer path')].map(e => e.getAttribute('d')).join()"
    rows = []
    with design_page() as page:
        page.wait_for_timeout(3000)
        slider = page.get_by_role("slider", name="Al (at.%)")
        for is_open in (False, True):
            if is_open:
                page.get_by_text("Why: what each element adds").click()
                page.wait_for_timeout(5000)
            taken = {"numbers": [], "bars": []}
            for to in np.linspace(1, 30, n_moves):
                before = {"numbers": page.evaluate(NUMBERS), "bars": page.evaluate(drawn)}
                slider.fill(f"{to + 0.3 * is_open:.1f}")
                start = time.perf_counter()
                slider.press("ArrowRight")
                for what, seen in (("numbers", NUMBERS), ("bars", drawn))[:1 + is_open]:
                    page.wait_for_function(f"before => ({seen})() !== before", arg=before[what])
                    taken[what].append(time.perf_counter() - start)
                page.wait_for_timeout(SETTLE_MS)
            rows += [{"fold": "open" if is_open else "closed", "until": what} | quantiles(seconds)
                     for what, seconds in taken.items() if seconds]
    show(rows)


def quantiles(seconds: list[float]) -> dict[str, float]:
    return {"p50 s": np.median(seconds), "p95 s": np.quantile(seconds, 0.95), "max s": max(seconds)}


def show(rows: list[dict]) -> None:
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.4g"), flush=True)


if __name__ == "__main__":
    app()
