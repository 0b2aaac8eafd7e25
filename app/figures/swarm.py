"""Every alloy a point: its bars element by element, one bar against the amount, and alloys that are explained alike."""
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.attribution import ZERO
from app.figures.style import COLORS, GREY, SEQUENTIAL, STILL, calm, color_of, tint

ROW, WIDTH, BINS = 34, 0.38, 80  # px a row; how far points leave their line; across the axis
HERE = COLORS[4]
SPREAD = (2, 98)  # percentiles at which colours end
_BAR = {"thickness": 8, "outlinewidth": 0, "orientation": "h", "x": 0, "xanchor": "left", "len": 0.6, "nticks": 6}


def beeswarm_figure(names: Sequence[str], bars: np.ndarray, amounts: np.ndarray, texts: np.ndarray, *, unit: str,
                    here: np.ndarray | None = None) -> go.Figure:
    """One row a name, one point an alloy; colour: how much of it the alloy holds among all.

    bars, amounts: [n, N]; amounts of NaN are grey; texts: what hovering says of each alloy [n]; here: bars [N] of the alloy at
    hand.
    """
    rank = np.stack([_rank(column) for column in amounts.T], axis=1) if len(names) else amounts
    known = bars[np.isfinite(bars)]
    span = np.ptp(known) if len(known) else 0.0
    offsets = np.stack([_offsets(np.nan_to_num(column), span or 1.0) for column in bars.T], axis=1) if len(names) else bars
    rows = np.arange(len(names)) + offsets
    said = [f"{name}: {value:.3g}" if value == value else f"{name}: not reported" for one in amounts
            for name, value in zip(names, one, strict=True)]
    scale = {"colorscale": SEQUENTIAL, "cmin": 0, "cmax": 1, "colorbar": _BAR | {
        "y": 1, "yanchor": "bottom", "tickvals": [0, 1], "ticktext": ["none or little", "most"]}}
    x, y, shade, of_alloy, has = bars.ravel(), rows.ravel(), rank.ravel(), np.repeat(texts, len(names)), np.isfinite(rank.ravel())
    points = [go.Scattergl(x=x[some], y=y[some], mode="markers", text=of_alloy[some], customdata=np.array(said)[some],
                           marker=marker | {"size": 4.5, "opacity": 0.8},
                           hovertemplate=f"%{{text}}<br><b>%{{customdata}}, push %{{x:+.3g}} {unit}</b><extra></extra>")
              for some, marker in ((~has, {"color": tint(GREY, 0.6)}), (has, {"color": shade[has], **scale})) if some.any()]
    if here is not None:
        points.append(_here(here, np.arange(len(names)), f"push %{{x:+.3g}} {unit}"))
    ticks = {"tickvals": np.arange(len(names)), "ticktext": list(names), "range": [len(names) - 0.4, -0.6], "showgrid": False}
    return calm(points, height=110 + ROW * max(len(names), 2), x=f"push ({unit})", shapes=[ZERO],
                yaxis=STILL | ticks, margin={"l": 4, "r": 8, "t": 8, "b": 4})


def _rank(values: np.ndarray) -> np.ndarray:
    """Share of the other values that are smaller, [n]; equal ones alike; NaN stays."""
    has = np.isfinite(values)
    known = np.sort(values[has])
    rank = np.searchsorted(known, values, "left") / max(len(known) - 1, 1)
    return np.where(has, rank, np.nan)


def _offsets(values: np.ndarray, span: float) -> np.ndarray:
    """How far each point stands above or below its line: the wider, the more there are of the same value."""
    cells = np.floor(values / span * BINS).astype(int)
    order = np.argsort(cells, kind="stable")
    first = np.searchsorted(cells[order], cells[order], "left")
    place = np.arange(len(values)) - first
    above = np.where(place % 2, -1, 1) * ((place + 1) // 2)
    offsets = np.empty(len(values))
    offsets[order] = above
    return offsets * WIDTH / max(np.abs(offsets).max(), 8)


def dependence_figure(amounts: np.ndarray, bars: np.ndarray, spread: np.ndarray, shade: np.ndarray, texts: np.ndarray, *, x: str,
                      unit: str, title: str, start: float, median: tuple[np.ndarray, np.ndarray] = ((), ()),
                      here: tuple[float, float] | None = None) -> go.Figure:
    """A bar against the amount it stands for, [n] each; shade: numbers or words to colour by [n]; dotted: the baseline.

    median: amounts and pushes of a line through them; here: amount and push of the alloy at hand.
    """
    said = [f"push {value:+.3g} ± {one:.2g} {unit}" for value, one in zip(bars, spread, strict=True)]
    traces = _points(amounts, bars, shade, texts, title, said=said, size=7)
    traces += [go.Scatter(x=median[0], y=median[1], mode="lines", line={"color": GREY, "width": 3}, showlegend=False,
                          hovertemplate=f"running median: push %{{y:+.3g}} {unit} at %{{x:.3g}}<extra></extra>")]
    if here:
        traces.append(_here([here[0]], [here[1]], f"%{{x:.3g}} at.%, push %{{y:+.3g}} {unit}"))
    across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"color": GREY, "width": 1}}
    dotted = {"type": "line", "x0": start, "x1": start, "yref": "paper", "y0": 0, "y1": 1,
              "line": {"color": GREY, "width": 1, "dash": "dot"}}
    shapes = [across, dotted] if np.isfinite(start) else [across]
    return calm(traces, height=450, x=x, y=f"push from the baseline ({unit})", shapes=shapes, legend=_legend(shade, -0.2),
                margin={"l": 4, "r": 8, "t": 30, "b": 100})


def alike_figure(xy: np.ndarray, shade: np.ndarray, texts: np.ndarray, *, title: str,
                 here: np.ndarray | None = None) -> go.Figure:
    """Alloys [n, 2] as neighbours when they are explained alike; shade: numbers or words [n]; here: [2], a place to mark."""
    hidden = {"visible": False}
    traces = _points(xy[:, 0], xy[:, 1], shade, texts, title, size=8)
    if here is not None:
        traces.append(_here(here[:1], here[1:], "explained most like it"))
    return calm(traces, height=480, xaxis=hidden, yaxis=hidden,
                legend=_legend(shade, -0.02), margin={"l": 0, "r": 0, "t": 8, "b": 80})


def _here(x, y, words: str) -> go.Scatter:
    """Rings for the alloy at hand."""
    return go.Scatter(x=x, y=y, mode="markers", name="this alloy", showlegend=False, cliponaxis=False,
                      marker={"symbol": "diamond-open", "size": 13, "color": HERE, "line": {"width": 2.5, "color": HERE}},
                      hovertemplate=f"<b>this alloy</b><br>{words}<extra></extra>")


def _legend(shade, y):
    return {"y": y, "yanchor": "top", "itemsizing": "constant"} if shade.dtype.kind != "f" else False


def _points(x, y, shade, texts, title, *, size: float, said=None) -> list[go.Scattergl]:
    said = np.array(said if said is not None else [""] * len(x))
    if shade.dtype.kind != "f":
        names, counts = np.unique(shade, return_counts=True)
        ranked = names[np.argsort(-counts, kind="stable")]
        return [_marks(x, y, texts, said, shade == name, {"color": color_of(index)}, size, f"{name} ({(shade == name).sum():,})")
                for index, name in enumerate(ranked)]
    has = np.isfinite(shade)
    low, high = np.percentile(shade[has], SPREAD) if has.any() else (0.0, 1.0)
    colored = {"color": shade[has], "colorscale": SEQUENTIAL, "cmin": low, "cmax": high if high > low else low + 1.0,
               "colorbar": _BAR | {"title": {"text": title, "side": "top"}, "y": -0.2, "yanchor": "top"}}
    pale = [_marks(x, y, texts, said, ~has, {"color": tint(GREY, 0.5)}, size)] if not has.all() else []
    return [*pale, _marks(x, y, texts, said, has, colored, size)]


def _marks(x, y, texts, said, rows, marker, size, name="") -> go.Scattergl:
    return go.Scattergl(x=x[rows], y=y[rows], mode="markers", text=texts[rows], customdata=said[rows], name=name,
                        marker=marker | {"size": size, "opacity": 0.85, "line": {"width": 0}},
                        hovertemplate="%{text}<br><b>%{customdata}</b><extra></extra>")
