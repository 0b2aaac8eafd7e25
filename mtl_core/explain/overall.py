"""What pushes the predictions of many alloys: attributions of all that a task was learnt from.

Each alloy is explained against the typical alloy of the task, or its mean, under the conditions under which it was measured most
often.

Axes: member M · alloy n · element E, column C, bar N.
"""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.errors import CheckpointError
from mtl_core.explain.summary import Bars
from mtl_core.features.table import FeatureSpec, featurize
from mtl_core.files import read_arrays, write_arrays
from mtl_core.tasks import TASKS, TaskSpec
from mtl_core.types import Conditions

FORMAT = 2  # of what is stored
PRESENT = 0.05  # at.% from which an alloy holds an element; less is a trace
FEW = 30  # alloys, below which UMAP has nothing to go by
GROUPS = {"element": "elements", "descriptor": "descriptors", "corrosion": "descriptors"}


class OverallSettings(BaseModel):
    """Which alloys: n drawn evenly from those that each task was learnt from, or, with `same`, from those of all tasks.

    baseline: what each is compared with, see `mtl_core.explain.baselines`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(500, ge=10, le=5000)
    same: bool = False
    baseline: Literal["typical", "mean"] = "typical"


@dataclass(frozen=True, eq=False)
class Overall:
    """Attributions of n alloys of one task, in its unit.

    alloys: [n] rows with formula, family, n_readings, value (the median of exact ones), prediction, baseline, gap, in_domain and
    the conditions; at: at.% [n, E]; described: [n, C], the columns that follow from the composition, NaN where not reported;
    baseline_at, baseline_described: of the baseline; elements: [M, n, E]; features: [M, n, C].
    """

    task: TaskSpec
    symbols: tuple[str, ...]
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    alloys: pd.DataFrame
    at: np.ndarray
    described: np.ndarray
    baseline_at: np.ndarray
    baseline_described: np.ndarray
    elements: np.ndarray
    features: np.ndarray

    @property
    def conditions(self) -> list[Conditions]:
        """Those of each alloy; what the task does not depend on is left out."""
        return [_conditions(row, self.task) for row in self.alloys.to_dict("records")]

    def bars(self, by: str = "element") -> Bars:
        """Bars of the elements that some alloy or the baseline holds; of features, on that same path; or of the two kinds of
        features."""
        if by == "element":
            used = (self.at > 0).any(axis=0) | (self.baseline_at > 0)
            names = tuple(symbol for symbol, is_used in zip(self.symbols, used, strict=True) if is_used)
            return Bars(names, self.elements[..., used], self.at[:, used], self.baseline_at[used], self.at[:, used] >= PRESENT)
        if by == "feature":
            return Bars(self.columns, self.features, self.described, self.baseline_described, np.isfinite(self.described))
        names, nothing = tuple(dict.fromkeys(self.kinds)), np.full((len(self.alloys), len(set(self.kinds))), np.nan)
        sums = [self.features[..., np.array(self.kinds) == name].sum(axis=-1) for name in names]
        return Bars(names, np.stack(sums, axis=-1), nothing, nothing[0], np.isfinite(nothing))


def overall(predictor, settings: OverallSettings, *, progress=None) -> tuple[Overall, ...]:
    """Explain many alloys of every task; progress(done, total) counts alloys of all tasks."""
    drawn = [_drawn(predictor, task, settings) for task in predictor.tasks]
    total, before, found = sum(len(alloys) for _, alloys, _ in drawn), 0, []
    for task, (at, alloys, conditions) in zip(predictor.tasks, drawn, strict=True):
        def told(done, _, before=before):
            if progress:
                progress(before + done, total)
        found.append(explained(predictor, task, at, alloys, conditions, baseline=settings.baseline, progress=told))
        before += len(at)
    return tuple(found)


def explained(predictor, task: TaskSpec, at: np.ndarray, alloys: pd.DataFrame, conditions: Sequence[Conditions], *,
              baseline: str = "typical", progress=None) -> Overall:
    """Explain alloys [n, E] of one task; alloys: what is known of them, [n] rows; baseline: as `baseline_of` reads it."""
    from mtl_core.explain.baselines import baseline_of
    from mtl_core.explain.batched import attribute_many, n_of_composition

    spec, n_columns = predictor.ensemble.spec, n_of_composition(predictor)
    baseline_at = predictor.at_matrix([baseline_of(baseline, predictor, None, task)])
    batch = attribute_many(predictor, task, at, baseline_at[0], conditions, progress=progress)
    reasons = predictor.domains[task.key].reasons(at, [()] * len(at), conditions)
    alloys = alloys.assign(prediction=batch.prediction, baseline=batch.baseline, gap=batch.gap,
                           in_domain=[not reason for reason in reasons])
    described, from_described = (_described(spec, some, predictor.unstated(some))[:, :n_columns] for some in (at, baseline_at))
    return Overall(task, spec.symbols, spec.columns[:n_columns], tuple(GROUPS[kind] for kind in spec.kinds[:n_columns]), alloys,
                   at, described, baseline_at[0], from_described[0], batch.elements, batch.features)


def _described(spec: FeatureSpec, at, unstated):
    return featurize(at, {"not_reported": unstated}, spec).values


def _drawn(predictor, task, settings):
    """at.% [n, E] of the different alloys, a table of what is known of them, and the conditions of each.

    Sorted before they are drawn, so that every so many-th follows the distribution. An alloy that was never measured for this
    task gets the conditions that are stated most often for it.
    """
    symbols, rows = predictor.ensemble.spec.symbols, predictor.observations
    rows = rows[rows[[AT + symbol for symbol in symbols]].sum(axis=1) > 0]
    at, is_mine = rows[[AT + symbol for symbol in symbols]].to_numpy(float), (rows["task"] == task.key).to_numpy()
    distinct, group = np.unique((100.0 * at / at.sum(axis=1, keepdims=True)).round(6), axis=0, return_inverse=True)
    group = group.ravel()
    pool = np.unique(group if settings.same else group[is_mine])
    n = min(settings.n, len(pool))
    chosen = pool[((np.arange(n) + 0.5) / n * len(pool)).astype(int)]
    readings, usual = dict(list(rows[is_mine].groupby(group[is_mine]))), _usual(rows[is_mine], task)
    families = rows["family"].groupby(group).agg(lambda words: words.mode().iloc[0])
    known = [_known(readings.get(one), task, usual) for one in chosen]
    formulas = [Composition.from_array(distinct[one], symbols, normalise=True).formula(digits=1) for one in chosen]
    alloys = pd.DataFrame(known).assign(formula=formulas, family=families[chosen].to_numpy())
    alloys = alloys.assign(**{name: alloys[name].fillna("") if name == "process" else alloys[name].astype(float)
                              for name in task.conditions})
    conditions = [_conditions(one, task) for one in known]
    return 100.0 * distinct[chosen] / distinct[chosen].sum(axis=1, keepdims=True), alloys, conditions


def _conditions(stated: Mapping, task: TaskSpec) -> Conditions:
    """As they were measured, be they within what a what-if may ask or not."""
    given = {name: stated[name] for name in task.conditions if stated[name] != "" and not pd.isna(stated[name])}
    return Conditions.model_construct(**dict.fromkeys(Conditions.model_fields) | given)


def _known(rows: pd.DataFrame | None, task: TaskSpec, usual: Mapping) -> dict:
    """What the readings of one alloy say: how many, their median, and the conditions under which most were taken."""
    if rows is None:
        return {"n_readings": 0, "value": np.nan} | dict(usual)
    exact = rows["value"].dropna()
    return {"n_readings": len(rows), "value": exact.median() if len(exact) else np.nan} | _most_often(rows, task)


def _most_often(rows, task):
    return dict(zip(task.conditions, Counter(_stated(rows, task)).most_common(1)[0][0], strict=True))


def _usual(rows, task):
    """The conditions that are stated most often, together."""
    whole = [given for given in _stated(rows, task) if None not in given] or [(None,) * len(task.conditions)]
    return dict(zip(task.conditions, Counter(whole).most_common(1)[0][0], strict=True))


def _stated(rows, task):
    given = rows[list(task.conditions)].astype(object)
    return list(map(tuple, given.where(given.notna() & (given != ""), None).to_numpy()))


def layout(found: Overall) -> np.ndarray:
    """Where each alloy stands among the others when alloys are neighbours that are explained alike, [n, 2]: UMAP of the bars of
    elements, all in the unit of the task; principal components of few alloys. Seconds, and 15 s more the first time in a
    process, while UMAP compiles."""
    from mtl_core.features.projection import MapSettings, umap_of

    distinct, index = np.unique(found.bars().values, axis=0, return_inverse=True)
    if len(distinct) < FEW:
        left, scales, _ = np.linalg.svd(distinct - distinct.mean(axis=0), full_matrices=False)
        return (left * scales)[:, :2][index.ravel()]
    return umap_of(distinct, MapSettings(min_dist=0.1))[index.ravel()]


_ARRAYS = ("at", "described", "baseline_at", "baseline_described", "elements", "features")
_NAMES = ("symbols", "columns", "kinds")


def save(path: Path, found: Sequence[Overall]) -> None:
    """Write arrays only, by rename."""
    arrays = {}
    for one in found:
        arrays |= {f"{one.task.key}/{name}": getattr(one, name) for name in _ARRAYS}
        arrays |= {f"{one.task.key}/{name}": np.array(getattr(one, name), dtype=str) for name in _NAMES}
        arrays |= {f"{one.task.key}/alloys/{name}": _as_array(column) for name, column in one.alloys.items()}
    write_arrays(path, arrays, compressed=False)


def _as_array(column: pd.Series) -> np.ndarray:
    """Words as text, with "" for none; all else as numbers."""
    is_text = column.dtype == object and column.map(lambda one: isinstance(one, str)).any()
    return column.fillna("").to_numpy(str) if is_text else column.to_numpy(bool if column.dtype == bool else float)


def load(path: Path) -> tuple[Overall, ...]:
    """Raises CheckpointError for anything but a file that `save` wrote."""
    arrays = read_arrays(path)
    try:
        return tuple(_loaded(key, arrays) for key in dict.fromkeys(name.partition("/")[0] for name in arrays))
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"expected attributions of many alloys in {path.name}, got: {error}") from error


def _loaded(key, arrays):
    prefix = f"{key}/alloys/"
    alloys = pd.DataFrame({name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)})
    return Overall(TASKS[key], alloys=alloys, **{name: tuple(arrays[f"{key}/{name}"].tolist()) for name in _NAMES},
                   **{name: arrays[f"{key}/{name}"] for name in _ARRAYS})
