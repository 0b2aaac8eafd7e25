"""From the tables to the rows that a network learns from."""
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from mtl_core.data.phases import phase_rows
from mtl_core.data.rules import DEFAULT_EXCLUDED, EXCLUSIONS, MERGES
from mtl_core.data.schema import AT
from mtl_core.data.tables import AlloyTable
from mtl_core.tasks import DEFAULT_TASKS, PROPERTIES, TASKS, with_values

CONDITIONS = ("temperature_c", "chloride_m", "bromide_m", "sulphate_m", "perchlorate_m", "acid_m", "ph",
              "scan_rate_mv_s")


def observations(table: AlloyTable, tasks: Sequence[str] = DEFAULT_TASKS, *,
                 excluded: Collection[str] = DEFAULT_EXCLUDED, transpassive_shift_mv: float = 0.0) -> pd.DataFrame:
    """One row a measurement of `tasks`, in the order of the tasks and then of the measurement ids, index 0 … n-1.

    task, value in the task's unit (NaN when censored), low and high: the censoring interval, which is (value, value)
    for an exact measurement, (bound, inf) for ">", (-inf, bound) for "<" and the stated range otherwise. Then ids,
    groups, conditions (NaN = not reported), labels, flags and at_<El> in at.%. A task of classes has a row an alloy and paper,
    its value the position of the class.
    excluded: rows with any of these flags are left out; add "transpassive" to leave those out as well.
    transpassive_shift_mv: moves the bound of `transpassive` rows, to see what their rule is worth.
    """
    unknown = sorted(set(tasks) - set(TASKS))
    if unknown:
        raise ValueError(f"expected tasks out of {', '.join(TASKS)}; got {', '.join(unknown)}")
    kept = [_readings(table, key, tasks, excluded).assign(task=key) for key in with_values(tasks)]
    frame = _joined(table, pd.concat(kept)) if kept else None
    if "phase" in tasks:
        labelled = phase_rows(_joined(table, table.measurements[~has_flag(table, excluded)])).assign(task="phase")
        frame = labelled if frame is None else pd.concat([frame, labelled], ignore_index=True)
    frame["task"] = pd.Categorical(frame["task"], categories=list(tasks), ordered=True)
    frame = frame.sort_values(["task", "measurement_id"], ignore_index=True).astype({"task": str})
    low, high = _interval(frame)
    low = low + transpassive_shift_mv * frame["flags"].str.split().map(lambda flags: "transpassive" in flags)
    return frame.assign(low=low, high=high)[_columns(frame)]


def _readings(table: AlloyTable, key: str, tasks: Sequence[str], excluded: Collection[str]) -> pd.DataFrame:
    """The measurements of a task with values; those of a test type of its own are not also learnt by the property itself."""
    task, rows = TASKS[key], table.measurements
    if not task.measured_as:
        others = {TASKS[other].test_type for other in tasks if TASKS[other].measured_as == key}
        return rows[(rows["property"] == key) & ~rows["test_type"].isin(others) & ~has_flag(table, excluded)]
    is_mine = (rows["property"] == task.measured_as) & (rows["test_type"] == task.test_type)
    return rows[is_mine & ~has_flag(table, set(excluded) - {"compression-test"})]


def _joined(table: AlloyTable, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.merge(table.alloys, on="alloy_id", validate="m:1").merge(
        table.references.rename(columns={"group": "reference_group"}), on="reference_id", validate="m:1")


def has_flag(table: AlloyTable, flags: Collection[str]) -> pd.Series:
    """Whether each measurement carries any of `flags`."""
    return table.measurements["flags"].str.split().map(lambda words: not set(flags).isdisjoint(words))


def waterfall(table: AlloyTable, *, excluded: Collection[str] = DEFAULT_EXCLUDED) -> pd.DataFrame:
    """Per property: filled cells in the sources, rows that each rule takes away, and what default training uses.

    Columns: property, step, n (rows left), removed. A row is counted at the first rule that takes it.
    """
    rows = table.measurements
    return pd.DataFrame([step for key in PROPERTIES for step in _steps(rows[rows["property"] == key], key, excluded)])


def _steps(rows: pd.DataFrame, key: str, excluded: Collection[str]) -> list[dict]:
    left = int(rows["source_rows"].str.split().map(len).sum())
    steps = [{"property": key, "step": "filled cells in the source", "n": left, "removed": 0}]
    for name, removed in _removals(rows, excluded):
        left -= removed
        steps.append({"property": key, "step": name, "n": left, "removed": removed})
    return [*steps, {"property": key, "step": "default training", "n": left, "removed": 0}]


def _removals(rows: pd.DataFrame, excluded: Collection[str]) -> list[tuple[str, int]]:
    copies = rows["source_rows"].str.split().map(len) - 1
    words = rows["flags"].str.split()
    merging = [rule.name for rule in MERGES]
    first_merge = words.map(lambda flags: next((name for name in merging if name in flags), ""))
    first_flag = words.map(lambda flags: next((rule.name for rule in EXCLUSIONS if rule.name in flags), ""))
    removals = [(name, int(copies[first_merge == name].sum())) for name in merging]
    removals += [(rule.name, int((first_flag == rule.name).sum())) for rule in EXCLUSIONS if rule.name in excluded]
    return [(name, removed) for name, removed in removals if removed]


def _interval(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    is_exact = frame["value"].notna()
    low = frame["value"].where(is_exact, frame["value_low"].where(frame["bound"] != "<", -np.inf))
    high = frame["value"].where(is_exact, frame["value_high"].where(frame["bound"] != ">", np.inf))
    return low, high


def _columns(frame: pd.DataFrame) -> list[str]:
    return ["measurement_id", "alloy_id", "reference_id", "reference_group", "doi", "year", "task", "value", "low",
            "high", "bound", "unit", *CONDITIONS, "test_type", "process", "phases", "family", "source", "not_reported",
            "upper_bound", "flags", *(name for name in frame if name.startswith(AT))]
