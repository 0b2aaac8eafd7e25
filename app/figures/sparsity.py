"""How many alloys have two properties at once."""
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import STILL, calm

SHADES = ((0, "#4d8f96"), (1, "#1d5a61"))  # white numbers hold on both, on light and dark paper


def sparsity_figure(counts: pd.DataFrame) -> go.Figure:
    """Property × property: how many have both; the diagonal counts those that have it at all. Half of it is drawn."""
    labels = [_two_lines(label) for label in counts]
    cells = np.where(np.tri(len(counts), dtype=bool), counts.to_numpy(float), np.nan)
    shown = np.where(cells > 0, cells, np.nan)
    heat = go.Heatmap(
        z=np.log10(shown), x=labels, y=labels, customdata=cells, xgap=2, ygap=2, showscale=False, hoverongaps=False,
        colorscale=SHADES,
        hovertemplate="%{y} and %{x}: %{customdata:.0f} compositions<extra></extra>")
    numbers = [{"x": labels[column], "y": labels[row], "showarrow": False}
               | ({"text": f"{count:.0f}", "font": {"size": 9, "color": "white"}} if count else {"text": "·"})
               for (row, column), count in np.ndenumerate(cells) if count == count]
    return calm([heat], height=100 + 34 * len(labels), dragmode=False, annotations=numbers,
                xaxis=STILL | {"showgrid": False, "tickangle": -40, "tickvals": labels, "ticktext": list(counts)},
                yaxis=STILL | {"showgrid": False, "autorange": "reversed", "tickfont": {"size": 11}})


def _two_lines(label: str) -> str:
    """Broken where the halves are most alike, so that on a phone the cells have room beside it."""
    breaks = [place for place, mark in enumerate(label) if mark == " "]
    place = min(breaks, key=lambda place: abs(len(label) - 1 - 2 * place), default=None)
    return label if place is None else f"{label[:place]}<br>{label[place + 1:]}"
