"""The dashboard. Layers: main → pages → widgets → services → state; figures below all, and free of streamlit."""
