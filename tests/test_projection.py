"""The map of the alloys: neighbours stay neighbours, and new alloys find their place."""
import pickle
import time
from dataclasses import replace

import numpy as np
import pytest

from mtl_core.data.tables import read_tables
from mtl_core.errors import CheckpointError, ConfigError
from mtl_core.features.projection import (
    MapSettings,
    Projection,
    fingerprint_of,
    fit_projection,
    is_current,
    key_of,
    project,
    trustworthiness,
)
from mtl_core.settings import ASSETS_DIR

SHIPPED = ASSETS_DIR / "projection.npz"
SYMBOLS = ("Al", "Si", "Ti", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Mo")
CENTRES = np.eye(len(SYMBOLS))[[SYMBOLS.index(symbol) for symbol in ("Fe", "Ni", "Al", "Ti")]] * 85.0


FEW = MapSettings(n_neighbors=8)


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
    return at, fit_projection(at, SYMBOLS, np.arange(80), FEW)


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
    assert fitted[1].score > 0.8


def test_the_same_seed_gives_the_same_map(fitted):
    at, projection = fitted
    np.testing.assert_array_equal(fit_projection(at, SYMBOLS, np.arange(80), FEW).coordinates,
                                  projection.coordinates)


def test_a_map_is_stored_as_plain_arrays_and_comes_back(fitted, tmp_path):
    at, projection = fitted
    projection.save(tmp_path / "map.npz")
    again = Projection.load(tmp_path / "map.npz")
    np.testing.assert_allclose(again.place(at), projection.place(at), atol=1e-4)
    assert again.settings == FEW and again.score == projection.score
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
    assert shipped.score > 0.95


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


def test_the_trustworthiness_is_that_of_scikit_learn():
    from sklearn.manifold import trustworthiness as reference

    rng = np.random.default_rng(3)
    inputs, coordinates = rng.normal(size=(60, 7)), rng.normal(size=(60, 2))
    assert trustworthiness(inputs, coordinates, 6) == pytest.approx(reference(inputs, coordinates, n_neighbors=6), abs=1e-12)


@pytest.mark.parametrize("inputs", ["elements", "descriptors", "both"])
def test_principal_components_place_an_alloy_by_projecting_it_and_do_not_flip(inputs):
    at, _ = alloys(80)
    found = fit_projection(at, SYMBOLS, np.arange(80), MapSettings(method="pca", inputs=inputs))
    np.testing.assert_allclose(found.place(at), found.coordinates, atol=1e-4)
    shuffled = fit_projection(at[::-1], SYMBOLS, np.arange(80), MapSettings(method="pca", inputs=inputs))
    np.testing.assert_allclose(shuffled.coordinates[::-1], found.coordinates, atol=1e-6)
    centred = found.inputs - found.inputs.mean(axis=0)
    largest = np.linalg.svd(centred, compute_uv=False)[:2]
    assert found.coordinates.var(axis=0).sum() == pytest.approx(largest @ largest / len(at))


def test_another_setting_another_seed_or_other_data_are_another_map():
    table = read_tables()
    keys = {key_of(table, settings) for settings in (MapSettings(), MapSettings(seed=1), MapSettings(inputs="elements"))}
    changed = replace(table, alloys=table.alloys.assign(at_Fe=table.alloys["at_Fe"] + 1e-3))
    assert len(keys | {key_of(changed, MapSettings())}) == 4
    assert key_of(read_tables(), MapSettings()) in keys


def test_too_few_alloys_to_lay_out_are_refused_with_a_reason():
    at, _ = alloys(3)
    with pytest.raises(ConfigError, match="at least 4 alloys of different composition"):
        fit_projection(at, SYMBOLS, np.arange(3), MapSettings(method="pca"))


def test_the_alloys_of_the_data_are_mapped_at_once_by_principal_components():
    table = read_tables()
    found = project(table, MapSettings(method="pca"))
    assert found.alloy_ids.tolist() == table.alloys["alloy_id"].tolist() and 0.6 < found.score < 1
