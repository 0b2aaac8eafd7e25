"""What explaining many alloys costs and how exact it is: python -m benchmarks.explain_overall VERB

The shipped ensemble answers.
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def cold(n: Annotated[int, typer.Option(min=10, help="Alloys of each property.")] = 500) -> None:
    """Seconds of a process that explains 500 alloys for each property, TensorFlow and the ensemble included (a minute)."""
    with tempfile.TemporaryDirectory() as folder:
        for said, more in (("those measured for each property", []), (f"the same {n} for both", ["--same"])):
            output, start = Path(folder) / "all.npz", time.perf_counter()
            words = [sys.executable, "-m", "mtl_core", "explain-all", "--n", str(n), "--output", str(output), *more]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - start
            last = [line for line in done.stderr.splitlines() if line.endswith("alloys")][-1]
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
            print(f"{said}: {last}, {seconds:.1f} s, {memory:.2f} GB at most; file {output.stat().st_size / 1e6:.0f} MB",
                  flush=True)


@app.command()
def gap(n: Annotated[int, typer.Option(min=10, help="Alloys of each property.")] = 500) -> None:
    """What the bars miss of the difference between two predictions, in % of the 5-95 % range."""
    from mtl_core.explain.attribution import typical_range
    from mtl_core.explain.overall import OverallSettings, overall
    from mtl_core.pipeline import load_predictor

    predictor = load_predictor()
    for one in overall(predictor, OverallSettings(n=n)):
        shares = 100 * one.alloys["gap"].abs() / typical_range(predictor, one.task)
        middle, most = shares.quantile([0.5, 0.95])
        print(f"{one.task.label}: {len(shares)} alloys, median {middle:.3f} %, p95 {most:.3f} %, max {shares.max():.3f} %")


@app.command()
def agreement(n: Annotated[int, typer.Option(min=2)] = 20) -> None:
    """Bars of n alloys against those of path-explain: largest distance of a bar, in % of the 5-95 % range."""
    from mtl_core.chemistry.composition import Composition
    from mtl_core.explain.attribution import attribute, typical_range
    from mtl_core.explain.baselines import baseline_of
    from mtl_core.explain.overall import OverallSettings, overall
    from mtl_core.pipeline import load_predictor

    predictor = load_predictor()
    for one in overall(predictor, OverallSettings(n=max(n, 10))):
        found, symbols = [], predictor.ensemble.spec.symbols
        for row, conditions in enumerate(one.conditions):
            reference = attribute(predictor, Composition.from_array(one.at[row], symbols, normalise=True), conditions, one.task,
                                  baseline=baseline_of("typical", predictor, None, one.task))
            theirs = dict(zip(reference.names, reference.values, strict=True))
            ours = one.elements[:, row].mean(axis=0)
            found.append(max(abs(ours[index] - theirs.get(symbol, 0.0)) for index, symbol in enumerate(symbols)))
        shares = 100 * np.array(found) / typical_range(predictor, one.task)
        print(f"{one.task.label}: {len(found)} alloys, median {np.median(shares):.3f} %, max {shares.max():.3f} %")


if __name__ == "__main__":
    app()
