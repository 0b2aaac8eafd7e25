"""What bands are worth: levels against what they hold, errors against what networks expect, and what leaks are worth."""
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import BAR, GREY, STILL, calm, tint

KINDS = {"as stated": "dot", "rescaled": "dash", "calibrated": "solid"}
BELOW = {"x": 0, "y": -0.22, "yanchor": "top"}
PERCENT = {"tickformat": ".0%"}


def levels_figure(coverage: pd.DataFrame, *, color: str) -> go.Figure:
    """Share inside against the level that bands name, a line a kind; on the diagonal they hold what they say.

    coverage: columns kind, level, coverage of one task and split.
    """
    diagonal = go.Scatter(x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip", showlegend=False,
                          line={"color": GREY, "dash": "dot", "width": 1})
    lines = [go.Scatter(x=rows["level"], y=rows["coverage"], mode="lines", name=kind,
                        line={"color": GREY if kind == "as stated" else color, "width": 2.5, "dash": KINDS[kind]},
                        hovertemplate="%{x:.0%} band: %{y:.1%} inside<extra>" + kind + "</extra>")
             for kind, rows in coverage.sort_values("level").groupby("kind", sort=False)]
    return calm([diagonal, *lines], height=380, x="level that the band names", y="share of measurements inside", dragmode=False,
                legend=BELOW,
                xaxis=STILL | PERCENT | {"range": [0, 1]}, yaxis=STILL | PERCENT | {"range": [0, 1.02]})


def error_figure(bins: pd.DataFrame, *, unit: str, color: str) -> go.Figure:
    """Error against what the networks expect, a tenth of the tests each; below the diagonal they are too careful.

    bins: columns std, rmse, mae, n.
    """
    end = 1.05 * bins[["std", "rmse"]].max(axis=None)
    diagonal = go.Scatter(x=[0, end], y=[0, end], mode="lines", hoverinfo="skip", name="honest",
                          line={"color": GREY, "dash": "dot", "width": 1})
    marks = [go.Scatter(x=bins["std"], y=bins[name], mode="lines+markers", name=words, customdata=bins["n"],
                        line={"color": tint(shade, 0.5), "width": 1.5}, marker={"size": 8, "color": shade, "symbol": symbol},
                        hovertemplate=f"stated %{{x:.3g}}, {words} %{{y:.3g}} {unit} (%{{customdata}} tests)<extra></extra>")
             for name, words, shade, symbol in (("rmse", "root mean square error", color, "circle"),
                                                ("mae", "mean absolute error", GREY, "circle-open"))]
    return calm([diagonal, *marks], height=380, x=f"stated standard deviation ({unit})",
                y=f"error ({unit})", dragmode=False, legend=BELOW,
                xaxis=STILL | {"range": [0, end]}, yaxis=STILL | {"rangemode": "tozero"})


def groups_figure(rows: pd.DataFrame, *, level: float, color: str) -> go.Figure:
    """Coverage of one level by group. rows: columns name, kind, coverage."""
    names = list(dict.fromkeys(rows["name"]))
    symbols = {"as stated": ("circle-open", GREY), "rescaled": ("diamond-open", color), "calibrated": ("circle", color)}
    marks = [go.Scatter(x=part["coverage"], y=part["name"], mode="markers", name=kind,
                        marker={"symbol": symbols[kind][0], "color": symbols[kind][1], "size": 10, "line": {"width": 2}},
                        hovertemplate="%{y}: %{x:.1%}<extra>" + kind + "</extra>")
             for kind, part in rows.groupby("kind", sort=False)]
    height = 188 + 30 * len(names)
    return calm(marks, height=height, x="share inside", legend={"y": -64 / (height - 128), "yanchor": "top"}, dragmode=False,
                shapes=[_upright(level)], **BAR, xaxis=STILL | PERCENT | {"range": [-0.02, 1.03]},
                yaxis=STILL | {"range": [len(names) - 0.5, -0.6], "showgrid": False})


def separation_figure(rows: pd.DataFrame, words: Mapping[str, str], *, color: str) -> go.Figure:
    """Area under the curve of "the error is in the worst quarter", by what is asked; at one half it knows nothing.

    rows: columns by, auroc, auroc_low, auroc_high; words: by → what it is called.
    """
    names = [words[by] for by in rows["by"]]
    marks = go.Scatter(x=rows["auroc"], y=names, mode="markers", marker={"color": color, "size": 11},
                       error_x={"array": rows["auroc_high"] - rows["auroc"], "arrayminus": rows["auroc"] - rows["auroc_low"],
                                "color": tint(color, 0.7), "thickness": 3, "width": 0},
                       hovertemplate="%{y}: %{x:.2f}<extra></extra>")
    return calm([marks], height=106 + 36 * len(names), x="AUROC", dragmode=False, **BAR,
                shapes=[_upright(0.5)], xaxis=STILL | {"range": [0.25, 1.0]},
                yaxis=STILL | {"range": [len(names) - 0.5, -0.5], "showgrid": False})


def _upright(x: float) -> dict:
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper",
            "line": {"color": GREY, "dash": "dot", "width": 1.5}}


def worth_figure(rows: pd.DataFrame, names: Sequence[str], *, color: str) -> go.Figure:
    """What R² loses when the rows that leak are left out of training; left of the line it was flattered.

    rows: columns difference, low, high, r2, r2_thinned, r2_without; names: of the leaks, [n].
    """
    texts = [f"as it is {r2:.2f}, as few rows {thinned:.2f}, without the leak {without:.2f}"
             for r2, thinned, without in rows[["r2", "r2_thinned", "r2_without"]].itertuples(index=False)]
    marks = go.Scatter(x=rows["difference"], y=list(names), mode="markers", text=texts, marker={"color": color, "size": 11},
                       error_x={"array": rows["high"] - rows["difference"], "arrayminus": rows["difference"] - rows["low"],
                                "color": tint(color, 0.7), "thickness": 3, "width": 0},
                       hovertemplate="%{y}: %{x:+.3f} (%{text})<extra></extra>")
    lowest = float(np.nanmin(rows[["difference", "low"]])) if len(rows) else -0.1
    return calm([marks], height=106 + 36 * len(names), x="change of R²", dragmode=False, **BAR,
                shapes=[_upright(0.0)], xaxis=STILL | {"range": [min(-0.05, 1.05 * max(lowest, -1.0)), 0.1]},
                yaxis=STILL | {"range": [len(names) - 0.5, -0.5], "showgrid": False})
