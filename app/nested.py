"""What the nested evaluation found, arranged for a reader: settings that were searched for anew in each fold. Pure."""
import numpy as np
import pandas as pd

from app.validated import BETTER, RUNG_WORDS, UNCLEAR, WORSE, difference_word, interval_words
from mtl_core.tasks import TASKS
from mtl_core.validation.config import NESTED
from mtl_core.validation.report import Estimate, Report


def words(report: Report) -> list[str]:
    """What the nested evaluation found, a sentence a rung after the first one; nothing where it was not asked."""
    if not report.nested:
        return []
    n_trials = max(fold.n_trials for folds in report.nested.values() for fold in folds)
    said = [f"**Tuned anew in each fold.** The settings of this run were chosen once. Here a search of {n_trials} trials chose "
            "others for each fold, from its training rows alone, and they were tested on the fold that it never saw: that is "
            "what tuning is worth on new data."]
    for rung, found in lines(report).groupby("rung", sort=False):
        told = [f"{label.lower()} {_gain(difference)}" for label, difference in zip(found["Property"], found["difference"],
                                                                                    strict=True)]
        said.append(f"On {RUNG_WORDS[rung]}: {'; '.join(told)}.")
    return said


def _gain(found: Estimate) -> str:
    """"+0.020 [−0.010, +0.050] of R² by tuning, cannot be told"."""
    gain = Estimate(value=-found.value, low=_minus(found.high), high=_minus(found.low))
    word = {BETTER: "worse beyond chance", WORSE: "better beyond chance"}.get(difference_word(found), UNCLEAR)
    return f"{interval_words(gain, '+.3f')} of R² by tuning, {word}"


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def lines(report: Report) -> pd.DataFrame:
    """One row a rung and property: Property, rung, n_folds; ours and tuned (R² on the same rows), difference (Estimate, ours less
    tuned); promised: by how much the search was better than this run on the folds that it saw; optimism: of that what did not
    come true."""
    rows = []
    for rung, folds in report.nested.items():
        for task in report.tasks:
            score = report.score(task, rung, NESTED)
            if score is None or score.difference is None:
                continue
            gains = [fold.after[task] - fold.before[task] for fold in folds if task in fold.after and task in fold.before]
            promised = float(np.mean(gains)) if gains else np.nan
            rows.append({"Property": TASKS[task].label, "rung": rung, "n_folds": len(folds), "tuned": score.r2.value,
                         "ours": score.r2.value + score.difference.value, "difference": score.difference, "promised": promised,
                         "optimism": promised + score.difference.value})
    return pd.DataFrame(rows, columns=["Property", "rung", "n_folds", "ours", "tuned", "difference", "promised", "optimism"])


def table(report: Report) -> pd.DataFrame:
    """The same as people read it."""
    found = lines(report)
    signed = {name: [f"{value:+.3f}".replace("-", "−") for value in found[name]] for name in ("promised", "optimism")}
    return pd.DataFrame({
        "Property": found["Property"], "Held out": [report.rungs[rung].label for rung in found["rung"]],
        "Folds": found["n_folds"], "R², this run": found["ours"].map("{:.3f}".format),
        "R², tuned anew": found["tuned"].map("{:.3f}".format),
        "This run − tuned anew": [interval_words(one, "+.3f") for one in found["difference"]],
        "Promised by the search": signed["promised"], "Did not come true": signed["optimism"]}).set_index("Property")
