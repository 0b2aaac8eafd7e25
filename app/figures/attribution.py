"""Signed bars: what pushed a prediction where."""
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint, written

ZERO = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": GREY, "width": 1}}


def attribution_figure(
    labels: Sequence[str], values: np.ndarray, spread: np.ndarray, is_stable: np.ndarray, *, unit: str, color: str,
    notes: Sequence[str] = (), x: str = "push from the baseline", row: int = 30, is_sure: np.ndarray | None = None
) -> go.Figure:
    """One bar a label [N], top to bottom, with the spread over networks; grey where they disagree on the sign.

    notes: [N], written small behind the labels; row: pixels a bar; is_sure: [N], the others are pale and do not set the scale.
    """
    is_sure = np.ones(len(values), bool) if is_sure is None or not is_sure.any() else is_sure
    shades = np.where(is_stable, color, tint(GREY, 0.55))
    doubt = np.where(is_stable, "", "<br>networks disagree on the sign")
    bars = go.Bar(
        x=values, y=np.arange(len(labels)), orientation="h",
        marker={"color": shades.tolist(), "opacity": np.where(is_sure, 0.85, 0.35)},
        error_x={"array": spread, "color": GREY, "thickness": 1.4, "width": 3}, hovertext=list(labels), textposition="none",
        customdata=[f"± {written(one)} {unit} over networks{words}" for one, words in zip(spread, doubt, strict=True)],
        hovertemplate=f"%{{hovertext}}: %{{x:+.3g}} {unit} (%{{customdata}})<extra></extra>")
    small = [f' <span style="color:{GREY};font-size:11px">{note}</span>' if note else "" for note in notes or [""] * len(labels)]
    ticks = {"tickvals": np.arange(len(labels)), "ticktext": [a + b for a, b in zip(labels, small, strict=True)]}
    return calm([bars], height=60 + row * max(len(labels), 2), x=f"{x} ({unit})", dragmode=False, bargap=0.35, shapes=[ZERO],
                xaxis=STILL | _range(values[is_sure], spread[is_sure]),
                yaxis=STILL | ticks | {"range": [len(labels) - 0.4, -0.6], "showgrid": False})


def _range(values: np.ndarray, spread: np.ndarray) -> dict:
    low, high = min(0.0, *(values - spread)), max(0.0, *(values + spread))
    pad = 0.04 * (high - low) or 1.0
    return {"range": [low - pad, high + pad]}
