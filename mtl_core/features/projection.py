"""A map of the alloys: UMAP of elements and descriptors, fitted once and stored as plain arrays.

A new alloy goes to the mean of its nearest mapped alloys, weighted by 1/distance² (UMAP's own transform starts alike).
That needs no fitted UMAP object, which could only be stored as a pickle, and no compilation: it is deterministic,
takes a millisecond, and a mapped alloy lands on its own point. McInnes, Healy & Melville, arXiv 1802.03426 (2018).
"""
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtl_core.chemistry.elements import check_symbols
from mtl_core.data.tables import AlloyTable
from mtl_core.errors import CheckpointError
from mtl_core.features.descriptors import DESCRIPTORS, evaluate
from mtl_core.features.scaling import Scaler

NEIGHBOURS_PLACED_BY = 5
OWN_POINT = 1e-10  # squared distance in scaled features below which an alloy counts as a mapped one

_DESCRIPTORS = tuple(descriptor for descriptor in DESCRIPTORS if descriptor.scope == "alloy")


@dataclass(frozen=True, eq=False)
class Projection:
    """n mapped alloys.

    alloy_ids: [n] text; coordinates: [n, 2]; inputs: [n, F] scaled features; scaler: how they were scaled;
    symbols: order of the elements; fingerprint: of the ids and compositions that were mapped.
    """

    alloy_ids: np.ndarray
    coordinates: np.ndarray
    inputs: np.ndarray
    scaler: Scaler
    symbols: tuple[str, ...]
    fingerprint: str

    def place(self, at: np.ndarray) -> np.ndarray:
        """Coordinates [m, 2] of alloys from at.% [m, E] in the order of `symbols`."""
        new = self.scaler.transform(_features(at, self.symbols))
        square = ((new[:, None, :] - self.inputs[None, :, :]) ** 2).sum(axis=-1)
        nearest = np.argsort(square, axis=1, kind="stable")[:, :NEIGHBOURS_PLACED_BY]
        weight = 1.0 / (np.take_along_axis(square, nearest, axis=1) + OWN_POINT)
        weight /= weight.sum(axis=1, keepdims=True)
        return (weight[:, :, None] * self.coordinates[nearest]).sum(axis=1)

    def trustworthiness(self, n_neighbors: int = 10) -> float:
        """How far neighbours on the map are neighbours in feature space, 0 to 1 (Venna & Kaski, 2001)."""
        from sklearn.manifold import trustworthiness

        inputs, first = np.unique(self.inputs, axis=0, return_index=True)
        return float(trustworthiness(inputs, self.coordinates[first], n_neighbors=n_neighbors))

    def save(self, path: Path) -> None:
        """Write arrays only, under a temporary name first."""
        unfinished = path.with_name(path.name + ".part")
        with unfinished.open("wb") as file:
            np.savez_compressed(
                file, alloy_ids=self.alloy_ids, coordinates=self.coordinates.astype(np.float32),
                inputs=self.inputs.astype(np.float32), mean=self.scaler.mean, scale=self.scaler.scale,
                symbols=np.array(self.symbols), fingerprint=np.array(self.fingerprint))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Projection":
        """Raises CheckpointError for anything but a file that `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return cls(arrays["alloy_ids"], arrays["coordinates"].astype(float), arrays["inputs"].astype(float),
                       Scaler(arrays["mean"], arrays["scale"]), tuple(arrays["symbols"].tolist()),
                       str(arrays["fingerprint"]))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"expected a map of alloys in {path.name}, got: {error}") from error


def fit_projection(at: np.ndarray, symbols: tuple[str, ...], alloy_ids: np.ndarray, *,
                   seed: int = 0, n_neighbors: int = 15, min_dist: float = 0.3) -> Projection:
    """Map alloys from at.% [n, E]. Each composition is mapped once, so that alloys which share it share a point.

    The same seed gives the same map on one machine, but not bit for bit on another. Takes seconds, and 15 s more the
    first time in a process, while UMAP compiles.
    """
    import umap

    check_symbols(symbols)
    features = _features(at, symbols)
    scaler = Scaler.fit(features)
    inputs = scaler.transform(features).astype(np.float32).astype(float)  # as stored
    distinct, index = np.unique(inputs, axis=0, return_inverse=True)
    reducer = umap.UMAP(n_neighbors=min(n_neighbors, len(distinct) - 1), min_dist=min_dist, random_state=seed, n_jobs=1)
    coordinates = reducer.fit_transform(distinct)[index]
    return Projection(np.asarray(alloy_ids, dtype=str), coordinates.astype(float), inputs, scaler, tuple(symbols),
                      fingerprint_of(at, symbols, alloy_ids))


def fingerprint_of(at: np.ndarray, symbols: tuple[str, ...], alloy_ids: np.ndarray) -> str:
    """SHA-256 of what a map is made from, compositions to 1e-6 at.%; differs when the data have changed."""
    text = " ".join([*symbols, *map(str, alloy_ids), *np.char.mod("%.6f", at + 0.0).ravel().tolist()])
    return hashlib.sha256(text.encode()).hexdigest()


def project(table: AlloyTable, *, seed: int = 0) -> Projection:
    """Map all alloys of the data."""
    return fit_projection(*_mapped(table), seed=seed)


def is_current(projection: Projection, table: AlloyTable) -> bool:
    """Whether the map was made from exactly these alloys."""
    return projection.fingerprint == fingerprint_of(*_mapped(table))


def best_stored(table: AlloyTable, *paths: Path) -> tuple[Projection, bool]:
    """The first stored map that was made from exactly these alloys, and True; else the last one there is, and False.

    Raises CheckpointError when no path holds a map.
    """
    stored = [Projection.load(path) for path in paths if path.is_file()]
    if not stored:
        raise CheckpointError(f"expected a map of alloys in one of {', '.join(map(str, paths))}; make one with "
                              "`python -m mtl_core data map`")
    current = [projection for projection in stored if is_current(projection, table)]
    return (current[0], True) if current else (stored[-1], False)


def _mapped(table: AlloyTable) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    at = table.alloys[[f"at_{symbol}" for symbol in table.elements]].to_numpy(float)
    return at, table.elements, table.alloys["alloy_id"].to_numpy(str)


def _features(at: np.ndarray, symbols: tuple[str, ...]) -> np.ndarray:
    return np.concatenate([at, evaluate(at, symbols, _DESCRIPTORS)], axis=1)
