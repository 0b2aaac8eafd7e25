"""A few runs side by side: their losses overlaid, and their predictions against the measurements."""
from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import GREY, calm, color_of, tint

GAP = 0.04  # of the width, between two panels
LETTERS = 80  # that stand in a line above the panels


def losses_figure(curves: Sequence[tuple[str, pd.DataFrame]]) -> go.Figure:
    """Training loss of one task by epoch: the median member as a line, nine members in ten inside the shade.

    curves: name of the run, and its table with epoch, middle, low, high.
    """
    traces = [trace for index, (name, curve) in enumerate(curves) for trace in _curve(escape(name), curve, color_of(index))]
    return calm(traces, height=300, x="epoch", legend=True, hovermode="x unified")


def _curve(name: str, curve: pd.DataFrame, color: str) -> list[go.Scatter]:
    there_and_back = {"x": [*curve["epoch"], *curve["epoch"][::-1]], "y": [*curve["high"], *curve["low"][::-1]]}
    return [go.Scatter(**there_and_back, fill="toself", fillcolor=tint(color, 0.15), mode="none", hoverinfo="skip",
                       showlegend=False),
            go.Scatter(x=curve["epoch"], y=curve["middle"], mode="lines", name=name, line={"color": color, "width": 2},
                       hovertemplate="%{y:.3f}")]


def parities_figure(panels: Sequence[tuple[str, pd.DataFrame]], *, unit: str) -> go.Figure:
    """One panel a run on the same axes: out-of-fold prediction against measurement; the diagonal is perfection.

    panels: name of the run, and its rows with measurement_id, low (= measured), mean.
    """
    values = np.concatenate([rows[["low", "mean"]].to_numpy(float).ravel() for _, rows in panels])
    ends, n = [values.min(), values.max()], len(panels)
    width, traces, layout, titles = (1 - GAP * (n - 1)) / n, [], {}, []
    for index, (name, rows) in enumerate(panels):
        axis, start = "" if index == 0 else str(index + 1), index * (width + GAP)
        traces += _panel(rows, ends, axis, color_of(index))
        layout[f"xaxis{axis}"] = {"domain": [start, start + width], "zeroline": False, "title": {"text": f"measured ({unit})"},
                                  "matches": "x" if index else None, "nticks": 5}
        layout[f"yaxis{axis}"] = {"anchor": f"x{axis}", "zeroline": False, "matches": "y" if index else None,
                                  "showticklabels": index == 0, "automargin": True}
        short = name if len(name) <= LETTERS // n else f"{name[:LETTERS // n]}…"
        titles.append({"text": escape(short), "x": start + width / 2, "y": 1, "xref": "paper", "yref": "paper",
                       "yanchor": "bottom", "showarrow": False})
    layout["yaxis"]["title"] = {"text": f"predicted ({unit})"}
    return calm(traces, height=380, annotations=titles, margin={"l": 4, "r": 8, "t": 26, "b": 4}, **layout)


def _panel(rows: pd.DataFrame, ends: list[float], axis: str, color: str) -> list[go.Scatter]:
    place = {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
    return [go.Scatter(x=ends, y=ends, mode="lines", line={"color": GREY, "width": 1, "dash": "dot"}, hoverinfo="skip", **place),
            go.Scattergl(x=rows["low"], y=rows["mean"], mode="markers", marker={"size": 5, "color": tint(color, 0.5)},
                         text=rows["measurement_id"], **place,
                         hovertemplate="%{text}<br>measured %{x:.4g}, predicted %{y:.4g}<extra></extra>")]
