"""The reference: one Keras model pair a member, trained by `.fit` that alternates between the two tasks.

This is how such ensembles are usually written. Same rows, network, optimiser and batch size as ours; its loss is the plain
squared error, which is cheaper than ours, and a censored value counts as its bound.
"""
import time
from collections.abc import Sequence

import keras
import numpy as np

from mtl_core.ensemble.config import NetworkConfig, TrainConfig


def model_pair(network: NetworkConfig, train: TrainConfig, *, n_features: int, n_tasks: int) -> list[keras.Model]:
    """One compiled model a task over a shared trunk, with a linear skip from the inputs to each output."""
    inputs = keras.Input((n_features,))
    hidden = inputs
    for width in network.trunk:
        hidden = _dense(hidden, width, network)
    models = []
    for _ in range(n_tasks):
        output = keras.layers.Dense(1)(_dense(hidden, network.head[0], network))
        model = keras.Model(inputs, output + keras.layers.Dense(1, use_bias=False)(inputs))
        model.compile(keras.optimizers.AdamW(train.learning_rate, weight_decay=train.weight_decay), "mse")
        models.append(model)
    return models


def _dense(x, width, network):
    return keras.layers.Dropout(network.dropout)(keras.layers.Dense(width, network.activation)(x))


def epoch_seconds(features: Sequence[np.ndarray], targets: Sequence[np.ndarray], network: NetworkConfig,
                  train: TrainConfig) -> np.ndarray:
    """Wall time of each epoch of one member, [epochs]. features, targets: [n, F] and [n] of each task, scaled."""
    models = model_pair(network, train, n_features=features[0].shape[1], n_tasks=len(features))
    seconds = np.empty(train.epochs)
    for epoch in range(train.epochs):
        start = time.perf_counter()
        for model, x, y in zip(models, features, targets, strict=True):
            model.fit(x, y, batch_size=train.batch_size, epochs=1, verbose=0)
        seconds[epoch] = time.perf_counter() - start
    return seconds
