"""Cells of the ladder: one model on one rung, as an out-of-fold table."""
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.parts import Part

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


def our_cell(prepared, parts: Sequence[Part], config: EnsembleConfig, *, state: Path, should_stop: Callable[[], bool],
             progress: Progress = lambda share: None) -> pd.DataFrame:
    """The ensemble of a config trained on the parts; columns as `metrics.out_of_fold` gives them.

    state: a file that an interrupted training goes on from; others are named after it. Raises StoppedError soon after
    should_stop() says so.
    """
    from mtl_core.ensemble.fit import fit_ensemble
    from mtl_core.uncertainty.metrics import out_of_fold

    tables, n_done = [], 0
    while n_done < len(parts):
        some, here = parts[n_done:n_done + MOST_PARTS], state.with_stem(f"{state.stem}_{n_done}")

        def say(epoch: int, n_epochs: int, loss: float, before: int = n_done, n: int = len(some)) -> None:
            progress((before + n * epoch / n_epochs) / len(parts))

        ensemble, _ = fit_ensemble(prepared.training, prepared.values, prepared.spec, config, some, progress=say, state=here,
                                   should_stop=should_stop)
        tables.append(out_of_fold(ensemble, some, prepared.observations, prepared.values))
        here.unlink(missing_ok=True)
        n_done += len(some)
    return pd.concat(tables, ignore_index=True)
