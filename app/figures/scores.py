"""How good a run is: scores beside baselines, coverage from split to split, predictions against measurements."""
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.style import COLORS, GREY, STILL, calm, tint

SPLIT_WORDS = {"random": "random rows", "composition": "new compositions", "reference": "new papers"}
BASELINE_MARKS = ("diamond", "square", "triangle-up", "x", "cross")


def split_words(splits: Sequence[str]) -> list[str]:
    """What each split holds out, in a reader's words."""
    return [SPLIT_WORDS.get(split, split) for split in splits]


def scores_figure(ours: Mapping[str, float], others: Mapping[str, Mapping[str, float]], *, color: str) -> go.Figure:
    """R² by split: this ensemble as a filled dot, each baseline as an open mark. others: name → split → R²."""
    rows = split_words(list(ours))
    marks = [_marks(name, list(scores.values()), split_words(list(scores)), mark)
             for (name, scores), mark in zip(others.items(), BASELINE_MARKS, strict=False)]
    dots = go.Scatter(
        x=list(ours.values()), y=rows, mode="markers+text", name="this ensemble", marker={"color": color, "size": 15},
        text=[f"{score:.2f}" for score in ours.values()], textposition="top center",
        hovertemplate="this ensemble, %{y}: R² %{x:.3f}<extra></extra>")
    worst = min(score for scores in (ours, *others.values()) for score in scores.values())
    return calm([*marks, dots], height=80 + 70 * len(rows), x="R² on data held out", legend=True, dragmode=False,
                xaxis=STILL | {"range": [min(-0.03, worst - 0.03), 1]}, yaxis=STILL | {"range": [len(rows) - 0.5, -0.6]})


def _marks(name: str, scores: list[float], rows: list[str], mark: str) -> go.Scatter:
    return go.Scatter(x=scores, y=rows, mode="markers", name=name,
                      marker={"symbol": f"{mark}-open", "size": 11, "color": GREY, "line": {"width": 2}},
                      hovertemplate=f"{name}, %{{y}}: R² %{{x:.3f}}<extra></extra>")


def coverage_figure(matrix: Mapping[str, Mapping[str, float]], *, level: float, ink: str | None = None) -> go.Figure:
    """Share of held-out values inside the band: rows = split it was calibrated on, columns = split it is tested on. Orange
    where fewer are inside than the level says, blue where more are.

    ink: colour of the numbers, else that of all words of a figure.
    """
    tested, cells = list(next(iter(matrix.values()))), np.array([list(row.values()) for row in matrix.values()])
    heat = go.Heatmap(
        z=cells, x=split_words(tested), y=split_words(list(matrix)), zmin=level - 0.15, zmax=level + 0.15, xgap=3, ygap=3,
        colorscale=[[0, tint(COLORS[1], 0.75)], [0.5, tint(GREY, 0.08)], [1, tint(COLORS[2], 0.75)]], showscale=False,
        hovertemplate="calibrated on %{y}, tested on %{x}: %{z:.1%}<extra></extra>")
    shares = [{"x": column, "y": row, "text": f"<b>{share:.0%}</b>", "showarrow": False,
               "font": {"color": ink} if ink else {}}
              for (row, column), share in np.ndenumerate(cells)]
    return calm([heat], height=250, x="tested on", y="calibrated on", dragmode=False, annotations=shares,
                xaxis=STILL | {"showgrid": False}, yaxis=STILL | {"showgrid": False, "autorange": "reversed"})


def parity_figure(
    measured: np.ndarray, predicted: np.ndarray, std: np.ndarray, texts: Sequence[str], *, unit: str, color: str
) -> go.Figure:
    """Out-of-fold prediction against measurement [n] with ±1 std; the diagonal is perfection."""
    ends = [min(measured.min(), predicted.min()), max(measured.max(), predicted.max())]
    traces = [
        go.Scatter(x=ends, y=ends, mode="lines", line={"color": GREY, "width": 1, "dash": "dot"}, hoverinfo="skip"),
        go.Scatter(x=measured, y=predicted, mode="markers", marker={"size": 6, "color": color, "opacity": 0.65},
                   text=texts, error_y={"array": std, "color": tint(color, 0.18), "thickness": 1, "width": 0},
                   hovertemplate="%{text}<br>measured %{x:.4g}, predicted %{y:.4g}<extra></extra>"),
    ]
    return calm(traces, height=460, x=f"measured ({unit})", y=f"predicted out-of-fold ({unit})")
