"""Where sharing networks between properties pays."""
import streamlit as st

from app import studied
from app.figures.learning import gain_figure, sharing_figure
from app.services import studied as measured
from app.widgets.framed import framed_figure

COMMAND = "python -m benchmarks.sharing sharing"


def sharing_panel() -> None:
    """The four ways of sharing side by side, with fewer and fewer labels of one property."""
    table = measured.sharing()
    if table is None:
        st.info(f"The four ways of sharing were not measured side by side yet: `{COMMAND}`.")
        return
    st.subheader("Where does it pay to learn two properties together?", anchor=False)
    st.markdown("  \n".join(f"*{studied.WIRING_WORDS[wiring]}*: {words}" for wiring, words in studied.WIRING_SENTENCES.items()))
    st.table(studied.recommendations(table), border="horizontal")
    st.caption("The way that won by more than chance among papers and with each of three draws of labels, on new compositions; "
               "where none did, nobody can say. Which labels are drawn matters much where they are few. Measured on "
               "the published data with networks of the default kind, not with this run. " + studied.by_chance(table))
    _pair(table)


def _pair(table) -> None:
    pairs = list(dict.fromkeys(zip(table["target"], table["source"], strict=True)))
    pair = st.selectbox("Property whose labels are left out, and what it is learnt with", pairs, key="sharing_pair", width=480,
                        format_func=lambda pair: studied.pair_label(*pair))
    rows = table[(table["target"] == pair[0]) & (table["source"] == pair[1])]
    st.markdown(studied.sharing_verdict(rows))
    name, left, right = "-".join(pair), *st.columns(2, gap="large")
    with left:
        framed_figure("**How good it is**", sharing_figure(rows, studied.WIRING_WORDS), rows, f"r2-{name}", "", name="sharing")
    with right:
        framed_figure("**What sharing adds to learning it alone**", gain_figure(rows, studied.WIRING_WORDS), rows, f"gain-{name}",
                      "Above the line sharing helps. Whiskers: 95 % intervals over papers.", name="sharing")
    st.caption("Out-of-fold R² of five folds by composition, mean of three fold seeds, each of which draws its own labels; one "
               "network a fold, trained anew for each share of the labels. What one property tells the other is always "
               f"predicted, by networks that saw neither the alloy nor its twins. `{COMMAND}` measures it again.")
