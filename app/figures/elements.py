"""How much of each element the selected alloys hold."""
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import STILL, calm, tint


def elements_figure(use: pd.DataFrame, *, color: str) -> go.Figure:
    """One box an element, the most frequent on top; only alloys that hold it count.

    use: index symbol; columns n, low, q1, median, q3, high (5 and 95 % ends), in at.%.
    """
    boxes = go.Box(
        y=use.index, q1=use["q1"], median=use["median"], q3=use["q3"], lowerfence=use["low"], upperfence=use["high"],
        orientation="h", fillcolor=tint(color, 0.35), line={"color": color, "width": 1.5}, hoverinfo="skip", showlegend=False)
    said = [f"{symbol}: in {row.n:,} alloys, half of them {row.q1:.3g} to {row.q3:.3g} at.%, median {row.median:.3g}"
            for symbol, row in zip(use.index, use.itertuples(), strict=True)]
    middles = go.Scatter(x=use["median"], y=use.index, mode="markers", marker={"size": 16, "color": "rgba(0,0,0,0)"}, text=said,
                         hovertemplate="%{text}<extra></extra>")
    return calm([boxes, middles], height=58 + 21 * max(len(use), 1), x="at.%, where present", dragmode=False, boxgap=0.35,
                xaxis=STILL | {"rangemode": "tozero"},
                yaxis=STILL | {"autorange": "reversed", "showgrid": False, "dtick": 1, "type": "category"})
