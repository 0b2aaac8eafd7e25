"""One alloy: which elements pushed each prediction away from the baseline, and how sure the networks are of each push."""
import streamlit as st

from app.baselines import Baseline
from app.figures.attribution import attribution_figure
from app.figures.style import color_of, written
from app.presets import name_of
from app.selection import Selection
from app.services import explanations
from app.widgets.explain_evidence import evidence_panel
from app.widgets.explain_swaps import swaps_panel


def explain_alloy(chosen: Selection, baseline: Baseline) -> None:
    """Bars, then what small swaps would do, then what was measured."""
    name, found = name_of(chosen.composition) or chosen.spelled, explanations.attributions(chosen, baseline)
    columns = st.columns(min(len(found), 2), gap="large")
    for index, (task, bars) in enumerate(found):
        with columns[index % 2].container(border=True, key=f"why_{task.key}"):
            st.markdown(f"**{task.label}**  \n{baseline.name}: {written(bars.baseline)} {task.unit}  →  {name}: "
                        f"{written(bars.prediction)} {task.unit}")
            st.plotly_chart(
                attribution_figure(bars.names, bars.values, bars.spread, bars.is_stable, unit=task.unit, color=color_of(index)),
                key=f"bars_{task.key}", config={"displayModeBar": False}, alt=f"Attribution of {task.label} to elements")
            st.caption(f"The bars add up to the difference but for {written(abs(bars.gap))} {task.unit} of the integral's error.")
    swaps_panel(chosen)
    evidence_panel(chosen)
