"""What a change is worth: paired differences with their intervals."""
import pandas as pd
import plotly.graph_objects as go

from app.figures.scores import SPLIT_WORDS
from app.figures.style import GREY, STILL, calm, tint

MARKS = {"all rows": "circle", "kept rows": "circle-open"}


def effect_figure(effects: pd.DataFrame, *, color: str) -> go.Figure:
    """After − before in R² of one task by split, with the 95 % interval; right of the line is better.

    effects: columns split, scored_on, difference, low, high, r2_before, r2_after.
    """
    traces = [_differences(rows, name, color) for name, rows in effects.groupby("scored_on", sort=False)]
    line = {"color": GREY, "width": 1, "dash": "dot"}
    zero = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": line}
    return calm(traces, height=90 + 52 * effects["split"].nunique(), x="R² after − R² before, on the same rows", dragmode=False,
                legend=len(traces) > 1, scattermode="group", shapes=[zero], xaxis=STILL, yaxis=STILL | {"autorange": "reversed"})


def _differences(rows: pd.DataFrame, name: str, color: str) -> go.Scatter:
    text = [f"{before:.3f} → {after:.3f}<br>{difference:+.3f} [{low:+.3f}, {high:+.3f}]" for before, after, difference, low, high
            in rows[["r2_before", "r2_after", "difference", "low", "high"]].itertuples(index=False)]
    return go.Scatter(
        x=rows["difference"], y=rows["split"].map(SPLIT_WORDS), mode="markers", name=name, text=text, offsetgroup=name,
        marker={"color": color, "size": 11, "symbol": MARKS.get(name, "circle"), "line": {"width": 2}},
        error_x={"array": rows["high"] - rows["difference"], "arrayminus": rows["difference"] - rows["low"],
                 "color": tint(color, 0.45), "thickness": 3, "width": 0},
        hovertemplate="%{y}: R² %{text}<extra></extra>")
