"""A property along one line through composition space."""
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, axis_title, calm, runs, tint, written


@dataclass(frozen=True)
class Sweep:
    """Predictions of one task along a line: arrays [n] over `amounts`; `here` is where the sliders stand."""

    amounts: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    in_domain: np.ndarray
    here: float


@dataclass(frozen=True)
class Measured:
    """Measured points near the line: arrays [m]; `texts` name the alloy, `distance` is in at.% off the line."""

    amounts: np.ndarray
    values: np.ndarray
    distance: np.ndarray
    texts: tuple[str, ...]


def sweep_figure(
    sweep: Sweep, measured: Measured, *, axis: str, label: str, unit: str, color: str, logarithmic: bool = False
) -> go.Figure:
    """Mean and band against the amount; filled inside the domain, dashed and unfilled outside."""
    bands = [trace for in_domain, piece in runs(sweep.in_domain.tolist())
             for trace in (_band if in_domain else _edges)(sweep, piece, color)]
    traces = [*bands, _mean(sweep, color, axis, unit), _points(measured, unit), _here(sweep, color)]
    return calm(traces, height=270, x=axis, y=axis_title(label, unit),
                yaxis={"type": "log" if logarithmic else "linear"})


def _band(sweep: Sweep, piece: slice, color: str) -> list[go.Scatter]:
    around = np.concatenate([sweep.amounts[piece], sweep.amounts[piece][::-1]])
    outline = np.concatenate([sweep.upper[piece], sweep.lower[piece][::-1]])
    return [go.Scatter(x=around, y=outline, fill="toself", mode="lines", line={"width": 0},
                       fillcolor=tint(color, 0.18), hoverinfo="skip")]


def _edges(sweep: Sweep, piece: slice, color: str) -> list[go.Scatter]:
    dashed = {"color": tint(color, 0.7), "width": 1.2, "dash": "dash"}
    return [go.Scatter(x=sweep.amounts[piece], y=edge[piece], mode="lines", line=dashed, hoverinfo="skip")
            for edge in (sweep.lower, sweep.upper)]


def _mean(sweep: Sweep, color: str, axis: str, unit: str) -> go.Scatter:
    texts = [f"{written(mean)} {unit} ({written(low)} to {written(high)})"
             for mean, low, high in zip(sweep.mean, sweep.lower, sweep.upper, strict=True)]
    return go.Scatter(x=sweep.amounts, y=sweep.mean, mode="lines", line={"color": color, "width": 2.4}, text=texts,
                      hovertemplate=f"%{{x:.3g}} {axis}<br>%{{text}}<extra></extra>")


def _points(measured: Measured, unit: str) -> go.Scatter:
    off = "%{customdata:.1f} at.% off this line"
    return go.Scatter(
        x=measured.amounts, y=measured.values, mode="markers", text=measured.texts, customdata=measured.distance,
        marker={"size": 7, "color": GREY, "opacity": 0.75, "line": {"width": 0}},
        hovertemplate=f"measured: %{{y:.4g}} {unit}<br>%{{text}}<br>{off}<extra></extra>")


def _here(sweep: Sweep, color: str) -> go.Scatter:
    value = float(np.interp(sweep.here, sweep.amounts, sweep.mean))
    return go.Scatter(x=[sweep.here], y=[value], mode="markers", hoverinfo="skip",
                      marker={"size": 12, "color": color, "line": {"color": "white", "width": 2}})
