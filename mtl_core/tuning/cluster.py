"""Trials on a Dask cluster (dask.distributed): a few processes here, or workers anywhere.

Workers get all that a trial needs with the trial, and send back what it was worth; they need no disk and write nothing. A trial
whose worker dies is trained again by another one.
"""
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from mtl_core.console import without_startup_notes
from mtl_core.errors import RunError, StoppedError
from mtl_core.fingerprints import code_sha256
from mtl_core.tuning.rows import Rows
from mtl_core.tuning.study import Proposal, StudyConfig, Trial, changes_of

POLL_SECONDS = 0.1
CONNECT_SECONDS = "5 s"
# Set before a worker process starts: TensorFlow reads them when it is imported.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3",
              "MPLBACKEND": "Agg"}


class Cluster:
    """Workers for as long as a study lasts, as a context: `workers` processes of one thread each, or those of a scheduler."""

    def __init__(self, config: StudyConfig, rows: Rows, *, should_stop: Callable[[], bool]):
        self._config, self._rows, self._should_stop, self._open = config, rows, should_stop, ExitStack()

    def __enter__(self) -> "Cluster":
        import dask
        import dask.distributed  # first, or its own settings would be undone with ours

        logging.getLogger("distributed").setLevel(logging.ERROR)  # a worker that ends slowly is nobody's business
        settings = {"distributed.nanny.pre-spawn-environ": ONE_THREAD, "distributed.worker.daemon": False,
                    "distributed.comm.timeouts.connect": CONNECT_SECONDS,
                    "distributed.admin.large-graph-warning-threshold": "1 GiB"}
        try:
            self._open.enter_context(dask.config.set(settings))
            self.client = self._open.enter_context(self._connected())
        except BaseException:
            self._open.close()
            raise
        return self

    def _connected(self):
        from dask.distributed import Client, LocalCluster

        if self._config.scheduler:
            try:
                return Client(self._config.scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
            except (OSError, ValueError) as error:
                raise RunError(f"expected a Dask scheduler at {self._config.scheduler}, got: {error}") from error
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="alloyscope-", ignore_cleanup_errors=True))
        cluster = self._open.enter_context(LocalCluster(
            n_workers=self._config.workers, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0,
            local_directory=folder))
        return Client(cluster, set_as_default=False)

    def __exit__(self, *error) -> None:
        self._open.close()

    def evaluate(self, proposals: Sequence[Proposal], before: Sequence[Trial]) -> Iterator[Trial]:
        """The finished trials, as they come. Raises StoppedError when it should stop; what was under way is then given up."""
        code, before = code_sha256(), [trial for trial in before if trial.status == "complete"]
        waiting = {self.client.submit(_work, proposal, self._config, self._rows, before, code, pure=False,
                                      key=f"trial-{proposal.number}-{os.getpid()}"): proposal for proposal in proposals}
        try:
            while waiting:
                if self._should_stop():
                    raise StoppedError("stopped; resumed, it trains again the trials that were under way")
                done = [future for future in waiting if future.done()]
                yield from (self._result(future, waiting.pop(future)) for future in done)
                time.sleep(POLL_SECONDS if waiting and not done else 0.0)
        finally:
            self.client.cancel(list(waiting))

    def _result(self, future, proposal: Proposal) -> Trial:
        from dask.distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            return Trial(**proposal.model_dump(), status="failed", reason=f"It took several workers with it: {error}",
                         changes=changes_of(self._config.config_of(proposal.point), self._config.base))


def _work(proposal: Proposal, config: StudyConfig, rows: Rows, before: Sequence[Trial], code: str) -> Trial:
    """What a worker does. Raises RunError where its code would give other numbers."""
    if (came := code_sha256()) != code:
        raise RunError(f"expected a worker with the code {code[:12]}, got one with {came[:12]}; install the same version there")
    with without_startup_notes():
        import tensorflow as tf

        from mtl_core.tuning.objective import evaluate
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")
    return evaluate(proposal, config, rows, before)
