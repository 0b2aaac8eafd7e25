"""Likelihood of a measurement that may be known exactly, from one side, or between two values.

The noise is logistic: with z = (y − m) / s,
    density  log f(y) = −z − log s − 2 softplus(−z)        distribution  F(y) = sigmoid(z)
Its tails are heavier than a Gaussian's, so one odd paper pulls less (the exact term is the smooth "log-cosh" Huber
loss), and its distribution function is closed, so censored terms stay finite far from the bound
(Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data, 2nd ed., 2002, ch. 2-3).
"""
import numpy as np
import tensorflow as tf

# Variance of a logistic with scale s is (π s)² / 3.
LOGISTIC_STD = np.float32(np.pi / np.sqrt(3.0))


def negative_log_likelihood(low: tf.Tensor, high: tf.Tensor, mean: tf.Tensor, log_scale: tf.Tensor) -> tf.Tensor:
    """−log likelihood of y in [low, high], elementwise; low = high is an exact value, ±inf an open side."""
    is_exact = tf.equal(low, high)
    exact = _exact(tf.where(is_exact, low, 0.0), mean, log_scale)
    return tf.where(is_exact, exact, _censored(low, high, mean, log_scale, is_exact))


def _exact(y: tf.Tensor, mean: tf.Tensor, log_scale: tf.Tensor) -> tf.Tensor:
    z = (y - mean) * tf.exp(-log_scale)
    return z + log_scale + 2.0 * tf.nn.softplus(-z)


def _censored(low, high, mean, log_scale, is_exact):
    """−log (F(high) − F(low)) = softplus(−b) + softplus(a) − log(1 − e^(a − b)), with a, b the scaled low and high."""
    a = _scaled(low, mean, log_scale, is_exact, missing=-1.0)
    b = _scaled(high, mean, log_scale, is_exact, missing=1.0)
    below = tf.where(tf.math.is_finite(low), tf.nn.softplus(a), 0.0)
    above = tf.where(tf.math.is_finite(high), tf.nn.softplus(-b), 0.0)
    is_interval = tf.math.is_finite(low) & tf.math.is_finite(high)
    width = tf.where(is_interval, tf.maximum(b - a, 1e-6), 1.0)
    return below + above - tf.where(is_interval, tf.math.log(-tf.math.expm1(-width)), 0.0)


def _scaled(bound, mean, log_scale, is_exact, *, missing):
    """(bound − mean) / s; a side that does not count gets a harmless number, so that no NaN enters the gradient."""
    counts = tf.math.is_finite(bound) & ~is_exact
    return tf.where(counts, (tf.where(counts, bound, 0.0) - mean) * tf.exp(-log_scale), missing)
