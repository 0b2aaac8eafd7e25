"""Where sharing what is learnt between properties pays."""
from collections.abc import Collection

import pandas as pd
import streamlit as st

from app import studied
from app.figures.learning import gain_figure, sharing_figure
from app.services import studied as measured
from app.widgets.framed import framed_figure

COMMAND = "python -m benchmarks.sharing sharing"


def sharing_panel(tasks: Collection[str]) -> None:
    """The four ways of sharing side by side, with fewer and fewer labels of one property, by networks and by forests."""
    table = measured.sharing()
    if table is None:
        st.info(f"The four ways of sharing were not measured side by side yet: `{COMMAND}`.")
        return
    st.subheader("Where does it pay to learn two properties together?", anchor=False)
    st.markdown(studied.answer(table))
    words = studied.WIRING_WORDS[studied.NETWORKS]
    st.markdown("  \n".join(f"*{words[wiring]}*: {meaning}" for wiring, meaning in studied.WIRING_SENTENCES.items()))
    st.table(studied.recommendations(table), border="horizontal")
    st.caption("The way that won so; where none did, nobody can say. Which labels are drawn matters much where they are few. "
               "Measured on the published data with single networks and with random forests of a hundred trees, not with this "
               "run. " + studied.by_chance(table))
    _pair(table, tasks)


def _pair(table: pd.DataFrame, tasks: Collection[str]) -> None:
    """tasks: of the run; the page opens with a pair of them, where one was measured."""
    pairs = list(dict.fromkeys(zip(table["target"], table["source"], strict=True)))
    first = next((number for number, pair in enumerate(pairs) if set(pair) <= set(tasks)), 0)
    pair = st.selectbox("Property whose labels are left out, and what it is learnt with", pairs, first, key="sharing_pair",
                        width=480, format_func=lambda pair: studied.pair_label(*pair))
    of_pair = table[(table["target"] == pair[0]) & (table["source"] == pair[1])]
    kinds = studied.kinds_of(of_pair)
    every = pd.concat([studied.of_kind(of_pair, kind) for kind in kinds])
    for show in (_said, _how_good, _gained):  # rows of figures, so that both kinds of model stand at one height
        for column, kind in zip(st.columns(len(kinds), gap="large"), kinds, strict=True):
            with column:
                show(every[every["model"] == kind], every, "-".join(pair))
    st.markdown(studied.kinds_verdict(of_pair))
    _gradients(of_pair)
    st.caption("Out-of-fold R² of five folds by composition, mean of three fold seeds, each of which draws its own labels; one "
               "network or forest a fold, trained anew for each share of the labels. What one property tells the other is always "
               "predicted, by models that saw neither the alloy nor its twins. Bands of forests come from how the trees "
               f"depend on the readings they drew (jackknife). `{COMMAND}` measures it again.")


def _said(rows: pd.DataFrame, every: pd.DataFrame, name: str) -> None:
    st.subheader(studied.KINDS[_kind(rows)], anchor=False)
    st.markdown(studied.sharing_verdict(rows))
    st.markdown(studied.bands_verdict(rows))


def _how_good(rows: pd.DataFrame, every: pd.DataFrame, name: str) -> None:
    """The axes hold those of the other kind of model too, so that the two compare at a glance."""
    kind = _kind(rows)
    framed_figure(f"**How good {studied.KINDS[kind].lower()} are**",
                  sharing_figure(rows, studied.WIRING_WORDS[kind], like=every), rows, f"{kind}-r2-{name}", "", name="sharing")


def _gained(rows: pd.DataFrame, every: pd.DataFrame, name: str) -> None:
    kind = _kind(rows)
    framed_figure("**What sharing adds to learning it alone**", gain_figure(rows, studied.WIRING_WORDS[kind], like=every), rows,
                  f"{kind}-gain-{name}", "Above the line sharing helps. Whiskers: 95 % intervals over papers.", name="sharing")


def _kind(rows: pd.DataFrame) -> str:
    return rows["model"].iloc[0]


def _gradients(of_pair: pd.DataFrame) -> None:
    lines = studied.gradient_lines(of_pair)
    if lines.empty:
        return
    st.markdown("**Does it help to balance what the properties ask of one network?** Each step of training follows both: their "
                "gradients are added up, or each property counts less the larger its own doubt is, or what one asks "
                "against the other is taken away.")
    st.table(lines.set_index("labels"), border="horizontal")
