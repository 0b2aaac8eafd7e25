"""What pushes the predictions of many alloys: the elements that matter, and which way; one property against another."""
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.attribution import ZERO
from app.figures.labels import placed
from app.figures.style import GREY, STILL, calm, signed, tint, written

ROW = 27  # px
NARROW, HIGH = 340, 430  # px of a plot for which names still find room
MIDDLE = {"x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper"}


def importance_figure(rows: pd.DataFrame, labels: Sequence[str], *, unit: str, amount: str, color: str) -> go.Figure:
    """Mean size of the pushes, to the right where more of it raises the prediction and to the left where it lowers it; grey where
    the direction is open.

    rows: those of `mtl_core.explain.summary.summary`, top to bottom, as named by labels; amount: unit of what a bar stands for.
    """
    side = np.where(rows["direction"] < 0, -1, 1)
    shades = np.where(rows["direction"] != 0, color, tint(GREY, 0.55))
    ends = np.sort(np.stack([rows["low"] * side, rows["high"] * side]), axis=0)
    bars = go.Bar(
        x=rows["importance"] * side, y=np.arange(len(rows)), orientation="h", marker={"color": shades.tolist(), "opacity": 0.85},
        error_x={"array": ends[1] - rows["importance"] * side, "arrayminus": rows["importance"] * side - ends[0], "color": GREY,
                 "thickness": 1.4, "width": 3}, textposition="none", hovertext=list(labels),
        customdata=[_importance_words(row, unit, amount) for row in rows.to_dict("records")],
        hovertemplate="<b>%{hovertext}</b><br>%{customdata}<extra></extra>")
    ticks = {"tickvals": np.arange(len(rows)), "ticktext": list(labels), "range": [len(rows) - 0.4, -0.6], "showgrid": False}
    return calm([bars], height=64 + ROW * max(len(rows), 2), x=f"← lowers · mean push ({unit}) · raises →", dragmode=False,
                bargap=0.35, shapes=[ZERO], xaxis=STILL | {"tickformat": ",~g"}, yaxis=STILL | ticks)


def _importance_words(row: dict, unit: str, amount: str) -> str:
    said = [f"mean push {written(row['importance'])} {unit}, {written(row['low'])} to {written(row['high'])} over networks"]
    if row["straight"]:
        said.append(f"{signed(row['push'])} {unit} ({signed(row['push_low'])} to {signed(row['push_high'])}) for one more "
                    f"{amount or 'unit'}")
    elif np.isfinite(row["push"]):
        said.append(f"no slope: {bent(row)}")
    if not row["direction"]:
        said.append("which way is open: it turns round with the amount, or networks disagree, or too few alloys hold it")
    return "<br>".join([*said, f"held by {row['n']:,} alloys"])


def bent(row) -> str:
    """Why a push tells nothing for one more at.%, of a row of `mtl_core.explain.summary.summary` that is not straight."""
    if row["turns"]:
        return "the running median of the pushes turns round with the amount"
    return f"a straight line explains {max(row['fit'], 0.0):.0%} of how much the pushes differ"


def tradeoff_figure(points: pd.DataFrame, labels: tuple[str, str], units: tuple[str, str], *, color: str,
                    corners: tuple[str, str]) -> go.Figure:
    """One property against another, an element a point with the 5 to 95 % of the networks as whiskers; dashed: no change.

    labels, units: of the axes; corners: what the properties are called in the corners.
    points: name, x, x_low, x_high, y, y_low, y_high, alike, size and text; those that matter most first. Grey: a sign is open, or
    the two are not alike; of the latter the circle is hollow.
    """
    whiskers = {f"error_{axis}": {
        "array": points[f"{axis}_high"] - points[axis], "arrayminus": points[axis] - points[f"{axis}_low"],
        "color": tint(GREY, 0.45), "thickness": 1.2, "width": 0} for axis in "xy"}
    is_open = (np.sign(points["x_low"]) != np.sign(points["x_high"])) | (np.sign(points["y_low"]) != np.sign(points["y_high"]))
    names, places = placed(points["x"], points["y"], points["name"].tolist(), points["size"].to_numpy(), width=NARROW,
                           height=HIGH)
    marks = go.Scatter(
        x=points["x"], y=points["y"], mode="markers+text", text=[f"<b>{name}</b>" if name else "" for name in names],
        textposition=places, **whiskers, cliponaxis=False,
        customdata=[f"<b>{name}</b><br>{text}" for name, text in zip(points["name"], points["text"], strict=True)],
        marker={"size": points["size"], "symbol": np.where(points["alike"], "circle", "circle-open").tolist(),
                "color": np.where(is_open | ~points["alike"], tint(GREY, 0.7), tint(color, 0.8)).tolist(),
                "line": {"width": np.where(points["alike"], 0, 1.5).tolist()}}, hovertemplate="%{customdata}<extra></extra>")
    line = {"type": "line", "line": {"color": GREY, "width": 1, "dash": "dash"}}
    shapes = [line | MIDDLE, line | {"x0": 0, "x1": 1, "xref": "paper", "y0": 0, "y1": 0}]
    said = [_corner(right, top, corners) for right in (0, 1) for top in (0, 1)]
    return calm([marks], height=520, x=f"{labels[0]} ({units[0]})", y=f"{labels[1]} ({units[1]})", shapes=shapes,
                annotations=said, margin={"l": 4, "r": 16, "t": 34, "b": 4})


def _corner(right: int, top: int, labels: tuple[str, str]) -> dict:
    words = [f"{'higher' if up else 'lower'} {label}" for up, label in zip((right, top), labels, strict=True)]
    return {"text": "<br>".join(words), "x": right, "y": top, "xref": "paper", "yref": "paper", "showarrow": False,
            "xanchor": ("left", "right")[right], "yanchor": ("bottom", "top")[top], "align": ("left", "right")[right],
            "font": {"color": GREY, "size": 12}}
