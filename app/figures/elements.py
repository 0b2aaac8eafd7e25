"""How much of each element the selected alloys hold."""
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import STILL, calm, tint

TICKS = (0.1, 1, 5, 10, 20, 40, 60, 80, 100)  # at.%


def elements_figure(use: pd.DataFrame, *, color: str) -> go.Figure:
    """One box an element, the most frequent on top; only alloys that hold it count.

    use: index symbol; columns n, low, q1, median, q3, high (5 and 95 % ends), in at.%. The axis goes with the square root, so
    that a few tenths of nitrogen are seen beside iron.
    """
    root = use[["low", "q1", "median", "q3", "high"]] ** 0.5
    boxes = go.Box(
        y=use.index, q1=root["q1"], median=root["median"], q3=root["q3"], lowerfence=root["low"], upperfence=root["high"],
        orientation="h", fillcolor=tint(color, 0.35), line={"color": color, "width": 1.5}, hoverinfo="skip", showlegend=False)
    said = [f"{symbol}: in {row.n:,} alloys, half of them {row.q1:.3g} to {row.q3:.3g} at.%, median {row.median:.3g}"
            for symbol, row in zip(use.index, use.itertuples(), strict=True)]
    middles = go.Scatter(x=root["median"], y=use.index, mode="markers", marker={"size": 16, "color": "rgba(0,0,0,0)"}, text=said,
                         hovertemplate="%{text}<extra></extra>")
    return calm([boxes, middles], height=58 + 21 * max(len(use), 1), x="at.%, where present", dragmode=False, boxgap=0.35,
                xaxis=STILL | {"range": [0, 1.03 * float(root["high"].max()) if len(use) else 1],
                               "tickvals": [tick**0.5 for tick in TICKS], "ticktext": [f"{tick:g}" for tick in TICKS]},
                yaxis=STILL | {"autorange": "reversed", "showgrid": False, "dtick": 1, "type": "category"})
