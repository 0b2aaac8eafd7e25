"""Names beside points, placed so that they do not cover one another."""
from collections.abc import Sequence

import numpy as np

LETTER, LINE = 8.0, 15.0  # px of a label, for one letter and in height
PLACES = {  # plotly's word → where the middle of the label stands from the point, in halves of its width and height
    "top center": (0, 1), "bottom center": (0, -1), "middle right": (1, 0), "middle left": (-1, 0), "top right": (1, 1),
    "top left": (-1, 1), "bottom right": (1, -1), "bottom left": (-1, -1)}


def placed(x: np.ndarray, y: np.ndarray, names: Sequence[str], sizes: np.ndarray, *, width: float,
           height: float) -> tuple[list[str], list[str]]:
    """Labels and their positions for n points, in plotly's words; a label that finds no room is empty.

    x, y: [n] in units of the axes, those that matter most first; sizes: px of the marks [n]; width, height: px of the plot.
    Each point takes the first of eight places around it that covers no mark and no label before it.
    """
    across, up = (_pixels(values, length) for values, length in ((x, width), (y, height)))
    taken = [_box(*at, size, size) for *at, size in zip(across, up, sizes, strict=True)]
    texts, positions = [], []
    for index, name in enumerate(names):
        found = next((place for place in PLACES if not _hits(_label(across[index], up[index], name, sizes[index], place), [
            box for other, box in enumerate(taken) if other != index])), None)
        texts.append(name if found else "")
        positions.append(found or "top center")
        if found:
            taken.append(_label(across[index], up[index], name, sizes[index], found))
    return texts, positions


def _pixels(values, length):
    low, high = np.min(values), np.max(values)
    return (np.asarray(values, float) - low) / max(high - low, 1e-12) * length


def _label(x, y, name, size, place):
    wide, high, (right, top) = LETTER * len(name), LINE, PLACES[place]
    return _box(x + right * (size + wide) / 2, y + top * (size + high) / 2, wide, high)


def _box(x, y, wide, high):
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _hits(box, others) -> bool:
    left, low, right, high = box
    return any(left < b_right and b_left < right and low < b_high and b_low < high for b_left, b_low, b_right, b_high in others)
