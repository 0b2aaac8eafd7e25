"""Runs arranged for reading: as lines of one list, and a few of them side by side. Pure pandas.

Names, notes and tags are typed by people, and an imported run says what it likes: whoever shows them as markup escapes them.
"""
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from app.figures.scores import SPLIT_WORDS
from app.options import OPTIONS
from mtl_core.ensemble.config import PRESETS
from mtl_core.registry.runs import SHIPPED, Run
from mtl_core.tasks import TASKS

MOST_COMPARED, MOST_TAGS = 4, 12
NEW_PAPERS = "reference"
SHIPPED_NAME = "Shipped ensemble"
KINDS = {"train": "training", "tune": "search", "validate": "validation"}
METRICS = {"r2": "R²", "mae": "MAE", "rmse": "RMSE", "coverage": "the 90 % band held", "width": "width of the 90 % band"}
WORDS = {"alone": "Each property alone as well", "source": "Property that tells the others", "tasks": "Properties"}
LEVEL = "0.9"
ABSENT = "–"


def title(run: Run) -> str:
    """What a run is called: its name, or its id."""
    return run.label.name or (SHIPPED_NAME if run.id == SHIPPED else run.id)


def titles(runs: Sequence[Run]) -> dict[str, str]:
    """Id → title, with the id where two runs are called alike."""
    counts = Counter(title(run) for run in runs)
    return {run.id: title(run) if counts[title(run)] == 1 else f"{title(run)} ({run.id})" for run in runs}


def kind(run: Run) -> str:
    """What the run does, in one word."""
    return KINDS[run.kind]


def tasks(run: Run) -> tuple[str, ...]:
    """Keys of the properties that a run learns; those that today's code does not know are left out."""
    config = run.config.get("base", run.config)
    found = config.get("tasks", ()) if isinstance(config, Mapping) else ()
    return tuple(key for key in (found if isinstance(found, list | tuple) else ()) if key in TASKS)


def symbol(key: str) -> str:
    """How a property is abbreviated in a heading."""
    return TASKS[key].symbol or TASKS[key].label


def run_lines(runs: Sequence[Run], answering: str, *, zone: str | None = None) -> pd.DataFrame:
    """One line a run; R² and coverage (in %) are those of papers that the networks had not seen. zone: of the clock, else UTC."""
    scored = [key for key in TASKS if any(key in run.scores for run in runs)]
    lines = pd.DataFrame([{
        "Run": title(run), "Status": str(run.status), "In the app": "answers" if run.id == answering else "",
        **{f"R² {symbol(key)}": _of_new_papers(run, key, "r2") for key in scored},
        "Band held": _mean_coverage(run), "Started": run.started or run.created, "Minutes": _minutes(run),
        "Preset": preset_words(run), "Tags": list(run.label.tags), "Kind": kind(run),
        "Properties": ", ".join(symbol(key) for key in tasks(run)), "Note": run.label.note, "Id": run.id} for run in runs])
    return lines.assign(Started=pd.to_datetime(lines["Started"], utc=True).dt.tz_convert(_known(zone)))


def preset_words(run: Run) -> str:
    """"default", or "default, changed" where other settings than properties and data were chosen as well."""
    if run.kind != "train" or run.preset not in PRESETS:
        return run.preset or ""
    return run.preset if _is_like(run.config, _usual(run.preset)) else f"{run.preset}, changed"


@lru_cache
def _usual(preset: str) -> dict:
    return PRESETS[preset].model_dump(mode="json")


def _is_like(config: Mapping, usual: Mapping) -> bool:
    """Whether all settings are equal of which both say something; an older run says nothing of what came later."""
    return all(_is_like(value, usual[name]) if isinstance(value, Mapping) and isinstance(usual[name], Mapping) else
               value == usual[name] for name, value in config.items() if name in usual and name not in ("tasks", "data"))


def _known(zone: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(zone or "UTC")
    except (KeyError, ValueError, OSError):  # what a browser says, nobody promises
        return ZoneInfo("UTC")


def _of_new_papers(run: Run, key: str, metric: str) -> float | None:
    return run.scores.get(key, {}).get(NEW_PAPERS, {}).get(metric)


def _mean_coverage(run: Run) -> float | None:
    shares = [share for key in run.scores if (share := _of_new_papers(run, key, "coverage")) is not None]
    return 100 * float(np.mean(shares)) if shares else None


def _minutes(run: Run) -> float | None:
    return None if run.seconds is None else run.seconds / 60


def usual_tags(runs: Sequence[Run]) -> list[str]:
    """The tags that most runs have, by the alphabet; the others are found by their words."""
    counts = Counter(tag for run in runs for tag in run.label.tags)
    return sorted(tag for tag, _ in counts.most_common(MOST_TAGS))


def found(runs: Sequence[Run], words: str = "", statuses: Sequence[str] = (), tags: Sequence[str] = ()) -> tuple[Run, ...]:
    """The runs with all of these words somewhere in what is said of them, one of the statuses, and one of the tags."""
    return tuple(run for run in runs if (not statuses or run.status in statuses) and (not tags or set(tags) & set(run.label.tags))
                 and all(word in _said(run) for word in words.lower().split()))


def _said(run: Run) -> str:
    of_tasks = (f"{key} {TASKS[key].label} {TASKS[key].symbol}" for key in tasks(run))
    said = (run.id, title(run), run.label.note, *run.label.tags, run.preset or "", kind(run), run.status, *of_tasks)
    return " ".join(said).lower()


# --- a few of them side by side ---


def config_differences(runs: Sequence[Run]) -> pd.DataFrame:
    """One row an option in which the runs differ, one column a run; what their data and their code were stands last."""
    names = titles(runs)
    columns = {names[run.id]: _flat(run.config) | {"data (fingerprint)": run.data_sha256[:12]} for run in runs}
    options = list(dict.fromkeys(option for column in columns.values() for option in column))
    rows = {option: [column.get(option, ABSENT) for column in columns.values()] for option in options}
    words = {option.path: option.label for option in OPTIONS} | WORDS
    differing = {words.get(option, option): row for option, row in rows.items() if len(set(row)) > 1}
    return pd.DataFrame.from_dict(differing, orient="index", columns=list(columns)).rename_axis("Option")


def _flat(config: Mapping, prefix: str = "") -> dict[str, str]:
    """Options as dotted names, values as text."""
    flat = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = " · ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return flat


def side_by_side(runs: Sequence[Run], reports: Mapping[str, Mapping], metric: str) -> pd.DataFrame:
    """One row a property and split, one column a run. reports: run id → what `mtl_core.pipeline.evaluate` gives."""
    names, rows = titles(runs), {}
    for run in runs:
        for key, splits in reports.get(run.id, {}).get("metrics", {}).items():
            for split, scores in splits.items():
                place = {"Property": _property(key, metric), "Held out": SPLIT_WORDS.get(split, split)}
                rows.setdefault((key, split), place)[names[run.id]] = _value(scores, metric)
    return pd.DataFrame(list(rows.values()), columns=["Property", "Held out", *(names[run.id] for run in runs)])


def _property(key: str, metric: str) -> str:
    task = TASKS[key]
    return f"{task.label} ({task.learning_unit})" if metric in ("mae", "rmse", "width") else task.label


def _value(scores: Mapping, metric: str) -> float:
    return scores[metric][LEVEL] if metric in ("coverage", "width") else scores[metric]


def differences(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Other − one, of each property and split that both were tested on by the same folds; and those on other folds.

    one, other: out-of-fold tables. The rows are those of `mtl_core.uncertainty.comparison.compare`.
    """
    from mtl_core.uncertainty.comparison import compare

    ours, theirs = _parts(one), _parts(other)
    both = [(key, split) for key in TASKS for split in SPLIT_WORDS if (key, split) in ours and (key, split) in theirs]
    paired = [part for part in both if _folds(ours[part]) == _folds(theirs[part])]
    if not paired:
        return pd.DataFrame(), both
    compared = compare(*(pd.concat([parts[part] for part in paired]) for parts in (ours, theirs)))
    return compared, [part for part in both if part not in paired]


def _parts(out_of_fold: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    known = out_of_fold[out_of_fold["task"].isin(TASKS) & out_of_fold["split"].isin(SPLIT_WORDS)]
    return dict(iter(known.groupby(["task", "split"], sort=False)))


def _folds(rows: pd.DataFrame) -> frozenset:
    """Which measurements were held out together, whatever the folds are called."""
    return frozenset((seed, frozenset(of_fold["measurement_id"])) for (seed, _), of_fold in rows.groupby(["fold_seed", "fold"]))


def difference_lines(compared: pd.DataFrame) -> pd.DataFrame:
    """One row a property and split, with a verdict."""
    return pd.DataFrame([{
        "Property": TASKS[row["task"]].label, "Held out": SPLIT_WORDS[row["split"]], "Readings": row["n"],
        "R² of the first": row["r2_before"], "R² of this one": row["r2_after"], "Difference": row["difference"],
        "95 % interval": f"{_signed(row['low'])} to {_signed(row['high'])}", "What these papers can show": _verdict(row),
    } for row in compared.to_dict("records")])


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−") if np.isfinite(value) else ABSENT


def _verdict(row: Mapping) -> str:
    if row["low"] > 0:
        return "better"
    return "worse" if row["high"] < 0 else "no difference"


def in_short(run: Run) -> str:
    """"HV 0.62, E_pit 0.45": R² of new papers."""
    return ", ".join(f"{symbol(key)} {scores[NEW_PAPERS]['r2']:.2f}" for key, scores in run.scores.items()
                     if key in TASKS and NEW_PAPERS in scores).replace("-", "−")
