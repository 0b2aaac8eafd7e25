"""Which measurements decide a prediction: by how much it would move, had one of them, or a whole paper, never been there.

Each member is made linear in its weights where its training ended; see `leaving_out` for what follows. The likelihood is that of
the run, bounds and ranges included, at the mean and the noise that the member states. Dropout is left aside, and so are the rows
of other tasks: they hold the shared trunk through Λ only, or what a task is told of another, which is held as it is. The Gaussian
processes that answer with the members are fitted again without them, see `refits`. A member answers for the rows that it learnt
from.

Axes: member M · row n or paper G · input A and output C of a layer.
"""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_core.chemistry.composition import Composition
from mtl_core.data.schema import AT
from mtl_core.ensemble.ensemble import Ensemble
from mtl_core.ensemble.losses import negative_log_likelihood
from mtl_core.errors import ConfigError
from mtl_core.explain.leaving_out import held, kernel, steps_without
from mtl_core.explain.members import AGREEMENT
from mtl_core.explain.refits import Refits, refits_without
from mtl_core.features.table import featurize
from mtl_core.tasks import TaskSpec
from mtl_core.types import Conditions
from mtl_core.uncertainty.predictor import Predictor

MOST_MEMBERS = 24  # that answer, evenly spaced over the folds
MOST_BYTES = 48_000_000  # kept for one task; with more rows than go in there, fewer members answer
MOST_ROWS = 3000  # the work grows with their cube


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What is needed to leave a row, or a paper, of one task out of any prediction.

    rows: the observations of the task [n], with their alloys at [n, E] in at.%; papers: their reference groups [G], which no fold
    divides; ensemble: the M members that answer; saw_row [M, n], saw_paper [M, G]: whether a member learnt from it; layers: of
    each member those of `leaving_out.held`; columns: of each [n, n + G], of rows and papers, see `leaving_out.steps_without`;
    refits: the rows that the Gaussian process of each member learnt from, bool [n], and it without them, where there are such.
    """

    task: TaskSpec
    rows: pd.DataFrame
    at: np.ndarray
    papers: pd.Index
    ensemble: Ensemble
    saw_row: np.ndarray
    saw_paper: np.ndarray
    layers: tuple[list[tuple[np.ndarray, ...]], ...]
    columns: tuple[np.ndarray, ...]
    refits: tuple[tuple[np.ndarray, Refits], ...] = ()

    def changes(self, values: np.ndarray) -> np.ndarray:
        """Of the means of the members without each row and paper, [M, n + G], averaged over unscaled features [S, F]; in units of
        the spread of the transformed target."""
        layers, _, _ = self.ensemble.tangents(values, self.task.key)
        found = np.stack([
            kernel([(inputs[m], slopes[m]) for inputs, slopes in layers], held_layers).mean(axis=0) @ of_each.astype(np.float32)
            for m, (held_layers, of_each) in enumerate(zip(self.layers, self.columns, strict=True))])
        if not self.refits:
            return found
        of_processes, share = np.zeros_like(found), self.ensemble.config.kernel_share
        for row, (learnt, refits) in zip(of_processes, self.refits, strict=True):
            row[np.append(learnt, np.ones(len(self.papers), bool))] = refits.changes(values).mean(axis=0)
        return (1.0 - share) * found + share * of_processes


@dataclass(frozen=True, eq=False)
class Influence:
    """What the measurements of a task do to one prediction, in the unit of the task.

    rows: the observations, with `alloy` (formula in at.%) and `distance` (at.% to swap) in place of amounts; papers: by reference
    group, with `n_rows`. Both have `change` (of the prediction without it, mean over the members that learnt from it), `spread`
    (standard deviation over them), `is_stable` (nine in ten of them agree on the sign) and `n_members`; change is NaN where no
    member learnt from it.
    """

    task: TaskSpec
    prediction: float
    rows: pd.DataFrame
    papers: pd.DataFrame


def leave_out(predictor: Predictor, task: TaskSpec) -> LeftOut:
    """Leave out each row and each paper of a task in turn. Seconds; `influence` then takes milliseconds.

    Raises ConfigError for a task of more than MOST_ROWS rows.
    """
    is_mine = (predictor.observations["task"] == task.key).to_numpy()
    rows, symbols = predictor.observations[is_mine].reset_index(drop=True), predictor.ensemble.spec.symbols
    if len(rows) > MOST_ROWS:
        raise ConfigError(f"expected at most {MOST_ROWS} measurements of {task.label.lower()} to leave out in turn, "
                          f"got {len(rows)}")
    at = rows[[AT + symbol for symbol in symbols]].to_numpy(float)
    paper, papers = pd.factorize(rows["reference_group"])
    members = _that_fit(predictor.ensemble, len(rows), len(papers))
    ensemble, saw = predictor.ensemble.select(members), learnt_from(predictor)[members]
    layers, columns, refits = [], [], {}
    values, part_of = _values(ensemble, rows), ensemble.part_of_member
    told = ensemble.told(values, task.key)
    n_learnt = (saw if ensemble.config.wiring == "multi-task" else saw[:, is_mine]).sum(axis=1)
    for index, (seen, member) in enumerate(zip(saw[:, is_mine], member_rows(ensemble, task, rows), strict=True)):
        mine = held(member.layers, member.slope, seen, ensemble.config.train, n_rows=n_learnt[index])
        layers.append(mine)
        columns.append(_columns(kernel(member.layers, mine), member, seen, paper, len(papers)))
        if ensemble.config.kernel_share and part_of[index] not in refits:
            learnt, y = seen & (member.low == member.high), member.low - told[index]
            refits[part_of[index]] = learnt, refits_without(*_process(ensemble, task, part_of[index]), values[learnt], y[learnt],
                                                            paper[learnt], len(papers))
    saw_paper = np.stack([saw[:, is_mine][:, paper == code].any(axis=1) for code in range(len(papers))], axis=1)
    named = rows.drop(columns=[name for name in rows if name.startswith(AT)]).assign(
        alloy=[Composition.from_array(row, symbols, normalise=True).formula(digits=1) for row in at])
    return LeftOut(task, named, at, papers, ensemble, saw[:, is_mine], saw_paper, tuple(layers), tuple(columns),
                   tuple(refits[part] for part in part_of if part in refits))


def _process(ensemble, task, part):
    kernels, index = ensemble.processes(task.key)
    return kernels, part, index


def _values(ensemble, rows):
    """Unscaled features [n, F]."""
    at = rows[[AT + symbol for symbol in ensemble.spec.symbols]].to_numpy(float)
    return featurize(at, rows, ensemble.spec).values


def _columns(among, member, seen, paper, n_papers):
    """Of one member, [n, n + G] in half precision; zero for rows that it did not learn from."""
    of_rows, of_papers = steps_without(among[np.ix_(seen, seen)].astype(float), member.slope[seen], member.curvature[seen],
                                       paper[seen], n_papers)
    columns = np.zeros((len(seen), len(seen) + n_papers), np.float16)
    columns[np.ix_(seen, np.append(seen, np.ones(n_papers, bool)))] = np.clip(np.hstack([of_rows, of_papers]), -6e4, 6e4)
    return columns


def _that_fit(ensemble, n_rows, n_papers):
    """Members evenly spaced, so that they come from all folds."""
    network = ensemble.config.network
    n_kept = sum((*network.trunk, *network.head)) * 2 + 2 * len(ensemble.spec.columns)
    of_process = 2 * (n_rows + n_papers) if ensemble.config.kernel_share else 0
    n_fit = MOST_BYTES // (n_rows * (4 * n_kept + 2 * (n_rows + n_papers) + of_process))
    n_fit = int(np.clip(n_fit, 1, min(MOST_MEMBERS, ensemble.n_members)))
    return ((np.arange(n_fit) + 0.5) * ensemble.n_members / n_fit).astype(int)


def influence(predictor: Predictor, left_out: LeftOut, composition: Composition, conditions: Conditions) -> Influence:
    """What each row and each paper does to one prediction, under the stand-ins for unreported conditions of that prediction."""
    task, ensemble = left_out.task, left_out.ensemble
    at = predictor.at_matrix([composition])
    columns, n_draws = predictor.context(task, at, [conditions])
    values, target = featurize(np.repeat(at, n_draws, axis=0), columns, ensemble.spec).values, ensemble.target_of(task.key)
    answers = ensemble.predict_members(values, task.key)[0].mean(axis=(1, 2), dtype=float)[:, None]
    mean = (target.forward(answers) - target.mean) / target.std
    changes = _physical(left_out, mean + left_out.changes(values)) - _physical(left_out, mean)
    n = len(left_out.rows)
    distance = 0.5 * np.abs(left_out.at - at).sum(axis=1)
    n_rows = left_out.rows["reference_group"].value_counts().reindex(left_out.papers)
    prediction = task.from_learning(predictor.members(task, at, [conditions]).mean())
    return Influence(task, float(prediction),
                     left_out.rows.assign(distance=distance, **_summary(changes[:, :n], left_out.saw_row)),
                     pd.DataFrame({"n_rows": n_rows} | _summary(changes[:, n:], left_out.saw_paper), index=left_out.papers))


def learnt_from(predictor: Predictor) -> np.ndarray:
    """Whether each member learnt from each of the predictor's observations, bool [M, n].

    By the folds of the out-of-fold table. What a rule on residuals, or early stopping, kept from single members counts as learnt.
    """
    held_out = predictor.out_of_fold[predictor.out_of_fold["split"] == "reference"]
    folds = held_out.groupby(["reference_group", "fold_seed"])["fold"].first().unstack("fold_seed")
    of_row = folds.reindex(predictor.observations["reference_group"]).to_numpy()  # [n, fold seeds]; NaN: never held out
    fold_seed, fold = np.divmod(predictor.ensemble.part_of_member, predictor.ensemble.config.train.n_folds)
    return of_row.T[fold_seed] != fold[:, None]


@dataclass(frozen=True, eq=False)
class MemberRows:
    """n rows as one member meets them, in units of the spread of the transformed target.

    layers: see `network.tangents`; mean, log_scale: what it answers [n]; low, high: what is known [n]; slope, curvature: of the
    loss by the mean [n].
    """

    layers: list[tuple[np.ndarray, np.ndarray]]
    mean: np.ndarray
    log_scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray


def member_rows(ensemble: Ensemble, task: TaskSpec, rows: pd.DataFrame) -> Iterator[MemberRows]:
    """For one member after the other, of rows with at.%, conditions, low and high."""
    values = _values(ensemble, rows)
    sides = [task.to_learning(rows[side].to_numpy(float)) for side in ("low", "high")]
    for index in range(ensemble.n_members):
        one = ensemble.select(np.array([index]))
        layers, mean, log_scale = one.tangents(values, task.key)
        target = one.target_of(task.key)
        known = [np.broadcast_to((target.forward(side[None]) - target.mean) / target.std, mean.shape)[0] for side in sides]
        derivatives = loss_derivatives(*known, mean[0], log_scale[0], ensemble.config.network.likelihood)
        yield MemberRows([(inputs[0], slopes[0]) for inputs, slopes in layers], mean[0], log_scale[0], *known, *derivatives)


def loss_derivatives(low: np.ndarray, high: np.ndarray, mean: np.ndarray, log_scale: np.ndarray,
                     likelihood: str) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of the negative log likelihood by the mean, each in the shape of mean."""
    low, high, mean, log_scale = (tf.constant(part, tf.float32) for part in (low, high, mean, log_scale))
    with tf.GradientTape() as outer:
        outer.watch(mean)
        with tf.GradientTape() as inner:
            inner.watch(mean)
            loss = negative_log_likelihood(low, high, mean, log_scale, likelihood)
        slope = inner.gradient(loss, mean)
    curvature = outer.gradient(slope, mean)
    return slope.numpy().astype(float), np.maximum(curvature.numpy().astype(float), 0.0)


def _physical(left_out, mean):
    """[M, n] in the unit of the task, from means in units of the spread of the transformed target."""
    target = left_out.ensemble.target_of(left_out.task.key)
    return left_out.task.from_learning(target.inverse(target.mean + target.std * mean)[0])


def _summary(changes, saw):
    """Columns [n] over the members that learnt from it; changes, saw: [M, n]."""
    n_members = saw.sum(axis=0)
    known = np.where(saw, changes, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = known.sum(axis=0) / n_members
        spread = np.sqrt((np.where(saw, changes - change, 0.0) ** 2).sum(axis=0) / n_members)
        agree = np.maximum((known > 0).sum(axis=0), (known < 0).sum(axis=0)) / n_members
    return {"change": change, "spread": spread, "is_stable": agree >= AGREEMENT, "n_members": n_members}
