"""Whether bands hold what they say: by level, kind, family, domain, and away from the split that calibrated them."""
import pandas as pd
import streamlit as st

from app.bands import (
    ASKED,
    FEWEST,
    KIND_WORDS,
    LEVEL,
    families_words,
    family_lines,
    named,
    numbers,
    outside_words,
    rises,
    separation_words,
    twice_words,
    verdict,
    width_words,
)
from app.evidence import family_words
from app.figures.scores import SPLIT_WORDS, coverage_figure
from app.figures.style import color_of
from app.figures.trust import error_figure, groups_figure, levels_figure, separation_figure
from app.services import model, trust, validations
from app.validated import RUNG_WORDS
from app.widgets.framed import framed_figure, ink, picture_switch
from app.widgets.validate_choice import linked_choice, task_choice
from app.yours import plain
from mtl_core.errors import AlloyscopeError
from mtl_core.registry.runs import Run
from mtl_core.tasks import TASKS, TaskSpec

KINDS = ("Three kinds of band are compared. As stated (**raw**): straight from the run. **Rescaled**: every width times one "
         "factor, learnt from other papers. **Calibrated** (conformal): widths that held for other papers; the Design page shows "
         "these.")


def bands_panel(run: Run) -> None:
    """One property and split at a time."""
    keys = [key for key in model.report(run.id)["metrics"] if key in TASKS]
    splits = list(model.report(run.id)["metrics"][keys[0]])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        key = task_choice(keys, key=f"bands_task_{run.id}")
        split = linked_choice("Held out", splits, "test", default=splits[-1], key=f"bands_split_{run.id}",
                              format_func=lambda name: SPLIT_WORDS.get(name, name))
        st.space("stretch")
        picture_switch()
    task, color = TASKS[key], color_of(keys.index(key))
    coverage, accuracy = (table[(table["task"] == key) & (table["split"] == split)]
                          for table in (trust.coverage(run.id), trust.accuracy(run.id)))
    sure, families = (table[(table["task"] == key) & (table["split"] == split)]
                      for table in (trust.over_papers(run.id), trust.by_family(run.id, LEVEL)))
    with st.container(border=True, key="bands_verdict"):
        st.markdown(verdict(coverage, accuracy, sure.iloc[0], task, SPLIT_WORDS.get(split, split)))
        exceptions = st.container()
        st.caption(KINDS)
    exceptions.markdown(families_words(families))
    _diagrams(run, task, split, coverage, color)
    st.subheader("In numbers", anchor=False)
    st.table(numbers(coverage, accuracy, task.learning_unit), border="horizontal")
    st.caption("Width and the two columns after it are those of the 90 % band: its mean width, the mean over papers of the share "
               "of their readings inside, and the share of papers with at least 90 % inside. CRPS and −log density: smaller is "
               "better; z²: squared error over variance, 1 where the stated uncertainty is honest.")
    _groups(run, task, split, color, coverage["n_readings"].max(), exceptions)
    _away(run, task)
    _separates(run, task, split, color, exceptions)


def _diagrams(run: Run, task: TaskSpec, split: str, coverage: pd.DataFrame, color: str) -> None:
    left, right = st.columns(2, gap="large")
    name = f"{run.id}-{task.key}-{split}"
    with left:
        shown = coverage.assign(kind=coverage["kind"].map(KIND_WORDS))
        framed_figure("**Reliability**", levels_figure(shown, color=color), coverage, "levels",
                      "Below the diagonal bands are too narrow, above it too wide.", name=name)
    with right:
        bins = trust.error_by_std(run.id)
        bins = bins[(bins["task"] == task.key) & (bins["split"] == split)]
        framed_figure("**Error and what the run expects**", error_figure(bins, unit=task.learning_unit, color=color), bins,
                      "error-by-std", f"A tenth of the readings each. {rises(bins)}", name=name)


def _groups(run: Run, task: TaskSpec, split: str, color: str, n_readings: int, exceptions) -> None:
    """n_readings: tested; exceptions: a container for what the verdict says of the domain."""
    left, right = st.columns(2, gap="large")
    name, words = f"{run.id}-{task.key}-{split}", "**Where it holds: families**"
    rows = trust.by_family(run.id, LEVEL)
    rows = rows[(rows["task"] == task.key) & (rows["split"] == split) & (rows["n_readings"] >= FEWEST)]
    with left:
        framed_figure(words, groups_figure(named(rows, rows["family"].map(family_words)).sort_values(
            "n", ascending=False, kind="stable"), level=LEVEL, color=color), rows, "families",
            "Readings and papers in brackets; each reading is tested once in every division of the data. Families with fewer "
            f"than {FEWEST} readings are left out. A guarantee holds on average over all, never for a family.", name=name)
        with st.expander("Numbers, and how wide the bands are"):
            st.table(family_lines(rows, task.learning_unit), border="horizontal")
    with right:
        try:
            rows = trust.by_domain(run.id, split, LEVEL)
        except AlloyscopeError as error:
            st.info(plain(str(error)))
            return
        rows = rows[rows["task"] == task.key]
        exceptions.markdown(outside_words(rows))
        shown = named(rows, rows["is_inside"].map({True: "inside the domain", False: "outside"})).sort_values(
            "is_inside", ascending=False, kind="stable")
        framed_figure("**Where it holds: domain**", groups_figure(shown, level=LEVEL, color=color), rows, "domain",
                      "The domain is fitted anew for each test, on what is learnt from only."
                      + twice_words(rows, n_readings), name=name)


def _away(run: Run, task: TaskSpec) -> None:
    st.subheader("Away from the split that calibrated it", anchor=False)
    further = validations.tested_further(run.id)
    rows = validations.transfer(further.id) if further else trust.transfer(run.id)
    rows = rows[(rows["task"] == task.key) & (rows["kind"] == "conformal") & (rows["level"] == LEVEL)]
    rows = rows.assign(split=rows["split"].map(lambda split: RUNG_WORDS.get(split, split)))
    for place, (column, title) in zip(st.columns(2, gap="large"), (("coverage", "**By reading**"), ("papers", "**By paper**")),
                                      strict=True):
        with place:
            matrix = {split: part.set_index("split")[column].to_dict()
                      for split, part in rows.groupby("calibrated_on", sort=False)}
            framed_figure(title, coverage_figure(matrix, level=LEVEL, ink=ink()), rows, f"away-{column}", "",
                          name=f"{run.id}-{task.key}")
    st.caption("Share of readings inside the calibrated 90 % band: orange where there are fewer, blue where there are more; on "
               "the right averaged over papers, so that a large paper counts as much as a small one. Off the "
               "diagonal a band promises nothing, so the app calibrates on new papers."
               + (_further_words(further) if further else ""))


def _further_words(further: Run) -> str:
    epochs = further.config.get("epochs")
    again = f", a stand-in trained for {epochs} epochs" if epochs else ""
    return (f" From the validation {plain(further.label.name) or further.id}{again}: rows of a cluster or an element that was "
            "left out are nothing like those that calibrate, so what happens there is a finding, not a promise.")


def _separates(run: Run, task: TaskSpec, split: str, color: str, exceptions) -> None:
    st.subheader("Does the domain know where predictions go wrong?", anchor=False)
    try:
        rows = trust.separation(run.id, split)
    except AlloyscopeError as error:
        st.info(plain(str(error)))
        return
    exceptions.markdown(width_words(rows))
    rows = rows[rows["task"] == task.key]
    st.markdown(separation_words(rows))
    framed_figure("**Which readings are in the worst quarter of the errors?**", separation_figure(rows, ASKED, color=color), rows,
                  "separation", "AUROC: how often it ranks a reading of the worst quarter above another one; 0.5 knows nothing. "
                  "Whiskers: 95 % over papers.", name=f"{run.id}-{task.key}-{split}")