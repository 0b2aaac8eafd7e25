"""All trials at once, one line each."""
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app.figures.style import SEQUENTIAL, calm

SCALE = [[index / (len(SEQUENTIAL) - 1), color] for index, color in enumerate(SEQUENTIAL)]


def parallel_figure(positions: pd.DataFrame, scores: pd.Series, names: Sequence[str],
                    ticks: Sequence[tuple[list[float], list[str]]], *, title: str, color: str) -> go.Figure:
    """Complete trials as lines across all dimensions, coloured by score, which is the last axis.

    positions: in the unit cube, one column a dimension; scores: by the same index; names, ticks: of the dimensions.
    color: of the text, which plotly does not take from the theme here.
    """
    axes = [{"label": name, "values": positions[column], "range": [0, 1], "tickvals": at, "ticktext": words}
            for column, name, (at, words) in zip(positions, names, ticks, strict=True)]
    axes.append({"label": title, "values": scores, "tickformat": ".3f"})
    lines = go.Parcoords(
        dimensions=axes, line={"color": scores, "colorscale": SCALE, "showscale": False}, labelangle=-18, labelside="top",
        labelfont={"color": color, "size": 12}, tickfont={"color": color, "size": 11, "shadow": "none"},
        rangefont={"color": "rgba(0,0,0,0)", "size": 1}, unselected={"line": {"opacity": 0.06}})
    return calm([lines], height=380, margin={"l": 60, "r": 50, "t": 84, "b": 16}, uirevision="as the visitor left it")
