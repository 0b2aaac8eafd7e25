"""Several alloys side by side."""
from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from app.figures.style import STILL, axis_title, calm, tint
from app.results import Result


def forest_figure(names: Sequence[str], results: Sequence[Result], *, color: str) -> go.Figure:
    """One row an alloy: the mean as a dot, its band as a line, dashed where it is outside the domain."""
    names = [escape(name) for name in names]  # plotly reads tags in labels, and names are typed by visitors
    traces = [_interval(name, result, color) for name, result in zip(names, results, strict=True)]
    means = go.Scatter(
        x=[result.mean for result in results], y=names, mode="markers", marker={"color": color, "size": 11},
        text=[f"{result.value} ({result.interval})" for result in results],
        hovertemplate="%{y}: %{text}<extra></extra>")
    task = results[0].task
    return calm([*traces, means], height=70 + 36 * len(names), x=axis_title(task.label, task.unit), dragmode=False,
                yaxis=STILL | {"autorange": "reversed"})


def _interval(name: str, result: Result, color: str) -> go.Scatter:
    line = {"color": tint(color, 0.55), "width": 7, "dash": "solid"} if result.in_domain else {
        "color": tint(color, 0.9), "width": 1.5, "dash": "dash"}
    return go.Scatter(x=[result.lower, result.upper], y=[name, name], mode="lines", hoverinfo="skip", line=line)
