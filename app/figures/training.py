"""A training while it goes on: losses of its members, and how it stands on the rows that they do not learn from."""
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.curves import members_spread
from app.figures.scores import SPLIT_WORDS
from app.figures.style import GREY, calm, color_of, tint

DASHES = {"random": "dot", "composition": "dash", "reference": "solid"}
KEEP = {"uirevision": "as the visitor left it"}  # the zoom stays when numbers come in
HEIGHT = 340
BELOW = {"y": -0.2, "yanchor": "top", "traceorder": "normal"}


def loss_figure(epochs: Sequence[int], loss: Mapping[str, np.ndarray], labels: Mapping[str, str], *, n_epochs: int,
                fan: bool = False, title: str = "training loss") -> go.Figure:
    """Loss by epoch, [E, M] a task: the median member with the range of nine in ten, or every member as a thin line."""
    traces = []
    for index, (task, values) in enumerate(loss.items()):
        color, spread = color_of(index), members_spread(values)
        traces += [_fan(epochs, values, color)] if fan else _range(epochs, spread, color)
        traces.append(go.Scatter(x=epochs, y=spread["middle"], mode="lines", name=labels[task],
                                 line={"color": color, "width": 2.5}, hovertemplate="epoch %{x}: %{y:.3f}<extra>median</extra>"))
    return calm(traces, height=HEIGHT, x="epoch", y=title, legend=BELOW, dragmode="zoom",
                xaxis={"range": [0, n_epochs + 0.5]}, **KEEP)


def _range(epochs, spread: pd.DataFrame, color: str) -> list[go.Scatter]:
    line = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    return [go.Scatter(x=epochs, y=spread["low"], **line),
            go.Scatter(x=epochs, y=spread["high"], fill="tonexty", fillcolor=tint(color, 0.18), **line)]


def _fan(epochs, values: np.ndarray, color: str) -> go.Scatter:
    """All members as one trace, with a gap between two of them."""
    gap = np.full((1, values.shape[1]), np.nan)
    y, x = np.vstack([values, gap]).T.ravel(), np.tile(np.append(np.asarray(epochs, float), np.nan), values.shape[1])
    return go.Scatter(x=x.astype(np.float32), y=y.astype(np.float32), mode="lines", hoverinfo="skip", showlegend=False,
                      line={"color": tint(color, 0.18), "width": 1})


def looks_figure(looks: pd.DataFrame, quantity: str, labels: Mapping[str, str], *, n_epochs: int, title: str,
                 target: float | None = None) -> go.Figure:
    """R² or coverage of the rows held out by epoch: a colour a task, a kind of line a split.

    looks: columns epoch, task, split and the quantity; target: a level to hold, drawn as a line.
    """
    tasks = list(labels)
    traces = [_look(rows, quantity, labels[task], split, color_of(tasks.index(task)))
              for (task, split), rows in looks.groupby(["task", "split"], sort=False)]
    traces += [_key(labels[task], color_of(index), "solid") for index, task in enumerate(tasks) if len(tasks) > 1]
    traces += [_key(SPLIT_WORDS.get(split, split), GREY, DASHES.get(split, "solid")) for split in looks["split"].unique()]
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": target, "y1": target, "line": {"color": GREY, "dash": "dot"}}
    lowest = np.nanmin(looks[quantity], initial=1.0)
    return calm(traces, height=HEIGHT, x="epoch", y=title, legend=BELOW, dragmode="zoom", shapes=[line] if target else [],
                xaxis={"range": [0, n_epochs + 0.5]}, yaxis={"range": [max(-0.5, min(0.0, lowest - 0.05)) if target is None else
                                                                      max(0.0, min(0.6, lowest - 0.05)), 1.02]}, **KEEP)


def _look(rows: pd.DataFrame, quantity: str, label: str, split: str, color: str) -> go.Scatter:
    words = f"{label}, {SPLIT_WORDS.get(split, split)}"
    return go.Scatter(x=rows["epoch"], y=rows[quantity], mode="lines+markers", showlegend=False,
                      marker={"size": 5, "color": color}, line={"color": color, "width": 2, "dash": DASHES.get(split, "solid")},
                      hovertemplate="epoch %{x}: %{y:.3f}<extra>" + words + "</extra>")


def _key(name: str, color: str, dash: str) -> go.Scatter:
    """An entry of the legend: what a colour or a kind of line stands for."""
    return go.Scatter(x=[None], y=[None], mode="lines", name=name, line={"color": color, "width": 2, "dash": dash})


def stopping_figure(epochs: Sequence[int], validation: np.ndarray, finished: np.ndarray, *, n_epochs: int,
                    n_members: int) -> go.Figure:
    """Loss on the rows that members keep back, [E, M], and how many members have stopped, [E], on an axis of its own."""
    color, spread = color_of(2), members_spread(validation)
    middle = go.Scatter(x=epochs, y=spread["middle"], mode="lines", name="loss on rows kept back", line={"color": color},
                        hovertemplate="epoch %{x}: %{y:.3f}<extra>median</extra>")
    stopped = go.Scatter(x=epochs, y=finished, mode="lines", name="members that have stopped", yaxis="y2",
                         line={"color": GREY, "shape": "hv"}, hovertemplate="epoch %{x}: %{y} stopped<extra></extra>")
    second = {"overlaying": "y", "side": "right", "range": [0, n_members + 0.5], "tickmode": "auto", "showgrid": False,
              "automargin": True}
    return calm([*_range(epochs, spread, color), middle, stopped], height=HEIGHT, x="epoch", y="validation loss", legend=BELOW,
                dragmode="zoom", xaxis={"range": [0, n_epochs + 0.5]}, yaxis2=second, **KEEP)
