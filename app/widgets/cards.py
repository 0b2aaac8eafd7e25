"""One card a task: the number, what its band is worth, and where it stands among all measured values."""
import numpy as np
import streamlit as st

from app.figures.band import band_strip
from app.figures.shares import shares_figure
from app.figures.style import axis_title, color_of, written
from app.results import Result

STILL = {"displayModeBar": False}


def per_row(n_tasks: int) -> int:
    """How many tasks stand side by side: four in two rows of two, otherwise up to three."""
    return 2 if n_tasks == 4 else min(n_tasks, 3)


def result_cards(results: tuple[Result, ...], measured: dict[str, np.ndarray]) -> None:
    """The cards of all tasks, up to three in a row. measured: task key → its training values."""
    n = per_row(len(results))
    for start in range(0, len(results), n):
        for index, (column, result) in enumerate(zip(st.columns(n), results[start:start + n], strict=False), start):
            with column.container(border=True, key=f"card_{result.task.key}", gap="xsmall", height="stretch"):
                _card(result, measured[result.task.key], color_of(index))


def _card(result: Result, measured: np.ndarray, color: str) -> None:
    st.metric(axis_title(result.task.label, result.task.unit), written(result.mean))
    st.markdown(f"**{result.interval}**  \n:gray[{result.claim}]")
    st.plotly_chart(
        band_strip(result.mean, result.lower, result.upper, measured, unit=result.task.unit, color=color,
                   in_domain=result.in_domain),
        config=STILL, key=f"strip_{result.task.key}", alt=f"{result.task.label}: {result.value}, {result.interval}")
    _domain(result)
    with st.popover("Where the uncertainty comes from", type="tertiary", on_change="rerun",
                    key=f"why_{result.task.key}") as why:
        if why.open:
            _shares(result, color)


def _domain(result: Result) -> None:
    if result.in_domain:
        st.markdown(":green-badge[inside the domain] :gray[like alloys and conditions it was trained on]")
    else:
        st.markdown(f":orange-badge[outside the domain] {result.reason}")


def _shares(result: Result, color: str) -> None:
    st.plotly_chart(shares_figure(result.aleatoric, result.epistemic, result.unreported, color=color), config=STILL,
                    key=f"shares_{result.task.key}")
    st.caption("Shares of the variance. Scatter of measurements: what repeated tests of such alloys differ by. "
               "Model unsure: networks disagree, or little like this alloy was measured; more data near it would reduce "
               "that. Conditions not reported: what stating them would reduce.")
