"""What a change is worth: paired differences with their intervals."""
import pandas as pd
import plotly.graph_objects as go

from app.figures.scores import split_words
from app.figures.style import GREY, STILL, calm, tint

MARKS = {"all rows": ("circle", -0.13), "kept rows": ("circle-open", 0.13)}  # symbol, and how far below the line of its split


def effect_figure(effects: pd.DataFrame, *, color: str, x: str = "R² after − R² before, on the same rows") -> go.Figure:
    """After − before in R² of one task by split, with the 95 % interval; right of the line is better. x: title of the axis.

    effects: columns split, scored_on, difference, low, high, r2_before, r2_after.
    """
    splits = list(effects["split"].unique())
    traces = [_differences(rows, name, splits, color) for name, rows in effects.groupby("scored_on", sort=False)]
    line = {"color": GREY, "width": 1, "dash": "dot"}
    zero = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": line}
    rows = STILL | {"range": [len(splits) - 0.5, -0.5], "tickvals": list(range(len(splits))), "ticktext": split_words(splits)}
    return calm(traces, height=90 + 52 * len(splits), x=x, dragmode=False,
                legend=len(traces) > 1, shapes=[zero], xaxis=STILL, yaxis=rows)


def _differences(rows: pd.DataFrame, name: str, splits: list[str], color: str) -> go.Scatter:
    symbol, below = MARKS.get(name, ("circle", 0.0))
    text = [f"{before:.3f} → {after:.3f}<br>{difference:+.3f} [{low:+.3f}, {high:+.3f}]" for before, after, difference, low, high
            in rows[["r2_before", "r2_after", "difference", "low", "high"]].itertuples(index=False)]
    return go.Scatter(
        x=rows["difference"], y=rows["split"].map(splits.index) + below, mode="markers", name=name, text=text,
        marker={"color": color, "size": 11, "symbol": symbol, "line": {"width": 2, "color": color}},
        error_x={"array": rows["high"] - rows["difference"], "arrayminus": rows["difference"] - rows["low"],
                 "color": tint(color, 0.45), "thickness": 3, "width": 0},
        hovertemplate="R² %{text}<extra></extra>")
