"""What the nested evaluation found, arranged for a reader: settings that were searched for anew in each fold. Pure."""
import pandas as pd

from app.validated import BETTER, RUNG_WORDS, UNCLEAR, WORSE, difference_word, interval_words, number
from mtl_core.tasks import TASKS
from mtl_core.validation.config import NESTED
from mtl_core.validation.report import Estimate, Report
from mtl_core.validation.rungs import RUNGS


def words(report: Report) -> list[str]:
    """What it is, and then a sentence a rung; nothing where settings were not tuned anew."""
    found = report.tuned()
    if found.empty:
        return []
    said = [f"The settings of this run were chosen once. Here a search of {found['n_trials'].max()} trials chose others for each "
            "fold, from its training rows alone, and they were tested on the fold that it never saw: that is what tuning is "
            "worth on new data."]
    for rung, rows in found.groupby("rung", sort=False):
        told = [f"{TASKS[row.task].label.lower()} {_gain(row)}" for row in rows.itertuples()]
        said.append(f"On {RUNG_WORDS[rung]}: {'; '.join(told)}.")
    return said


def heading(report: Report) -> str:
    """"Tuned anew in each fold: 1 of 10 folds so far, 50 to 75 readings"."""
    n = [score.n for score in report.scores if score.model == NESTED]
    folds = [len(found) for found in report.nested.values()]
    readings = f"{min(n)} to {max(n)}" if min(n) < max(n) else f"{n[0]}"
    return (f"Tuned anew in each fold: {min(folds)} of {report.n_folds} folds{'' if is_whole(report) else ' so far'}, "
            f"{readings} readings")


def is_whole(report: Report) -> bool:
    """Whether at least half of the folds of each rung were searched for: fewer are an example, not a finding."""
    return all(2 * len(found) >= report.n_folds for found in report.nested.values())


def _gain(row) -> str:
    """"+0.020 [−0.010, +0.050] of R² by tuning, cannot be told"."""
    gain = _tuning(row)
    word = {BETTER: "better beyond chance", WORSE: "worse beyond chance"}.get(difference_word(gain), UNCLEAR)
    return f"{interval_words(gain, '+.3f')} of R² by tuning, {word}"


def _tuning(row) -> Estimate:
    """Tuned anew less this run."""
    is_known = row.low == row.low and row.high == row.high
    return Estimate(value=-row.difference, low=-row.high if is_known else None, high=-row.low if is_known else None)


def table(report: Report) -> pd.DataFrame:
    """The same in numbers, as people read them; one row a rung and property."""
    rows = [{"Property": TASKS[row.task].label, "Held out": RUNGS[row.rung].label, "Folds": f"{row.n_folds} of {report.n_folds}",
             "Readings": f"{report.score(row.task, row.rung, NESTED).n}",
             "R², this run": f"{row.ours:.3f}", "R², tuned anew": f"{row.tuned:.3f}",
             "By tuning": interval_words(_tuning(row), "+.3f"), "Promised": number(row.promised, "+.3f")}
            for row in report.tuned().itertuples()]
    return pd.DataFrame(rows).set_index("Property")
