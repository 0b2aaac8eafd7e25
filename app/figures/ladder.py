"""The validation ladder: every model on every rung, below what the scatter of repeats allows."""
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import BAR, GREY, STILL, calm, tint

OURS = "ours"
LOOKS = {  # colour and symbol: grey for what knows next to nothing
    "mean": (GREY, "line-ns-open"), "class mean": (GREY, "x-thin-open"), "1-NN": (GREY, "circle-open"),
    "ridge": ("#6b76c2", "diamond"), "random forest": ("#5c9a56", "square"), "extra trees": ("#5c9a56", "triangle-up"),
    "gradient boosting": ("#8a7a4a", "pentagon"), "gaussian process": ("#b0577f", "star"), "tuned anew": ("#c07a2c", "hexagon")}
NAMES = {"gaussian process": "Gaussian process"}
SPREAD = 0.66  # of the height of a rung that the models share
LOWEST = -0.5  # R²: whatever is worse stands at the edge


def ladder_figure(rows: pd.DataFrame, limits: Mapping[str, float], *, title: str, color: str, is_r2: bool,
                  ours: str = "this run") -> go.Figure:
    """Rungs from top to bottom; ours joined by a line, whiskers are intervals.

    rows: columns model, rung, value, low, high, n; limits: words → the value that repeats of a measurement allow; ours: what
    ours is called.
    """
    rungs, models = list(dict.fromkeys(rows["rung"])), _ordered(rows["model"].unique())
    steps = dict(zip(models, np.linspace(-SPREAD / 2, SPREAD / 2, len(models)) if len(models) > 1 else [0.0], strict=True))
    edge = max(LOWEST, rows[["value", "low"]].min(axis=None)) if is_r2 else 0.0
    traces = [_marks(rows[rows["model"] == model], model, rungs, steps[model], edge, color, ours) for model in reversed(models)]
    lines = [{"type": "line", "x0": value, "x1": value, "y0": 0, "y1": 1, "yref": "paper",
              "line": {"color": GREY, "width": 1.5, "dash": dash}} for value, dash in zip(limits.values(), ("dash", "dot"),
                                                                                         strict=False)]
    keys = [go.Scatter(x=[None], y=[None], mode="lines", name=f"limit {value:{'.2f' if is_r2 else '.3g'}}, {words}",
                       line={"color": GREY, "width": 1.5, "dash": dash})
            for (words, value), dash in zip(limits.items(), ("dash", "dot"), strict=False)]
    ends = [min(edge, 0.0) - 0.04, 1.0] if is_r2 else [0.0, 1.05 * np.nanmax(rows[["value", "high"]])]
    plot = max(110, len(rungs) * (22 + 11 * len(models)))
    return calm([*traces, *keys], height=plot + 106 + 20 * ((len(models) + len(limits) + 1) // 2), dragmode=False, shapes=lines,
                **BAR, legend=_below(plot) | {"traceorder": "reversed"}, xaxis=STILL | {"range": ends, "title": _title(title)},
                yaxis=STILL | {"range": [len(rungs) - 0.5, -0.5], "tickvals": list(range(len(rungs))), "ticktext": rungs,
                               "showgrid": False})


def _below(plot: int) -> dict:
    """A legend under the axis of a plot that is so many px high."""
    return {"y": -56 / plot, "yanchor": "top"}


def _title(words: str) -> dict:
    return {"text": words, "standoff": 20}


def _ordered(models: Sequence[str]) -> list[str]:
    """Ours first, the strong ones after it."""
    order = [OURS, *reversed(LOOKS)]
    return sorted(models, key=lambda model: order.index(model) if model in order else len(order))


def _marks(rows, model, rungs, step, edge, color, ours) -> go.Scatter:
    is_ours, (shade, symbol) = model == OURS, LOOKS.get(model, (GREY, "cross")) if model != OURS else (color, "circle")
    shown = np.maximum(rows["value"], edge)
    outside = (rows["value"] < edge).to_numpy()
    known = rows["low"].notna()
    text = [f"{value:.3g}" + (f" [{low:.3g}, {high:.3g}]" if low == low else "") + f", n = {n}"
            for value, low, high, n in rows[["value", "low", "high", "n"]].itertuples(index=False)]
    return go.Scatter(
        x=shown, y=rows["rung"].map(rungs.index) + step, mode="lines+markers" if is_ours else "markers",
        name=ours if is_ours else NAMES.get(model, model), line={"color": tint(shade, 0.45), "width": 2}, text=text,
        marker={"color": shade, "size": 14 if is_ours else 8, "symbol": np.where(outside, "triangle-left-open", symbol),
                "line": {"width": 0 if is_ours else 1.5, "color": shade}},
        error_x={"array": (rows["high"] - shown).where(known, 0.0).clip(lower=0.0),
                 "arrayminus": (shown - rows["low"]).where(known, 0.0).clip(lower=0.0),
                 "color": tint(shade, 0.75 if is_ours else 0.6), "thickness": 4 if is_ours else 1.5, "width": 0},
        hovertemplate=f"{ours if is_ours else model}: %{{text}}<extra></extra>")


def parts_figure(parts: pd.DataFrame, *, unit: str, color: str, ours: str = "this run") -> go.Figure:
    """Error on what was held out, by its name: ours as bars, each other model as a mark.

    parts: columns name, n, and one a model; ours may be missing.
    """
    names = [f"{name} ({n:.0f})" for name, n in zip(parts["name"], parts["n"], strict=True)]
    traces = [go.Bar(x=parts[OURS], y=names, orientation="h", name=ours, marker={"color": tint(color, 0.55)},
                     hovertemplate=f"%{{y}}, {ours}: %{{x:.4g}} {unit}<extra></extra>")] if OURS in parts else []
    for model in (name for name in parts if name in LOOKS):
        shade, symbol = LOOKS[model]
        traces.append(go.Scatter(x=parts[model], y=names, mode="markers", name=NAMES.get(model, model),
                                 marker={"color": shade, "size": 8, "symbol": symbol, "line": {"width": 1.5, "color": shade}},
                                 hovertemplate=f"%{{y}}, {model}: %{{x:.4g}} {unit}<extra></extra>"))
    plot = 26 * len(names)
    return calm(traces, height=plot + 106 + 20 * ((len(traces) + 1) // 2), dragmode=False, bargap=0.35, **BAR,
                legend=_below(plot), xaxis=STILL | {"rangemode": "tozero", "title": _title(f"mean absolute error ({unit})")},
                yaxis=STILL | {"autorange": "reversed", "showgrid": False})
