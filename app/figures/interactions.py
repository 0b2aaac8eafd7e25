"""Which pairs act together: a triangle of signed cells."""
import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint, written

BELOW, ABOVE = "#3f6fb0", "#b5473c"
STRONGEST = 0.5  # opacity of the strongest pair: numbers hold on it, on light and dark paper
N_NAMES = 10  # that are drawn, those that act most
SMALL = 0.02  # of the strongest pair; smaller ones stand as a point


def interactions_figure(names: Sequence[str], values: np.ndarray, spread: np.ndarray, is_stable: np.ndarray, *,
                        unit: str, ink: str) -> go.Figure:
    """Cells [N, N] of a lower triangle, what acts most first: pairs below the diagonal; on it, without a colour, what each does
    alone, which is much more. Grey: sign in doubt. ink: colour of the numbers."""
    order = np.argsort(-_whole(np.abs(values)).sum(axis=1), kind="stable")[:N_NAMES]
    names = [names[index] for index in order]
    values, spread, is_stable = (_sorted(cells, order) for cells in (values, spread, is_stable.astype(float)))
    is_pair = np.tri(len(names), k=-1, dtype=bool)
    sure = np.abs(values[is_pair & (is_stable == 1)])
    most = sure.max(initial=0.0) or np.nanmax(np.abs(values)) or 1.0
    texts = [[_spoken(names, row, column, values, spread, unit) for column in range(len(names))] for row in range(len(names))]
    common = {"x": names, "y": names, "text": texts, "xgap": 2, "ygap": 2, "showscale": False, "hoverongaps": False,
              "hovertemplate": "%{text}<extra></extra>"}
    colored = go.Heatmap(z=np.where(is_pair & (is_stable == 1), values, np.nan), zmin=-most, zmax=most,
                         colorscale=[[0, tint(BELOW, STRONGEST)], [0.5, tint(GREY, 0.06)], [1, tint(ABOVE, STRONGEST)]], **common)
    doubtful = go.Heatmap(z=np.where(is_pair & (is_stable == 0), 0.0, np.nan), zmin=0, zmax=1,
                          colorscale=[[0, tint(GREY, 0.16)], [1, tint(GREY, 0.16)]], **common)
    numbers = [{"x": names[column], "y": names[row], "showarrow": False, "font": {"size": 12, "color": ink},
                "text": _rounded(value, most) if abs(value) > SMALL * most else "·",
                "opacity": 1.0 if is_stable[row, column] else 0.75}
               for (row, column), value in np.ndenumerate(values) if value == value]
    return calm([colored, doubtful], height=90 + 36 * len(names), dragmode=False, annotations=numbers,
                xaxis=STILL | {"showgrid": False, "type": "category"},
                yaxis=STILL | {"showgrid": False, "type": "category", "autorange": "reversed"})


def _spoken(names, row, column, values, spread, unit):
    if column > row:
        return ""
    who = f"{names[row]} alone" if row == column else f"{names[row]} with {names[column]}"
    return f"{who}: {_signed(values[row, column])} {unit} ± {written(spread[row, column])} over networks"


def _rounded(value, most):
    """Two digits of the strongest pair, in bold."""
    digits = max(0, 1 - math.floor(math.log10(most)))
    return f"<b>{value:+.{digits}f}</b>".replace("-", "−")


def _signed(value):
    return f"+{written(value)}" if value > 0 else written(value)


def _whole(cells):
    return cells + np.tril(cells, -1).T


def _sorted(cells: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The triangle in another order of its rows; NaN above the diagonal."""
    return np.where(np.tri(len(order), dtype=bool), _whole(cells)[np.ix_(order, order)], np.nan)
