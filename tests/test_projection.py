"""The map of the alloys: neighbours stay neighbours, and new alloys find their place."""
import pickle
import time

import numpy as np
import pytest

from mtl_core.data.tables import read_tables
from mtl_core.errors import CheckpointError
from mtl_core.features.projection import Projection, best_stored, fingerprint_of, fit_projection, is_current
from mtl_core.settings import ASSETS_DIR

SHIPPED = ASSETS_DIR / "projection.npz"
SYMBOLS = ("Al", "Si", "Ti", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Mo")
CENTRES = np.eye(len(SYMBOLS))[[SYMBOLS.index(symbol) for symbol in ("Fe", "Ni", "Al", "Ti")]] * 85.0


def alloys(n, seed=0):
    """Alloys [n, E] around four base elements, and the base of each."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, len(CENTRES), n)
    return CENTRES[base] + 15.0 * rng.dirichlet(np.full(len(SYMBOLS), 0.5), n), base


@pytest.fixture(scope="module")
def shipped():
    return Projection.load(SHIPPED)


@pytest.fixture(scope="module")
def fitted():
    at, _ = alloys(80)
    at[1] = at[0]  # one composition, processed in two ways
    return at, fit_projection(at, SYMBOLS, np.arange(80), n_neighbors=8)


def test_a_map_of_these_very_alloys_is_preferred_and_a_stale_one_serves_until_there_is_one(shipped, fitted, tmp_path):
    table, stale, missing = read_tables(), tmp_path / "stale.npz", tmp_path / "missing.npz"
    fitted[1].save(stale)
    assert best_stored(table, stale, SHIPPED)[1] and best_stored(table, missing, SHIPPED)[1]
    found, is_made_from_these = best_stored(table, missing, stale)
    assert not is_made_from_these and found.fingerprint == fitted[1].fingerprint != shipped.fingerprint
    with pytest.raises(CheckpointError, match="python -m mtl_core data map"):
        best_stored(table, missing)


def test_a_mapped_alloy_lands_on_its_own_point(fitted):
    at, projection = fitted
    np.testing.assert_allclose(projection.place(at), projection.coordinates, atol=1e-3)
    np.testing.assert_array_equal(projection.coordinates[0], projection.coordinates[1])


def test_a_new_alloy_lands_among_alloys_of_its_base(fitted):
    _, projection = fitted
    at, base = alloys(40, seed=1)
    mapped = alloys(80)[1]
    distance = np.linalg.norm(projection.place(at)[:, None] - projection.coordinates[None], axis=-1)
    assert (mapped[distance.argmin(axis=1)] == base).mean() > 0.9


def test_neighbours_on_the_map_are_neighbours_in_feature_space(fitted):
    assert fitted[1].trustworthiness(5) > 0.8


def test_the_same_seed_gives_the_same_map(fitted):
    at, projection = fitted
    np.testing.assert_array_equal(fit_projection(at, SYMBOLS, np.arange(80), n_neighbors=8).coordinates,
                                  projection.coordinates)


def test_a_map_is_stored_as_plain_arrays_and_comes_back(fitted, tmp_path):
    at, projection = fitted
    projection.save(tmp_path / "map.npz")
    again = Projection.load(tmp_path / "map.npz")
    np.testing.assert_allclose(again.place(at), projection.place(at), atol=1e-4)
    assert again.symbols == SYMBOLS and again.alloy_ids.tolist() == projection.alloy_ids.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["map.npz"]


@pytest.mark.parametrize("content", [b"", b"not a map", pickle.dumps({"coordinates": 1})])
def test_anything_but_a_map_is_refused(content, tmp_path):
    (tmp_path / "map.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a map of alloys in map\.npz"):
        Projection.load(tmp_path / "map.npz")


def test_the_shipped_map_belongs_to_the_shipped_data_and_is_trustworthy(shipped):
    table = read_tables()
    assert is_current(shipped, table)
    assert shipped.alloy_ids.tolist() == table.alloys["alloy_id"].tolist()
    assert shipped.trustworthiness() > 0.95


def test_a_map_is_out_of_date_when_one_composition_has_changed(fitted):
    at, projection = fitted
    ids, moved = np.arange(80), at.copy()
    moved[3, :2] += (0.01, -0.01)
    assert projection.fingerprint == fingerprint_of(at, SYMBOLS, ids) != fingerprint_of(moved, SYMBOLS, ids)


def test_a_new_alloy_is_placed_in_under_a_tenth_of_a_second(shipped):
    at = np.full((1, len(shipped.symbols)), 100.0 / len(shipped.symbols))
    shipped.place(at)
    took = []
    for _ in range(5):
        start = time.perf_counter()
        shipped.place(at)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1
