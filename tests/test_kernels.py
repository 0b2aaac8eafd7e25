"""Gaussian processes beside the networks: the textbook's posterior, no leak from held-out rows, and one answer of both."""
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper
from scipy.optimize import approx_fprime
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern
from sklearn.linear_model import Ridge

from mtl_core.chemistry.composition import Composition
from mtl_core.ensemble import checkpoint, kernel_fit, kernels
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.ensemble.parts import Part
from mtl_core.ensemble.wiring import fit_any
from mtl_core.errors import CheckpointError, StoppedError
from mtl_core.explain.influence import influence, leave_out
from mtl_core.explain.refits import refits_without
from mtl_core.features.preparation import Preparation, mapped
from mtl_core.features.scaling import Scaler
from mtl_core.tasks import TASKS
from mtl_core.types import Conditions
from mtl_core.uncertainty.conformal import Calibration
from mtl_core.uncertainty.metrics import out_of_fold
from mtl_core.uncertainty.predictor import Predictor

SHARE = 0.75


def curve(n=60, seed=0):
    """Features of which the second and the fifth do not matter, the last a condition; values, and papers of three rows."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    return x, np.sin(2 * x[:, 0]) + 0.5 * x[:, 2] + 0.3 * x[:, 3] + 0.1 * rng.normal(size=n), np.arange(n) // 3


def fitted(x, y, paper, is_training=None, split="reference"):
    """One part and one task; the last column is a condition."""
    everything = np.ones(len(y), bool) if is_training is None else is_training
    papers = pd.DataFrame({"reference_group": paper})
    return kernel_fit.fit(papers, x, y[None], np.zeros(len(y), int), np.ones((1, x.shape[1]), bool),
                       np.arange(x.shape[1]) == x.shape[1] - 1, [Part(split, 0, 0, everything, ~everything)], Preparation())


def asked_of(found, x):
    """What `kernel_mean` takes to answer for the values [n, F], by the only process."""
    scaler, columns, numbers = found.of_task(0)
    numbers = {name: tf.constant(value, tf.float32) for name, value in numbers.items()}
    return tf.constant(scaler.transform(x[None])[..., columns], tf.float32), numbers


def mean(found, x):
    """Of the values [n, F], by the only process."""
    scores, numbers = asked_of(found, x)
    return kernels.kernel_mean(scores, **numbers)[0].numpy()


def variance(found, x):
    """The same of what the process does not know."""
    scores, numbers = asked_of(found, x)
    doubts = {name: tf.constant(value, tf.float32) for name, value in found.doubts_of_task(0).items()}
    return kernels.kernel_variance(scores, shrink=numbers["shrink"], rows=numbers["rows"], **doubts)[0].numpy()


def test_the_gradient_of_the_posterior_is_that_of_finite_differences():
    x, y, paper = curve(40)
    process = kernel_fit._Process(x, y, paper, np.array([0, 0, 0, 0, 1]))
    theta = process.prior + 0.3 * np.random.default_rng(1).normal(size=len(process.prior))
    assert process.loss(theta)[1] == pytest.approx(approx_fprime(theta, lambda at: process.loss(at)[0], 1e-6), abs=1e-3)


def test_the_mean_is_that_of_scikit_learn_with_the_same_covariance():
    x, y, _ = curve()
    asked = np.random.default_rng(2).normal(size=(20, 5))
    process = kernel_fit._Process(x, y, np.arange(len(y)), np.array([0, 0, 0, 0, 1]))  # each row a paper of its own: more noise
    scale, inverse_length, slope, noise, inverse, weights = process.optimised()
    theirs = ConstantKernel(scale**2) * Matern(1.0, nu=1.5), DotProduct(1.0)  # 1 + x x'
    covariance = theirs[0](x * inverse_length) + theirs[1](x * slope)
    added = (np.linalg.inv(inverse) - covariance).diagonal()
    assert added == pytest.approx(kernel_fit.PAPER**2 + noise**2)
    between = theirs[0](asked * inverse_length, x * inverse_length) + theirs[1](asked * slope, x * slope)
    expected = between @ np.linalg.solve(covariance + np.diag(added), y)
    one, unscaled = np.ones((1, 1)), Scaler(np.zeros((1, 1, 5)), np.ones((1, 1, 5)))
    found = kernels.Kernels(
        x, np.zeros(len(y), int), unscaled, scale * one, inverse_length * one[None], 0 * slope * one[None], 0 * one,
        slope * one[None], noise * one, 0 * one, one, one, weights * one[None], kernel_fit._directions(inverse)[None])
    assert mean(found, asked) == pytest.approx(expected, abs=1e-3)
    prior = theirs[0].diag(asked) + theirs[1].diag(asked * slope)
    known = np.einsum("ij,ji->i", between, np.linalg.solve(covariance + np.diag(added), between.T))
    assert variance(found, asked) == pytest.approx(prior - known, abs=1e-3)


def test_the_slope_of_the_mean_is_that_of_its_gradient():
    x, y, paper = curve()
    found = fitted(x, y, paper)
    heard = replace(found, line=np.full_like(found.line, 0.7), coefficient=found.coefficient + np.float32(0.5))
    scores, numbers = asked_of(heard, np.random.default_rng(3).normal(size=(20, 5)))
    with tf.GradientTape() as tape:
        tape.watch(scores)
        expected = kernels.kernel_mean(scores, **numbers)
    found, slope = kernels.mean_and_slope(scores, **numbers)
    assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-4)
    assert slope.numpy() == pytest.approx(tape.gradient(expected, scores).numpy(), abs=1e-3)


def test_a_line_that_contradicts_the_process_by_many_spreads_is_not_followed():
    x, y, paper = curve()
    found = fitted(x, y, paper)
    steep = replace(found, line=np.ones_like(found.line), coefficient=found.coefficient + np.float32(1000.0))
    alone = replace(found, line=np.zeros_like(found.line))
    assert mean(steep, x[:20]) == pytest.approx(mean(alone, x[:20]), abs=0.01)


def test_errors_of_groups_left_out_are_those_of_fits_without_them():
    x, y, paper = curve()
    process = kernel_fit._Process(x, y, paper, np.zeros(5, int))
    *_, inverse, weights = process.optimised()
    covariance = np.linalg.inv(inverse)
    of_process = kernel_fit._left_out_of_process(inverse, weights, paper)
    of_ridge = kernel_fit._left_out_of_ridge(x, y, 3.0, paper)
    for group in (0, 7):
        out = paper == group
        again = covariance[np.ix_(out, ~out)] @ np.linalg.solve(covariance[np.ix_(~out, ~out)], y[~out])
        assert of_process[out] == pytest.approx(y[out] - again, abs=1e-6)
        assert of_ridge[out] == pytest.approx(y[out] - Ridge(3.0).fit(x[~out], y[~out]).predict(x[out]), abs=1e-5)


def test_the_line_has_its_say_where_papers_lie_apart_and_none_inside_them():
    """Papers far from one another, each off the line by a level of its own: inside one the process knows it, outside not."""
    rng = np.random.default_rng(0)
    paper = np.repeat(np.arange(12), 8)
    x = np.column_stack([3.0 * rng.normal(size=12)[paper] + 0.1 * rng.normal(size=96), rng.normal(size=(96, 2))])
    y = 0.3 * x[:, 0] + rng.normal(size=12)[paper] + 0.1 * rng.normal(size=96)
    shares = []
    for group in (np.arange(96), paper):
        process, line = kernel_fit._Process(x, y, paper, np.zeros(3, int)), Ridge(1.0)
        *_, inverse, weights = process.optimised()
        shares.append(kernel_fit.earned_share(kernel_fit._left_out_of_process(inverse, weights, group),
                                              kernel_fit._left_out_of_ridge(x, y, line.alpha, group)))
    assert shares[0] < 0.1 < shares[1]


def test_a_line_that_errs_as_much_on_its_own_gets_the_root_of_a_half_and_one_that_errs_along_and_more_gets_nothing():
    error = np.random.default_rng(0).normal(size=50)
    assert kernel_fit.earned_share(np.append(error, 0 * error), np.append(0 * error, error)) == pytest.approx(0.5**0.5)
    assert kernel_fit.earned_share(error, 2.0 * error) == 0.0


def test_it_finds_which_features_matter_and_learns_from_no_other_rows():
    x, y, paper = curve(120)
    is_training = np.arange(120) < 90
    found = fitted(x, y, paper, is_training)
    assert found.inverse_length[0, 0, 0] > 3 * found.inverse_length[0, 0, [1, 4]].max()
    assert np.corrcoef(mean(found, x[~is_training]), y[~is_training])[0, 1] > 0.95
    spoilt = fitted(np.where(is_training[:, None], x, 9.0), np.where(is_training, y, 1e3), paper, is_training)
    assert all((getattr(found, name) == getattr(spoilt, name)).all() for name in kernels.NUMBERS)


def test_a_long_paper_that_reads_high_pulls_less_than_as_many_papers_that_do():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 5)), 0.1 * rng.normal(size=80)
    high = np.arange(80) < 30
    x[high] = 1.0 + 0.1 * x[high]
    at = np.ones((1, 5))
    one_paper, many_papers = (mean(fitted(x, y + high, np.where(high, paper, 100 + np.arange(80))), at)[0]
                              for paper in (0, np.arange(80)))
    assert 0.0 < one_paper < many_papers < 1.05


@pytest.fixture(scope="module")
def shared():
    """Networks and processes together, and the same networks alone."""
    observations = made_up_observations()
    values, parts = features_of(observations), parts_by_paper(observations)
    config = EnsembleConfig.model_validate(CONFIG.model_dump() | {"kernel_share": SHARE})
    both, alone = (fit_ensemble(observations, values, SPEC, one, parts)[0] for one in (config, CONFIG))
    return both, alone, values, observations


def test_a_process_has_its_share_in_the_mean_and_none_in_the_noise(shared):
    both, alone, values, _ = shared
    for task in both.config.tasks:
        (mean_both, noise_both, doubt), (mean_alone, noise_alone, none) = (
            one.predict_members(values[:7], task) for one in (both, alone))
        processes = (mean_both - (1 - SHARE) * mean_alone) / SHARE
        assert noise_both == pytest.approx(noise_alone) and doubt.min() > 0.0 and not none.any()
        assert np.ptp(processes, axis=1) == pytest.approx(0.0, abs=1e-2)  # no masks
        assert processes.std(axis=2).min() > 0.0


def test_members_that_are_asked_on_their_own_answer_the_same(shared):
    both, _, values, _ = shared
    own, last = np.repeat(values[None, :7], both.n_members, axis=0), both.select(np.array([both.n_members - 1]))
    for task in both.config.tasks:
        each = zip(both.predict_members(values[:7], task), both.predict_own(own, task), last.predict_members(values[:7], task),
                   strict=True)
        for together, alone, of_last in each:
            assert alone == pytest.approx(together, rel=1e-4, abs=1e-2)
            assert of_last == pytest.approx(together[-1:], rel=1e-4, abs=1e-3)


def test_the_mean_of_both_can_be_differentiated(shared):
    both, _, values, _ = shared
    task, asked = both.config.tasks[0], np.nan_to_num(values[:3]).astype(np.float32)
    column = int(np.argmax(np.ptp(asked, axis=0) * SPEC.visible(TASKS[task])))
    step = np.zeros(asked.shape[1], np.float32)
    step[column] = 0.05 * np.ptp(values[:, column])
    with tf.GradientTape() as tape:
        at = tf.constant(asked)
        tape.watch(at)
        answer = tf.reduce_sum(both.mean_tensor(at, task), axis=(0, 1))
    slope = tape.gradient(answer, at).numpy() @ step
    ends = [both.predict_members(asked + sign * step, task)[0].sum(axis=(0, 1)) for sign in (-1, 1)]
    assert slope == pytest.approx((ends[1] - ends[0]) / 2, rel=0.1, abs=0.02 * float(np.abs(slope).max()))


def test_a_checkpoint_keeps_the_processes_and_misses_them(shared, tmp_path):
    both, alone, values, _ = shared
    checkpoint.save(both, tmp_path, data_sha256="")
    loaded = checkpoint.load(tmp_path)
    for task in both.config.tasks:
        np.testing.assert_array_equal(loaded.predict_members(values, task), both.predict_members(values, task))
    checkpoint.save(replace(alone, config=both.config), tmp_path, data_sha256="")
    with pytest.raises(CheckpointError, match="kernels/"):
        checkpoint.load(tmp_path)


def test_members_of_a_part_that_are_given_the_same_have_the_slopes_that_each_would_have(shared):
    both, _, values, _ = shared
    own = tf.constant(np.repeat(values[None, None, :5], both.n_members, axis=0), tf.float32)  # scan rates are not reported
    for task in both.config.tasks:
        found = []
        for alike in (False, True):
            with tf.GradientTape() as tape:
                tape.watch(own)
                answer = both.mean_tensor(own, task, alike=alike)
            found.append((answer.numpy(), tape.gradient(answer, own).numpy()))
        for each, together in zip(*found, strict=True):
            assert together == pytest.approx(each, rel=1e-3, abs=1e-3 * float(np.abs(each).max()))


def test_without_a_row_or_a_paper_they_say_what_fits_without_it_say():
    x, y, paper = curve()
    found, asked = fitted(x, y, paper), np.random.default_rng(4).normal(size=(20, 5))
    scaler = mapped(found.features, lambda array: array[0, 0])
    found = replace(found, line=np.full_like(found.line, 0.7))
    changes = refits_without(found, 0, 0, x, y, paper, paper.max() + 1).changes(asked)

    def answer(kept):
        z, at = scaler.transform(x[kept]), scaler.transform(asked)
        length, slope = found.inverse_length[0, 0], found.slope[0, 0]
        of = ConstantKernel(found.scale[0, 0] ** 2) * Matern(1.0, nu=1.5)
        same = kernel_fit.PAPER**2 * (paper[kept, None] == paper[kept]) + found.noise[0, 0] ** 2 * np.eye(len(z))
        covariance, between = (of(one * length, z * length) + (one * slope) @ (z * slope).T + 1.0 for one in (z, at))
        process = between @ np.linalg.solve(covariance + same, y[kept])
        apart = Ridge(found.penalty[0, 0]).fit(z, y[kept]).predict(at) - process
        return process + found.line[0, 0] * apart * np.exp(-(apart / kernel_fit.APART) ** 2)

    everything = np.ones(len(y), bool)
    for column, kept in ((3, np.arange(len(y)) != 3), (len(y) + 7, paper != 7)):
        expected = answer(kept) - answer(everything)
        assert changes[:, column] == pytest.approx(expected, abs=0.05 * np.abs(expected).max())


@pytest.mark.parametrize("wiring", ["single-task", "difference", "latent"])
def test_in_every_wiring_they_answer_are_kept_and_say_what_a_reading_did(wiring, tmp_path):
    rows = made_up_observations()
    rows.loc[31, ["value", "low", "high"]] += 1500.0
    values, parts = features_of(rows), parts_by_paper(rows)
    config = EnsembleConfig.model_validate(CONFIG.model_dump() | {"kernel_share": SHARE, "wiring": wiring})
    both = fit_any(rows, values, SPEC, config, parts)
    checkpoint.save(both, tmp_path, data_sha256="")
    loaded, held_out, task = checkpoint.load(tmp_path), out_of_fold(both, parts, rows, values), both.tasks[1]
    assert (loaded.predict_members(values, task.key)[0] == both.predict_members(values, task.key)[0]).all()
    mine, row = Predictor(loaded, Calibration.fit(held_out), rows, held_out), rows.loc[31]
    alloy = Composition.from_mapping({symbol: row[f"at_{symbol}"] for symbol in SPEC.symbols}, normalise=True)
    found = influence(mine, leave_out(mine, task), alloy, Conditions(chloride_m=row["chloride_m"]))
    first = found.rows.loc[found.rows["change"].idxmin()]
    assert first["measurement_id"] == "m31" and first["is_stable"]
    assert found.papers["change"].idxmin() == row["reference_group"]


def test_untrained_they_say_nothing(shared):
    both, _, values, _ = shared
    untrained, task = both.untrained(0), both.config.tasks[0]
    alone = replace(untrained, kernels=None).predict_members(values[:7], task)[0]
    target = both.target_of(task)
    assert untrained.predict_members(values[:7], task)[0] == pytest.approx(
        target.mean[..., None] + (1 - SHARE) * (alone - target.mean[..., None]), rel=1e-4)


def test_fitting_ends_when_it_should(shared):
    both, _, values, observations = shared
    should_stop = _after(both.config.train.epochs)
    with pytest.raises(StoppedError, match="resumed"):
        fit_ensemble(observations, values, SPEC, both.config, parts_by_paper(observations), should_stop=should_stop)


def _after(n):
    """False n times, then True."""
    asked = iter(range(n))
    return lambda: next(asked, None) is None
