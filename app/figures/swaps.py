"""What replacing a little of one element by another does to one property: every pair as a cell."""
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint
from mtl_core.chemistry.elements import SYMBOLS

BELOW = "#4a5fa5"
STRONGEST = 0.65  # opacity, on which marks can be read in light and dark
SHARE = 0.85  # of the cells whose size the colours span; the rest is as strong as these
CELL = 30  # px


def swaps_figure(out: Sequence[str], into: Sequence[str], values: np.ndarray, is_stable: np.ndarray, in_domain: np.ndarray,
                 texts: Sequence[str], *, unit: str, color: str, ink: str) -> go.Figure:
    """n swaps: element that goes out (row) × element that comes in (column). values in `unit`, is_stable, in_domain: [n].

    Grey where the networks disagree on the sign, "!" where the alloy leaves the domain. texts: [n], shown on hover; ink:
    colour of the marks.
    """
    rows, columns = list(dict.fromkeys(out)), sorted(set(into), key=SYMBOLS.index)
    place = ([rows.index(one) for one in out], [columns.index(one) for one in into])
    cells, marks, hover = (np.full((len(rows), len(columns)), fill, dtype) for fill, dtype in
                           ((np.nan, float), ("", object), ("", object)))
    sure = is_stable.astype(bool)
    cells[place], hover[place], marks[place] = np.where(sure, values, np.nan), list(texts), np.where(in_domain, "", "!")
    doubtful = np.full(cells.shape, np.nan)
    doubtful[place] = np.where(sure, np.nan, 1.0)
    most = float(np.quantile(np.abs(values), SHARE)) or 1.0
    common = {"x": columns, "y": rows, "customdata": hover, "text": marks, "texttemplate": "%{text}", "textfont": {"color": ink},
              "xgap": 2, "ygap": 2, "hoverongaps": False, "hovertemplate": "%{customdata}<extra></extra>"}
    grey = go.Heatmap(z=doubtful, colorscale=[[0, tint(GREY, 0.3)], [1, tint(GREY, 0.3)]], showscale=False, **common)
    heat = go.Heatmap(
        z=cells, zmin=-most, zmax=most, **common,
        colorscale=[[0, tint(BELOW, STRONGEST)], [0.5, tint(GREY, 0.08)], [1, tint(color, STRONGEST)]],
        colorbar={"title": {"text": unit, "side": "top"}, "thickness": 10, "outlinewidth": 0, "nticks": 5})
    return calm([grey, heat], height=90 + CELL * max(len(rows), 3), dragmode=False, x="in", y="out",
                xaxis=STILL | {"showgrid": False, "side": "bottom", "tickfont": {"size": 11}, "tickangle": 0, "dtick": 1},
                yaxis=STILL | {"showgrid": False, "autorange": "reversed", "dtick": 1})
