"""Where the uncertainty of one prediction comes from."""
import plotly.graph_objects as go

from app.figures.style import GREY, STILL, calm, tint


def shares_figure(aleatoric: float, epistemic: float, unreported: float, *, color: str) -> go.Figure:
    """Shares of the total variance; all three are standard deviations. A part that is zero is left out."""
    total = aleatoric**2 + epistemic**2 + unreported**2
    parts = [(name, std**2 / total, shade) for name, std, shade in (
        ("scatter of measurements", aleatoric, GREY), ("model unsure", epistemic, color),
        ("conditions not reported", unreported, tint(color, 0.5))) if std > 0]
    traces = [
        go.Bar(x=[100 * share], y=[""], orientation="h", name=name, marker={"color": shade, "opacity": 0.8},
               text=f"{share:.0%}", textposition="inside", insidetextanchor="middle",
               hovertemplate=f"{name}: {share:.0%} of the variance<extra></extra>")
        for name, share, shade in parts
    ]
    return calm(traces, height=90, legend=True, barmode="stack", dragmode=False,
                xaxis=STILL | {"visible": False, "range": [0, 100]}, yaxis=STILL | {"visible": False})
