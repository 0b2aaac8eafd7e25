"""What the alloy probably is, for a run that learns classes: one bar a task, with the probabilities in words."""
from collections.abc import Mapping, Sequence

import streamlit as st

from app.figures.classes import chances_figure
from mtl_core.tasks import TASKS
from mtl_core.types import ClassPrediction


def class_cards(found: Sequence[ClassPrediction], scored: Mapping) -> None:
    """A card for each task of classes; nothing without any. scored: `classes` of the metrics of the run."""
    for one in found:
        chances = dict(zip(one.classes, one.probabilities[0].tolist(), strict=True))
        with st.container(border=True, key=f"classes_{one.task}", gap="xsmall"):
            st.markdown(f"**{TASKS[one.task].label}:** {chances_words(chances)}")
            st.plotly_chart(chances_figure(chances), config={"displayModeBar": False}, key=f"chances_{one.task}",
                            alt=f"{TASKS[one.task].label}: {chances_words(chances)}")
            st.caption(trust_words(scored.get(one.task, {})))
            if one.domain_reason[0]:
                st.markdown(f":orange-badge[outside the domain] {one.domain_reason[0]}")


def trust_words(splits: Mapping) -> str:
    """How often the most likely class was right where nothing of the paper was known."""
    if "reference" not in splits:
        return ""
    accuracy, low, high = splits["reference"]["scores"]["accuracy"]
    return (f"On new papers the most likely class was the one that was found for {accuracy:.0%} of the alloys ({low:.0%} to "
            f"{high:.0%}).")


def chances_words(chances: dict[str, float]) -> str:
    """"most likely FCC (72 %), else mixed (25 %) or BCC (3 %)"."""
    (first, chance), *others = sorted(chances.items(), key=lambda item: -item[1])
    return f"most likely {first} ({chance:.0%}), else {' or '.join(f'{name} ({share:.0%})' for name, share in others)}"
