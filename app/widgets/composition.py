"""The composition on the simplex: one row an element, whose slider and number box move the others with it."""
import streamlit as st

from app import simplex, state
from app.selection import UNITS, Selection
from mtl_core.chemistry.elements import SYMBOLS

PROPORTIONAL = "all others, in proportion"
BALANCE_HELP = ("Whatever moves, the sum stays 100. This element makes room; where it is itself moved or locked, "
                "all unlocked elements share.")


def composition_editor() -> None:
    """Unit and balance, one row an element, and a way to add one more."""
    chosen = state.selection()
    _unit_and_balance(chosen)
    for symbol, amount in chosen.amounts.items():
        _element_row(chosen, symbol, amount)
    if sentence := state.noted("composition"):
        st.warning(sentence)
    _add_row(chosen)


def _unit_and_balance(chosen: Selection) -> None:
    left, right = st.columns([1, 1.5], vertical_alignment="bottom", wrap=False)
    state.show("basis", chosen.basis)
    left.segmented_control("Unit", list(UNITS), key="basis", format_func=UNITS.get, required=True,
                           on_change=_change_basis)
    state.show("balance", chosen.balance or PROPORTIONAL)
    right.selectbox("The rest is taken up by", [PROPORTIONAL, *chosen.amounts], key="balance",
                    on_change=_change_balance, help=BALANCE_HELP)


def _change_basis() -> None:
    state.choose(state.selection().in_basis(state.shown("basis")), fresh=True)


def _change_balance() -> None:
    balance = state.shown("balance")
    state.choose(state.selection().but(balance=None if balance == PROPORTIONAL else balance))


def _element_row(chosen: Selection, symbol: str, amount: float) -> None:
    label, end = f"{symbol} ({UNITS[chosen.basis]})", state.span(symbol, amount)
    is_stuck = not simplex.givers(chosen.amounts, symbol, **chosen.rules)
    common = {"label_visibility": "collapsed", "disabled": is_stuck, "on_change": _move}
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small", key=f"row_{symbol}"):
        _lock_button(symbol, is_locked=symbol in chosen.locked)
        state.show(f"slide_{symbol}", min(amount, end))
        st.slider(label, 0.0, end, step=end / 200, key=f"slide_{symbol}", format="%.2f", args=(symbol, "slide"),
                  **common)
        state.show(f"exact_{symbol}", round(amount, 6))
        st.number_input(f"{label}, exact", 0.0, 100.0, step=end / 50, key=f"exact_{symbol}", format="%.5g", width=96,
                        args=(symbol, "exact"), **common)
        st.button("", key=f"drop_{symbol}", type="tertiary", icon=":material/close:", help=f"Remove {symbol}",
                  disabled=is_stuck, on_click=_drop, args=(symbol,))


def _lock_button(symbol: str, *, is_locked: bool) -> None:
    st.button(symbol, key=f"lock_{symbol}", type="tertiary", on_click=_toggle_lock, args=(symbol,), width=52,
              icon=":material/lock:" if is_locked else ":material/lock_open:",
              help=f"{'Unlock' if is_locked else 'Lock'} {symbol}")


def _toggle_lock(symbol: str) -> None:
    chosen = state.selection()
    state.choose(chosen.but(locked=chosen.locked ^ {symbol}))


def _move(symbol: str, widget: str) -> None:
    chosen, target = state.selection(), state.shown(f"{widget}_{symbol}")
    most = simplex.reach(chosen.amounts, symbol, **chosen.rules)
    if target > most + 1e-9:
        takers = " and ".join(simplex.givers(chosen.amounts, symbol, **chosen.rules)) or "the others"
        state.note("composition", f"{symbol} stops at {most:.4g}: there is no more {takers} to replace.")
    state.choose(chosen.with_moved(symbol, target))


def _drop(symbol: str) -> None:
    state.choose(state.selection().without_element(symbol))


def _add_row(chosen: Selection) -> None:
    others = sorted(set(SYMBOLS) - chosen.amounts.keys())
    state.show("add", None)
    st.selectbox("Add an element", others, key="add", index=None, placeholder="Add an element …",
                 label_visibility="collapsed", on_change=_add)


def _add() -> None:
    if symbol := state.shown("add"):
        state.choose(state.selection().with_element(symbol))
