"""Small multiples: how values are spread in a selection, beside all of them in grey."""
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint, written

BINS = 24
COLUMNS = 2  # also a phone has room for two
PANEL = 108  # px


@dataclass(frozen=True, eq=False)
class Spread:
    """One quantity: title, unit, all its exact values [m], those selected [k], whether decades are counted, its colour, and
    how many bounds are selected beside them."""

    title: str
    unit: str
    everything: np.ndarray
    chosen: np.ndarray
    logarithmic: bool
    color: str
    n_bounds: int = 0


def spreads_figure(spreads: Sequence[Spread], *, violins: bool = False) -> go.Figure:
    """One panel a quantity, two abreast; each shape is scaled to its own peak, since counts differ a hundredfold."""
    n_rows = -(-len(spreads) // COLUMNS)
    draw = _violins if violins else _histograms
    traces, axes, titles = [], {}, []
    for index, spread in enumerate(spreads):
        number, (x, y) = "" if index == 0 else str(index + 1), _place(index, n_rows)
        traces += draw(spread, number)
        quiet = {"zeroline": False, "showgrid": False, "nticks": 5, "tickfont": {"size": 11}}
        axes |= {f"xaxis{number}": STILL | quiet | {"domain": x, "anchor": f"y{number}"},
                 f"yaxis{number}": STILL | {"domain": y, "anchor": f"x{number}", "visible": False}}
        titles.append(_title(spread, x[0], y[1]))
    first = {name: axes.pop(name) for name in ("xaxis", "yaxis")}
    return calm(traces, height=n_rows * PANEL + 16, dragmode=False, bargap=0, barmode="overlay", annotations=titles,
                margin={"l": 2, "r": 2, "t": 4, "b": 18}, violinmode="overlay", violingap=0, **first, **axes)


def _place(index: int, n_rows: int) -> tuple[list[float], list[float]]:
    """Domains of a panel, filled row by row from the top; the upper third of each is its title's."""
    row, column = divmod(index, COLUMNS)
    height = 1.0 / n_rows
    top = 1.0 - row * height
    x = [column / COLUMNS + 0.02 * column, (column + 1) / COLUMNS - 0.03 * (1 - column)]
    return x, [top - 0.78 * height, top - 0.36 * height]


def _title(spread: Spread, x: float, y: float) -> dict:
    bounds = f" + {spread.n_bounds:,} bound{'s' if spread.n_bounds > 1 else ''}" if spread.n_bounds else ""
    median = re.sub(r"\^(.*)", r"<sup>\1</sup>", written(float(np.median(spread.chosen))))
    said = f"{len(spread.chosen):,} exact{bounds} · median {median} {spread.unit}"
    return {"text": f"{spread.title}<br><span style='color:{GREY};font-size:11px'>{said}</span>", "x": x, "y": y, "xref": "paper",
            "yref": "paper", "xanchor": "left", "yanchor": "bottom", "align": "left", "showarrow": False, "font": {"size": 12}}


def _shown(spread: Spread) -> tuple[np.ndarray, np.ndarray, str]:
    """Both sets on the scale of the axis, and how hovering writes a number of it."""
    change: Callable = (lambda values: np.log10(values[values > 0])) if spread.logarithmic else np.asarray
    return change(spread.everything), change(spread.chosen), "10^%{x:.2f}" if spread.logarithmic else "%{x:.4g}"


def _histograms(spread: Spread, number: str) -> list[go.Bar]:
    everything, chosen, said = _shown(spread)
    edges = np.histogram_bin_edges(everything, bins=BINS)
    place = {"xaxis": f"x{number}", "yaxis": f"y{number}", "showlegend": False}
    bars = []
    for values, color, words in ((everything, tint(GREY, 0.3), "of all"), (chosen, tint(spread.color, 0.8), "selected")):
        counts = np.histogram(values, bins=edges)[0]
        bars.append(go.Bar(x=(edges[1:] + edges[:-1]) / 2, y=counts / max(counts.max(), 1), width=edges[1] - edges[0], **place,
                           marker={"color": color, "line": {"width": 0}}, customdata=counts,
                           hovertemplate=f"%{{customdata}} {words} near {said}<extra></extra>"))
    return bars


def _violins(spread: Spread, number: str) -> list[go.Violin]:
    everything, chosen, _ = _shown(spread)
    place = {"xaxis": f"x{number}", "yaxis": f"y{number}", "showlegend": False}
    shapes = ((everything, GREY, 0.25), (chosen, spread.color, 0.6))
    return [go.Violin(x=values, y0=0, orientation="h", line={"width": 1.2, "color": color}, fillcolor=tint(color, alpha),
                      points=False, spanmode="hard", box={"visible": color != GREY, "width": 0.25}, hoverinfo="x", **place)
            for values, color, alpha in shapes if len(values) > 1]
