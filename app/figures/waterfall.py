"""What is left after each cleaning rule."""
import pandas as pd
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint


def waterfall_figure(steps: pd.DataFrame, *, color: str) -> go.Figure:
    """Horizontal bars of the rows left (columns: step, n, removed, reason), with what each rule took away in grey."""
    before = steps["n"] + steps["removed"]
    traces = [
        go.Bar(y=steps["step"], x=steps["n"], orientation="h", marker={"color": color, "opacity": 0.8},
               text=steps["n"], textposition="inside", insidetextanchor="end",
               customdata=steps["reason"], hovertemplate="%{y}: %{x} rows<br>%{customdata}<extra></extra>"),
        go.Bar(y=steps["step"], x=steps["removed"], orientation="h", marker={"color": tint(GREY, 0.6)},
               text=steps["removed"].map(lambda count: f"−{count}" if count else ""), textposition="outside",
               customdata=steps["reason"], hovertemplate="%{y}: %{x} rows taken away<br>%{customdata}<extra></extra>"),
    ]
    return calm(traces, height=60 + 34 * len(steps), barmode="stack", dragmode=False, bargap=0.35,
                xaxis=STILL | {"visible": False, "range": [0, 1.12 * before.max()]},
                yaxis=STILL | {"autorange": "reversed"})
