"""One prediction on the scale of what has been measured."""
import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint, written

BINS = 48


def band_strip(
    mean: float, lower: float, upper: float, measured: np.ndarray, *, unit: str, color: str, in_domain: bool
) -> go.Figure:
    """The band as a bar (solid in the domain, dashed outside), the mean as a dot, all measured values as a pale hill.

    measured: [n] values of the task's training data in `unit`.
    """
    low, high = _range(lower, upper, measured)
    counts, edges = np.histogram(measured, bins=BINS, range=(low, high))
    hill = 0.9 * counts / max(counts.max(), 1)
    traces = [
        go.Bar(x=(edges[1:] + edges[:-1]) / 2, y=hill, width=edges[1] - edges[0], marker={"color": tint(GREY, 0.28)},
               customdata=counts, hovertemplate=f"%{{customdata}} measured near %{{x:.4g}} {unit}<extra></extra>"),
        go.Scatter(x=[lower, upper], y=[-0.3, -0.3], mode="lines", hoverinfo="skip",
                   line={"color": color, "width": 7 if in_domain else 2, "dash": "solid" if in_domain else "dash"},
                   opacity=0.55 if in_domain else 0.9),
        go.Scatter(x=[mean], y=[-0.3], mode="markers", marker={"color": color, "size": 13, "line": {"width": 0}},
                   hovertemplate=f"{written(mean)} {unit}<extra></extra>"),
    ]
    return calm(traces, height=112, bargap=0, dragmode=False,
                xaxis=STILL | {"range": [low, high], "showgrid": False, "nticks": 6},
                yaxis=STILL | {"range": [-0.62, 1.0], "visible": False})


def _range(lower: float, upper: float, measured: np.ndarray) -> tuple[float, float]:
    low, high = min([lower, *measured]), max([upper, *measured])
    pad = 0.02 * (high - low)
    return low - pad, high + pad
