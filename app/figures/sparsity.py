"""How many alloys have two properties at once."""
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import STILL, calm, tint


def sparsity_figure(counts: pd.DataFrame, *, color: str) -> go.Figure:
    """Property × property: how many have both; the diagonal counts those that have it at all. Half of it is drawn."""
    labels, cells = list(counts), np.where(np.tri(len(counts), dtype=bool), counts.to_numpy(float), np.nan)
    heat = go.Heatmap(
        z=np.log10(cells + 1), x=labels, y=labels, customdata=cells, xgap=2, ygap=2, showscale=False, hoverongaps=False,
        colorscale=[[0, tint(color, 0.0)], [1, tint(color, 0.55)]],
        hovertemplate="%{y} and %{x}: %{customdata:.0f} compositions<extra></extra>")
    numbers = [{"x": labels[column], "y": labels[row], "text": f"{count:.0f}" if count else "·", "font": {"size": 9},
                "showarrow": False}
               for (row, column), count in np.ndenumerate(cells) if count == count]
    return calm([heat], height=100 + 34 * len(labels), dragmode=False, annotations=numbers,
                xaxis=STILL | {"showgrid": False, "tickangle": -40}, yaxis=STILL | {"showgrid": False, "autorange": "reversed"})
