"""Cells of the ladder: one model on one rung, as an out-of-fold table."""
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.parts import Part
from mtl_core.fingerprints import code_sha256
from mtl_core.tasks import TASKS
from mtl_core.workers import as_done, check_code

STOPPED = "stopped; resumed, it does again the cell that was under way"
MOST_PARTS = 90  # that are trained at once; leaving out one row at a time would fill the memory otherwise

Progress = Callable[[float], None]  # told the share of the cell that is done; what it raises ends the cell


def baseline_cell(prepared, parts: Sequence[Part], model: str, config: EnsembleConfig, *, progress: Progress = lambda share: None,
                  n_jobs: int = -1) -> pd.DataFrame:
    """One of the baselines, see `baselines.baseline_out_of_fold`; columns as there. prepared: see `mtl_core.pipeline.Prepared`.

    Linear algebra runs on one thread a fit: more of them sum in another order, and the last digits differ.
    """
    from threadpoolctl import threadpool_limits

    from mtl_core.ensemble.baselines import ALL_BASELINES, baseline_out_of_fold

    with threadpool_limits(1):
        return baseline_out_of_fold(
            prepared.observations, prepared.values, prepared.spec, parts, seed=config.seed, training=prepared.training,
            preparation=config.preparation, models={model: ALL_BASELINES[model]}, n_jobs=n_jobs,
            progress=lambda done, total: progress(done / total))


def baseline_cell_on(client, prepared, parts: Sequence[Part], model: str, config: EnsembleConfig, *,
                     should_stop: Callable[[], bool], progress: Progress = lambda share: None) -> pd.DataFrame:
    """The same table from the workers of a Dask client, a part at a time; a part whose worker dies goes to another one."""
    code, rows = code_sha256(), client.scatter(prepared, broadcast=True, hash=False)
    waiting = {client.submit(_part, rows, part, model, config, code, pure=False): number for number, part in enumerate(parts)}
    tables: list[pd.DataFrame] = [pd.DataFrame()] * len(parts)
    for future, number in as_done(client, waiting, should_stop, STOPPED):
        tables[number] = future.result()
        progress(sum(len(table) > 0 for table in tables) / len(parts))
    found = pd.concat(tables)
    return pd.concat([found[found["task"] == task] for task in TASKS], ignore_index=True)  # as where all are fitted here


def _part(prepared, part: Part, model: str, config: EnsembleConfig, code: str) -> pd.DataFrame:
    """What a worker does."""
    check_code(code)
    return baseline_cell(prepared, [part], model, config, n_jobs=1)


def our_cell(prepared, parts: Sequence[Part], config: EnsembleConfig, *, state: Path, should_stop: Callable[[], bool],
             progress: Progress = lambda share: None) -> pd.DataFrame:
    """The ensemble of a config trained on the parts; columns as `metrics.out_of_fold` gives them.

    state: a file that an interrupted training goes on from; others are named after it. Raises StoppedError soon after
    should_stop() says so.
    """
    from mtl_core.ensemble.wiring import fit_any
    from mtl_core.uncertainty.metrics import out_of_fold

    tables, n_done = [], 0
    while n_done < len(parts):
        some, here = parts[n_done:n_done + MOST_PARTS], state.with_stem(f"{state.stem}_{n_done}")

        def say(epoch: int, n_epochs: int, history, before: int = n_done, n: int = len(some)) -> None:
            progress((before + n * epoch / n_epochs) / len(parts))

        ensemble = fit_any(prepared.training, prepared.values, prepared.spec, config, some, progress=say, state=here,
                           should_stop=should_stop)
        tables.append(out_of_fold(ensemble, some, prepared.observations, prepared.values))
        for kept in here.parent.glob(f"{here.stem}*{here.suffix}"):
            kept.unlink()
        n_done += len(some)
    return pd.concat(tables, ignore_index=True)
