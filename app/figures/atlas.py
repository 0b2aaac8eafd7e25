"""Maps of all alloys. Each point carries the id of its alloy, so that a selection names alloys and not positions."""
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.figures.style import GREY, SEQUENTIAL, axis_title, calm, color_of, tint

SPREAD = (2, 98)  # percentiles at which colours and sizes end, so that one extreme value does not use up the scale
HERE = "#d1495b"
MARKED = "#a23bd1"
UNKNOWN = "not reported"
FADED = 0.1  # opacity of what is not selected
SIZES = (4.0, 17.0)
MOST_POINTS = 20_000  # beyond, single points are lost in each other and the browser stutters: density is drawn instead
SAMPLE = 2_500  # points drawn on top of a density, evenly through the data
CELLS = 160
_STAYS = {"marker": {"opacity": 1.0}}
_BELOW = {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.02, "yanchor": "top"}


@dataclass(frozen=True, eq=False)
class Points:
    """n alloys: ids [n], where they stand [n, 2], what hovering says [n], values to colour by [n] (numbers with NaN = none,
    or words), sizes [n] (numbers with NaN) or None; is_shown [n]: passes the filters; is_bright [n]: was selected before."""

    ids: np.ndarray
    xy: np.ndarray
    texts: np.ndarray
    values: np.ndarray
    sizes: np.ndarray | None
    is_shown: np.ndarray
    is_bright: np.ndarray

    @property
    def is_continuous(self) -> bool:
        return self.values.dtype.kind == "f"


@dataclass(frozen=True)
class Coloured:
    """What the colours mean: a title, a unit, whether decades are counted, whether hovering has to say the number."""

    title: str = ""
    unit: str = ""
    logarithmic: bool = False
    say: bool = False


def map_figure(points: Points, coloured: Coloured, *, opacity: float = 0.8, here: np.ndarray | None = None, here_name: str = "",
               marked: np.ndarray | None = None, height: int = 560, revision: int = 0) -> go.Figure:
    """All alloys; filtered ones stay as a pale ground. here [2]: the alloy under design; marked [n] bool: picked in a table.

    revision: another number makes another figure, which forgets what was drawn on it in the browser.
    """
    ground = [_ground(points.xy[~points.is_shown])] if not points.is_shown.all() else []
    rings = [*_rings(points.xy, marked), *_here(here, here_name)]
    if len(points.ids) > MOST_POINTS:
        ground, points = [_density(points.xy)], _sampled(points)
    draw = _numbers if points.is_continuous else _words
    traces = [*ground, *draw(points, coloured, opacity), *rings]
    legend = False if points.is_continuous else {"y": 0, "yanchor": "top", "itemsizing": "constant"}
    return calm(traces, height=height, legend=legend, dragmode="lasso", meta=revision,
                margin={"l": 0, "r": 0, "t": 4, "b": 4}, newselection={"line": {"color": GREY, "width": 1.5}},
                modebar={"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": HERE},
                xaxis={"visible": False}, yaxis={"visible": False})


def _ground(xy: np.ndarray) -> go.Scattergl:
    """Alloys that the filters leave out: they show where the others lie, and answer to nothing."""
    return go.Scattergl(x=xy[:, 0], y=xy[:, 1], mode="markers", hoverinfo="skip", showlegend=False,
                        marker={"color": tint(GREY, 0.22), "size": 4}, unselected=_STAYS)


def _density(xy: np.ndarray) -> go.Heatmap:
    """How many alloys lie in each cell, log₁₀ counts."""
    counts, x, y = np.histogram2d(xy[:, 0], xy[:, 1], bins=CELLS)
    shown = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan).T
    scale = [[0, tint(GREY, 0.25)], [1, tint(GREY, 0.9)]]
    return go.Heatmap(z=shown, x=x, y=y, hoverinfo="skip", showscale=False, colorscale=scale, zsmooth="fast")


def _sampled(points: Points) -> Points:
    """Every so many-th of the alloys that pass, so that the same ones are drawn each time."""
    passing = np.flatnonzero(points.is_shown)
    few = passing[::-(-len(passing) // SAMPLE) or 1]
    sizes = None if points.sizes is None else points.sizes[few]
    return Points(points.ids[few], points.xy[few], points.texts[few], points.values[few], sizes, points.is_shown[few],
                  points.is_bright[few])


def _numbers(points: Points, coloured: Coloured, opacity: float) -> list[go.Scattergl]:
    shown = np.log10(np.where(points.values > 0, points.values, np.nan)) if coloured.logarithmic else points.values
    has = np.isfinite(shown)
    low, high = np.percentile(shown[has], SPREAD) if has.any() else (0.0, 1.0)
    scale = {"colorscale": SEQUENTIAL, "cmin": low, "cmax": high if high > low else low + 1.0, "colorbar": _bar(coloured)}
    hover = f"<br>{coloured.title}: %{{marker.color:.4g}}" if coloured.say else ""
    pale = _marks(points, points.is_shown & ~has, {"color": GREY}, 0.3 * opacity, fixed=5)
    return [pale, _marks(points, points.is_shown & has, {"color": shown, **scale}, opacity, hover=hover)]


def _bar(coloured: Coloured) -> dict:
    unit = f"log₁₀ {coloured.unit}".strip() if coloured.logarithmic else coloured.unit
    title = axis_title(coloured.title, unit)
    return _BELOW | {"title": {"text": title, "side": "top"}, "thickness": 8, "len": 0.55, "outlinewidth": 0, "nticks": 6}


def _words(points: Points, _: Coloured, opacity: float) -> list[go.Scattergl]:
    names, counts = np.unique(points.values, return_counts=True)
    ranked = [name for name in names[np.argsort(-counts, kind="stable")] if name != UNKNOWN]
    colors = {name: color_of(index) for index, name in enumerate(ranked)} | dict.fromkeys({UNKNOWN} & set(names.tolist()), GREY)
    of_name = {name: points.is_shown & (points.values == name) for name in colors}
    return [_marks(points, rows, {"color": colors[name]}, opacity, name=f"{name} ({rows.sum():,})")
            for name, rows in of_name.items()]


def _marks(points: Points, rows: np.ndarray, marker: dict, opacity: float, *, name: str = "", hover: str = "",
           fixed: float | None = None) -> go.Scattergl:
    sizes = fixed or 6.5 if points.sizes is None or fixed else _diameters(points.sizes)[rows]
    bright = points.is_bright[rows]
    shades = opacity if bright.all() else np.where(bright, opacity, FADED * opacity)
    own = {key: value[rows] if isinstance(value, np.ndarray) else value for key, value in marker.items()}
    return go.Scattergl(
        x=points.xy[rows, 0], y=points.xy[rows, 1], mode="markers", text=points.texts[rows], customdata=points.ids[rows],
        name=name, hovertemplate=f"%{{text}}{hover}<extra></extra>",
        marker=own | {"size": sizes, "opacity": shades, "line": {"width": 0}},
        selected={"marker": {"opacity": min(1.0, opacity + 0.15)}}, unselected={"marker": {"opacity": FADED * opacity}})


def _diameters(sizes: np.ndarray) -> np.ndarray:
    """From small to large between the outer percentiles; the area counts. What has no number is smallest."""
    has = np.isfinite(sizes)
    low, high = np.percentile(sizes[has], SPREAD) if has.any() else (0.0, 1.0)
    share = np.clip((np.where(has, sizes, low) - low) / max(high - low, 1e-12), 0, 1)
    return SIZES[0] + (SIZES[1] - SIZES[0]) * np.sqrt(share)


def _rings(xy: np.ndarray, marked: np.ndarray | None) -> list[go.Scatter]:
    if marked is None or not marked.any():
        return []
    ring = {"size": 17, "color": "rgba(0,0,0,0)", "line": {"width": 3, "color": MARKED}}
    return [go.Scatter(x=xy[marked, 0], y=xy[marked, 1], mode="markers", marker=ring, hoverinfo="skip", showlegend=False,
                       unselected=_STAYS)]


def _here(xy: np.ndarray | None, name: str) -> list[go.Scatter]:
    if xy is None:
        return []
    ring = {"size": 16, "color": tint(HERE, 0.15), "line": {"width": 3, "color": HERE}}
    return [go.Scatter(x=[xy[0]], y=[xy[1]], mode="markers+text", marker=ring, text=[f"<b>{name}</b>"],
                       textposition="top center", textfont={"color": HERE}, showlegend=False, unselected=_STAYS,
                       hovertemplate=f"{name}: the alloy under design<extra></extra>")]
