"""Groups and folds: nothing of a group on both sides, every row in one fold, the same from one seed."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_core.data import composition_groups, make_folds, observations, read_tables, reference_groups
from mtl_core.data.folds import SPLITS


@st.composite
def made_up_observations(draw):
    """30-60 rows of two tasks, 12 papers, compositions on a coarse grid so that some coincide."""
    n = draw(st.integers(30, 60))
    chromium = np.array(draw(st.lists(st.integers(0, 25), min_size=n, max_size=n)), float)
    papers = draw(st.lists(st.integers(0, 11), min_size=n, max_size=n))
    return pd.DataFrame({"task": ["hardness", "pitting_potential"] * (n // 2) + ["hardness"] * (n % 2),
                         "reference_group": [f"paper-{paper}" for paper in papers],
                         "at_Cr": chromium, "at_Fe": 100 - chromium})


@settings(max_examples=60, deadline=None)
@given(made_up_observations(), st.sampled_from(SPLITS), st.integers(0, 2**31))
def test_no_group_is_on_both_sides_and_every_row_is_in_one_fold(frame, kind, seed):
    groups = {"random": np.arange(len(frame)), "composition": composition_groups(frame[["at_Cr", "at_Fe"]].to_numpy()),
              "reference": reference_groups(frame)}[kind]
    n_folds = min(4, len(np.unique(groups)))
    if n_folds < 2:
        return
    folds = make_folds(frame, kind=kind, n_folds=n_folds, seed=seed)
    assert folds.shape == (len(frame),)
    assert set(folds) == set(range(n_folds))
    assert pd.Series(folds).groupby(groups).nunique().max() == 1
    assert np.array_equal(folds, make_folds(frame, kind=kind, n_folds=n_folds, seed=seed))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=25), st.integers(0, 1000))
def test_composition_groups_are_the_chains_of_near_neighbours(grid, seed):
    at = np.array(grid, float) / 4
    groups = composition_groups(at)
    near = np.abs(at[:, None] - at[None]).max(axis=2) <= 0.5
    reach = np.linalg.matrix_power(near.astype(float), len(at)) > 0
    assert np.array_equal(groups[:, None] == groups[None], reach)
    order = np.random.default_rng(seed).permutation(len(at))
    again = composition_groups(at[order])
    assert np.array_equal(again[:, None] == again[None], reach[np.ix_(order, order)])


@pytest.mark.parametrize("kind", SPLITS)
def test_on_the_real_data_each_task_is_spread_evenly(kind):
    frame = observations(read_tables())
    counts = pd.crosstab(make_folds(frame, kind=kind, seed=0), frame["task"])
    assert counts.shape == (5, 2)
    assert ((counts / counts.mean() - 1).abs() < 0.1).all(axis=None)


@pytest.mark.parametrize("kind", SPLITS)
def test_another_seed_gives_other_folds(kind):
    frame = observations(read_tables())
    first, second = (make_folds(frame, kind=kind, seed=seed) for seed in (0, 1))
    together = [fold[:, None] == fold[None] for fold in (first, second)]
    assert (together[0] & together[1]).sum() < 0.6 * together[0].sum()


def test_neighbours_at_exactly_the_tolerance_belong_together():
    assert len(set(composition_groups(np.array([[20.0, 80.0], [20.5, 79.5], [21.0, 79.0], [21.6, 78.4]])))) == 2


def test_a_split_that_cannot_be_made_says_why():
    frame = pd.DataFrame({"task": ["hardness"] * 3, "reference_group": ["a", "a", "b"], "at_Fe": [100.0] * 3})
    with pytest.raises(ValueError, match=r"number of groups by reference \(2\), got 5"):
        make_folds(frame, kind="reference", seed=0)
    with pytest.raises(ValueError, match="expected a split out of random, composition, reference, got 'paper'"):
        make_folds(frame, kind="paper", seed=0)
