"""How a search went: the best score so far, what its trials traded, how far it jumped."""
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import COLORS, GREY, calm, tint

KEEP = {"uirevision": "as the visitor left it"}  # the zoom stays when trials come in
OURS, THEIRS = COLORS[0], COLORS[1]
HEIGHT = 340
LEGEND = {"y": -0.2, "yanchor": "top"}  # below, because the title of the axis stands above
SYMBOLS = {"default": ("square", "starting point"), "initial": ("circle-open", "spread evenly"),
           "acquisition": ("circle", "chosen by the surrogate"), "random": ("circle", "at random"),
           "grid": ("circle", "from the grid")}
UNSCORED = {"pruned": ("rejected early", "triangle-down-open", GREY), "failed": ("failed", "x-thin-open", "#c0504d")}


def trace_figure(trials: pd.DataFrame, trace: pd.DataFrame, *, title: str, n_trials: int) -> go.Figure:
    """Score of each trial and the best so far with its spread; pruned and failed trials stand on a line below.

    trials: number, status, proposed_by, score, spread; trace: number, best, spread; n_trials: how many there will be.
    """
    scored = trials[trials["status"] == "complete"]
    known = trace.dropna(subset="best")
    low, high = _range(scored, known)
    traces = [*_best(known), *(_scored(rows, by) for by, rows in scored.groupby("proposed_by", sort=False)),
              *(_unscored(rows, status, low) for status, rows in trials[trials["status"] != "complete"].groupby("status"))]
    start = scored[scored["number"] == 0]["score"]
    dotted = {"color": GREY, "dash": "dot", "width": 1}
    lines = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": dotted} for y in start]
    return calm(traces, height=HEIGHT, x="trial", y=title, legend=LEGEND, dragmode="zoom", shapes=lines,
                xaxis={"range": [-0.8, max(n_trials - 1, 4) + 0.8]}, yaxis={"range": [low - 0.06 * (high - low), high]}, **KEEP)


def _range(scored: pd.DataFrame, known: pd.DataFrame) -> tuple[float, float]:
    """From the better trials to the best: one that went badly wrong must not flatten the others."""
    if scored.empty:
        return 0.0, 1.0
    best, usual = float((known["best"] + known["spread"].fillna(0.0)).max()), float(scored["score"].quantile(0.1))
    room = max(best - usual, 0.02)
    return usual - 0.35 * room, best + 0.12 * room


def _best(known: pd.DataFrame) -> list[go.Scatter]:
    spread = known["spread"].fillna(0.0)
    edge = {"x": known["number"], "mode": "lines", "line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip", "showlegend": False}
    return [go.Scatter(y=known["best"] - spread, **edge),
            go.Scatter(y=known["best"] + spread, fill="tonexty", fillcolor=tint(OURS, 0.15), **edge),
            go.Scatter(x=known["number"], y=known["best"], mode="lines", name="best so far", hoverinfo="skip",
                       line={"color": OURS, "width": 2.5, "shape": "hv"})]


def _scored(rows: pd.DataFrame, by: str) -> go.Scatter:
    symbol, words = SYMBOLS[by]
    return go.Scatter(x=rows["number"], y=rows["score"], mode="markers", name=words,
                      marker={"symbol": symbol, "size": 8, "color": THEIRS if by == "default" else OURS, "line": {"width": 1.5}},
                      error_y={"array": rows["spread"].fillna(0.0), "color": tint(OURS, 0.35), "thickness": 1, "width": 0},
                      hovertemplate="trial %{x}: %{y:.4f}<extra>" + words + "</extra>")


def _unscored(rows: pd.DataFrame, status: str, low: float) -> go.Scatter:
    words, symbol, color = UNSCORED[status]
    return go.Scatter(x=rows["number"], y=[low] * len(rows), mode="markers", name=words, text=rows["reason"],
                      marker={"symbol": symbol, "size": 9, "color": color, "line": {"width": 2}},
                      hovertemplate=f"trial %{{x}}: {words}<br>%{{text}}<extra></extra>")


def trade_off_figure(numbers: Sequence[int], first: np.ndarray, second: np.ndarray, front: np.ndarray, best: int, *,
                     labels: tuple[str, str]) -> go.Figure:
    """R² of two tasks for each complete trial; the line joins those that no other beats in both (front: their positions)."""
    is_best, is_start = (np.array([number == one for number in numbers]) for one in (best, 0))
    others = ~(is_best | is_start)
    line = go.Scatter(x=first[front], y=second[front], mode="lines", name="not beaten in both", hoverinfo="skip",
                      line={"color": tint(OURS, 0.5), "width": 1.5})
    marks = [_marked(first, second, numbers, chosen, name, symbol, color, size) for chosen, name, symbol, color, size in (
        (others, "trials", "circle", tint(OURS, 0.6), 8), (is_start, "starting point", "square", THEIRS, 10),
        (is_best, "best trial", "star", OURS, 15)) if chosen.any()]
    return calm([line, *marks], height=HEIGHT, x=f"R² {labels[0]}", y=f"R² {labels[1]}", legend=LEGEND, dragmode="zoom", **KEEP)


def _marked(first, second, numbers, chosen, name, symbol, color, size) -> go.Scatter:
    return go.Scatter(x=first[chosen], y=second[chosen], mode="markers", name=name, text=np.array(numbers)[chosen],
                      marker={"symbol": symbol, "color": color, "size": size},
                      hovertemplate="trial %{text}: %{x:.3f}, %{y:.3f}<extra></extra>")


def distances_figure(distances: pd.DataFrame, proposed_by: Sequence[str], *, n_dimensions: int) -> go.Figure:
    """How far each suggestion lies from the one before it, as a share of the longest way through the space.

    distances: number, distance in the unit cube; proposed_by: of each.
    """
    share = distances["distance"] / n_dimensions**0.5
    colors = [OURS if by == "acquisition" else tint(GREY, 0.6) for by in proposed_by]
    words = [SYMBOLS[by][1] for by in proposed_by]
    bars = go.Bar(x=distances["number"], y=share, marker={"color": colors, "line": {"width": 0}}, text=words, textposition="none",
                  hovertemplate="trial %{x}: %{y:.0%} of the way<br>%{text}<extra></extra>")
    return calm([bars], height=200, x="trial", y="jump from the suggestion before it", dragmode="zoom", bargap=0.3,
                yaxis={"tickformat": ".0%", "rangemode": "tozero"}, **KEEP)
