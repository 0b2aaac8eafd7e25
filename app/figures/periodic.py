"""The periodic table as a heat map."""
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint, written

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
    low, high = _ends(values)
    heat = go.Heatmap(
        z=cells, text=hovers, hovertemplate="%{text}<extra></extra>", hoverongaps=False, xgap=2, ygap=2, zmin=low, zmax=high,
        colorscale=[[0, tint(color, 0.1)], [1, tint(color, 0.75)]],
        colorbar={"orientation": "h", "x": 0.42, "y": 0.98, "yanchor": "top", "len": 0.42, "thickness": 7, "outlinewidth": 0,
                  **_ticks(values), "title": {"text": title, "side": "top"}})
    return calm([_ground(), heat, *_symbols(values)], height=300, dragmode=False, margin={"l": 0, "r": 0, "t": 4, "b": 4},
                xaxis=STILL | {"visible": False}, yaxis=STILL | {"visible": False, "autorange": "reversed"})


def _symbols(values: Mapping[str, float]) -> list[go.Scatter]:
    """White on strong cells; else the text colour of the theme, pale where there is no value. (Traces: annotations are slow.)"""
    strong = {symbol for symbol, value in values.items() if value > 0.6 * max(values.values())}
    fonts = ((strong, {"size": 12, "color": "white"}), (values.keys() - strong, {"size": 12}),
             (PLACES.keys() - values.keys(), {"size": 10, "color": GREY}))
    return [_text(sorted(symbols), font, bold=font["size"] == 12) for symbols, font in fonts]


def _text(symbols: list[str], font: dict, *, bold: bool) -> go.Scatter:
    rows, columns = zip(*(PLACES[symbol] for symbol in symbols), strict=True) if symbols else ((), ())
    return go.Scatter(x=columns, y=rows, mode="text", text=[f"<b>{symbol}</b>" if bold else symbol for symbol in symbols],
                      textfont=font, hoverinfo="skip", showlegend=False)


def _ends(values: Mapping[str, float]) -> tuple[float, float]:
    """Shares start at nothing; a property starts at its smallest mean."""
    low, high = (min(values.values()), max(values.values())) if values else (0.0, 1.0)
    return 0.0 if low >= 0 and high <= 100 else low, high


def _ticks(values: Mapping[str, float]) -> dict:
    """The two ends and the middle of the scale."""
    low, high = _ends(values)
    ticks = [low, (low + high) / 2, high] if high > low else [low]
    return {"tickvals": ticks, "ticktext": [written(float(f"{tick:.3g}")) for tick in ticks]}


def _ground() -> go.Heatmap:
    pale = np.full((_ROWS, _COLUMNS), np.nan)
    for place in PLACES.values():
        pale[place] = 0.0
    return go.Heatmap(z=pale, xgap=2, ygap=2, showscale=False, hoverinfo="skip",
                      colorscale=[[0, tint(GREY, 0.13)], [1, tint(GREY, 0.13)]])
