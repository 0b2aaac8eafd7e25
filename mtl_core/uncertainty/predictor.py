"""A calibrated ensemble: physical units in, means with bands and a domain out. Frozen; predicting changes nothing."""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations

import numpy as np
import pandas as pd

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.errors import CompositionError, ConfigError
from mtl_core.features.table import featurize
from mtl_core.tasks import ELECTROLYTE, TaskSpec
from mtl_core.types import ClassPrediction, Conditions, Prediction
from mtl_core.uncertainty.conformal import Calibration
from mtl_core.uncertainty.decomposition import Moments, decompose
from mtl_core.uncertainty.domain import TRACE, Domain

# Training rows that stand in for conditions that were not reported.
N_DRAWS = 8
CHUNK = 500  # alloys at once: the answers of all members, masks and draws must stay in memory


@dataclass(frozen=True, eq=False)
class Predictor:
    """An ensemble with its calibration, the observations it learnt from, and its out-of-fold table.

    observations: rows of `mtl_core.data.training.observations`; out_of_fold: rows of `uncertainty.metrics.out_of_fold`.
    """

    ensemble: Ensemble
    calibration: Calibration
    observations: pd.DataFrame
    out_of_fold: pd.DataFrame

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        """What it predicts values of, in the order of the columns of a Prediction."""
        return tuple(task for task in self.ensemble.tasks if not task.classes)

    @property
    def class_tasks(self) -> tuple[TaskSpec, ...]:
        """What it tells the class of."""
        return tuple(task for task in self.ensemble.tasks if task.classes)

    @property
    def n_members(self) -> int:
        return self.ensemble.n_members

    @property
    def n_masks(self) -> int:
        """Dropout masks a member."""
        return self.ensemble.n_masks

    @cached_property
    def domains(self) -> dict[str, Domain]:
        """The domain of applicability of each task, by its key."""
        symbols = self.ensemble.spec.symbols
        return {task.key: Domain.fit(self.observations, task, symbols) for task in self.ensemble.tasks}

    def predict(self, compositions: Sequence[Composition], conditions: Conditions | Sequence[Conditions], *,
                level: float = 0.9) -> Prediction:
        """Predictions for n alloys, in the physical unit of each task.

        conditions: one for all alloys, or one each; what is None there is averaged over values seen in training, and
        widens the band. level: between 0.5 and 0.95. Raises ConfigError for another level or another number of conditions.
        """
        given, at = _each(conditions, len(compositions)), self.at_matrix(compositions)
        of_task = [self._predict_task(task, at, given, level) for task in self.tasks]
        stacked = {name: np.stack([columns[name] for columns in of_task], axis=1) for name in of_task[0]}
        reasons = tuple(zip(*(self._reasons(task, compositions, at, given) for task in self.tasks), strict=True))
        return Prediction(
            tasks=tuple(task.key for task in self.tasks), level=level, **stacked, domain_reason=reasons,
            in_domain=np.array([[not reason for reason in row] for row in reasons], bool).reshape(len(at), len(self.tasks)),
            is_supported=np.array([self.calibration.supports(task.key, level) for task in self.tasks]))

    def predict_classes(self, compositions: Sequence[Composition],
                        conditions: Conditions | Sequence[Conditions]) -> tuple[ClassPrediction, ...]:
        """What n alloys are, for each of `class_tasks`; conditions as for `predict`."""
        given, at = _each(conditions, len(compositions)), self.at_matrix(compositions)
        found = []
        for task in self.class_tasks:
            chances = np.zeros((len(at), len(task.classes)))
            for rows in self._alike(task, given):
                columns, n_draws = self.context(task, at[rows], [given[row] for row in rows])
                values = featurize(np.repeat(at[rows], n_draws, axis=0), columns, self.ensemble.spec).values
                of_draws = self.ensemble.predict_classes(values, task.key).mean(axis=(0, 1), dtype=float)
                chances[rows] = of_draws.reshape(len(rows), n_draws, -1).mean(axis=1)
            found.append(ClassPrediction(task.key, task.classes, chances, tuple(self._reasons(task, compositions, at, given))))
        return tuple(found)

    def in_domain(self, compositions: Sequence[Composition], conditions: Conditions) -> np.ndarray:
        """Whether each alloy lies in the domain of each task, [n, T] bool, without a prediction."""
        at, given = self.at_matrix(compositions), [conditions] * len(compositions)
        return np.array([[not reason for reason in self._reasons(task, compositions, at, given)] for task in self.tasks]).T

    def at_matrix(self, compositions: Sequence[Composition]) -> np.ndarray:
        """at.% [n, E] of the elements that the ensemble knows, closed to 100 without the others.

        Raises CompositionError for an alloy of other elements alone.
        """
        symbols = self.ensemble.spec.symbols
        at = np.array([[alloy.at.get(symbol, 0.0) for symbol in symbols] for alloy in compositions])
        at = at.reshape(len(compositions), len(symbols))
        unknown = [alloy.formula() for alloy, row in zip(compositions, at, strict=True) if not row.any()]
        if unknown:
            raise CompositionError(f"expected at least one element out of {' '.join(symbols)}; got {', '.join(unknown)}")
        return 100.0 * at / at.sum(axis=1, keepdims=True)

    def members(self, task: TaskSpec, at: np.ndarray, conditions: Sequence[Conditions]) -> np.ndarray:
        """What each member answers, its masks and the stand-ins averaged, [M, n] in the learning unit; see `moments`."""
        found = np.empty((self.n_members, len(at)))
        for rows in self._alike(task, conditions):
            *answers, n_draws = self._answers(task, at[rows], [conditions[row] for row in rows])
            found[:, rows] = answers[0].mean(axis=1, dtype=float).reshape(self.n_members, -1, n_draws).mean(axis=-1)
        return found

    def moments(self, task: TaskSpec, at: np.ndarray, conditions: Sequence[Conditions]) -> Moments:
        """Mean and variances [n] of one task in its learning unit, for at.% [n, E] and n conditions."""
        found = np.empty((4, len(at)))
        for rows in self._alike(task, conditions):
            *answers, n_draws = self._answers(task, at[rows], [conditions[row] for row in rows])
            moments = decompose(*answers, n_draws=n_draws)
            found[:, rows] = moments.mean, moments.aleatoric, moments.epistemic, moments.unreported
        return Moments(*found)

    def _alike(self, task, conditions):
        """Rows that leave out the same conditions, in chunks."""
        missing = [_gap(task, given) for given in conditions]
        for gap in set(missing):
            rows = [row for row, names in enumerate(missing) if names == gap]
            yield from (rows[start:start + CHUNK] for start in range(0, len(rows), CHUNK))

    def _answers(self, task, at, conditions):
        """What members and masks answer, each [M, K, n × S], and the number S of stand-ins."""
        columns, n_draws = self.context(task, at, conditions)
        values = featurize(np.repeat(at, n_draws, axis=0), columns, self.ensemble.spec).values
        return *self.ensemble.predict_members(values, task.key), n_draws

    def context(self, task: TaskSpec, at: np.ndarray, conditions: Sequence[Conditions]) -> tuple[dict[str, np.ndarray], int]:
        """Columns [n × S] for `featurize`, and the number S of stand-ins for the conditions that all n alloys leave out."""
        draws = self._draws[task.key, _gap(task, conditions[0])]
        n_draws = len(next(iter(draws.values()), [None]))
        columns = {name: np.repeat([getattr(given, name) for given in conditions], n_draws) for name in Conditions.model_fields}
        columns |= {name: np.tile(values, len(at)) for name, values in draws.items()}
        return columns | {"not_reported": np.repeat(self.unstated(at), n_draws)}, n_draws

    def unstated(self, at: np.ndarray) -> np.ndarray:
        """Elements of each alloy that count as not reported, [n] texts: absent here, and left out rather than stated as
        zero by most of the measured alloys without them (nitrogen, in practice)."""
        symbols = self.ensemble.spec.symbols
        absent = at[:, [symbols.index(symbol) for symbol in self._silent]] == 0
        return np.array([" ".join(np.array(self._silent)[row]) for row in absent], dtype=object)

    @cached_property
    def _silent(self):
        rows = self.observations[self.observations["task"].isin(
            [task.key for task in self.tasks if set(task.conditions) & set(ELECTROLYTE)])]
        words, found = rows["not_reported"].str.split(), []
        for symbol in self.ensemble.spec.masked:
            is_absent = rows.get(AT + symbol, pd.Series(0.0, rows.index)) == 0
            if words[is_absent].map(lambda text, symbol=symbol: symbol in text).mean() > 0.5:
                found.append(symbol)
        return [symbol for symbol in found if symbol in self.ensemble.spec.symbols]

    @cached_property
    def _draws(self):
        """(task, missing conditions) → values of these, jointly from training rows that report them all.

        Evenly spaced among the sorted rows, so that few of them follow the distribution: the same ones every time.
        """
        draws = {}
        for task in self.ensemble.tasks:
            seen = self.observations.loc[self.observations["task"] == task.key, list(task.conditions)].replace("", None)
            for gap in chain.from_iterable(combinations(task.conditions, n) for n in range(len(task.conditions) + 1)):
                rows = seen[list(gap)].dropna().sort_values(list(gap)) if gap else seen[[]]
                chosen = ((np.arange(N_DRAWS) + 0.5) / N_DRAWS * len(rows)).astype(int)
                draws[task.key, gap] = {name: rows[name].to_numpy()[chosen] for name in gap if len(rows)}
        return draws

    def _predict_task(self, task, at, conditions, level):
        moments = self.moments(task, at, conditions)
        half_width = self.calibration.factor(task.key, level) * moments.std
        mean = task.from_learning(moments.mean)
        # d y / d z at the mean: 1, or y ln 10 for a logarithmic task.
        slope = mean * np.log(10.0) if task.transform == "log10" else np.ones_like(mean)
        lower, upper = (np.clip(task.from_learning(moments.mean + sign * half_width), task.lower, task.upper)
                        for sign in (-1, 1))
        parts = {name: slope * np.sqrt(getattr(moments, name)) for name in ("aleatoric", "epistemic", "unreported")}
        return {"mean": mean, "std": slope * moments.std, **parts, "lower": lower, "upper": upper}

    def _reasons(self, task, compositions, at, conditions):
        known = set(self.ensemble.spec.symbols)
        foreign = [tuple(sorted(symbol for symbol, amount in alloy.at.items() if symbol not in known and amount > TRACE))
                   for alloy in compositions]
        return self.domains[task.key].reasons(at, foreign, conditions)


def _each(conditions, n):
    given = [conditions] * n if isinstance(conditions, Conditions) else list(conditions)
    if len(given) != n:
        raise ConfigError(f"expected one Conditions or {n}, one for each alloy, got {len(given)}")
    return given


def _gap(task: TaskSpec, conditions: Conditions) -> tuple[str, ...]:
    """The conditions that the task depends on and that were not given."""
    return tuple(name for name in task.conditions if getattr(conditions, name) is None)
