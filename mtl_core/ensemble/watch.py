"""What somebody who watches a training wants to know: one plain line an epoch."""
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.ensemble.trainer import History, Progress

EPOCHS = 20  # the latest, from which the pace is taken: the machine may have become busier
LOOK_SECONDS = 2.0  # from one look at the rows held out to the next, and so much longer that looking takes
LOOK_SHARE = 0.015  # of the time, at most

MARKS = ("alone", "stage")

Scores = Callable[[Ensemble], dict]


class Watch:
    """Writes the line of each epoch once: what a process learnt after its last save is learnt again, with the same numbers.

    start: of this process's work, on the monotonic clock; earlier: the lines of the processes before it; seconds_after: what
    follows the last epoch will take; epochs_after: as many more epochs follow in other trainings; scores: what a look at the rows
    held out finds; marks: what else each line holds, which tells it from those of other trainings (alone: the only task, where
    others are learnt without it; stage: of a wiring, see `wiring.Stage`); progress: whom else to tell.
    A line holds epoch, n_epochs, loss (task → one number a member, None when it is not finite), n_members, n_finished, seconds
    and seconds_left (None after the first epoch of a process, which compiles); with early stopping also validation, the mean
    loss of each member on the rows that it keeps back; now and then held_out, what `scores` found; and the marks.
    """

    def __init__(self, config: EnsembleConfig, write: Callable[[dict], None], *, start: float, earlier: Sequence[Mapping] = (),
                 seconds_after: float = 0.0, epochs_after: float = 0.0, scores: Scores | None = None,
                 marks: Mapping[str, str] | None = None, progress: Progress | None = None):
        self._config, self._write, self._after, self._progress = config, write, seconds_after, progress
        self._scores, self._marks, self._epochs_after = scores, marks or {}, epochs_after
        self._start = start - (earlier[-1]["seconds"] if earlier else 0.0)
        mine = [line for line in earlier if all(line.get(mark) == self._marks.get(mark) for mark in MARKS)]
        self._n_written = max((line["epoch"] for line in mine), default=0)
        self._ends, self._look_at, self._took, self._seen = deque(maxlen=EPOCHS + 1), 0.0, [], None

    def seconds(self) -> float:
        """Since the run began, without the time in which no process worked at it."""
        return time.monotonic() - self._start

    def look(self, epoch: int, ensemble: Callable[[], Ensemble]) -> None:
        """See how the ensemble does on the rows held out, if it is time to; see `fit.Look`."""
        start = time.monotonic()
        is_last = epoch == self._config.train.epochs
        if self._scores is None or epoch <= self._n_written or not (is_last or start >= self._look_at):
            return
        self._seen, end = self._scores(ensemble()), time.monotonic()
        self._took.append(end - start)
        took = min(self._took[1:], default=0.0)  # the first one compiles, and others may have to wait for the machine
        self._look_at = end + max(LOOK_SECONDS, took / LOOK_SHARE)

    def __call__(self, epoch: int, n_epochs: int, history: History) -> None:
        """An epoch is done; see `trainer.Progress`."""
        self._ends.append(self.seconds())
        if epoch > self._n_written:
            self._write(self._line(epoch, n_epochs, history))
        self._seen = None
        if self._progress:
            self._progress(epoch, n_epochs, history)

    def _line(self, epoch, n_epochs, history):
        return {
            **self._marks, "epoch": epoch, "n_epochs": n_epochs,
            "loss": {task: _plain(history.task_loss[-1, :, index]) for index, task in enumerate(self._config.tasks)},
            **({"validation": _plain(history.validation[-1])} if self._config.train.validation_share else {}),
            **({"held_out": self._seen} if self._seen else {}),
            "n_members": history.loss.shape[1], "n_finished": self._n_finished(epoch, n_epochs, history),
            "seconds": round(self._ends[-1], 2), "seconds_left": self._seconds_left(n_epochs - epoch)}

    def _n_finished(self, epoch, n_epochs, history):
        keeps_back, waited = ~np.isnan(history.validation[0]), epoch - history.last_epoch
        return int(((keeps_back & (waited >= self._config.train.patience)) | (epoch == n_epochs)).sum())

    def _seconds_left(self, n_epochs):
        if len(self._ends) < 2:
            return None
        pace = (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)
        return round((n_epochs + self._epochs_after) * pace + self._after, 1)


def _plain(values: np.ndarray) -> list[float | None]:
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]
