"""All members of an ensemble as one network with a leading member axis.

Axes, always in this order: member M · mask K · batch B · feature F or hidden H | task T.
There is no batch normalisation: statistics shared by tasks that alternate in a batch ruin both.
"""
from collections.abc import Mapping
from itertools import pairwise, zip_longest

import numpy as np
import tensorflow as tf

from mtl_core.ensemble.config import NetworkConfig

Parameters = Mapping[str, np.ndarray | tf.Variable | tf.Tensor]

# In units of a task's own spread: noise below e^-4 or above e^2 of it is not believed.
LOG_SCALE_RANGE = (-4.0, 2.0)


def shapes(config: NetworkConfig, *, n_features: int, n_tasks: int) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of one member. The heads of all tasks stand in one array, as large as the largest."""
    trunk = _layers("trunk", (n_features, *config.trunk))
    each = _heads(config)
    heads = {name: (n_tasks, *(max(sides) for sides in zip(*(head[name] for head in each if name in head), strict=True)))
             for name in dict.fromkeys(name for head in each for name in head)}
    scale = {"log_scale": (n_tasks, 1, 1)}
    skip = {"skip_weight": (n_features, n_tasks)} if config.linear_skip else {}
    noise = {"log_scale_weight": (n_tasks, config.trunk[-1], 1)} if config.noise == "alloy" else {}
    return trunk | heads | scale | skip | noise


def _layers(name, widths):
    layers = {}
    for layer, (n_in, n_out) in enumerate(pairwise(widths)):
        layers |= {f"{name}_{layer}_weight": (n_in, n_out), f"{name}_{layer}_bias": (1, n_out)}
    return layers


def _heads(config):
    """What each task's head has, by name: one for all tasks, or one a task."""
    return [_layers("head", (config.trunk[-1], *widths)) | {"output_weight": (widths[-1], 1), "output_bias": (1, 1)}
            for widths in config.heads or (config.head,)]


def initial_parameters(config: NetworkConfig, *, n_features: int, n_tasks: int, n_members: int,
                       seed: int) -> dict[str, np.ndarray]:
    """Float32 arrays [M, …]: weights N(0, 1 / fan-in) times a gain, biases and skip at zero."""
    rng = np.random.default_rng(seed)
    zero, gains = ("bias", "skip_weight", "log_scale_weight"), {"trunk_0_weight": config.input_gain, "output_weight": 0.3}
    parameters = {}
    for name, shape in shapes(config, n_features=n_features, n_tasks=n_tasks).items():
        gain = 0.0 if name.endswith(zero) else gains.get(name, 1.0)
        draw = gain * rng.standard_normal((n_members, *shape)) / np.sqrt(_fan_in(config, name, shape))
        parameters[name] = (np.full_like(draw, -1.0) if name == "log_scale" else draw).astype(np.float32)
    return parameters


def _fan_in(config, name, shape):
    """How many inputs each neuron has, those of its own task's head where they differ, [T, 1, 1]."""
    if config.heads and name.startswith(("head", "output")):
        return np.reshape([head.get(name, (1, 1))[0] for head in _heads(config)], (-1, 1, 1))
    return shape[-2]


def mask_widths(config: NetworkConfig) -> tuple[int, ...]:
    """Number of hidden units behind each dropout layer: those of the trunk, then the widest of the heads, which share masks."""
    return (*config.trunk, *(max(layer) for layer in zip_longest(*(config.heads or (config.head,)), fillvalue=0)))


def draw_masks(config: NetworkConfig, leading: tuple, seed: tuple[tf.Tensor | int, tf.Tensor | int]) -> list[tf.Tensor]:
    """Inverted-dropout masks [*leading, H] for each dropout layer: 0, or 1 / (1 − rate)."""
    keep = 1.0 - config.dropout
    masks = []
    for layer, width in enumerate(mask_widths(config)):
        uniform = tf.random.stateless_uniform((*leading, width), (seed[0] + layer, seed[1]))
        masks.append(tf.cast(uniform < keep, tf.float32) / keep)
    return masks


def trunk(config: NetworkConfig, parameters: Parameters, x: tf.Tensor, masks: list[tf.Tensor]) -> tf.Tensor:
    """Hidden state [M, K, B, H] of scaled features x [M, 1, B, F] under masks [M, K, B or 1, H]."""
    activation = getattr(tf.nn, config.activation)
    hidden = x
    for layer in range(len(config.trunk)):
        weight, bias = (parameters[f"trunk_{layer}_{part}"] for part in ("weight", "bias"))
        hidden = activation(_linear(hidden, weight, bias)) * masks[layer]
    return hidden


def heads(config: NetworkConfig, parameters: Parameters, n_tasks: int) -> list[Parameters]:
    """What belongs to each task alone, without the task axis. Unstacked at once: the gradient of slices is far slower."""
    axes = {name: 2 if name == "skip_weight" else 1 for name in parameters if not name.startswith("trunk")}
    columns = [tf.unstack(tf.convert_to_tensor(parameters[name]), num=n_tasks, axis=axis) for name, axis in axes.items()]
    stacked = [dict(zip(axes, of_task, strict=True)) for of_task in zip(*columns, strict=True)]
    return [_own(head, own) for head, own in zip(stacked, _heads(config), strict=True)] if config.heads else stacked


def _own(head, shapes):
    """The corner of each array that a task's own head fills; the layers that it lacks are left out."""
    others = {name: value for name, value in head.items() if not name.startswith(("head", "output"))}
    return others | {name: head[name][:, :n_in, :n_out] for name, (n_in, n_out) in shapes.items()}


def answer(config: NetworkConfig, head: Parameters, x: tf.Tensor, hidden: tf.Tensor,
           masks: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and log noise scale of one of the `heads` in its task's scaled unit, each [M, K, B]."""
    activation, neurons = getattr(tf.nn, config.activation), hidden
    for layer, mask in enumerate(masks[len(config.trunk):]):
        if f"head_{layer}_weight" in head:
            weight, bias = (head[f"head_{layer}_{part}"] for part in ("weight", "bias"))
            neurons = activation(_linear(neurons, weight, bias)) * (mask[..., :bias.shape[-1]] if config.heads else mask)
    mean = _linear(neurons, head["output_weight"], head["output_bias"])
    if config.linear_skip:
        mean += _linear(x, head["skip_weight"][..., None], 0.0)
    if config.noise == "alloy":
        log_scale = _linear(hidden, head["log_scale_weight"], head["log_scale"])
    else:
        log_scale = head["log_scale"][:, None] + tf.zeros_like(mean)
    return mean[..., 0], tf.clip_by_value(log_scale, *LOG_SCALE_RANGE)[..., 0]


def tangents(config: NetworkConfig, parameters: Parameters, head: Parameters, x: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """How the mean of one of the `heads` turns with the weights, without dropout: inputs [M, B, A] and slopes [M, B, C] of each
    layer. Their outer product is the gradient by the layer's weights, the slopes that by its bias; the last sees the skip too.

    x: scaled features [M, B, F].
    """
    activation = getattr(tf.nn, config.activation)
    layers = [(parameters[f"trunk_{layer}_weight"], parameters[f"trunk_{layer}_bias"]) for layer in range(len(config.trunk))]
    layers += [(head[name], head[name.replace("weight", "bias")])
               for name in head if name.startswith("head") and name.endswith("weight")]
    inputs, sums, hidden = [], [], x
    with tf.GradientTape() as tape:
        for weight, bias in layers:
            total = hidden @ weight + bias
            tape.watch(total)
            inputs.append(hidden), sums.append(total)
            hidden = activation(total)
        mean = hidden @ head["output_weight"]
    last = tf.concat([hidden, x], axis=-1) if config.linear_skip else hidden
    return [*zip(inputs, tape.gradient(mean, sums), strict=True), (last, tf.ones_like(mean))]


def _linear(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | float) -> tf.Tensor:
    """x W + b of each member: x [M, K, B, F], weight [M, F, H], bias [M, 1, H].

    One product a member, masks and batch side by side; left to broadcast, the gradient would take twice as long.
    """
    n_members, n_masks, n_rows, n_in = tf.unstack(tf.shape(x), num=4)
    product = tf.reshape(x, (n_members, n_masks * n_rows, n_in)) @ weight + bias
    return tf.reshape(product, (n_members, n_masks, n_rows, tf.shape(weight)[-1]))
