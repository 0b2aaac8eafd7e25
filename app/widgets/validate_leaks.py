"""What lets a tested row be known in training: how many it concerns, what it is worth, and what the folds promise to forbid."""
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app import state
from app.figures.scores import SPLIT_WORDS
from app.figures.style import color_of
from app.figures.trust import worth_figure
from app.services import model, trust
from app.validated import listed
from app.widgets.framed import csv_button, framed_figure
from app.widgets.validate_choice import linked_choice
from app.yours import plain
from mtl_core.errors import AlloyscopeError
from mtl_core.registry.runs import Run
from mtl_core.tasks import TASKS

STRONG = "extra trees"
WORTH = {"ridge": "10 seconds", STRONG: "minutes"}  # how long it takes
PROMISED, BROKEN = "none, as promised", "found, though promised"


def leaks_panel(run: Run) -> None:
    """Kin across the folds, what they are worth, columns and transforms that peek."""
    metrics = model.report(run.id)["metrics"]
    keys = [key for key in metrics if key in TASKS]
    splits = list(metrics[keys[0]])
    try:
        table = trust.leaks(run.id, splits)
    except AlloyscopeError as error:
        st.info(plain(str(error)))
        return
    with st.container(border=True, key="leaks_verdict"):
        st.markdown(" ".join(filter(None, [verdict(table), fall(metrics), price(trust.known_worth(run.id))])))
        st.caption("A leak is no mistake where a split allows it: random rows always have relatives on the other side, which is "
                   "why they look better than a new alloy will be. It is a mistake where the split promises to forbid it.")
    for place, key in zip(st.columns(len(keys), gap="large") if len(keys) < 3 else [st.container() for _ in keys], keys,
                          strict=True):
        with place:
            st.markdown(f"**{TASKS[key].label}** · share of the **tested** readings with such a relative in training")
            st.table(shares(table[table["task"] == key]), border="horizontal")
    st.caption("  \n".join(f"**{kind.capitalize()}:** {_lower(words)}" for kind, words in _leak_words(table)))
    csv_button(table, "leaks", name=run.id)
    _worth(run, keys, splits)
    _peeking(run, splits)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _leak_words(table: pd.DataFrame) -> list[tuple[str, str]]:
    from mtl_core.validation.leakage import LEAKS

    return [(kind, LEAKS[kind]) for kind in table["kind"].unique()]


def verdict(table: pd.DataFrame) -> str:
    """Whether every promise holds, and how much random rows know."""
    broken = table[table["is_alarm"]]
    promises = int(table["is_forbidden"].sum())
    if len(broken):
        found = [f"{row['kind']} by {SPLIT_WORDS.get(row['split'], row['split'])} ({TASKS[row['task']].label.lower()}): "
                 f"{row['evidence']}" for row in broken.to_dict("records")]
        return f"**{len(broken)} of {promises} promises do not hold.** {' '.join(found)}"
    said = f"**All {promises} promises of the folds hold:** nothing that a split forbids was found." if promises else (
        "The folds of this run promise nothing.")
    random = table[(table["split"] == "random") & (table["kind"] == "same paper")]
    shares_ = [f"{_percent(row['share'])} ({TASKS[row['task']].label.lower()})" for row in random.to_dict("records")]
    return said + (f" On random rows the paper of a tested row is among those learnt from for {listed(shares_)} of the tests."
                   if shares_ else "")


def shares(table: pd.DataFrame) -> pd.DataFrame:
    """One line a leak, one column a split; what is forbidden says so. table: of one task."""
    found = table.assign(words=[_share_words(row) for row in table.to_dict("records")])
    wide = found.pivot(index="kind", columns="split", values="words").loc[found["kind"].unique(), found["split"].unique()]
    return wide.rename(columns=lambda split: SPLIT_WORDS.get(split, split), index=str.capitalize).rename_axis("Leak").rename_axis(
        None, axis=1)


def _share_words(row: dict) -> str:
    if not row["is_forbidden"]:
        return "none" if not row["n_affected"] else _percent(row["share"]) if row["share"] >= 0.005 else "< 0.5 %"
    return f":red[**{BROKEN}: {_percent(row['share'])}**]" if row["is_alarm"] else f":green[{PROMISED}]"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _worth(run: Run, keys: list[str], splits: list[str]) -> None:
    st.subheader("What a leak is worth", anchor=False)
    st.markdown("A simple model, not this run's networks, is trained once without the rows that make a tested reading "
                "known, and once with as many rows fewer, drawn at random. The difference is what knowing them was worth.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        split = linked_choice("Held out", splits, "test", default=splits[0], key=f"leaks_split_{run.id}",
                              format_func=lambda name: SPLIT_WORDS.get(name, name))
        known = trust.known_worth(run.id)
        known = known[known["split"] == split]
        is_known = set(WORTH) <= set(known["model"])
        baseline = st.segmented_control("Model", list(WORTH), default=STRONG if is_known else trust.QUICK, required=True,
                                        key=f"leaks_model_{is_known}",
                                        format_func=lambda name: name if is_known else f"{name} ({WORTH[name]})")
        known = known[known["model"] == baseline]
        is_wanted = known.empty and st.button("Compute", key="leaks_compute", icon=":material/calculate:")
    asked, done = (run.id, split, baseline), state.shown("leaks_done", frozenset())
    if is_wanted:
        state.show("leaks_done", done | {asked})
    elif asked not in done and known.empty:
        return
    table = trust.worth(run.id, split, baseline) if known.empty else known
    if table.empty:
        st.caption("Nothing leaks here, so there is nothing to leave out.")
        return
    for place, (index, key) in zip(st.columns(min(len(keys), 2), gap="large"), enumerate(keys[:2]), strict=False):
        rows = table[table["task"] == key]
        if len(rows):
            with place:
                names = [f"{leak}<br>({_percent(removed)} of the training rows)"
                         for leak, removed in rows[["leak", "removed"]].itertuples(index=False)]
                framed_figure(f"**{TASKS[key].label}**", worth_figure(rows, names, color=color_of(index)), rows,
                              f"worth-{key}", f"{worth_words(rows)} {thinned_words(rows)}",
                              name=f"{run.id}-{split}-{baseline.replace(' ', '-')}")


def worth_words(rows: pd.DataFrame) -> str:
    """Which leaks flatter beyond chance; rows: of one task, split and model."""
    found = [f"without rows of the kind *{row['leak']}* R² drops by {_drop(row)}" for row in rows.to_dict("records")
             if row["high"] < 0 and row["difference"] < -0.005]
    if not found:
        return "Without any of them R² changes by no more than chance would."
    said = "; ".join(found)
    return f"{said[0].upper()}{said[1:]}: so much of the score of {rows['model'].iloc[0]} came from them."


def _drop(row: dict) -> str:
    """"0.62 [0.26, 1.11]"."""
    return f"{-row['difference']:.2f} [{-row['high']:.2f}, {-row['low']:.2f}]"


def fall(metrics: Mapping) -> str:
    """What the run itself loses from random rows to new papers; empty where it was not tested on both."""
    ends = [(TASKS[task].label.lower(), splits["random"]["r2"], splits["reference"]["r2"])
            for task, splits in metrics.items() if task in TASKS and {"random", "reference"} <= splits.keys()]
    falls = [f"{high - low:.2f} for {label} ({high:.2f} → {low:.2f})".replace("-", "−") for label, high, low in ends]
    return f"**From random rows to new papers this run loses {listed(falls)} of R².**" if falls else ""


def price(worth: pd.DataFrame) -> str:
    """What knowing the same paper is worth on random rows, to extra trees; empty where nobody measured it."""
    rows = worth[(worth["leak"] == "same paper") & (worth["split"] == "random") & (worth["model"] == STRONG)]
    drops = [f"{_drop(row)} for {TASKS[row['task']].label.lower()}" for row in rows.to_dict("records")]
    return f"Extra trees on random rows lose {listed(drops)} without the papers of the tested rows." if drops else ""


def thinned_words(rows: pd.DataFrame) -> str:
    """A warning where what is left out is most of what is learnt from; rows: of one task, split and model."""
    most = [f"*{row['leak']}* {_percent(row['removed'])}" for row in rows.to_dict("records") if row["removed"] > 0.5]
    return (f":orange[**More than half of the training rows go with {listed(most)}.**] What is left are a few other papers, "
            "so this says more about learning from little than about the leak.") if most else ""


def _peeking(run: Run, splits: list[str]) -> None:
    st.subheader("Do columns or transforms know the answer?", anchor=False)
    if not st.toggle("Look at every column, and fit everything again with other test rows", key="leaks_peek",
                     help="Takes about 20 seconds, once."):
        return
    columns, transforms = trust.derived_columns(run.id, splits[-1]), trust.transforms(run.id, splits)
    for table, good, bad in (
            (columns, "No column follows from what is to be predicted, or from another measured property.",
             "Some columns know the answer."),
            (transforms, "Scalers, fillers, caps and transforms of the target do not know the rows they are tested on.",
             "Something is fitted with the rows that it is tested on.")):
        (st.error if table["is_alarm"].any() else st.success)(bad if table["is_alarm"].any() else good)
        st.caption("  \n".join(f"{_about(row)}{row['evidence']}" for row in table.to_dict("records")))


def _about(row: dict) -> str:
    return f"{TASKS[row['task']].label}: " if row["task"] in TASKS else ""
