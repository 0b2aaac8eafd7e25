"""`python -m benchmarks [RUN]`: one line a figure, with what it must reach. RUN: a run id, default the shipped ensemble."""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import browser, memory, predicting, training
from mtl_core.pipeline import load_predictor
from mtl_core.registry.runs import SHIPPED
from mtl_core.types import Conditions


def main(run: str = SHIPPED) -> None:
    """Measure and print everything; memory first, while this process is still small."""
    if sys.platform == "linux":
        show("app: resident memory after the first prediction", f"{memory.app_gigabytes():.2f} GB", "≤ 1.2 GB")
    if browser.CHROMIUM:
        middle, most = 1000 * np.quantile(browser.slider_seconds(), (0.5, 0.95))
        show("slider released to new number on screen", f"p50 {middle:.0f} ms, p95 {most:.0f} ms", "p95 ≤ 400 ms")
    show("descriptors of 100,000 alloys", f"{predicting.descriptors():.2f} s", "< 2 s")
    predictor = load_predictor(run)
    size = f"{predictor.n_members} members × {predictor.n_masks} masks"
    for words, conditions in (("conditions reported", predicting.REPORTED), ("process and scan rate not reported", Conditions())):
        middle, most = 1000 * np.quantile(predicting.one_alloy(predictor, conditions), (0.5, 0.95))
        show(f"one alloy, {size}, {words}", f"p50 {middle:.1f} ms, p95 {most:.1f} ms", "p95 ≤ 20 ms")
        show(f"10,000 alloys, {size}, {words}", f"{predicting.many_alloys(predictor, conditions):.1f} s", "≤ 10 s")
    times = training.compare()
    show(f"train {times.n_members} members, trunk 2x64, one epoch: Keras loop ÷ ours",
         f"{times.reference:.2f} s ÷ {times.ours:.3f} s = {times.ratio:.0f}", "≥ 40")


def show(what: str, measured: str, goal: str) -> None:
    """One line, at once: a benchmark takes minutes."""
    print(f"{what:<78}{measured:>28}   must reach {goal}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
