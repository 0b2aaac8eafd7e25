"""The record of a run to take along: model card, known failures and checklists, from its own facts."""
import re
from html import unescape

import streamlit as st

from app.services import trust, validations
from app.yours import plain
from mtl_core.errors import AlloyscopeError
from mtl_core.registry.runs import Run

FOLD = re.compile(r"<details><summary>(?P<title>.*?)</summary>(?P<text>.*)</details>", re.DOTALL)


def card_panel(run: Run) -> None:
    """The card as HTML and Markdown, and to read here."""
    known = tuple((one.id, str(one.status)) for one in validations.of_run(run.id))
    try:
        markdown, html = trust.card(run.id, known)
    except AlloyscopeError as error:
        st.info(plain(str(error)))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for words, text, ending, mime in (("Download HTML", html, "html", "text/html"),
                                          ("Download Markdown", markdown, "md", "text/markdown")):
            st.download_button(words, text, f"{run.id}-card.{ending}", mime, on_click="ignore", key=f"card_{ending}",
                               icon=":material/download:")
        st.caption(f"The same as `python -m mtl_core report --run {run.id}`. Every line follows from what the run wrote down; "
                   "what is not met stands there as not met.", width="stretch")
    told = sections(markdown)
    title = st.segmented_control("Section", list(told), default=next(iter(told)), required=True, key=f"card_section_{run.id}")
    with st.container(border=True, key="card_text"):
        _show(told[title])


def _show(text: str) -> None:
    """Markdown, in which what the card folds away opens by a click."""
    for part in re.split(r"(<details>.*?</details>)", text, flags=re.DOTALL):
        if found := FOLD.fullmatch(part):
            with st.expander(plain(unescape(found["title"]))):
                st.markdown(found["text"])
        elif part.strip():
            st.markdown(part)


def sections(markdown: str) -> dict[str, str]:
    """Heading → text, of the second-level headings."""
    parts = markdown.split("\n## ")[1:]
    return {title: text.strip() for title, _, text in (part.partition("\n") for part in parts)}
