"""Maps of all alloys."""
import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, SEQUENTIAL, calm, color_of, tint

SPREAD = (2, 98)  # percentiles at which the colours end, so that one extreme value does not use up the scale

HERE = "#d1495b"


def map_figure(
    xy: np.ndarray, texts: np.ndarray, values: np.ndarray, *, unit: str = "", logarithmic: bool = False,
    here: np.ndarray | None = None
) -> go.Figure:
    """Points [n, 2] coloured by numbers (NaN = pale) or by words; `here` [1, 2] marks the alloy under design."""
    traces = _numbers(xy, texts, values, unit, logarithmic) if values.dtype.kind == "f" else _words(xy, texts, values)
    traces += [] if here is None else [_here(here)]
    return calm(traces, height=560, legend=values.dtype.kind != "f", dragmode="pan", xaxis={"visible": False},
                yaxis={"visible": False})


def _numbers(xy: np.ndarray, texts: np.ndarray, values: np.ndarray, unit: str, logarithmic: bool) -> list[go.Scatter]:
    has = np.isfinite(values)
    shown = np.log10(values[has]) if logarithmic else values[has]
    low, high = np.percentile(shown, SPREAD) if has.any() else (0.0, 1.0)
    scale = {"color": shown, "colorscale": SEQUENTIAL, "cmin": low, "cmax": high, "size": 7, "opacity": 0.85,
             "colorbar": {"title": f"log₁₀ {unit}" if logarithmic else unit, "thickness": 10, "len": 0.6}}
    return [_points(xy[~has], texts[~has], {"color": tint(GREY, 0.25), "size": 5}), _points(xy[has], texts[has], scale)]


def _words(xy: np.ndarray, texts: np.ndarray, values: np.ndarray) -> list[go.Scatter]:
    names, counts = np.unique(values, return_counts=True)
    ranked = names[np.argsort(-counts)]
    return [_points(xy[values == name], texts[values == name], {"color": color_of(index), "size": 6, "opacity": 0.75},
                    name=f"{name} ({(values == name).sum()})") for index, name in enumerate(ranked)]


def _points(xy: np.ndarray, texts: np.ndarray, marker: dict, *, name: str = "") -> go.Scatter:
    return go.Scatter(x=xy[:, 0], y=xy[:, 1], mode="markers", text=texts, marker=marker, name=name,
                      hovertemplate="%{text}<extra></extra>")


def _here(xy: np.ndarray) -> go.Scatter:
    ring = {"size": 16, "color": "rgba(0,0,0,0)", "line": {"width": 3, "color": HERE}}
    return go.Scatter(x=xy[:, 0], y=xy[:, 1], mode="markers", marker=ring, name="alloy under design",
                      hovertemplate="the alloy under design<extra></extra>")
