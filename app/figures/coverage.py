"""Under which conditions corrosion was measured."""
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import GREY, SEQUENTIAL, STILL, calm, tint

NO_CHLORIDE, UNSTATED_CHLORIDE = -5.0, -5.9  # where they stand on an axis of log₁₀ mol/L, left of the smallest stated one
COLDEST, UNSTATED_TEMPERATURE = -5.0, -17.0  # °C; below it "not reported" has its own row
_DECADES = {-4: "10⁻⁴", -3: "10⁻³", -2: "0.01", -1: "0.1", 0: "1", 1: "10"}


def coverage_figure(points: pd.DataFrame) -> go.Figure:
    """[Cl⁻] × T, coloured by pH, larger where more was read; what was not reported stands in a row and column of its own.

    points: columns chloride_m, temperature_c, ph (NaN = not reported), n.
    """
    chloride = points["chloride_m"].to_numpy(float)
    x = np.where(np.isnan(chloride), UNSTATED_CHLORIDE, np.where(chloride > 0, np.log10(np.maximum(chloride, 1e-4)), NO_CHLORIDE))
    y = points["temperature_c"].fillna(UNSTATED_TEMPERATURE).to_numpy(float)
    has = points["ph"].notna().to_numpy()
    size = 6 + 3 * np.log2(points["n"].to_numpy(float))
    scale = {"color": points["ph"].to_numpy(float)[has], "colorscale": SEQUENTIAL, "cmin": 0, "cmax": 14,
             "colorbar": {"title": {"text": "pH"}, "thickness": 8, "len": 0.8, "outlinewidth": 0, "tickvals": [0, 3, 7, 11, 14]}}
    traces = [_marks(points[~has], x[~has], y[~has], {"color": tint(GREY, 0.5), "size": size[~has]}),
              _marks(points[has], x[has], y[has], scale | {"size": size[has], "opacity": 0.8})]
    ticks = {NO_CHLORIDE: "none", UNSTATED_CHLORIDE: "?"} | _DECADES
    top = max(100.0, float(np.nanmax(y, initial=0.0)) + 10)
    return calm(traces, height=300, x="[Cl⁻] (mol/L)", y="T (°C)", dragmode=False,
                xaxis=STILL | {"tickvals": list(ticks), "ticktext": list(ticks.values()), "range": [-6.4, 1.4]},
                yaxis=STILL | {"tickvals": [UNSTATED_TEMPERATURE, *range(0, int(top) + 1, 25)], "range": [-26, top],
                               "ticktext": ["?", *map(str, range(0, int(top) + 1, 25))]})


def _marks(points: pd.DataFrame, x: np.ndarray, y: np.ndarray, marker: dict) -> go.Scatter:
    said = ["; ".join(_words(*row)) for row in points[["n", "chloride_m", "temperature_c", "ph"]].itertuples(index=False)]
    return go.Scatter(x=x, y=y, mode="markers", marker=marker | {"line": {"width": 0}}, text=said,
                      hovertemplate="%{text}<extra></extra>")


def _words(n: float, chloride: float, temperature: float, ph: float) -> list[str]:
    stated = (("[Cl⁻]", "[Cl⁻] {:.3g} mol/L", chloride), ("temperature", "{:.3g} °C", temperature), ("pH", "pH {:.3g}", ph))
    return [f"{n:.0f} reading{'s' if n > 1 else ''}", *(
        words.format(value) if value == value else f"{name} not reported" for name, words, value in stated)]
