"""What an alloy probably is, and how often such a guess was right."""
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.sparsity import SHADES
from app.figures.style import STILL, calm, color_of

LEAST_NAMED = 0.12  # of the bar: a narrower piece has no room for its name


def chances_figure(chances: Mapping[str, float]) -> go.Figure:
    """One bar of all classes, as wide as they are probable."""
    traces = [go.Bar(x=[100 * chance], y=[""], orientation="h", name=name, marker={"color": color_of(index), "opacity": 0.85},
                     text=f"{name} {chance:.0%}" if chance >= LEAST_NAMED else "", textposition="inside",
                     insidetextanchor="middle", textangle=0, hovertemplate=f"{name}: {chance:.0%}<extra></extra>")
              for index, (name, chance) in enumerate(chances.items())]
    return calm(traces, height=64, barmode="stack", dragmode=False, xaxis=STILL | {"visible": False, "range": [0, 100]},
                yaxis=STILL | {"visible": False})


def confusion_figure(classes: Sequence[str], counts: Sequence[Sequence[float]]) -> go.Figure:
    """Found class by row, predicted one by column: shares of the row as shades, how many alloys as numbers."""
    cells = np.array(counts, float)
    share = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1.0)
    heat = go.Heatmap(z=share, x=list(classes), y=list(classes), customdata=cells, xgap=2, ygap=2, showscale=False, zmin=0,
                      zmax=1, colorscale=SHADES,
                      hovertemplate="found %{y}, predicted %{x}: %{customdata:.0f} (%{z:.0%})<extra></extra>")
    numbers = [{"x": classes[column], "y": classes[row], "showarrow": False, "text": f"{cells[row, column]:.0f}",
                "font": {"size": 13, "color": "white"}} for row, column in np.ndindex(cells.shape)]
    return calm([heat], height=90 + 55 * len(classes), dragmode=False, annotations=numbers, x="predicted",
                xaxis=STILL | {"showgrid": False}, yaxis=STILL | {"showgrid": False, "autorange": "reversed"})
