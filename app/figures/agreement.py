"""Bars beside what other methods say: one mark a name, or one a network."""
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.labels import placed
from app.figures.style import GREY, STILL, calm, tint, written

ZERO = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": GREY, "width": 1}}
MARK, NARROW, HIGH = 9, 420, 270  # px of a mark, and of a plot for which names still find room
TOLD = 0.1  # of the largest loss, from which a mark has its name beside it


def two_methods_figure(names: Sequence[str], path: np.ndarray, exact: np.ndarray, *, unit: str, color: str) -> go.Figure:
    """Bars [N] of the path, and Shapley values as diamonds on them, largest first."""
    order = np.argsort(-np.abs(path))
    rows = [names[index] for index in order]
    bars = go.Bar(x=path[order], y=rows, orientation="h", name="bar of the path", marker={"color": tint(color, 0.55)},
                  hovertemplate=f"%{{y}}, path: %{{x:+.3g}} {unit}<extra></extra>")
    marks = go.Scatter(x=exact[order], y=rows, mode="markers", name="exact Shapley value",
                       marker={"symbol": "diamond", "size": 10, "color": color, "line": {"width": 1, "color": GREY}},
                       hovertemplate=f"%{{y}}, Shapley: %{{x:+.3g}} {unit}<extra></extra>")
    return calm([bars, marks], height=110 + 32 * len(rows), x=f"push from the baseline ({unit})", legend=True, dragmode=False,
                bargap=0.4, shapes=[ZERO], xaxis=STILL, yaxis=STILL | {"autorange": "reversed", "showgrid": False})


def importance_figure(rows: pd.DataFrame, *, unit: str, color: str) -> go.Figure:
    """One mark an element or condition. rows: index name, columns size (mean |bar|), drop (of R²), error, n."""
    largest = set(rows.index[rows["drop"] >= TOLD * rows["drop"].max()]) | {rows["size"].idxmax()}
    rows = rows.sort_values("drop", ascending=False, kind="stable")
    names, places = placed(rows["size"], rows["drop"], [name if name in largest else "" for name in rows.index],
                           np.full(len(rows), MARK), width=NARROW, height=HIGH)
    marks = go.Scatter(
        x=rows["size"], y=rows["drop"], mode="markers+text", text=names, textposition=places,
        marker={"size": MARK, "color": color, "opacity": 0.8},
        error_y={"array": rows["error"], "color": tint(color, 0.4), "thickness": 1.5, "width": 0},
        customdata=[f"{name}: mean bar {written(size)} {unit}, R² falls by {drop:.3f} ± {error:.3f} (n = {n})"
                    for name, size, drop, error, n in rows[["size", "drop", "error", "n"]].itertuples()],
        hovertemplate="%{customdata}<extra></extra>")
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"color": GREY, "width": 1}}
    return calm([marks], height=360, x=f"mean size of the bars ({unit})", y="R² lost when its values are permuted",
                dragmode=False, shapes=[zero], xaxis=STILL, yaxis=STILL)


def random_figure(trained: np.ndarray, untrained: np.ndarray, *, color: str) -> go.Figure:
    """How each network's bars rank against those shown, −1 to 1: of the trained ones and of ones that learnt nothing."""
    bins = {"start": -1.0, "end": 1.0001, "size": 0.1}
    traces = [go.Histogram(x=values, xbins=bins, name=name, marker={"color": shade},
                           hovertemplate=f"{name}, ρ %{{x}}: %{{y}} networks<extra></extra>")
              for name, values, shade in (("not trained", untrained, tint(GREY, 0.6)), ("trained", trained, tint(color, 0.75)))]
    return calm(traces, height=260, x="rank agreement with the bars, Spearman's ρ", y="networks",
                legend={"x": 1, "xanchor": "right"}, dragmode=False, barmode="overlay", bargap=0.06,
                xaxis=STILL | {"range": [-1.05, 1.05]}, yaxis=STILL)
