"""Whatever is edited, the amounts stay on the simplex: sum 100, nothing negative, locks exact."""
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import simplex

SYMBOLS = ("Fe", "Cr", "Ni", "Mo", "Mn", "Co", "Al")
EDITS_PER_RUN = 50

edits = st.tuples(st.sampled_from(SYMBOLS), st.floats(-20, 140), st.sampled_from(("move", "move", "lock", "drop")))
sessions = st.lists(edits, min_size=EDITS_PER_RUN, max_size=EDITS_PER_RUN)
starts = st.lists(st.floats(0, 100), min_size=len(SYMBOLS), max_size=len(SYMBOLS)).filter(lambda xs: sum(xs) > 1e-3)
balances = st.sampled_from((None, *SYMBOLS))


def _edit(amounts: dict, locked: frozenset, balance: str | None, edit: tuple) -> tuple[dict, frozenset]:
    symbol, target, kind = edit
    if kind == "lock":
        return amounts, locked ^ {symbol}
    if kind == "drop" and symbol in amounts and symbol not in locked:
        return simplex.removed(amounts, symbol, locked=locked, balance=balance), locked
    amounts = {symbol: 0.0} | amounts
    return simplex.move(amounts, symbol, target, locked=locked, balance=balance), locked


@settings(max_examples=200, deadline=None)  # 200 sessions of 50 edits: 10,000 edits
@given(start=starts, session=sessions, balance=balances)
def test_ten_thousand_edits_keep_the_sum_the_sign_and_the_locks(start, session, balance):
    amounts, locked = simplex.normalised(dict(zip(SYMBOLS, start, strict=True))), frozenset()
    for edit in session:
        after, locked_after = _edit(amounts, locked, balance, edit)
        assert abs(math.fsum(after.values()) - 100) < 1e-9
        assert min(after.values()) >= 0
        assert all(after[symbol] == amounts[symbol] for symbol in locked & amounts.keys())
        amounts, locked = after, locked_after


def test_the_balance_element_alone_makes_room():
    moved = simplex.move({"Fe": 70.0, "Cr": 20.0, "Ni": 10.0}, "Cr", 25.0, balance="Fe")
    assert moved == {"Fe": 65.0, "Cr": 25.0, "Ni": 10.0}


def test_without_a_balance_the_ratios_of_the_others_stay():
    moved = simplex.move({"Fe": 60.0, "Cr": 20.0, "Ni": 20.0}, "Cr", 40.0)
    assert moved["Fe"] / moved["Ni"] == pytest.approx(3.0)
    assert moved["Cr"] == 40.0


def test_the_balance_element_itself_moves_against_all_others():
    moved = simplex.move({"Fe": 60.0, "Cr": 20.0, "Ni": 20.0}, "Fe", 80.0, balance="Fe")
    assert moved == pytest.approx({"Fe": 80.0, "Cr": 10.0, "Ni": 10.0})


def test_a_target_out_of_reach_stops_where_the_balance_is_used_up():
    moved = simplex.move({"Fe": 5.0, "Cr": 45.0, "Ni": 50.0}, "Cr", 80.0, balance="Fe")
    assert moved == {"Fe": 0.0, "Cr": 50.0, "Ni": 50.0}
    assert simplex.reach({"Fe": 5.0, "Cr": 45.0, "Ni": 50.0}, "Cr", balance="Fe") == 50.0


def test_elements_that_were_all_at_zero_share_evenly():
    assert simplex.move({"Fe": 100.0, "Cr": 0.0, "Ni": 0.0}, "Fe", 90.0) == pytest.approx({"Fe": 90, "Cr": 5, "Ni": 5})


def test_nothing_moves_when_every_other_element_is_locked():
    amounts = {"Fe": 60.0, "Cr": 40.0}
    assert simplex.move(amounts, "Fe", 10.0, locked={"Cr"}) == amounts
    assert simplex.removed(amounts, "Fe", locked={"Cr"}) == amounts


@pytest.mark.parametrize("bad", [{"Fe": 0.0}, {"Fe": -1.0, "Cr": 5.0}, {"Fe": math.nan}])
def test_amounts_that_cannot_be_scaled_are_refused(bad):
    with pytest.raises(ValueError, match="expected amounts of at least 0"):
        simplex.normalised(bad)
