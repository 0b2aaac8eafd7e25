"""Signed bars: which element pushed a prediction where."""
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint, written


def attribution_figure(
    elements: Sequence[str], values: np.ndarray, spread: np.ndarray, is_stable: np.ndarray, *, unit: str, color: str
) -> go.Figure:
    """One bar an element [E], largest first, with the spread over networks; grey where they disagree on the sign."""
    order = np.argsort(-np.abs(values))
    shades = np.where(is_stable, color, tint(GREY, 0.55))
    bars = go.Bar(
        x=values[order], y=[elements[index] for index in order], orientation="h",
        marker={"color": shades[order].tolist(), "opacity": 0.85},
        error_x={"array": spread[order], "color": GREY, "thickness": 1.4, "width": 3},
        text=[f"± {written(one)} {unit}" for one in spread[order]], textposition="none",
        hovertemplate=f"%{{y}}: %{{x:+.3g}} {unit} (%{{text}} over networks)<extra></extra>")
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": GREY, "width": 1}}
    return calm([bars], height=80 + 36 * len(elements), x=f"push from the baseline ({unit})", dragmode=False, bargap=0.4,
                shapes=[zero], xaxis=STILL, yaxis=STILL | {"autorange": "reversed", "showgrid": False})
