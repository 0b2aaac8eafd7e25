"""A chart that the browser updates in place.

`st.plotly_chart` gives a chart with other numbers another identity, and the browser then throws the old one away: it blinks, and
the zoom is lost. What it sends is sent here under an identity of its own; Streamlit is pinned, and a browser test looks after it.
"""
import json
from collections.abc import Mapping

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.layout_utils import LayoutConfig
from streamlit.proto.PlotlyChart_pb2 import PlotlyChart


def steady_chart(figure: go.Figure, *, key: str, config: Mapping, alt: str) -> None:
    """The figure, which states its height, as wide as there is room; the same chart as long as the key is the same."""
    chart = PlotlyChart(id=f"steady-{key}", spec=figure.to_json(), config=json.dumps(config), theme="streamlit", alt=alt)
    st.container()._enqueue("plotly_chart", chart, layout_config=LayoutConfig(width="stretch", height=figure.layout.height))
