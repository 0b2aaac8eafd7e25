"""Whether bands hold what they say: by level, kind, family, domain, and away from the split that calibrated them."""
import pandas as pd
import streamlit as st

from app.evidence import family_words
from app.figures.scores import SPLIT_WORDS, coverage_figure
from app.figures.style import color_of, written
from app.figures.trust import error_figure, groups_figure, levels_figure, separation_figure
from app.services import model, trust, validations
from app.validated import RUNG_WORDS, listed
from app.widgets.framed import framed_figure, picture_switch
from app.yours import plain
from mtl_core.errors import AlloyscopeError
from mtl_core.registry.runs import Run
from mtl_core.tasks import TASKS, TaskSpec

LEVEL = 0.9
STATED = (0.5, 0.68, 0.9, 0.95)
TOLERANCE = 0.02  # by which a share of readings may miss its level and still be said to hold it
FEWEST = 20  # tests of a family that is drawn
ASKED = {"domain score": "distance to what was measured", "outside": "the verdict: outside", "std": "std of the networks"}
KINDS = ("**raw**: as the networks state it. **rescaled**: one factor for every std, from the other folds. **conformal**: widths "
         "that held in the other folds; these are the bands of the Design page.")


def bands_panel(run: Run) -> None:
    """One property and split at a time."""
    keys = [key for key in model.report(run.id)["metrics"] if key in TASKS]
    splits = list(model.report(run.id)["metrics"][keys[0]])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        key = st.segmented_control("Property", keys, default=keys[0], required=True, key=f"bands_task_{run.id}",
                                   format_func=lambda name: TASKS[name].label)
        split = st.segmented_control("Held out", splits, default=splits[-1], required=True, key=f"bands_split_{run.id}",
                                     format_func=lambda name: SPLIT_WORDS.get(name, name))
        st.space("stretch")
        picture_switch()
    task, color = TASKS[key], color_of(keys.index(key))
    coverage, accuracy = (table[(table["task"] == key) & (table["split"] == split)]
                          for table in (trust.coverage(run.id), trust.accuracy(run.id)))
    with st.container(border=True, key="bands_verdict"):
        st.markdown(verdict(coverage, accuracy, task, SPLIT_WORDS.get(split, split)))
        st.caption(KINDS)
    _diagrams(run, task, split, coverage, color)
    st.subheader("In numbers", anchor=False)
    st.table(numbers(coverage, accuracy, task.learning_unit), border="horizontal")
    st.caption("Width: mean of the 90 % bands. Papers: coverage of the 90 % band averaged over papers, and the share of papers "
               "of which it held at least 90 % of the readings. CRPS and −log density: smaller is better; z²: squared error over "
               "variance, 1 where the std is honest.")
    _groups(run, task, split, color)
    _away(run, task, color)
    _separates(run, task, split, color)


def verdict(coverage: pd.DataFrame, accuracy: pd.DataFrame, task: TaskSpec, words: str) -> str:
    """Whether the conformal 90 % band holds, by row and by paper, and how sure the networks are of themselves."""
    at = coverage[coverage["level"] == LEVEL].set_index("kind")
    z2 = accuracy.set_index("kind").loc["raw", "mean_z2"]
    held, papers = at.loc["conformal", "coverage"], at.loc["conformal", "papers"]
    holds = "holds" if abs(held - LEVEL) <= TOLERANCE else "is too wide" if held > LEVEL else "**does not hold**"
    sure = "about right" if 0.8 <= z2 <= 1.25 else "too sure" if z2 > 1 else "too careful"
    return (f"**{task.label}, {words}:** the conformal 90 % band {holds}: {held:.1%} of {at.loc['conformal', 'n']} tests, "
            f"{papers:.1%} averaged over papers; all readings of {at.loc['conformal', 'whole_papers']:.0%} of the papers. The "
            f"networks by themselves are {sure}: their errors are {written(z2**0.5)} times what they expect, and their own 90 % "
            f"band held {at.loc['raw', 'coverage']:.0%}.")


def numbers(coverage: pd.DataFrame, accuracy: pd.DataFrame, unit: str) -> pd.DataFrame:
    """One line a kind of band."""
    found = {}
    for kind, rows in coverage.groupby("kind", sort=False):
        at, scores = rows.set_index("level"), accuracy.set_index("kind").loc[kind]
        found[kind] = {
            **{f"{level:.0%} held": f"{at.loc[level, 'coverage']:.1%}" for level in STATED},
            f"Width ({unit})": written(at.loc[LEVEL, "width"]), "Papers": f"{at.loc[LEVEL, 'papers']:.1%}",
            "Papers held": f"{at.loc[LEVEL, 'held_papers']:.0%}", f"CRPS ({unit})": written(scores["crps"]),
            "−log density": written(scores["nll"]), "z²": written(scores["mean_z2"])}
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("Band")


def _diagrams(run: Run, task: TaskSpec, split: str, coverage: pd.DataFrame, color: str) -> None:
    left, right = st.columns(2, gap="large")
    name = f"{run.id}-{task.key}-{split}"
    with left:
        framed_figure("**Reliability**", levels_figure(coverage, color=color), coverage, "levels",
                      "Below the diagonal bands are too narrow, above it too wide.", name=name)
    with right:
        bins = trust.error_by_std(run.id)
        bins = bins[(bins["task"] == task.key) & (bins["split"] == split)]
        framed_figure("**Error and what networks expect**", error_figure(bins, unit=task.learning_unit, color=color), bins,
                      "error-by-std", "A tenth of the tests each. A line that rises says that a larger std means a larger error.",
                      name=name)


def _groups(run: Run, task: TaskSpec, split: str, color: str) -> None:
    left, right = st.columns(2, gap="large")
    name, words = f"{run.id}-{task.key}-{split}", "**Where it holds: families**"
    rows = trust.by_family(run.id, LEVEL)
    rows = rows[(rows["task"] == task.key) & (rows["split"] == split) & (rows["n"] >= FEWEST)]
    with left:
        framed_figure(words, groups_figure(rows.assign(name=rows["family"].map(family_words)).sort_values(
            "n", ascending=False, kind="stable"), level=LEVEL, color=color), rows, "families",
            f"Tests in brackets, each row once a division; families with fewer than {FEWEST} are left out. A guarantee holds on "
            "average over all, never for a family.", name=name)
    with right:
        try:
            rows = trust.by_domain(run.id, split, LEVEL)
        except AlloyscopeError as error:
            st.info(plain(str(error)))
            return
        rows = rows[rows["task"] == task.key]
        shown = rows.assign(name=rows["is_inside"].map({True: "inside the domain", False: "outside"})).sort_values(
            "is_inside", ascending=False, kind="stable")
        framed_figure("**Where it holds: domain**", groups_figure(shown, level=LEVEL, color=color), rows, "domain",
                      "The domain of each fold knows its training rows only.", name=name)


def _away(run: Run, task: TaskSpec, color: str) -> None:
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
            framed_figure(title, coverage_figure(matrix, level=LEVEL, color=color), rows, f"away-{column}", "",
                          name=f"{run.id}-{task.key}")
    st.caption("Share of readings inside the conformal 90 % band; on the right averaged over papers, so that a large paper "
               "counts as much as a small one. Off the diagonal a band promises nothing, so the app calibrates on new papers."
               + (_further_words(further) if further else ""))


def _further_words(further: Run) -> str:
    epochs = further.config.get("epochs")
    again = f", trained again for {epochs} epochs" if epochs else ""
    return (f" From the validation {plain(further.label.name) or further.id}{again}: rows of a cluster or an element that was "
            "left out are nothing like those that calibrate, so what happens there is a finding, not a promise.")


def _separates(run: Run, task: TaskSpec, split: str, color: str) -> None:
    st.subheader("Does the domain know where predictions go wrong?", anchor=False)
    try:
        rows = trust.separation(run.id, split)
    except AlloyscopeError as error:
        st.info(plain(str(error)))
        return
    rows = rows[rows["task"] == task.key]
    st.markdown(separation_words(rows))
    framed_figure("**Which tests are in the worst quarter?**", separation_figure(rows, ASKED, color=color), rows, "separation",
                  "AUROC: how often it ranks a test of the worst quarter above another one; 0.5 knows nothing. Whiskers: 95 % "
                  "over papers.",
                  name=f"{run.id}-{task.key}-{split}")


def separation_words(rows: pd.DataFrame) -> str:
    """What separates beyond chance, and how much larger errors are outside; rows: of one task and split."""
    by = rows.set_index("by")
    knows = [ASKED[name].removeprefix("the verdict: ") for name in ASKED if by.loc[name, "auroc_low"] > 0.5]
    outside = by.loc["outside"]
    said = f"Beyond chance, {listed(knows)} tell{'s' if len(knows) == 1 else ''} where errors are large." if knows else (
        "Nothing of what was asked tells beyond chance where errors are large.")
    if not outside["n_outside"] or outside["ratio"] != outside["ratio"]:
        return f"{said} No test lay outside the domain."
    interval = f"[{outside['ratio_low']:.2f}, {outside['ratio_high']:.2f}]"
    larger = "larger beyond chance" if outside["ratio_low"] > 1 else "not larger beyond chance"
    return (f"{said} Outside the domain ({outside['n_outside']} of {outside['n']} tests) the mean error is "
            f"{outside['ratio']:.2f} times that inside, {interval}: {larger}.")
