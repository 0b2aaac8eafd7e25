"""What networks said of rows that they had not seen: predictions, residuals, errors by family, and whether bands hold."""
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.scores import SPLIT_WORDS
from app.figures.style import GREY, STILL, calm, color_of, tint

HEIGHT = 430
BELOW = {"x": 0, "y": -0.18, "yanchor": "top"}  # above the plot it would cover the title of the y axis on a phone
OUTSIDE = "#b5473c"  # a measurement that its band misses


def parity_figure(rows: pd.DataFrame, texts: Sequence[str], *, unit: str, color: str) -> go.Figure:
    """Prediction and band against measurement; the diagonal is perfection, a bound stands as a triangle on its known side.

    rows: columns low, high, mean, lower, upper, is_inside.
    """
    is_exact = (rows["low"] == rows["high"]).to_numpy()
    known = rows["low"].where(np.isfinite(rows["low"]), rows["high"]).to_numpy()
    ends = [min(known.min(), rows["mean"].min()), max(known.max(), rows["mean"].max())]
    texts, inside = np.asarray(texts, object), rows["is_inside"].to_numpy(bool)
    kinds = (("inside its band", is_exact & inside, color, "circle"), ("outside", is_exact & ~inside, OUTSIDE, "circle"),
             ("bound", ~is_exact, GREY, "triangle-right-open"))
    traces = [go.Scatter(x=ends, y=ends, mode="lines", line={"color": GREY, "width": 1, "dash": "dot"}, hoverinfo="skip",
                         showlegend=False)]
    traces += [_points(rows[chosen], known[chosen], texts[chosen], name, of, symbol) for name, chosen, of, symbol in kinds
               if chosen.any()]
    return calm(traces, height=HEIGHT, x=f"measured ({unit})", y=f"predicted ({unit})", legend=BELOW)


def _points(rows, known, texts, name, color, symbol):
    band = {"array": rows["upper"] - rows["mean"], "arrayminus": rows["mean"] - rows["lower"], "color": tint(color, 0.2),
            "thickness": 1, "width": 0}
    return go.Scatter(x=known, y=rows["mean"], mode="markers", name=f"{name} ({len(rows)})", text=texts, error_y=band,
                      marker={"size": 6, "color": color, "opacity": 0.75, "symbol": symbol},
                      hovertemplate="%{text}<extra></extra>")


def residuals_figure(rows: pd.DataFrame, texts: Sequence[str], *, unit: str, color: str) -> go.Figure:
    """Predicted − measured against the prediction, with their distribution at the right edge; exact rows only.

    rows: columns low, mean, is_inside.
    """
    residual, inside = rows["mean"] - rows["low"], rows["is_inside"].to_numpy(bool)
    colors = np.where(inside, color, OUTSIDE)
    dots = go.Scatter(x=rows["mean"], y=residual, mode="markers", text=texts,
                      marker={"size": 6, "color": colors, "opacity": 0.65}, hovertemplate="%{text}<extra></extra>")
    counts = go.Histogram(y=residual, xaxis="x2", marker={"color": tint(color, 0.45)}, nbinsy=40,
                          hovertemplate="%{y}: %{x} rows<extra></extra>")
    dotted = {"color": GREY, "dash": "dot", "width": 1}
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": dotted}
    return calm([dots, counts], height=HEIGHT, x=f"predicted ({unit})", y=f"predicted − measured ({unit})", shapes=[zero],
                xaxis={"domain": [0, 0.82]}, bargap=0.05,
                xaxis2={"domain": [0.85, 1], "showticklabels": False, "showgrid": False, "zeroline": False} | STILL)


def families_figure(families: pd.DataFrame, *, unit: str, color: str) -> go.Figure:
    """Mean absolute error (bar) and bias (diamond) by alloy family. families: index family, columns n, mae, bias, coverage."""
    names = [f"{family} ({n})" for family, n in families["n"].items()]
    bars = go.Bar(y=names, x=families["mae"], orientation="h", name="mean absolute error", marker={"color": tint(color, 0.55)},
                  hovertemplate="%{y}: %{x:.4g}<extra>mean absolute error</extra>")
    bias = go.Scatter(y=names, x=families["bias"], mode="markers", name="bias (predicted − measured)",
                      marker={"symbol": "diamond", "size": 10, "color": color},
                      hovertemplate="%{y}: %{x:+.4g}<extra>bias</extra>")
    return calm([bars, bias], height=120 + 30 * len(names), x=f"error ({unit})", legend=True, dragmode=False, xaxis=STILL,
                yaxis=STILL | {"autorange": "reversed"})


def reliability_figure(reliability: pd.DataFrame, *, color: str) -> go.Figure:
    """Share of measurements inside a band against the level that it names; the diagonal is honest.

    reliability: columns split, level, calibrated, own.
    """
    diagonal = go.Scatter(x=[0.45, 1], y=[0.45, 1], mode="lines", hoverinfo="skip", showlegend=False,
                          line={"color": GREY, "dash": "dot", "width": 1})
    traces = [diagonal]
    for index, (split, rows) in enumerate(reliability.groupby("split", sort=False)):
        words, shade = SPLIT_WORDS.get(split, split), color_of(index + 2)
        traces.append(_levels(rows, "calibrated", f"{words}, calibrated", {"color": shade, "width": 2.5}))
        traces.append(_levels(rows, "own", f"{words}, as stated", {"color": shade, "width": 1.5, "dash": "dot"}))
    percent = {"tickformat": ".0%"}
    return calm(traces, height=HEIGHT, x="level that the band names", y="share of measurements inside",
                legend=BELOW, dragmode=False, xaxis=STILL | percent | {"range": [0.45, 1]},
                yaxis=STILL | percent | {"range": [0, 1.02]})


def _levels(rows, column, name, line):
    return go.Scatter(x=rows["level"], y=rows[column], mode="lines+markers", name=name, line=line, marker={"size": 6},
                      hovertemplate="%{x:.0%} band: %{y:.1%} inside<extra>" + name + "</extra>")

