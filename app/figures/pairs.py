"""Every chosen quantity against every other."""
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, calm, tint

PANEL = 150  # px


def pairs_figure(everything: Mapping[str, np.ndarray], is_chosen: np.ndarray, texts: np.ndarray, *, color: str) -> go.Figure:
    """A matrix of scatter plots, lower half; selected alloys in colour over all others in grey.

    everything: label → values [n], NaN where there is none; is_chosen: [n] bool.
    """
    parts = [(~is_chosen, tint(GREY, 0.25), 3), (is_chosen, tint(color, 0.6), 4)]
    traces = [_matrix(everything, rows, texts, shade, size) for rows, shade, size in parts if rows.any()]
    quiet = {"zeroline": False, "tickfont": {"size": 10}, "nticks": 4}
    axes = {f"{letter}axis{index or ''}": quiet | {"title": {"text": label, "font": {"size": 11}, "standoff": 4}}
            for letter in "xy" for index, label in zip((0, *range(2, len(everything) + 1)), everything, strict=True)}
    return calm(traces, height=max(PANEL * len(everything), 260), dragmode="zoom", **axes,
                margin={"l": 58, "r": 4, "t": 8, "b": 44})


def _matrix(everything: Mapping[str, np.ndarray], rows: np.ndarray, texts: np.ndarray, shade: str, size: int) -> go.Splom:
    return go.Splom(
        dimensions=[{"label": label, "values": values[rows]} for label, values in everything.items()], text=texts[rows],
        showupperhalf=False, diagonal={"visible": False}, marker={"color": shade, "size": size, "line": {"width": 0}},
        showlegend=False, hovertemplate="%{text}<extra></extra>")
