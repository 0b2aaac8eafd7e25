"""Where the uncertainty of one prediction comes from."""
import plotly.graph_objects as go

from app.figures.style import GREY, calm


def shares_figure(aleatoric: float, epistemic: float, *, color: str) -> go.Figure:
    """Shares of the total variance: scatter of the measurements against disagreement of the networks (both as std)."""
    total = aleatoric**2 + epistemic**2
    parts = (("scatter of measurements", aleatoric**2 / total, GREY),
             ("networks disagree", epistemic**2 / total, color))
    figure = go.Figure([
        go.Bar(x=[100 * share], y=[""], orientation="h", name=name, marker={"color": shade, "opacity": 0.8},
               text=f"{share:.0%}", textposition="inside", insidetextanchor="middle",
               hovertemplate=f"{name}: {share:.0%} of the variance<extra></extra>")
        for name, share, shade in parts
    ])
    calm(figure, height=90, legend=True).update_layout(barmode="stack", dragmode=False)
    figure.update_xaxes(visible=False, range=[0, 100], fixedrange=True)
    return figure.update_yaxes(visible=False, fixedrange=True)
