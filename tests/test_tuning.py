"""The search itself: the space and its coding, the rules of a study, what is asked next, and the surrogate behind it."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from mtl_core.ensemble.config import EnsembleConfig, preset
from mtl_core.errors import ConfigError, in_words
from mtl_core.tuning.ask import ask
from mtl_core.tuning.objective import Scored, log_likelihood
from mtl_core.tuning.space import Choice, Integer, Real, Space, default_space, seed_project_space
from mtl_core.tuning.study import StudyConfig, Trial, entered, entered_as, incumbent, is_hopeless

BASE = preset("smoke")
SMALL = Space(dimensions=(Integer(name="trunk_width", low=8, high=64, log=True), Real(name="dropout", low=0.0, high=0.5),
                          Choice(name="noise", values=("alloy", "task"))))
UNIT = st.floats(0.0, 1.0)


def config(**changes):
    return StudyConfig(**{"base": BASE, "space": SMALL, "n_trials": 6, "n_initial": 4} | changes)


def trial(number, score=None, status="complete", **facts):
    """A finished trial at a random point of SMALL."""
    point = SMALL.from_unit(np.random.default_rng(number).random(3))
    return Trial(**{"number": number, "point": point, "proposed_by": "random", "status": status, "score": score,
                    "entered_as": score} | facts)


def searched(study, score=lambda point: -point["dropout"]):
    """All trials of a study whose objective costs nothing."""
    trials = []
    while proposals := ask(study, trials, len(trials)):
        before = tuple(trials)
        trials += [Trial(**one.model_dump(), status="complete", score=score(one.point or {"dropout": 0.1}),
                         entered_as=entered_as("complete", score(one.point or {"dropout": 0.1}), before)) for one in proposals]
    return trials


def keys(study, trials):
    return [study.config_of(one.point).model_dump_json() for one in trials]


integers = st.builds(lambda low, width, log: Integer(name="epochs", low=low, high=low + width, log=log),
                     st.integers(1, 500), st.integers(1, 500), st.booleans())
reals = st.builds(lambda low, ratio, log: Real(name="dropout", low=low, high=low * ratio, log=log),
                  st.floats(1e-4, 1e3), st.floats(1.01, 1e4), st.booleans())
choices = st.lists(st.text(max_size=3) | st.booleans() | st.integers(0, 3), min_size=2, max_size=6, unique_by=repr).map(
    lambda values: Choice(name="noise", values=tuple(values)))


@given(integers | reals | choices, UNIT)
def test_a_value_keeps_its_place_in_the_unit_cube(dimension, unit):
    value = dimension.from_unit(unit)
    assert dimension.holds(value) and 0.0 <= dimension.to_unit(value) <= 1.0
    assert repr(dimension.from_unit(dimension.to_unit(value))) == repr(value)
    assert all(dimension.holds(one) for one in dimension.grid(4))


@given(integers | choices)
def test_every_value_of_an_integer_and_of_a_choice_can_be_reached(dimension):
    values = dimension.values if isinstance(dimension, Choice) else range(dimension.low, dimension.high + 1)
    assert all(repr(dimension.from_unit(dimension.to_unit(value))) == repr(value) for value in values)


@given(st.lists(UNIT, min_size=15, max_size=15))
def test_each_point_of_the_default_space_is_a_valid_config_and_can_be_read_back_from_it(units):
    space = default_space()
    point = space.from_unit(units)
    changed = space.apply(BASE, point)
    assert EnsembleConfig.model_validate_json(changed.model_dump_json()) == changed
    assert space.point_of(changed) == point
    assert (changed.tasks, changed.data, changed.train.n_folds) == (BASE.tasks, BASE.data, BASE.train.n_folds)


def test_a_point_says_widths_and_depths_of_trunk_and_heads():
    space = seed_project_space()
    point = {"trunk_width": 64, "trunk_depth": 3, "head_width:hardness": 32, "head_depth:hardness": 2,
             "head_width:pitting_potential": 48, "head_depth:pitting_potential": 6}
    network = space.apply(BASE, point).network
    assert (network.trunk, network.heads) == ((64, 64, 64), ((32, 32), (48,) * 6))
    alike = space.apply(BASE, point | {"head_width:pitting_potential": 32, "head_depth:pitting_potential": 2}).network
    assert (alike.head, alike.heads) == ((32, 32), ())
    assert space.point_of(BASE) is None  # its heads are one layer deep, the space starts at two


@pytest.mark.parametrize(("changes", "words"), [
    ({"space": Space(dimensions=(Integer(name="head_depth:elongation", low=1, high=2),))}, "expected heads of the tasks hard"),
    ({"objective": "r2:elongation"}, "expected an objective out of mean r2"),
    ({"outer_fold": 5}, "expected an outer fold from 0 to 4, got 5"),
    ({"method": "grid", "space": default_space(), "levels": 9}, "expected a grid of at most 100,000 points, got"),
])
def test_a_study_that_cannot_be_is_refused_in_words(changes, words):
    with pytest.raises(ValidationError) as refused:
        config(**changes)
    assert words in in_words(refused.value)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Real(name="dropout", low=0.5, high=0.1), "expected low < high"),
    (lambda: Real(name="dropout", low=0.0, high=0.1, log=True), "above 0 for a logarithmic scale"),
    (lambda: Integer(name="width", low=1, high=2), "expected a dimension out of trunk_width"),
    (lambda: Choice(name="noise", values=("task", "task")), "expected different values"),
    (lambda: Space(dimensions=(SMALL.dimensions[1],) * 2), "expected each dimension once"),
])
def test_a_dimension_that_cannot_be_is_refused_in_words(make, words):
    with pytest.raises(ValidationError) as refused:
        make()
    assert words in in_words(refused.value)


def test_a_point_outside_the_valid_range_of_a_setting_is_a_config_error():
    with pytest.raises(ConfigError, match=r"expected a point that gives a valid config, got dropout"):
        SMALL.apply(BASE, {"dropout": 1.5})


def test_the_incumbent_is_the_best_complete_trial_and_never_a_pruned_or_failed_one():
    trials = [trial(0, 0.2), trial(1, 0.4), trial(2, 0.4), trial(3, status="pruned", blocks=(0.9,), entered_as=0.3),
              trial(4, status="failed", entered_as=0.2)]
    assert incumbent(trials).number == 1 and incumbent(trials[3:]) is None


def test_a_trial_is_rejected_below_the_median_of_five_complete_ones_at_the_same_share_of_their_epochs():
    before = [trial(number, 1.0, blocks=(0.1 * number, 0.5)) for number in range(5)]
    assert is_hopeless(0.19, 0, before) and not is_hopeless(0.2, 0, before) and is_hopeless(0.49, 1, before)
    others = [trial(5, status="pruned", blocks=(0.0,)), trial(6, status="failed")]
    assert not is_hopeless(-9.0, 0, before[:4] + others)
    assert is_hopeless(float("nan"), 0, [])


def test_what_the_surrogate_takes_for_a_pruned_or_failed_trial_is_a_rule_and_never_a_partial_score():
    before = [trial(number, score) for number, score in enumerate((0.1, 0.2, 0.3, 0.4, 0.5))]
    assert entered_as("complete", 0.7, before) == 0.7
    assert entered_as("pruned", None, before) == pytest.approx(0.2)
    assert entered_as("failed", None, before) == pytest.approx(0.1)
    early = trial(5, status="failed", entered_as=None)
    assert entered([early]) == [] and entered([early, *before])[0] == (early, 0.1)


@pytest.mark.parametrize(("method", "batch"), [("bayesian", 3), ("random", 1), ("random", 3), ("grid", 3)])
def test_what_is_asked_follows_from_config_seed_and_trials_alone(method, batch):
    study = config(method=method, batch=batch)
    trials = searched(study)
    assert [one.number for one in trials] == list(range(7))
    assert len(set(keys(study, trials))) == 7
    for number in range(7):
        start = 0 if number == 0 else number - (number - 1) % batch
        again = ask(study, trials[:start], number)  # as if the process had just begun, in the midst of a batch too
        assert [one.point for one in again] == [one.point for one in trials[start:start + len(again)]]
    assert [one.point for one in searched(study.model_copy(update={"seed": 1}))] != [one.point for one in trials]


def test_the_default_comes_first_and_counts_as_a_point_of_the_space_where_it_is_one():
    assert searched(config())[0].point == {"trunk_width": 64, "dropout": 0.1, "noise": "alloy"}
    outside = Space(dimensions=(Real(name="dropout", low=0.2, high=0.5),))
    first, second = searched(config(space=outside, method="random", n_trials=1))
    assert first.point is None and first.proposed_by == "default" and second.proposed_by == "random"


def test_a_grid_and_a_small_space_end_the_study_when_nothing_new_is_left():
    tiny = Space(dimensions=(Choice(name="noise", values=("alloy", "task")), Integer(name="epochs", low=7, high=8)))
    for method in ("grid", "random", "bayesian"):
        study = config(space=tiny, method=method, n_trials=50, levels=2, n_initial=2)
        trials = searched(study, score=lambda point: point.get("epochs", 8))
        assert len(trials) == 4 and len(set(keys(study, trials))) == 4


def test_a_study_that_ends_before_its_grid_has_seen_all_of_the_space():
    study = config(method="grid", levels=5, n_trials=20)
    trials = searched(study)[1:]
    assert study.space.grid_size(5) == 50 and {one.proposed_by for one in trials} == {"grid"}
    assert {one.point["noise"] for one in trials} == {"alloy", "task"} and len({one.point["dropout"] for one in trials}) == 5


BOWL = Space(dimensions=(Real(name="dropout", low=0.0, high=0.8), Real(name="learning_rate", low=1e-5, high=1e-1, log=True)))


def bowl(point):
    """Best, 0, at dropout 0.3 and a learning rate of 1e-3."""
    return -((point["dropout"] - 0.3) / 0.2) ** 2 - (np.log10(point["learning_rate"]) + 3) ** 2


def test_on_a_known_function_bayesian_search_finds_better_points_than_random_search():
    base = BASE.model_copy(update={"train": BASE.train.model_copy(update={"learning_rate": 0.05})})

    def best(method, seed):
        study = config(base=base, space=BOWL, method=method, n_trials=12, n_initial=6, seed=seed)
        return incumbent(searched(study, score=lambda point: bowl({"learning_rate": 0.05, **point}))).score

    found, by_chance = ([best(method, seed) for seed in range(2)] for method in ("bayesian", "random"))
    assert np.mean(found) > max(np.mean(by_chance), -0.3)


def surrogate(n=30, **changes):
    from mtl_core.tuning.gpyopt_adapter import Surrogate

    points = [BOWL.from_unit(unit) for unit in np.random.default_rng(0).random((n, 2))]
    return Surrogate(BOWL, points, [bowl(point) for point in points], **changes)


@pytest.mark.parametrize("acquisition", ["EI", "LCB", "MPI"])
def test_each_acquisition_suggests_a_point_near_the_optimum_that_it_thinks_best(acquisition):
    found = surrogate(acquisition=acquisition)
    suggested = next(found.suggest())
    assert bowl(suggested) > -0.5
    others = [BOWL.from_unit(unit) for unit in np.random.default_rng(1).random((200, 2))]
    assert found.acquisition([suggested])[0] >= 0.95 * found.acquisition(others).max()


def test_the_surrogate_knows_the_function_near_its_points_and_doubts_far_from_them():
    found = surrogate()
    mean, _ = found.predict(found.points)
    assert np.abs(mean - found.scores).max() < 0.3
    few = surrogate(4)
    assert few.predict(list(BOWL.grid(3)))[1].max() > 3 * few.predict(few.points)[1].max()
    curve = found.slice("dropout", {"dropout": 0.0, "learning_rate": 1e-3})
    assert curve.values[np.argmax(curve.mean)] == pytest.approx(0.3, abs=0.1) and (curve.std > 0).all()


def test_partial_dependence_surface_and_importance_say_the_same_as_the_function():
    found = surrogate()
    curve = found.partial_dependence("learning_rate")
    assert np.log10(curve.values[np.argmax(curve.mean)]) == pytest.approx(-3, abs=0.5)
    plane = found.surface("dropout", "learning_rate", found.points[0], n=9)
    assert plane.mean.shape == plane.acquisition.shape == (9, 9)
    row, column = np.unravel_index(plane.mean.argmax(), plane.mean.shape)
    assert (plane.x[column], np.log10(plane.y[row])) == (pytest.approx(0.3, abs=0.11), pytest.approx(-3, abs=0.51))
    # Of the sum of two functions, first-order indices are the shares of their variances.
    u = np.linspace(0, 1, 1001)
    parts = {"dropout": np.var(((0.8 * u - 0.3) / 0.2) ** 2), "learning_rate": np.var((4 * u - 2) ** 2)}
    assert found.importance() == pytest.approx({name: part / sum(parts.values()) for name, part in parts.items()}, abs=0.15)


def test_points_that_are_tried_together_lie_apart_and_are_the_same_every_time():
    def together():
        few = surrogate(6)
        suggested = few.suggest(3)
        return [next(suggested) for _ in range(3)]

    state = np.random.get_state()[1].copy()
    points = together()
    assert points == together() and (np.random.get_state()[1] == state).all()
    units = np.array([BOWL.to_unit(point) for point in points])
    apart = np.linalg.norm(units[:, None] - units[None], axis=-1)[np.triu_indices(3, 1)]
    assert apart.min() > 0.02


def test_objectives_are_those_of_their_definitions():
    rng = np.random.default_rng(0)
    y = rng.normal(size=40)
    table = pd.DataFrame({"task": ["a", "b"] * 20, "fold_seed": np.repeat([0, 1], 20), "low": y, "high": y,
                          "mean": y + rng.normal(0, 0.5, 40), "std": rng.uniform(0.3, 1.0, 40)})
    unit = {"a": 2.0, "b": 0.5}
    scored = Scored.of(table, "mean r2", unit)
    r2 = {(task, seed): 1 - ((rows["low"] - rows["mean"]) ** 2).sum() / ((rows["low"] - rows["low"].mean()) ** 2).sum()
          for (task, seed), rows in table.groupby(["task", "fold_seed"])}
    of_seed = [np.mean([r2["a", seed], r2["b", seed]]) for seed in (0, 1)]
    assert scored.of_seed == pytest.approx(of_seed) and scored.spread == pytest.approx(np.std(of_seed))
    assert Scored.of(table, "r2:b", unit).score == pytest.approx(np.mean([r2["b", 0], r2["b", 1]]))
    scale = table["std"] * np.sqrt(3) / np.pi
    log_density = stats.logistic(table["mean"], scale).logpdf(table["low"]) + np.log(0.5)
    assert log_likelihood(table, 0.5) == pytest.approx(log_density.mean())
    bounds = table.assign(high=np.inf)
    assert log_likelihood(bounds, 1.0) == pytest.approx(stats.logistic(table["mean"], scale).logsf(table["low"]).mean())
    with pytest.raises(FloatingPointError, match="the training diverged"):
        Scored.of(table.assign(mean=np.nan), "nll", unit)
