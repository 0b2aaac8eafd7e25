"""What a training says about itself while it goes on, arranged for reading. Pure: the lines of its progress log in."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

INSIDE = "-inner"  # how the stages end whose networks only tell others, see `mtl_core.ensemble.wiring`
COUNTED = ("epoch", "n_epochs", "n_members", "n_finished")


@dataclass(frozen=True, eq=False)
class Curves:
    """One training of M members after E epochs, or the stages of a wiring, side by side.

    loss: task → [E, M]; validation: [E, M], empty without early stopping; finished: how many members had stopped, [E]; looks: one
    row a look at the rows held out, with epoch, task, split, r2 and coverage; last: the last line.
    """

    epochs: np.ndarray
    n_epochs: int
    n_members: int
    loss: dict[str, np.ndarray]
    validation: np.ndarray
    finished: np.ndarray
    looks: pd.DataFrame
    last: Mapping


def curves_of(lines: Sequence[Mapping], *, alone: str | None = None) -> Curves | None:
    """Of all members together, or of those that learn one task alone; None where they have not begun."""
    mine = [line for line in lines if line.get("alone") == alone and all(isinstance(line.get(name), int) for name in COUNTED)]
    if not mine:
        return None
    stages = dict.fromkeys(str(line.get("stage", "")) for line in mine)
    found = [_curves([line for line in mine if line.get("stage", "") == stage]) for stage in stages
             if not stage.endswith(INSIDE)]
    return _side_by_side(found, mine[-1]) if len(found) > 1 else replace(found[0], last=mine[-1])


def _side_by_side(stages: Sequence[Curves], last: Mapping) -> Curves:
    """Each stage learns another task, from its own first epoch."""
    longest = max(stages, key=lambda one: len(one.epochs))
    n = len(longest.epochs)
    losses = {task: np.pad(loss, ((0, n - len(loss)), (0, 0)), constant_values=np.nan)
              for one in stages for task, loss in one.loss.items()}
    return replace(longest, loss=losses, looks=pd.concat([one.looks for one in stages], ignore_index=True), last=last)


def _curves(mine: Sequence[Mapping]) -> Curves:
    last = mine[-1]
    return Curves(
        np.array([line["epoch"] for line in mine]), last["n_epochs"], last["n_members"],
        {task: _numbers([line["loss"][task] for line in mine]) for task in last["loss"]},
        _numbers([line["validation"] for line in mine]) if "validation" in last else np.empty((0, 0)),
        np.array([line["n_finished"] for line in mine]), _looks(mine), last)


def _numbers(rows: Sequence[Sequence[float | None]]) -> np.ndarray:
    return np.array(rows, dtype=float)  # None becomes NaN


def _looks(lines: Sequence[Mapping]) -> pd.DataFrame:
    found = [{"epoch": line["epoch"], "task": task, "split": split} | scores
             for line in lines for task, splits in line.get("held_out", {}).items() for split, scores in splits.items()]
    return pd.DataFrame(found, columns=["epoch", "task", "split", "r2", "coverage"]).astype({"r2": float, "coverage": float})


def members_spread(values: np.ndarray) -> pd.DataFrame:
    """Median and the range of nine members in ten, by epoch: columns middle, low, high; members that said nothing finite count
    not. values: [E, M]."""
    return pd.DataFrame(values).quantile([0.05, 0.5, 0.95], axis=1).T.set_axis(["low", "middle", "high"], axis=1)


def alone_of(lines: Sequence[Mapping]) -> dict[str, Curves]:
    """The trainings of one task alone that have begun, by task."""
    tasks = dict.fromkeys(line["alone"] for line in lines if isinstance(line.get("alone"), str))
    return {task: curves_of(lines, alone=task) for task in tasks}


def share_done(line: Mapping, waited: float = 0.0) -> float:
    """How much of a run is over, 0 to 1, `waited` seconds after its last line: by time where it says how much is left, else by
    epochs."""
    left, past = line.get("seconds_left"), line.get("seconds", 0.0)
    if left is None:
        return line["epoch"] / line["n_epochs"] if line["n_epochs"] else 0.0
    return min(1.0, (past + waited) / max(past + max(left, waited), 1e-9))


def in_time(seconds: float) -> str:
    """"45 s", "3 min 20 s", "1 h 05 min"."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
