"""What all figures share: colours that hold on light and dark paper, margins, and how numbers are written."""
from collections.abc import Sequence

import plotly.graph_objects as go

from mtl_core.words import signed as signed
from mtl_core.words import with_spread as with_spread
from mtl_core.words import written as written

COLORS = ("#2f7f86", "#c4703a", "#6b76c2", "#5c9a56", "#b0577f", "#8a7a4a")
GREY = "#8a9499"
SEQUENTIAL = ("#4a5fa5", "#2f8f96", "#7fb069", "#e6c65c")


def color_of(index: int) -> str:
    """The colour of the task with this position; it is the same on every page."""
    return COLORS[index % len(COLORS)]


def tint(color: str, alpha: float) -> str:
    """A hex colour as rgba with opacity `alpha`."""
    red, green, blue = (int(color[start:start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def calm(
    traces: Sequence, *, height: int, x: str = "", y: str = "", legend: bool | dict = False, xaxis: dict | None = None,
    yaxis: dict | None = None, **layout
) -> go.Figure:
    """A figure with quiet axes, no frame and room for the labels only; the y title stands above its axis.

    Made in one step: each later update of a plotly figure costs several milliseconds, and these are drawn at every move.
    """
    titled = [{"text": y, "x": 0, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom",
               "yshift": 6, "showarrow": False}] if y else []
    quiet = {"zeroline": False, "automargin": True}
    return go.Figure(traces, {
        "height": height, "margin": {"l": 4, "r": 8, "t": 30 if y else 8, "b": 4}, "showlegend": bool(legend),
        "hovermode": "closest", "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"} | (legend if isinstance(legend, dict) else {}),
        "xaxis": quiet | {"title": {"text": x, "standoff": 18}} | (xaxis or {}), "yaxis": quiet | (yaxis or {}),
    } | layout | {"annotations": titled + layout.get("annotations", [])})


BAR = {"margin": {"l": 4, "r": 8, "t": 34, "b": 4}}
"""Room above the marks, so that plotly's mode bar hides none of them."""
STILL = {"fixedrange": True}
"""An axis that does not zoom."""


def axis_title(label: str, unit: str) -> str:
    """"Hardness (HV)"; a quantity without a unit is written alone."""
    return f"{label} ({unit})" if unit else label


def runs(flags: Sequence[bool]) -> list[tuple[bool, slice]]:
    """Neighbouring equal flags as (flag, slice) pieces; each piece reaches one point into the next, so lines join."""
    pieces, start = [], 0
    for stop in range(1, len(flags) + 1):
        if stop == len(flags) or flags[stop] != flags[start]:
            pieces.append((bool(flags[start]), slice(start, min(stop + 1, len(flags)))))
            start = stop
    return pieces
