"""How values are spread, before and after a transform."""
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint

BINS = 40


def shapes_figure(shapes: Mapping[str, np.ndarray], *, color: str) -> go.Figure:
    """One histogram a shape, side by side: name → values [n]. The dotted curve is the normal one of that mean and spread."""
    width = 1.0 / len(shapes)
    traces, layout, titles = [], {}, []
    for index, (name, values) in enumerate(shapes.items()):
        number = "" if index == 0 else str(index + 1)
        traces += _histogram(values, color, number)
        domain = [index * width + (0.02 if index else 0), (index + 1) * width - 0.02]
        layout |= {f"xaxis{number}": STILL | {"domain": domain, "zeroline": False, "anchor": f"y{number}", "automargin": True},
                   f"yaxis{number}": STILL | {"visible": False, "anchor": f"x{number}"}}
        titles.append({"text": name, "x": domain[0], "y": 1, "xref": "paper", "yref": "paper", "xanchor": "left",
                       "yanchor": "bottom", "showarrow": False})
    first = {name: layout.pop(name) for name in ("xaxis", "yaxis")}
    return calm(traces, height=220, dragmode=False, bargap=0, annotations=titles, margin={"l": 4, "r": 8, "t": 30, "b": 4},
                **first, **layout)


def _histogram(values: np.ndarray, color: str, axis: str) -> list:
    counts, edges = np.histogram(values, bins=BINS)
    middle, step = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    spread = values.std() or 1.0
    normal = len(values) * step * np.exp(-0.5 * ((middle - values.mean()) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    place = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "showlegend": False}
    return [go.Bar(x=middle, y=counts, width=step, marker={"color": tint(color, 0.7)}, **place,
                   hovertemplate="%{y} near %{x:.4g}<extra></extra>"),
            go.Scatter(x=middle, y=normal, mode="lines", line={"color": GREY, "width": 1.5, "dash": "dot"}, hoverinfo="skip",
                       **place)]
