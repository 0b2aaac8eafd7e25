"""The periodic table as a heat map."""
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint

TABLE = """
H  . . . . . . . . . . . . . . . . He
Li Be . . . . . . . . . . B  C  N  O  F  Ne
Na Mg . . . . . . . . . . Al Si P  S  Cl Ar
K  Ca Sc Ti V  Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr
Rb Sr Y  Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I  Xe
Cs Ba La Hf Ta W  Re Os Ir Pt Au Hg Tl Pb Bi . . .
. . . Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu .
"""
PLACES = {symbol: (row, column) for row, line in enumerate(TABLE.split("\n")[1:-1])
          for column, symbol in enumerate(line.split()) if symbol != "."}
_ROWS, _COLUMNS = 7, 18


def periodic_figure(values: Mapping[str, float], texts: Mapping[str, str], *, color: str, title: str = "") -> go.Figure:
    """One cell an element: the stronger the larger its value; elements without one are pale.

    values: symbol → number; texts: symbol → what hovering says.
    """
    cells, hovers = np.full((_ROWS, _COLUMNS), np.nan), np.full((_ROWS, _COLUMNS), "", dtype=object)
    for symbol, value in values.items():
        cells[PLACES[symbol]], hovers[PLACES[symbol]] = value, texts[symbol]
    strongest = max(values.values(), default=0.0)
    named = [{"x": column, "y": row, "text": f"<b>{symbol}</b>" if symbol in values else symbol, "showarrow": False,
              "font": _font(values.get(symbol), strongest)}
             for symbol, (row, column) in PLACES.items()]
    heat = go.Heatmap(
        z=cells, text=hovers, hovertemplate="%{text}<extra></extra>", hoverongaps=False, xgap=2, ygap=2, zmin=_floor(values),
        colorscale=[[0, tint(color, 0.1)], [1, tint(color, 0.75)]],
        colorbar={"orientation": "h", "x": 0.42, "y": 0.98, "yanchor": "top", "len": 0.42, "thickness": 7, "outlinewidth": 0,
                  "nticks": 4, "title": {"text": title, "side": "top"}})
    return calm([_ground(), heat], height=300, dragmode=False, annotations=named, margin={"l": 0, "r": 0, "t": 4, "b": 4},
                xaxis=STILL | {"visible": False}, yaxis=STILL | {"visible": False, "autorange": "reversed"})


def _font(value: float | None, strongest: float) -> dict:
    """White on strong cells; else the text colour of the theme, pale where there is no value."""
    if value is None:
        return {"size": 10, "color": tint(GREY, 0.75)}
    return {"size": 12} | ({"color": "white"} if value > 0.6 * strongest else {})


def _floor(values: Mapping[str, float]) -> float | None:
    """Shares start at nothing; a property starts at its smallest mean."""
    return 0.0 if values and min(values.values()) >= 0 and max(values.values()) <= 100 else None


def _ground() -> go.Heatmap:
    pale = np.full((_ROWS, _COLUMNS), np.nan)
    for place in PLACES.values():
        pale[place] = 0.0
    return go.Heatmap(z=pale, xgap=2, ygap=2, showscale=False, hoverinfo="skip",
                      colorscale=[[0, tint(GREY, 0.08)], [1, tint(GREY, 0.08)]])
