"""How values are spread, where their mean and deviation mislead, and what a transform does to them."""
import streamlit as st

from app import desk
from app.figures.shapes import shapes_figure
from app.figures.style import color_of
from app.services import desk as findings


def shapes_panel(datasets: tuple[str, ...]) -> None:
    """One property before and after each transform, then the statistics of every column."""
    values = findings.exact_values(datasets)
    key = st.selectbox("Property", list(values), format_func=desk.label, width=320, key="shape_property")
    shapes = findings.transformed(datasets, key)
    titled = {f"{name}: skewness {desk.skewness(y):+.2f}": y for name, y in shapes.items()}
    st.plotly_chart(shapes_figure(titled, color=color_of(list(values).index(key))), key="shapes",
                    config={"displayModeBar": False}, alt=f"{desk.label(key)} before and after transforms")
    st.caption("Dotted: the normal curve of the same mean and spread. A transform that makes a property look normal is not yet "
               "a better model; *Before and after* says what it is worth.")
    st.subheader("Every column in numbers")
    lines = desk.statistics_lines(findings.statistics(datasets))
    warned = st.toggle("Only where the mean misleads", key="only_warned")
    st.dataframe(lines[lines["The mean misleads"] != ""] if warned else lines, hide_index=True, width="stretch",
                 alt="Statistics of each column", column_config={"The mean misleads": st.column_config.TextColumn(width="large")})
