"""How far models are from what the scatter of repeats allows."""
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.figures.scores import SPLIT_WORDS
from app.figures.style import GREY, STILL, calm, color_of

SYMBOLS = {"alloy": "line-ns-open", "alloy and conditions": "diamond-open"}


def ceilings_figure(labels: Sequence[str], ceilings: Mapping[str, Sequence[float | None]],
                    reached: Mapping[str, Sequence[float | None]]) -> go.Figure:
    """R² by property (rows, `labels`): the ceiling under each notion of "the same" as grey marks, what the
    ensemble reaches on each split as dots. None where there is no figure."""
    marks = [go.Scatter(x=values, y=labels, mode="markers", name=f"ceiling, same {same}",
                        marker={"symbol": SYMBOLS.get(same, "line-ns-open"), "size": 15, "color": GREY, "line": {"width": 2.5}},
                        hovertemplate=f"%{{y}}: repeats of the same {same} allow R² %{{x:.2f}}<extra></extra>")
             for same, values in ceilings.items()]
    dots = [go.Scatter(x=values, y=labels, mode="markers", name=f"ensemble, {SPLIT_WORDS.get(split, split)}",
                       marker={"color": color_of(index), "size": 11}, hovertemplate="%{y}: R² %{x:.2f}<extra></extra>")
            for index, (split, values) in enumerate(reached.items())]
    return calm([*marks, *dots], height=110 + 34 * len(labels), x="R²", legend=True, dragmode=False,
                xaxis=STILL | {"range": [0, 1.02]}, yaxis=STILL | {"autorange": "reversed"})
