"""Pure functions: values in, plotly Figure out. Nothing here imports streamlit."""
