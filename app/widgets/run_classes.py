"""What a finished run is worth at telling classes of alloys that its networks had never seen."""
import pandas as pd
import streamlit as st

from app.figures.classes import confusion_figure
from app.figures.scores import SPLIT_WORDS
from mtl_core.tasks import TASKS

SCORES = {"macro_f1": "Macro F1", "accuracy": "Accuracy", "log_loss": "Log loss"}
NAMES = {"alone": "networks of classes alone"}


def class_results(report: dict) -> None:
    """Scores beside other models and the confusion, for each task of classes; nothing without any."""
    for key, splits in report.get("classes", {}).items():
        if key in TASKS:
            _of_task(key, splits)


def _of_task(key: str, splits: dict) -> None:
    st.subheader(f"{TASKS[key].label}: are the classes told apart?")
    split = st.segmented_control("Held out", list(splits), default=list(splits)[-1], required=True, key=f"class_split_{key}",
                                 format_func=lambda name: SPLIT_WORDS.get(name, name))
    facts = splits[split]
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        st.dataframe(class_table(facts), width="stretch", hide_index=True,
                     alt=f"Scores of {TASKS[key].label} beside other models")
        st.caption("F1 of a class joins how many of its alloys are found and how many so called are right; macro F1 is the mean "
                   "over the classes, 1 at best. Log loss is smaller where probabilities are honest. In brackets 95 % intervals "
                   "over papers; gains are paired on the same alloys and folds.")
        st.markdown(class_verdict(facts))
    with right:
        st.plotly_chart(confusion_figure(facts["classes"], facts["confusion"]), key=f"confusion_{key}",
                        config={"displayModeBar": False}, alt=f"Found and predicted classes of {TASKS[key].label}")
        st.caption("Rows: what papers found. Columns: the most probable class. Mean number of alloys over the divisions.")


def class_table(facts: dict) -> pd.DataFrame:
    """One line a model, ours first."""
    lines = [_line("this run", facts["scores"], "")]
    for model, other in facts["others"].items():
        gain = "{:+.2f} [{:+.2f}, {:+.2f}]".format(*other["gain"]["macro_f1"])
        lines.append(_line(NAMES.get(model, model), other["scores"], gain))
    return pd.DataFrame(lines)


def _line(model: str, scores: dict, gain: str) -> dict:
    said = {label: "{:.2f} [{:.2f}, {:.2f}]".format(*scores[name]) for name, label in SCORES.items()}
    return {"Model": model, "Macro F1": said.pop("Macro F1"), "This run: F1 more by": gain, **said}


def class_verdict(facts: dict) -> str:
    """In words, against each of the others; "cannot be told" where the interval holds zero."""
    said = {"better": [], "worse": [], "open": []}
    for model, other in facts["others"].items():
        _, low, high = other["gain"]["macro_f1"]
        said["better" if low > 0 else "worse" if high < 0 else "open"].append(NAMES.get(model, model))
    words = {"better": "This run has a higher F1 than {}.", "worse": "**This run has a lower F1 than {}.**",
             "open": "Whether it is better than {} cannot be told."}
    return " ".join(words[kind].format(_listed(names)) for kind, names in said.items() if names)


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
