"""Likelihood of a measurement that may be known exactly, from one side, or between two values; and of a class.

With z = (y − m) / s the noise is
    logistic   density −log f = −z − log s − 2 softplus(−z)        distribution F = sigmoid(z)
    gaussian   density −log f = z² / 2 + log s + log √2π           distribution F = Φ(z)
Logistic tails are heavier, so one odd paper pulls less (the exact term is the smooth "log-cosh" Huber loss; that of the Gaussian
is the squared error), and its distribution function is closed (Kalbfleisch & Prentice, The Statistical Analysis of Failure Time
Data, 2nd ed., 2002, ch. 2-3, for the censored terms).
"""
import numpy as np
import tensorflow as tf

# Standard deviation of the noise in units of its scale s; the variance of a logistic is (π s)² / 3.
NOISE_STD = {"logistic": np.float32(np.pi / np.sqrt(3.0)), "gaussian": np.float32(1.0)}
TAIL = -5.0  # below, log Φ by its asymptotic series, whose first term left out is under 1e-5 of it


def negative_log_likelihood(low: tf.Tensor, high: tf.Tensor, mean: tf.Tensor, log_scale: tf.Tensor,
                            likelihood: str = "logistic") -> tf.Tensor:
    """−log likelihood of y in [low, high], elementwise; low = high is an exact value, ±inf an open side."""
    density, log_cdf, log_between = _LIKELIHOODS[likelihood]
    is_exact = tf.equal(low, high)
    exact = density((tf.where(is_exact, low, 0.0) - mean) * tf.exp(-log_scale), log_scale)
    return tf.where(is_exact, exact, _censored(low, high, mean, log_scale, is_exact, log_cdf, log_between))


def cross_entropy(scores: tf.Tensor, is_mine: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """−log of the softmax of scores [..., O] at the output chosen [...], among the outputs of its own task, is_mine [..., O]."""
    among = tf.where(is_mine, scores, np.float32(-1e9))
    own = tf.one_hot(chosen, scores.shape[-1])
    return tf.reduce_logsumexp(among, -1) - tf.reduce_sum(scores * own, -1)


def _censored(low, high, mean, log_scale, is_exact, log_cdf, log_between):
    """−log of 1 − F(a), of F(b) or of F(b) − F(a), with a, b the scaled low and high, as far as they are known."""
    a = _scaled(low, mean, log_scale, is_exact, missing=-1.0)
    b = _scaled(high, mean, log_scale, is_exact, missing=1.0)
    below = tf.where(tf.math.is_finite(low), log_cdf(-a), 0.0)
    above = tf.where(tf.math.is_finite(high), log_cdf(b), 0.0)
    is_interval = tf.math.is_finite(low) & tf.math.is_finite(high) & ~is_exact
    between = log_between(tf.where(is_interval, a, -1.0), tf.where(is_interval, tf.maximum(b, a + 1e-6), 1.0))
    return -tf.where(is_interval, between, below + above)


def _scaled(bound, mean, log_scale, is_exact, *, missing):
    """(bound − mean) / s; a side that does not count gets a harmless number, so that no NaN enters the gradient."""
    counts = tf.math.is_finite(bound) & ~is_exact
    return tf.where(counts, (tf.where(counts, bound, 0.0) - mean) * tf.exp(-log_scale), missing)


def _logistic_density(z, log_scale):
    return z + log_scale + 2.0 * tf.nn.softplus(-z)


def _logistic_log_cdf(z):
    return -tf.nn.softplus(-z)


def _logistic_log_between(a, b):
    """log (F(b) − F(a)) = −softplus(−b) − softplus(a) + log(1 − e^(a − b))."""
    width = tf.maximum(b - a, 1e-6)
    return -tf.nn.softplus(a) - tf.nn.softplus(-b) + tf.math.log(-tf.math.expm1(-width))


def _gaussian_density(z, log_scale):
    return 0.5 * z ** 2 + log_scale + np.float32(0.5 * np.log(2 * np.pi))


def _gaussian_log_cdf(z):
    """log Φ(z); far below, Φ(z) = φ(z) / −z · (1 − 1/z² + 3/z⁴ − …) (Abramowitz & Stegun 26.2.12)."""
    is_tail = z < TAIL
    near, far = tf.where(is_tail, 0.0, z), tf.where(is_tail, z, TAIL)
    inverse = 1.0 / far ** 2
    series = tf.math.log1p(-inverse * (1.0 - inverse * (3.0 - inverse * (15.0 - 105.0 * inverse))))
    tail = -0.5 * far ** 2 - tf.math.log(-far) - np.float32(0.5 * np.log(2 * np.pi)) + series
    return tf.where(is_tail, tail, tf.math.log(0.5 * tf.math.erfc(-near / np.sqrt(2.0, dtype=np.float32))))


def _gaussian_log_between(a, b):
    """log (Φ(b) − Φ(a)), taken in the left tail, where nothing cancels."""
    is_right = a + b > 0
    a, b = tf.where(is_right, -b, a), tf.where(is_right, -a, b)
    log_a, log_b = _gaussian_log_cdf(a), _gaussian_log_cdf(b)
    return log_b + tf.math.log(-tf.math.expm1(tf.minimum(log_a - log_b, -1e-6)))


_LIKELIHOODS = {"logistic": (_logistic_density, _logistic_log_cdf, _logistic_log_between),
                "gaussian": (_gaussian_density, _gaussian_log_cdf, _gaussian_log_between)}
