"""Which run the numbers of a page come from."""
import streamlit as st

from app import ledger
from app.services import model, runs
from app.yours import plain
from mtl_core.registry.runs import SHIPPED


def answering_note(place: str) -> None:
    """A quiet line that names the run, and a loud one where it is not the run that was promoted; place tells two notes apart.

    Called after something was asked of the predictor, which may find out that it cannot be loaded.
    """
    run, complaint = model.answering()
    if complaint:
        st.warning(f"{plain(complaint)}  \nThe ensemble that comes along answers instead.")
    found = runs.find(run)
    named = "the ensemble that comes along" if run == SHIPPED else f"**{plain(ledger.title(found))}**"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"answering_{place}"):
        st.caption(f"Answered by {named}: R² of new papers {ledger.in_short(found)}.", width="content")
        st.page_link("views/runs.py", label="Other runs", icon=":material/swap_horiz:")
