"""Learning curves, and what sharing is worth when labels grow fewer."""
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import COLORS, GREY, STILL, calm, tint

MODEL_LOOKS = {"ours": ("", "circle"), "ridge": ("#6b76c2", "diamond"), "extra trees": ("#5c9a56", "triangle-up")}
WIRING_LOOKS = {"single-task": (GREY, "circle-open"), "multi-task": (COLORS[0], "circle"), "difference": (COLORS[1], "square"),
                "latent": (COLORS[2], "diamond")}
APART = 0.03  # decades of labels between two marks of one share
CLOSE = 1.4  # factor below which two numbers of labels would touch; the larger is written


def learning_figure(points: pd.DataFrame, laws: Mapping[str, tuple[np.ndarray, np.ndarray]], words: Mapping[str, str], *,
                    total: float, unit: str, color: str, fan: pd.DataFrame | None = None) -> go.Figure:
    """RMSE of each model by number of labels, with its interval, and the law that was fitted, dotted beyond what was tried.

    points: columns model, n_labels, rmse, rmse_low, rmse_high, r2; laws: model → labels and RMSE; total: labels that there are;
    fan: n_labels, low and high, the interval of the law of ours.
    """
    traces, most = ([] if fan is None else [_fan(fan, color)]), points["n_labels"].max()
    for model, rows in points.groupby("model", sort=False):
        shade, symbol = MODEL_LOOKS.get(model, (GREY, "cross"))
        shade, (n, rmse) = shade or color, laws[model]
        for part, dash in ((n <= most, "solid"), (n >= most, "dot")):
            traces.append(go.Scatter(x=n[part], y=rmse[part], mode="lines", hoverinfo="skip", showlegend=False,
                                     line={"color": tint(shade, 0.55), "width": 2, "dash": dash}))
        traces.append(go.Scatter(
            x=rows["n_labels"], y=rows["rmse"], mode="markers", name=words[model],
            marker={"color": shade, "symbol": symbol, "size": 10},
            error_y=_whiskers(rows["rmse"], rows["rmse_low"], rows["rmse_high"], shade),
            customdata=rows[["n_labels", "r2"]],
            hovertemplate=f"{words[model]}, %{{customdata[0]:.0f}} labels: %{{y:.4g}} {unit} (R² %{{customdata[1]:.2f}})"
                          "<extra></extra>"))
    here = {"type": "line", "x0": total, "x1": total, "y0": 0, "y1": 1, "yref": "paper",
            "line": {"color": GREY, "width": 1, "dash": "dash"}}
    return calm(traces, height=380, x="measurements to learn from (logarithmic)", y=f"RMSE ({unit})",
                legend=_BELOW, dragmode=False, shapes=[here],
                xaxis=STILL | _ticks(points["n_labels"]), yaxis=STILL | {"rangemode": "tozero"})


def sharing_figure(rows: pd.DataFrame, words: Mapping[str, str], *, like: pd.DataFrame) -> go.Figure:
    """R² of the target by number of its labels, a line a wiring; rows: columns wiring, n_labels, r2. The axis holds those of
    `like` as well, which stand beside it."""
    traces = [go.Scatter(x=part["n_labels"], y=part["r2"], mode="lines+markers", name=words[wiring],
                         line={"color": WIRING_LOOKS[wiring][0], "width": 2},
                         marker={"symbol": WIRING_LOOKS[wiring][1], "size": 10, "color": WIRING_LOOKS[wiring][0]},
                         hovertemplate=f"{words[wiring]}, %{{x:.0f}} labels: R² %{{y:.3f}}<extra></extra>")
              for wiring, part in rows.groupby("wiring", sort=False)]
    return calm(traces, height=360, x="measurements of the property (logarithmic)", y="R² on new compositions",
                legend=_BELOW, dragmode=False,
                xaxis=STILL | _ticks(rows["n_labels"]), yaxis=STILL | _holding(like["r2"]))


def gain_figure(rows: pd.DataFrame, words: Mapping[str, str], *, like: pd.DataFrame) -> go.Figure:
    """What each way of sharing adds to learning alone, with its interval; rows: wiring, n_labels, difference, low, high. The axis
    holds those of `like` as well."""
    shared = rows[rows["difference"].notna()]
    traces = []
    for step, (wiring, part) in enumerate(shared.groupby("wiring", sort=False)):
        shade, symbol = WIRING_LOOKS[wiring]
        text = [f"{value:+.3f} [{low:+.3f}, {high:+.3f}]" for value, low, high
                in part[["difference", "low", "high"]].itertuples(index=False)]
        traces.append(go.Scatter(
            x=part["n_labels"] * 10 ** (APART * (step - 1)), y=part["difference"], mode="markers", name=words[wiring], text=text,
            marker={"symbol": symbol, "size": 10, "color": shade}, customdata=part["n_labels"],
            error_y=_whiskers(part["difference"], part["low"], part["high"], shade),
            hovertemplate=f"{words[wiring]}, %{{customdata:.0f}} labels: %{{text}}<extra></extra>"))
    zero = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 0, "y1": 0,
            "line": {"color": GREY, "width": 1, "dash": "dot"}}
    return calm(traces, height=360, x="measurements of the property (logarithmic)",
                y="R² shared − R² alone, on the same rows", legend=_BELOW,
                dragmode=False, shapes=[zero], xaxis=STILL | _ticks(rows["n_labels"]),
                yaxis=STILL | _holding(like[["low", "high"]]))


def _fan(fan: pd.DataFrame, color: str) -> go.Scatter:
    return go.Scatter(x=[*fan["n_labels"], *fan["n_labels"][::-1]], y=[*fan["high"], *fan["low"][::-1]], fill="toself",
                      fillcolor=tint(color, 0.15), line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=False)


_BELOW = {"y": -0.2, "yanchor": "top"}


def _whiskers(value: pd.Series, low: pd.Series, high: pd.Series, shade: str) -> dict:
    return {"array": high - value, "arrayminus": value - low, "color": tint(shade, 0.7), "thickness": 2, "width": 0}


def _holding(values: pd.DataFrame | pd.Series) -> dict:
    """A range with all of the values and some room."""
    low, high = np.nanmin(values), np.nanmax(values)
    room = 0.06 * max(high - low, 0.01)
    return {"range": [low - room, high + room]}


def _ticks(n: pd.Series) -> dict:
    """Numbers of labels grow by factors, so their axis does."""
    values = sorted(n.unique())
    labels = [f"{value:.0f}" if after / value > CLOSE or after == value else "" for value, after in zip(
        values, [*values[1:-1], values[-1], values[-1]], strict=True)]
    return {"type": "log", "tickvals": values, "ticktext": labels,
            "range": [np.log10(values[0]) - 0.12, np.log10(values[-1]) + 0.2]}
