"""Where sharing what is learnt between properties pays."""
import pandas as pd
import streamlit as st

from app import studied
from app.figures.learning import gain_figure, sharing_figure
from app.services import studied as measured
from app.widgets.framed import framed_figure

COMMAND = "python -m benchmarks.sharing sharing"


def sharing_panel() -> None:
    """The four ways of sharing side by side, with fewer and fewer labels of one property, by networks and by forests."""
    table = measured.sharing()
    if table is None:
        st.info(f"The four ways of sharing were not measured side by side yet: `{COMMAND}`.")
        return
    st.subheader("Where does it pay to learn two properties together?", anchor=False)
    words = studied.WIRING_WORDS[studied.NETWORKS]
    st.markdown("  \n".join(f"*{words[wiring]}*: {meaning}" for wiring, meaning in studied.WIRING_SENTENCES.items()))
    st.table(studied.recommendations(table), border="horizontal")
    st.caption("The way that won by more than chance among papers and with each of three draws of labels, on new compositions; "
               "where none did, nobody can say. Which labels are drawn matters much where they are few. Measured on "
               "the published data with single networks and with random forests of 200 trees, not with this run. "
               + studied.by_chance(table))
    _pair(table)


def _pair(table: pd.DataFrame) -> None:
    pairs = list(dict.fromkeys(zip(table["target"], table["source"], strict=True)))
    pair = st.selectbox("Property whose labels are left out, and what it is learnt with", pairs, key="sharing_pair", width=480,
                        format_func=lambda pair: studied.pair_label(*pair))
    of_pair = table[(table["target"] == pair[0]) & (table["source"] == pair[1])]
    families = studied.families_of(of_pair)
    for column, family in zip(st.columns(len(families), gap="large"), families, strict=True):
        with column:
            _family(of_pair, family, "-".join(pair))
    st.markdown(studied.families_verdict(of_pair))
    _gradients(of_pair)
    st.caption("Out-of-fold R² of five folds by composition, mean of three fold seeds, each of which draws its own labels; one "
               "network or forest a fold, trained anew for each share of the labels. What one property tells the other is always "
               "predicted, by models that saw neither the alloy nor its twins. Bands of forests come from how the trees "
               f"depend on the readings they drew (jackknife). `{COMMAND}` measures it again.")


def _family(of_pair: pd.DataFrame, family: str, name: str) -> None:
    """One kind of model; both have the same axes, so that they compare at a glance."""
    every, words = _usual(of_pair), studied.WIRING_WORDS[family]
    rows = studied.of_family(of_pair, family)
    st.subheader(studied.FAMILIES[family], anchor=False)
    st.markdown(studied.sharing_verdict(rows))
    st.markdown(studied.bands_verdict(rows))
    framed_figure("**How good it is**", sharing_figure(rows, words, like=every), rows, f"{family}-r2-{name}", "", name="sharing")
    framed_figure("**What sharing adds to learning it alone**", gain_figure(rows, words, like=every), rows,
                  f"{family}-gain-{name}", "Above the line sharing helps. Whiskers: 95 % intervals over papers.", name="sharing")


def _usual(of_pair: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([studied.of_family(of_pair, family) for family in studied.FAMILIES])


def _gradients(of_pair: pd.DataFrame) -> None:
    lines = studied.gradient_lines(of_pair)
    if lines.empty:
        return
    st.markdown("**Does it help to balance what the properties ask of one network?** Each step of training follows both: their "
                "gradients are added up, or each property counts less the larger its own doubt is, or what one asks "
                "against the other is taken away.")
    st.table(lines.set_index("labels"), border="horizontal")
