"""The dashboard. Layers: main → views → widgets → services → state; figures below all, and free of streamlit.

The pages live in `views`, because Streamlit runs a folder named `pages` beside the main script by itself, without the
frame that `main` draws, whenever the first visit to a fresh server is a link to one of them.
"""
