"""What the surrogate believes: which dimensions matter, the score along one of them, and over two."""
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.style import COLORS, GREY, SEQUENTIAL, STILL, calm, tint

OURS, THEIRS, INK = COLORS[0], COLORS[1], "#1d2629"
KEEP = {"uirevision": "as the visitor left it"}
LEGEND = {"y": -0.24, "yanchor": "top"}  # below, because the title of the axis stands above
SCALE = [[index / (len(SEQUENTIAL) - 1), color] for index, color in enumerate(SEQUENTIAL)]
Ticks = tuple[list[float], list[str]]


def importance_figure(shares: Mapping[str, float]) -> go.Figure:
    """Share of the score's variation that each dimension explains alone, the largest on top. shares: label → 0 to 1."""
    bars = go.Bar(x=list(shares.values()), y=list(shares), orientation="h", marker={"color": OURS, "line": {"width": 0}},
                  hovertemplate="%{y}: %{x:.1%}<extra></extra>")
    return calm([bars], height=60 + 22 * len(shares), x="share of the variation", dragmode=False, bargap=0.35,
                xaxis=STILL | {"tickformat": ".0%", "rangemode": "tozero"}, yaxis=STILL | {"autorange": "reversed"})


def curve_figure(at: Sequence[float], slice_: tuple[np.ndarray, np.ndarray], dependence: tuple[np.ndarray, np.ndarray],
                 seen: tuple[np.ndarray, np.ndarray], best: tuple[float, float] | None, ticks: Ticks, *, name: str,
                 title: str, is_choice: bool = False) -> go.Figure:
    """Mean and std of the score along one dimension: through the best trial with its band, and averaged over all others.
    Between the values of a choice there is nothing to draw.

    at: positions in the unit cube; slice_, dependence: mean and std there; seen: position and score of complete trials;
    best: those of the incumbent.
    """
    drawn = _bars if is_choice else _band
    traces = [*drawn(at, *dependence, THEIRS, "averaged over the others", "dash"),
              *drawn(at, *slice_, OURS, "through the best trial", "solid"),
              go.Scatter(x=seen[0], y=seen[1], mode="markers", name="trials", marker={"size": 6, "color": tint(GREY, 0.7)},
                         hovertemplate="%{y:.4f}<extra>trial</extra>")]
    if best:
        traces.append(go.Scatter(x=[best[0]], y=[best[1]], mode="markers", name="best trial", hoverinfo="skip",
                                 marker={"symbol": "star", "size": 14, "color": OURS}))
    return calm(traces, height=330, x=name, y=title, legend=LEGEND, dragmode="zoom", xaxis=_axis(ticks),
                yaxis={"range": _reach(slice_, dependence, seen[1])}, **KEEP)


def _band(at, mean, std, color: str, name: str, dash: str) -> list[go.Scatter]:
    there_and_back = {"x": [*at, *at[::-1]], "y": [*(mean + std), *(mean - std)[::-1]]}
    return [go.Scatter(**there_and_back, fill="toself", fillcolor=tint(color, 0.13), mode="none", hoverinfo="skip",
                       showlegend=False),
            go.Scatter(x=at, y=mean, mode="lines", name=name, line={"color": color, "width": 2.2, "dash": dash},
                       customdata=std, hovertemplate="%{y:.4f} ± %{customdata:.4f}<extra>" + name + "</extra>")]


def _bars(at, mean, std, color: str, name: str, dash: str) -> list[go.Scatter]:
    beside = np.array(at) + (0.03 if dash == "solid" else -0.03)
    return [go.Scatter(x=beside, y=mean, mode="markers", name=name, marker={"size": 10, "color": color}, customdata=std,
                       error_y={"array": std, "color": tint(color, 0.5), "thickness": 4, "width": 0},
                       hovertemplate="%{y:.4f} ± %{customdata:.4f}<extra>" + name + "</extra>")]


def _reach(slice_, dependence, scores) -> list[float]:
    """What the curves need, and most of the trials."""
    ends = [value for mean, std in (slice_, dependence) for value in (np.min(mean - std), np.max(mean + std))]
    if len(scores):
        ends += [float(np.quantile(scores, 0.1)), float(np.max(scores))]
    room = 0.06 * max(max(ends) - min(ends), 1e-3)
    return [min(ends) - room, max(ends) + room]


def plane_figure(x: Sequence[float], y: Sequence[float], values: np.ndarray, points: tuple[Sequence[float], Sequence[float]],
                 following: tuple[float, float] | None, ticks: tuple[Ticks, Ticks], *, names: tuple[str, str], title: str,
                 form: str) -> go.Figure:
    """A quantity [ny, nx] over two dimensions of the unit cube; dots are trials, the star is the next point."""
    heat = go.Heatmap(x=list(x), y=list(y), z=values, colorscale=SCALE, zsmooth=False, name="",
                      colorbar={"thickness": 10, "len": 1.0, "outlinewidth": 0, "tickformat": form},
                      hovertemplate=f"%{{z:{form}}}<extra></extra>")
    dots = go.Scatter(x=points[0], y=points[1], mode="markers", hoverinfo="skip", showlegend=False,
                      marker={"size": 6, "color": "rgba(255,255,255,0.75)", "line": {"color": INK, "width": 1}})
    traces = [heat, dots]
    if following:
        traces.append(go.Scatter(x=[following[0]], y=[following[1]], mode="markers", hoverinfo="skip", showlegend=False,
                                 marker={"symbol": "star", "size": 18, "color": "#ffffff", "line": {"color": INK, "width": 1.5}}))
    return calm(traces, height=340, x=names[0], y=title, dragmode=False, xaxis=STILL | _axis(ticks[0], edges=x),
                yaxis=STILL | _axis(ticks[1], edges=y) | {"title": {"text": names[1], "standoff": 4}})


def _axis(ticks: Ticks, edges: Sequence[float] | None = None) -> dict:
    reach = [-0.03, 1.03] if edges is None else None
    return {"tickvals": ticks[0], "ticktext": ticks[1], "showgrid": False} | ({"range": reach} if reach else {})
