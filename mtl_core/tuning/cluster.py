"""Trials on a Dask cluster, see `mtl_core.workers`.

Workers get all that a trial needs with the trial, and send back what it was worth; they need no disk and write nothing. A trial
whose worker dies is trained again by another one.
"""
import os
from collections.abc import Callable, Iterator, Sequence

from mtl_core.console import without_startup_notes
from mtl_core.fingerprints import code_sha256
from mtl_core.tuning.rows import Rows
from mtl_core.tuning.study import Proposal, StudyConfig, Trial, changes_of
from mtl_core.workers import as_done, check_code, connected


class Cluster:
    """Workers for as long as a study lasts, as a context: `workers` processes of one thread each, or those of a scheduler."""

    def __init__(self, config: StudyConfig, rows: Rows, *, should_stop: Callable[[], bool]):
        self._config, self._rows, self._should_stop = config, rows, should_stop
        self._connection = connected(config.workers, config.scheduler)

    def __enter__(self) -> "Cluster":
        self.client = self._connection.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._connection.__exit__(*error)

    def evaluate(self, proposals: Sequence[Proposal], before: Sequence[Trial]) -> Iterator[Trial]:
        """The finished trials, as they come. Raises StoppedError when it should stop; what was under way is then given up."""
        code, before = code_sha256(), [trial for trial in before if trial.status == "complete"]
        waiting = {self.client.submit(_work, proposal, self._config, self._rows, before, code, pure=False,
                                      key=f"trial-{proposal.number}-{os.getpid()}"): proposal for proposal in proposals}
        for future, proposal in as_done(self.client, waiting, self._should_stop,
                                        "stopped; resumed, it trains again the trials that were under way"):
            yield self._result(future, proposal)

    def _result(self, future, proposal: Proposal) -> Trial:
        from dask.distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            return Trial(**proposal.model_dump(), status="failed", reason=f"It took several workers with it: {error}",
                         changes=changes_of(self._config.config_of(proposal.point), self._config.base))


def _work(proposal: Proposal, config: StudyConfig, rows: Rows, before: Sequence[Trial], code: str) -> Trial:
    """What a worker does."""
    check_code(code)
    with without_startup_notes():
        import tensorflow as tf

        from mtl_core.tuning.objective import evaluate
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")
    return evaluate(proposal, config, rows, before)
