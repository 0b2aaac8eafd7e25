"""Learning curves, and where sharing pays."""
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app import studied
from mtl_core.data.training import CONDITIONS
from mtl_core.ensemble.config import NetworkConfig, TrainConfig
from mtl_core.errors import ConfigError
from mtl_core.pipeline import Prepared
from mtl_core.validation import curves, sharing
from tests.model_samples import CONFIG, SPEC, features_of, made_up_observations, parts_by_paper

PAIR = sharing.Pair("pitting_potential", "hardness")


@pytest.fixture(scope="module")
def rows():
    return made_up_observations(120)


@pytest.fixture(scope="module")
def parts(rows):
    return parts_by_paper(rows)


def test_smaller_shares_hold_whole_papers_of_larger_ones_and_all_else_stays(rows, parts):
    thin = curves.thinned(rows, parts, PAIR.target, seed=0, shares=(0.2, 0.5, 1.0))
    is_mine, paper = (rows["task"] == PAIR.target).to_numpy(), rows["reference_group"].to_numpy()
    by_share = {share: thin[3 * number:3 * number + 3] for number, share in enumerate((0.2, 0.5, 1.0))}
    for fold, part in enumerate(parts):
        few, half, every = (by_share[share][fold] for share in (0.2, 0.5, 1.0))
        assert not (few.is_training & ~half.is_training).any()
        assert (every.is_training == part.is_training).all()
        for share, one in ((0.2, few), (0.5, half)):
            assert (one.is_training == part.is_training)[~is_mine].all(), "labels of the other task are not touched"
            kept, left_out = one.is_training & is_mine, part.is_training & is_mine & ~one.is_training
            assert not set(paper[kept]) & set(paper[left_out])
            assert 0.6 * share <= kept.sum() / (part.is_training & is_mine).sum() <= share + 0.01
            assert (one.is_test == (part.is_test & is_mine)).all() and one.split == f"{share:g}"
    assert curves.n_labels(rows, thin, PAIR.target).is_monotonic_increasing


def test_fold_seeds_draw_other_labels_and_a_share_is_never_empty(rows, parts):
    again = tuple(replace(part, fold_seed=1) for part in parts)
    kept = [curves.thinned(rows, some, PAIR.target, seed=0, shares=(0.2, 1.0))[0].is_training for some in (parts, again)]
    assert (kept[0] != kept[1]).any()
    tiny = curves.thinned(rows, parts, PAIR.target, seed=0, shares=(0.001, 1.0))
    assert curves.n_labels(rows, tiny, PAIR.target)[0.001] > 0


@pytest.mark.parametrize("shares", [(0.5,), (1.0, 0.5), (0.0, 1.0)])
def test_shares_rise_to_all_labels(rows, parts, shares):
    with pytest.raises(ConfigError, match="shares that rise from above 0 to 1"):
        curves.thinned(rows, parts, PAIR.target, seed=0, shares=shares)


def test_a_power_law_is_found_again():
    n = np.array([20, 40, 100, 200, 300, 400.0])
    floor, scale, exponent = curves.power_law(n, 60 + 500 * n**-0.6)
    assert (floor, scale, exponent) == pytest.approx((60, 500, 0.6), rel=0.02)


def made_up_cell(sd_of, n=300, draws=3):
    """Out of fold, with errors of a known spread at each share."""
    rng = np.random.default_rng(0)
    facts = pd.DataFrame({"measurement_id": range(n), "task": "hardness", "low": rng.normal(0, 200, n),
                          "reference_group": rng.integers(60, size=n)})
    tables = [facts.assign(split=f"{share:g}", fold_seed=draw, fold=0, mean=facts["low"] + rng.normal(0, sd, n))
              for share, sd in sd_of.items() for draw in range(draws)]
    return pd.concat(tables, ignore_index=True)


def test_the_worth_of_the_next_labels_lies_in_its_interval_and_is_nothing_on_a_flat_curve():
    labels = pd.Series({share: 400 * share for share in curves.SHARES})
    falling = {share: 50 + 600 * (400 * share) ** -0.5 for share in curves.SHARES}
    found = curves.fit(made_up_cell(falling), labels, n=500)
    truth = 600 * (500**-0.5 - 550**-0.5)
    assert found.fall_low <= truth <= found.fall_high and found.gain > 0
    assert found.fall == pytest.approx(truth, abs=1.0) and found.rmse == pytest.approx(50 + 600 * 500**-0.5, rel=0.05)
    fan = curves.fan(made_up_cell(falling), labels, n=500)
    assert ((fan["low"] <= fan["rmse"]) & (fan["rmse"] <= fan["high"])).all() and fan["n_labels"].iloc[-1] == pytest.approx(550)
    flat = curves.fit(made_up_cell(dict.fromkeys(curves.SHARES, 90.0)), labels, n=500)
    assert flat.gain == pytest.approx(0.0, abs=0.002) and flat.gain_low <= 0.001 and flat.step_low <= 0 <= flat.step_high


@pytest.fixture(scope="module")
def prepared():
    """Pitting potential is twice the hardness of a curved law, and hardly anybody measured it."""
    rng = np.random.default_rng(1)
    rows = made_up_observations(240)
    rows = rows.assign(**{name: np.nan for name in CONDITIONS if name not in rows})
    truth = 100 + 10 * rows["at_Cr"] + 150 * np.sin(rows["at_Ni"] / 2)
    value = np.where(rows["task"] == "hardness", truth, 2 * truth) + rng.normal(0, 5, len(rows))
    rows = rows.assign(value=value, low=value, high=value)
    every = np.ones(len(rows), bool)
    return Prepared(rows, features_of(rows), SPEC, rows, every, every)


def test_a_task_with_few_labels_gains_by_what_is_told_of_the_one_it_follows(prepared, tmp_path):
    config = sharing.config_of(PAIR, CONFIG.model_copy(update={
        "network": NetworkConfig(trunk=(24,), head=8), "train": TrainConfig(epochs=40, batch_size=16, n_repeats=1)}))
    parts = parts_by_paper(prepared.observations)
    thin = curves.thinned(prepared.observations, parts, PAIR.target, seed=0, shares=(0.1, 1.0))[:len(parts)]
    wirings = ("single-task", "difference", "latent")
    cells = dict(sharing.wired_cells(prepared, parts, thin, PAIR, config, wirings=wirings, state=tmp_path / "state.npz"))
    worth = sharing.worth(cells, curves.n_labels(prepared.observations, thin, PAIR.target))
    few = worth.set_index("wiring")
    assert (worth["n"] == 120).all() and tuple(cells) == wirings
    assert few.loc["difference", "low"] > 0 and few.loc["latent", "difference"] > 0
    assert few.loc["single-task", ["low", "high"]].isna().all()
    assert sharing.advice(worth).winner == "difference"
    assert not list(tmp_path.iterdir())


def advised(**differences):
    rows = [(wiring.replace("_", "-"), (low + high) / 2, low, high, 3 * (low + high > 0), 3)
            for wiring, (low, high) in differences.items()]
    return sharing.advice(pd.DataFrame(rows, columns=["wiring", "difference", "low", "high", "better", "n_draws"]))


def test_advice_is_given_only_where_papers_leave_no_doubt():
    assert advised(single_task=(np.nan, np.nan), multi_task=(0.01, 0.1), latent=(0.02, 0.3)).winner == "latent"
    assert advised(multi_task=(-0.01, 0.1), latent=(-0.2, 0.3)) == sharing.Advice(None, ())
    assert advised(multi_task=(-0.3, -0.1), latent=(-0.2, 0.3)) == sharing.Advice(None, ("multi-task",))
    assert advised(multi_task=(-0.3, -0.1), latent=(-0.2, -0.1)).winner == "single-task"
    lucky = pd.DataFrame({"wiring": ["latent"], "difference": 0.1, "low": 0.05, "high": 0.2, "better": 2, "n_draws": 3})
    assert sharing.advice(lucky).winner is None


def made_up_worth(model=sharing.NETWORKS, gradients="sum", against=sharing.ALONE, **r2_and_difference):
    rows = [("hardness", "yield_strength", model, gradients, against, wiring.replace("_", "-"), 1.0, 396.0, r2, difference, low,
             high, 3 * (difference > 0), 3, 0.87)
            for wiring, (r2, difference, low, high) in r2_and_difference.items()]
    return pd.DataFrame(rows, columns=["target", "source", "model", "gradients", "against", "wiring", "share", "n_labels", "r2",
                                       "difference", "low", "high", "better", "n_draws", "coverage"])


def test_what_won_is_said_with_its_interval_and_what_harms_is_not_kept_back():
    table = made_up_worth(single_task=(0.767, np.nan, np.nan, np.nan), multi_task=(0.781, 0.014, 0.003, 0.029),
                          difference=(0.719, -0.048, -0.091, -0.019))
    said = studied.sharing_verdict(table)
    assert "in 1 of 1 pairs of properties with all labels, and in 0 with a tenth" in studied.answer(table)
    assert "*one network for all* with 100 % (396) of the labels, +0.014 [+0.003, +0.029] of R²" in said
    assert "**Harms:** *corrects the other* with 100 % (396) of the labels, −0.048 [−0.091, −0.019]" in said
    row = studied.recommendations(table).loc["Hardness, with yield strength"]
    assert row["networks, all labels"] == "one network for all: R² 0.78 (0.77 alone)"
    assert row["networks, a tenth"] == "not measured" and len(row) == 2
    assert studied.by_chance(table).startswith("2 of 2 differences")
    assert "Hardness, with yield strength: one network for all" in studied.tip(table, ("yield_strength", "hardness"))
    assert studied.tip(table, ("hardness", "pitting_potential")) == ""


def test_where_nothing_can_be_told_nothing_is_recommended():
    table = made_up_worth(single_task=(0.767, np.nan, np.nan, np.nan), latent=(0.78, 0.01, -0.01, 0.03))
    assert studied.recommended(table).startswith("none helps beyond chance")
    assert studied.sharing_verdict(table).startswith("No way of sharing")


def test_what_forests_found_stands_beside_and_changes_nothing_that_is_said_of_networks():
    networks = made_up_worth(single_task=(0.767, np.nan, np.nan, np.nan), latent=(0.78, 0.01, -0.01, 0.03))
    forests = made_up_worth(sharing.FORESTS, "", single_task=(0.8, np.nan, np.nan, np.nan), latent=(0.83, 0.03, 0.01, 0.05))
    apart = made_up_worth(sharing.FORESTS, "", sharing.NETWORKS, single_task=(0.8, 0.033, 0.02, 0.05), latent=(0.83, 0.05, 0, 1))
    balanced = [made_up_worth(sharing.NETWORKS, "pcgrad", against, multi_task=(0.7, -0.05, -0.1, -0.01))
                for against in (sharing.ALONE, sharing.TOGETHER)]
    summed = made_up_worth(multi_task=(0.75, -0.02, -0.04, -0.01))
    table = pd.concat([networks, summed, forests, apart, *balanced])
    assert studied.kinds_of(table) == [sharing.NETWORKS, sharing.FORESTS]
    row = studied.recommendations(table).loc["Hardness, with yield strength"]
    assert row["networks, all labels"] == "none helps beyond chance (alone: R² 0.77); worse: one network for all"
    assert row["random forests, all labels"] == "is told the other: R² 0.83 (0.80 alone)"
    assert "random forests are better with 100 % of the labels" in studied.kinds_verdict(table)
    assert "forests less networks: +0.033 [+0.020, +0.050]" in studied.kinds_verdict(table)
    lines = studied.gradient_lines(table).set_index("gradients")
    assert lines.loc["projected (PCGrad)", "more than added up"] == "−0.050 [−0.100, −0.010]"
    assert lines.loc["added up", "more than added up"] == ""
    assert "one network for all" not in studied.sharing_verdict(studied.of_kind(table, sharing.FORESTS))
    assert studied.by_chance(table).startswith("2 of 3 differences")
    assert "is told the other" not in studied.tip(table, ("yield_strength", "hardness"))


def test_bands_are_counted_by_share_and_the_differences_to_a_reference_are_of_the_shares_that_both_have():
    sure = made_up_cell({0.1: 50.0, 1.0: 20.0}).assign(std=20.0)
    sure["high"] = sure["low"]
    better = sure[sure["split"] == "1"].assign(mean=lambda rows: rows["low"] + (rows["mean"] - rows["low"]) / 2)
    labels = pd.Series({0.1: 30.0, 1.0: 300.0})
    found = sharing.worth({sharing.ALONE: sure, "latent": better}, labels).set_index(["wiring", "share"])
    assert list(found.index) == [(sharing.ALONE, 0.1), (sharing.ALONE, 1.0), ("latent", 1.0)]
    assert found.loc[(sharing.ALONE, 1.0), "coverage"] == pytest.approx(0.9, abs=0.03)
    assert found.loc[(sharing.ALONE, 0.1), "coverage"] < 0.6 and found.loc[("latent", 1.0), "coverage"] > 0.98
    assert (found["width"] == 2 * sharing.BAND * 20.0).all() and found.loc[("latent", 1.0), "better"] == 3


def test_forests_are_told_by_forests_and_each_share_by_the_same_ones(prepared):
    config = sharing.config_of(PAIR, CONFIG)
    parts = parts_by_paper(prepared.observations)
    thin = curves.thinned(prepared.observations, parts, PAIR.target, seed=0, shares=(0.2, 1.0))
    wirings = (sharing.ALONE, "difference")
    cells = dict(sharing.forest_cells(prepared, parts, thin, PAIR, config, wirings=wirings, n_trees=40))
    worth = sharing.worth(cells, curves.n_labels(prepared.observations, thin, PAIR.target))
    assert tuple(cells) == wirings and set(cells["difference"]["task"]) == {PAIR.target}
    few = worth[worth["share"] == 0.2].set_index("wiring")
    assert few.loc["difference", "low"] > 0 and 0.6 < few.loc["difference", "coverage"] <= 1
