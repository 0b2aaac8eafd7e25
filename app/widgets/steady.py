"""A chart that the browser updates in place.

Streamlit draws a chart with other numbers anew: it blinks, and the zoom is lost. A chart that keeps its identity is not drawn
anew, but then it keeps its first numbers as well. Here it keeps its identity, and a script hands it what is new: the figure's
data and layout are replaced, and `plotly_redraw`, which Streamlit's chart listens to, has it take them over. Streamlit is pinned,
and a browser test looks after this.
"""
import json
from collections.abc import Mapping

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.layout_utils import LayoutConfig
from streamlit.proto.PlotlyChart_pb2 import PlotlyChart

PATIENCE_MS = 20_000  # until the chart itself is there
# The template holds the theme. A visitor's zoom survives because uirevision, of the first figure too, is always the same.
_hand_over = st.components.v2.component("steady_chart", js=f"""
export default ({{ data }}) => {{
  const start = performance.now(), next = JSON.parse(data.figure)
  const look = () => {{
    const chart = document.querySelector('.st-key-' + data.place + ' .js-plotly-plot')
    if (!chart?.emit || !chart._fullLayout)
      return performance.now() - start < {PATIENCE_MS} && (timer = setTimeout(look, 50))
    chart.data = next.data
    chart.layout = {{ ...next.layout, template: chart.layout.template, width: chart.layout.width }}
    chart.emit('plotly_redraw')
  }}
  let timer = setTimeout(look)
  return () => clearTimeout(timer)
}}""")


def steady_chart(figure: go.Figure, *, key: str, config: Mapping, alt: str) -> None:
    """The figure, which states its height, as wide as there is room; the same chart as long as the key is the same."""
    figure.update_layout(uirevision=key)
    spec = figure.to_json()
    with st.container(key=f"steady_{key}", gap=None):
        chart = PlotlyChart(id=f"steady-{key}", spec=spec, config=json.dumps(config), theme="streamlit", alt=alt)
        st.container()._enqueue("plotly_chart", chart, layout_config=LayoutConfig(width="stretch", height=figure.layout.height))
        _hand_over(key=f"hand_over_{key}", data={"figure": spec, "place": f"steady_{key}"})
