"""How much was measured, how little of it on the same alloys, and how well repeats agree."""
import streamlit as st

from app import desk
from app.figures.ceilings import ceilings_figure
from app.figures.sparsity import sparsity_figure
from app.figures.style import color_of
from app.figures.waterfall import waterfall_figure
from app.services import desk as findings
from app.services import measured, model
from mtl_core.tasks import TASKS


def amounts_panel(datasets: tuple[str, ...]) -> None:
    """Counts, sparsity, the way from the sources to the training set, and repeats."""
    for draw_left, draw_right in ((_counts, _sparsity), (_waterfall, _ceilings)):
        left, right = st.columns([1, 1.15], gap="large")
        with left:
            draw_left(datasets)
        with right:
            draw_right(datasets)
    st.dataframe(desk.noise_lines(findings.noise(datasets)), hide_index=True, width="stretch", height="content",
                 alt="Scatter of repeats", column_config={"Note": st.column_config.TextColumn(width="large")})


def _counts(datasets: tuple[str, ...]) -> None:
    st.subheader("How much there is")
    counts = measured.data_counts(datasets).rename(columns={"trained on": "default training"})
    st.dataframe(counts, width="stretch", height="content", alt="Counts by property")


def _sparsity(datasets: tuple[str, ...]) -> None:
    st.subheader("How little of it on the same alloys")
    counts = findings.counts_of_pairs(datasets).rename(index=desk.label, columns=desk.label)
    st.plotly_chart(sparsity_figure(counts), key="sparsity", config={"displayModeBar": False},
                    alt="Compositions that have two properties at once")
    st.caption("Compositions (within 0.5 at.%) that have both properties; on the diagonal those with it at all. A dot: none. "
               "This is why the networks must learn from rows that lack most labels.")


def _waterfall(datasets: tuple[str, ...]) -> None:
    st.subheader("From the sources to the training set")
    steps = measured.cleaning_steps(datasets)
    with_data = [key for key in TASKS if (steps.loc[steps["property"] == key, "n"] > 0).any()]
    shown = st.selectbox("Property", with_data, format_func=desk.label, width=320, key="waterfall_property")
    lines = desk.waterfall_lines(steps[steps["property"] == shown])
    st.plotly_chart(waterfall_figure(lines, color=color_of(with_data.index(shown))), key="waterfall",
                    config={"displayModeBar": False}, alt=f"Rows of {desk.label(shown)} left after each rule")
    st.caption("Nothing is deleted: excluded rows stay in the tables with the name of the rule. Sources: "
               "[Borg et al. 2020](https://doi.org/10.1038/s41597-020-00768-9), "
               "[Nyby et al. 2021](https://doi.org/10.1038/s41597-021-00840-y).")


def _ceilings(datasets: tuple[str, ...]) -> None:
    st.subheader("How well repeats agree, and what that leaves possible")
    labels, ceilings, reached = desk.ceilings(findings.noise(datasets), model.report()["metrics"])
    st.plotly_chart(ceilings_figure(labels, ceilings, reached), key="ceilings", config={"displayModeBar": False},
                    alt="R² ceilings from repeats, beside the ensemble that answers")
    st.caption("Readings of one alloy scatter, and a model that sees no more than these tables cannot explain that part. "
               "Ceiling: R² = 1 − s² / variance, with s pooled over repeats (below). Few repeats make a rough ceiling.")
