"""Signed bars: by how much a prediction would move without a measurement, or without a paper."""
from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint, written


def influence_figure(names: Sequence[str], around: Sequence[str], change: np.ndarray, spread: np.ndarray, is_stable: np.ndarray,
                     *, unit: str, color: str) -> go.Figure:
    """One bar each [n], in the order given, with the spread over networks; grey where they disagree on the sign.

    names: beside the bars, in one line or two, and may repeat; around: circumstances, shown on hover.
    """
    rows = list(range(len(names)))
    shades = np.where(is_stable.astype(bool), color, tint(GREY, 0.55))
    said = [f"{escape(words)}<br>without it: {one:+.3g} ± {written(wide)} {unit}"
            for words, one, wide in zip(around, change, spread, strict=True)]
    row = 38 if any("\n" in name for name in names) else 30  # px
    bars = go.Bar(x=change, y=rows, orientation="h", marker={"color": shades.tolist(), "opacity": 0.85}, hovertext=said,
                  hovertemplate="%{hovertext}<extra></extra>",
                  error_x={"array": spread, "color": GREY, "thickness": 1.4, "width": 3})
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": GREY, "width": 1}}
    lines = [escape(name).replace("\n", "<br>") for name in names]
    ticks = {"tickmode": "array", "tickvals": rows, "ticktext": lines, "autorange": "reversed"}
    return calm([bars], height=80 + row * len(names), x=f"without it ({unit})", dragmode=False,
                bargap=0.4, shapes=[zero], xaxis=STILL, yaxis=STILL | ticks | {"showgrid": False})
