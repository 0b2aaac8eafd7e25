"""Maps of the alloys: UMAP or principal components of elements and descriptors, made once and stored as plain arrays.

On a UMAP map a new alloy goes to the mean of its nearest mapped alloys, weighted by 1/distance² (UMAP's own transform
starts alike). That needs no fitted UMAP object, which could only be stored as a pickle, and no compilation: it is
deterministic, takes a millisecond, and a mapped alloy lands on its own point. On principal components it is projected.
McInnes, Healy & Melville, arXiv 1802.03426 (2018).
"""
import hashlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.spatial.distance import cdist

from mtl_core.chemistry.elements import check_symbols
from mtl_core.data.tables import AlloyTable
from mtl_core.errors import CheckpointError, ConfigError
from mtl_core.features.descriptors import DESCRIPTORS, evaluate
from mtl_core.features.scaling import Scaler

NEIGHBOURS_PLACED_BY = 5
OWN_POINT = 1e-10  # squared distance in scaled features below which an alloy counts as a mapped one
CHUNK = 2000  # alloys placed at once
FEWEST = 4  # alloys of different composition, below which there is nothing to lay out
MOST_JUDGED = 2000  # alloys by which a map is judged: ranks of all pairs are needed

_DESCRIPTORS = tuple(descriptor for descriptor in DESCRIPTORS if descriptor.scope == "alloy")


class MapSettings(BaseModel):
    """How alloys are laid out. inputs: what alloys are compared by; n_neighbors, min_dist, metric and seed are UMAP's."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: Literal["umap", "pca"] = "umap"
    inputs: Literal["both", "elements", "descriptors"] = "both"
    n_neighbors: int = Field(15, ge=2, le=200)
    min_dist: float = Field(0.3, ge=0.0, le=0.99)
    metric: Literal["euclidean", "manhattan", "cosine", "correlation"] = "euclidean"
    seed: int = Field(0, ge=0, le=2**31 - 1)


DEFAULT_MAP = MapSettings()


@dataclass(frozen=True, eq=False)
class Projection:
    """n mapped alloys.

    alloy_ids: [n] text; coordinates: [n, 2]; inputs: [n, F] scaled features; scaler: how they were scaled; symbols: order
    of the elements; fingerprint: of the ids and compositions that were mapped; settings: how; score: trustworthiness with
    10 neighbours; axes: [F, 2] of a map by principal components, [0, 2] of others.
    """

    alloy_ids: np.ndarray
    coordinates: np.ndarray
    inputs: np.ndarray
    scaler: Scaler
    symbols: tuple[str, ...]
    fingerprint: str
    settings: MapSettings
    score: float
    axes: np.ndarray

    def place(self, at: np.ndarray) -> np.ndarray:
        """Coordinates [m, 2] of alloys from at.% [m, E] in the order of `symbols`."""
        new = self.scaler.transform(_features(at, self.symbols, self.settings.inputs))
        if len(self.axes):
            return new @ self.axes
        return np.concatenate([self._among_neighbours(new[start:start + CHUNK]) for start in range(0, len(new), CHUNK)] or
                              [np.empty((0, 2))])

    def _among_neighbours(self, new: np.ndarray) -> np.ndarray:
        square = cdist(new, self.inputs, "sqeuclidean")
        nearest = np.argsort(square, axis=1, kind="stable")[:, :NEIGHBOURS_PLACED_BY]
        weight = 1.0 / (np.take_along_axis(square, nearest, axis=1) + OWN_POINT)
        weight /= weight.sum(axis=1, keepdims=True)
        return (weight[:, :, None] * self.coordinates[nearest]).sum(axis=1)

    def save(self, path: Path) -> None:
        """Write arrays only, under a temporary name first."""
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        with unfinished.open("wb") as file:
            np.savez_compressed(
                file, alloy_ids=self.alloy_ids, coordinates=self.coordinates.astype(np.float32),
                inputs=self.inputs.astype(np.float32), mean=self.scaler.mean, scale=self.scaler.scale, axes=self.axes,
                symbols=np.array(self.symbols), fingerprint=np.array(self.fingerprint), score=np.array(self.score),
                settings=np.array(self.settings.model_dump_json()))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Projection":
        """Raises CheckpointError for anything but a file that `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return cls(arrays["alloy_ids"], arrays["coordinates"].astype(float), arrays["inputs"].astype(float),
                       Scaler(arrays["mean"], arrays["scale"]), tuple(arrays["symbols"].tolist()),
                       str(arrays["fingerprint"]), MapSettings.model_validate_json(str(arrays["settings"])),
                       float(arrays["score"]), arrays["axes"])
        except (OSError, EOFError, KeyError, ValueError, ValidationError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"expected a map of alloys in {path.name}, got: {error}") from error


def fit_projection(at: np.ndarray, symbols: tuple[str, ...], alloy_ids: np.ndarray,
                   settings: MapSettings = DEFAULT_MAP) -> Projection:
    """Map alloys from at.% [n, E]. Each composition is mapped once, so that alloys which share it share a point.

    The same seed gives the same UMAP map on one machine, but not bit for bit on another; it takes seconds, and 15 s more
    the first time in a process, while UMAP compiles. Raises ConfigError for fewer than four different compositions.
    """
    check_symbols(symbols)
    features = _features(at, symbols, settings.inputs)
    scaler = Scaler.fit(features)
    inputs = scaler.transform(features).astype(np.float32).astype(float)  # as stored
    distinct, index = np.unique(inputs, axis=0, return_inverse=True)
    if len(distinct) < FEWEST:
        raise ConfigError(f"expected at least {FEWEST} alloys of different composition to lay out a map, got {len(distinct)}")
    axes = _principal_axes(distinct) if settings.method == "pca" else np.empty((0, 2))
    laid_out = distinct @ axes if len(axes) else umap_of(distinct, settings)
    return Projection(np.asarray(alloy_ids, dtype=str), laid_out[index].astype(float), inputs, scaler, tuple(symbols),
                      fingerprint_of(at, symbols, alloy_ids), settings, trustworthiness(distinct, laid_out), axes)


def umap_of(distinct: np.ndarray, settings: MapSettings) -> np.ndarray:
    """Coordinates [n, 2] of n different points [n, F], each axis taken as it is."""
    import umap

    reducer = umap.UMAP(n_neighbors=min(settings.n_neighbors, len(distinct) - 1), min_dist=settings.min_dist,
                        metric=settings.metric, random_state=settings.seed, n_jobs=1)
    return reducer.fit_transform(distinct)


def _principal_axes(distinct: np.ndarray) -> np.ndarray:
    """The two directions of largest variance, [F, 2]; the largest part of each is positive, so that maps do not flip."""
    axes = np.linalg.svd(distinct - distinct.mean(axis=0), full_matrices=False)[2][:2].T
    return axes * np.sign(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])])


def trustworthiness(inputs: np.ndarray, coordinates: np.ndarray, n_neighbors: int = 10) -> float:
    """How far neighbours on a map are neighbours in feature space, 0 to 1; inputs: [n, F], coordinates: [n, 2].

    T = 1 − 2 / (n k (2n − 3k − 1)) Σᵢ Σ_{j ∈ k nearest of i on the map} max(0, r(i, j) − k), r the rank of j among the
    neighbours of i in feature space (Venna & Kaski, ICANN 2001). Of more than 2,000 alloys, an even sample is judged.
    """
    step = -(-len(inputs) // MOST_JUDGED)
    inputs, coordinates = inputs[::step], coordinates[::step]
    n, k = len(inputs), min(n_neighbors, (len(inputs) - 1) // 2)
    on_map, in_space = (cdist(points, points, "sqeuclidean") for points in (coordinates, inputs))
    for distances in (on_map, in_space):
        np.fill_diagonal(distances, -1.0)  # each alloy is its own first neighbour, and not counted
    ranks = np.empty((n, n), int)
    np.put_along_axis(ranks, np.argsort(in_space, axis=1, kind="stable"), np.arange(n)[None, :], axis=1)
    nearest = np.argsort(on_map, axis=1, kind="stable")[:, 1:k + 1]
    beyond = np.maximum(np.take_along_axis(ranks, nearest, axis=1) - k, 0).sum()
    return float(1.0 - 2.0 * beyond / (n * k * (2 * n - 3 * k - 1)))


def fingerprint_of(at: np.ndarray, symbols: tuple[str, ...], alloy_ids: np.ndarray) -> str:
    """SHA-256 of what a map is made from, compositions to 1e-6 at.%; differs when the data have changed."""
    text = " ".join([*symbols, *map(str, alloy_ids), *np.char.mod("%.6f", at + 0.0).ravel().tolist()])
    return hashlib.sha256(text.encode()).hexdigest()


def project(table: AlloyTable, settings: MapSettings = DEFAULT_MAP) -> Projection:
    """Map all alloys of the data."""
    return fit_projection(*_mapped(table), settings)


def key_of(table: AlloyTable, settings: MapSettings) -> str:
    """The name under which a map of these alloys is stored: of the data, the settings and the seed together."""
    text = fingerprint_of(*_mapped(table)) + settings.model_dump_json()
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def is_current(projection: Projection, table: AlloyTable) -> bool:
    """Whether the map was made from exactly these alloys."""
    return projection.fingerprint == fingerprint_of(*_mapped(table))


def _mapped(table: AlloyTable) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    at = table.alloys[[f"at_{symbol}" for symbol in table.elements]].to_numpy(float)
    return at, table.elements, table.alloys["alloy_id"].to_numpy(str)


def _features(at: np.ndarray, symbols: tuple[str, ...], inputs: str) -> np.ndarray:
    parts = {"elements": lambda: [at], "descriptors": lambda: [evaluate(at, symbols, _DESCRIPTORS)]}
    return np.concatenate(parts["elements"]() + parts["descriptors"]() if inputs == "both" else parts[inputs](), axis=1)
