"""What the nested evaluation found, arranged for a reader: settings that were searched for anew in each fold. Pure."""
import pandas as pd

from app.validated import BETTER, RUNG_WORDS, UNCLEAR, WORSE, difference_word, interval_words
from mtl_core.tasks import TASKS
from mtl_core.validation.report import Estimate, Report
from mtl_core.validation.rungs import RUNGS


def words(report: Report) -> list[str]:
    """What it is, and then a sentence a rung; nothing where settings were not tuned anew."""
    found = report.tuned()
    if found.empty:
        return []
    said = [f"**Tuned anew in each fold.** The settings of this run were chosen once. Here a search of {found['n_trials'].max()} "
            "trials chose others for each fold, from its training rows alone, and they were tested on the fold that it never "
            "saw: that is what tuning is worth on new data."]
    for rung, rows in found.groupby("rung", sort=False):
        told = [f"{TASKS[row.task].label.lower()} {_gain(row)}" for row in rows.itertuples()]
        said.append(f"On {RUNG_WORDS[rung]}: {'; '.join(told)}.")
    return said


def _gain(row) -> str:
    """"+0.020 [−0.010, +0.050] of R² by tuning, cannot be told"."""
    gain = _estimate(-row.difference, -row.high, -row.low)
    word = {BETTER: "better beyond chance", WORSE: "worse beyond chance"}.get(difference_word(gain), UNCLEAR)
    return f"{interval_words(gain, '+.3f')} of R² by tuning, {word}"


def _estimate(value: float, low: float, high: float) -> Estimate:
    is_known = low == low and high == high
    return Estimate(value=value, low=low if is_known else None, high=high if is_known else None)


def table(report: Report) -> pd.DataFrame:
    """The same in numbers, as people read them; one row a rung and property."""
    rows = [{"Property": TASKS[row.task].label, "Held out": RUNGS[row.rung].label, "Folds": f"{row.n_folds} of {report.n_folds}",
             "R², this run": f"{row.ours:.3f}", "R², tuned anew": f"{row.tuned:.3f}",
             "This run − tuned anew": interval_words(_estimate(row.difference, row.low, row.high), "+.3f"),
             "Promised by the search": _signed(row.promised), "Did not come true": _signed(row.optimism)}
            for row in report.tuned().itertuples()]
    return pd.DataFrame(rows).set_index("Property")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
