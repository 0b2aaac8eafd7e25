"""The censored likelihood: its values against scipy, its gradients far out, and what it recovers from censored data."""
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from mtl_core.ensemble.losses import NOISE_STD, negative_log_likelihood

INF = np.inf


NOISE = {"logistic": stats.logistic, "gaussian": stats.norm}
EACH = pytest.mark.parametrize("likelihood", NOISE)


def expected(low, high, mean, scale, likelihood):
    """The same from scipy, in double precision; the smaller tail is used, so that nothing cancels."""
    noise = NOISE[likelihood](mean, scale)
    if low == high:
        return -noise.logpdf(low)
    from_left, from_right = noise.cdf(high) - noise.cdf(low), noise.sf(low) - noise.sf(high)
    return -np.log(from_left if abs(low) > abs(high) or low < mean else from_right)


@pytest.mark.parametrize(("low", "high"), [(0.7, 0.7), (1.2, INF), (-INF, -0.4), (-0.3, 0.9), (2.0, 2.5), (-INF, INF)],
                         ids=["exact", "right", "left", "interval", "interval in the tail", "nothing known"])
@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (0.5, 0.3), (-2.0, 2.0), (0.5, 0.1)])
@EACH
def test_the_loss_is_minus_the_log_likelihood_of_the_noise(low, high, mean, scale, likelihood):
    loss = negative_log_likelihood(*(tf.constant(value, tf.float32) for value in (low, high, mean, np.log(scale))), likelihood)
    assert float(loss) == pytest.approx(expected(low, high, mean, scale, likelihood), rel=2e-4, abs=2e-5)


@EACH
def test_the_noise_scale_and_the_standard_deviation_belong_to_the_same_distribution(likelihood):
    assert pytest.approx(NOISE[likelihood].std(), rel=1e-6) == NOISE_STD[likelihood]


@EACH
@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (0.0, INF), (-INF, 0.0), (0.0, 1e-7), (0.0, 1e3), (-INF, INF)])
def test_loss_and_gradients_stay_finite_far_from_the_bound(low, high, likelihood):
    mean, log_scale = np.meshgrid([-1e4, -50.0, 0.0, 50.0, 1e4], [-4.0, 0.0, 2.0])
    mean, log_scale = tf.Variable(mean, dtype=tf.float32), tf.Variable(log_scale, dtype=tf.float32)
    with tf.GradientTape() as tape:
        sides = [tf.fill(mean.shape, np.float32(side)) for side in (low, high)]
        loss = negative_log_likelihood(*sides, mean, log_scale, likelihood)
    for values in (loss, *tape.gradient(loss, [mean, log_scale])):
        assert np.isfinite(values.numpy()).all()


def test_a_lower_bound_pulls_a_mean_below_it_and_leaves_one_far_above_it_alone():
    mean = tf.Variable([-3.0, 30.0])
    with tf.GradientTape() as tape:
        loss = negative_log_likelihood(tf.zeros(2), tf.fill(2, INF), mean, tf.zeros(2))
    below, above = tape.gradient(loss, mean).numpy()
    assert below == pytest.approx(-1.0, abs=0.06)
    assert above == pytest.approx(0.0, abs=1e-6)


def fitted(low, high):
    """Maximum-likelihood mean and scale by gradient descent on the loss."""
    low, high = (tf.constant(side, tf.float32) for side in (low, high))
    mean, log_scale, optimizer = tf.Variable(0.0), tf.Variable(0.0), tf.keras.optimizers.Adam(0.05)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(negative_log_likelihood(low, high, tf.fill(low.shape, mean), tf.fill(low.shape, log_scale)))
        optimizer.apply_gradients(zip(tape.gradient(loss, [mean, log_scale]), [mean, log_scale], strict=True))

    for _ in range(400):
        step()
    return float(mean), float(tf.exp(log_scale))


@pytest.mark.parametrize("side", ["above", "below"])
def test_a_censored_fit_recovers_the_mean_that_dropping_or_taking_the_bounds_as_values_misses(side):
    mean, scale, n = 1.0, 0.5, 4000
    y = stats.logistic.rvs(mean, scale, size=n, random_state=7)
    bound = np.quantile(y, 0.65 if side == "above" else 0.35)
    hidden = y > bound if side == "above" else y < bound
    low = np.where(hidden, bound if side == "above" else -INF, y)
    high = np.where(hidden, INF if side == "above" else bound, y)
    standard_error = scale * np.sqrt(3 / n)  # of the mean of a logistic sample
    found = fitted(low, high)
    assert found == pytest.approx((mean, scale), abs=3 * standard_error)
    for naive in (fitted(y[~hidden], y[~hidden]), fitted(np.where(hidden, bound, y), np.where(hidden, bound, y))):
        assert abs(naive[0] - mean) > 6 * standard_error
