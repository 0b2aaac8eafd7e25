"""Processes that compute side by side (dask.distributed): a few here, or the workers of a scheduler anywhere."""
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from mtl_core.errors import RunError, StoppedError
from mtl_core.fingerprints import code_sha256

if TYPE_CHECKING:
    from dask.distributed import Client, Future

POLL_SECONDS = 0.1
CONNECT_SECONDS = "5 s"
# Set before a worker process starts: TensorFlow reads them when it is imported.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3",
              "MPLBACKEND": "Agg"}

Job = TypeVar("Job")


@contextmanager
def connected(n: int, scheduler: str | None = None) -> "Iterator[Client]":
    """A client of n processes of one thread each, for as long as the context lasts, or of the scheduler at an address.

    Raises RunError where no scheduler answers.
    """
    import dask
    import dask.distributed  # first, or its own settings would be undone with ours

    logging.getLogger("distributed").setLevel(logging.ERROR)  # a worker that ends slowly is nobody's business
    settings = {"distributed.nanny.pre-spawn-environ": ONE_THREAD, "distributed.worker.daemon": False,
                "distributed.comm.timeouts.connect": CONNECT_SECONDS, "distributed.admin.large-graph-warning-threshold": "1 GiB"}
    with ExitStack() as open_ones:
        open_ones.enter_context(dask.config.set(settings))
        yield open_ones.enter_context(_client(n, scheduler, open_ones))


def _client(n: int, scheduler: str | None, open_ones: ExitStack) -> "Client":
    from dask.distributed import Client, LocalCluster

    if scheduler:
        try:
            return Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise RunError(f"expected a Dask scheduler at {scheduler}, got: {error}") from error
    folder = open_ones.enter_context(tempfile.TemporaryDirectory(prefix="alloyscope-", ignore_cleanup_errors=True))
    cluster = open_ones.enter_context(LocalCluster(
        n_workers=n, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0, local_directory=folder))
    return Client(cluster, set_as_default=False)


def as_done(client: "Client", waiting: "dict[Future, Job]", should_stop: Callable[[], bool],
            words: str) -> "Iterator[tuple[Future, Job]]":
    """Each future with its job, as they come. Raises StoppedError with these words when it should stop; what was under way is
    then given up."""
    try:
        while waiting:
            if should_stop():
                raise StoppedError(words)
            done = [future for future in waiting if future.done()]
            yield from ((future, waiting.pop(future)) for future in done)
            time.sleep(POLL_SECONDS if waiting and not done else 0.0)
    finally:
        client.cancel(list(waiting))


def check_code(expected: str) -> None:
    """For a worker: raises RunError where its code would give other numbers."""
    if (came := code_sha256()) != expected:
        raise RunError(f"expected a worker with the code {expected[:12]}, got one with {came[:12]}; install the same version "
                       "there")
