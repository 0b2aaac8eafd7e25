"""Which pairs of elements act together."""
import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.baselines import Baseline
from app.evidence import family_words
from app.explained import called, is_rough, unit_of_change
from app.figures.interactions import N_NAMES, interactions_figure
from app.figures.style import with_spread, written
from app.presets import name_of
from app.selection import Selection
from app.services import model, pairs
from app.widgets.framed import framed_figure, ink
from app.yours import plain
from mtl_core.tasks import TaskSpec

N_ALLOYS = 24  # in an average
READ = ("A cell below the diagonal is what two elements do **together**, beyond what each does alone: red raises, blue lowers, "
        "grey where fewer than nine in ten networks agree on the sign. On the diagonal, without a colour, stands what one does "
        "alone. The numbers of a map add up to the difference between the two predictions.")


def pairs_panel(chosen: Selection, baseline: Baseline) -> None:
    """Interactions of the selected alloy, and averaged over measured ones, as maps of all pairs."""
    st.markdown(READ)
    _side_by_side("pairs", lambda task: _of_alloy(chosen, baseline, task))
    _averaged(chosen, baseline)
    st.caption("Integrated Hessians through path-explain, along the straight line of the bars of *This alloy*: what an "
               "element does alone, with half of each of its pairs, is its bar there. *others*: elements that differ by less "
               "than 0.5 at.%, which move together.")


def _side_by_side(place, show):
    tasks = model.tasks()
    columns = st.columns(min(len(tasks), 2), gap="large")
    for index, task in enumerate(tasks):
        with columns[index % 2].container(border=True, key=f"{place}_{task.key}"):
            show(task)


def _of_alloy(chosen, baseline, task):
    name, found = name_of(chosen.composition) or chosen.spelled, pairs.interactions(chosen, baseline, task.key)
    if not found.names:
        st.markdown(f"**{task.label}**")
        st.info("The alloy and what it is compared with are the same, so there is nothing to divide between pairs.")
        return
    ends = f"{written(found.baseline)}  →  {written(found.prediction)} {task.learning_unit}"
    gap = f"The cells add up to the difference but for {written(abs(found.gap))} {unit_of(task)} of the integral's error."
    _map(found, task, f"pairs-{task.key}", f"From {plain(baseline.name)} to {name}: {ends}. {strongest(found, unit_of(task))}"
         f"{'' if is_rough(found) else ' ' + gap}")
    if is_rough(found):
        st.warning(f"{gap} Do not rely on cells that are smaller than that; against a closer baseline the map is more exact.")


def _averaged(chosen, baseline):
    st.subheader("Averaged over measured alloys", anchor=False)
    known = list(dict.fromkeys(family for task in model.tasks() for family in pairs.families(task.key)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        family = st.selectbox("Family", known, key="pairs_family", width=260, format_func=family_words)
        asked = (model.loaded_run(), family, baseline, chosen.conditions)
        if st.button(f"Average over {N_ALLOYS} alloys", key="average_pairs"):
            state.show("pairs_asked", asked)
    if state.shown("pairs_asked") != asked:
        st.info(f"Nothing averaged yet. {N_ALLOYS} measured alloys, each against what is chosen above, take about a minute.")
        return
    if baseline.is_distribution:
        st.caption("The most typical measured alloy stands for the distribution here.")
        baseline = Baseline.read("typical", {})
    _side_by_side("mean_pairs", lambda task: _of_family(chosen, baseline, task, family))


def _of_family(chosen, baseline, task, family):
    if family not in pairs.families(task.key):
        st.markdown(f"**{task.label}**")
        st.info(f"{task.label} was not measured on any alloy of this family.")
        return
    bar = st.progress(0.0, f"{task.label}: asking one alloy after another …")
    found = pairs.mean_interactions(task.key, family, chosen.conditions, baseline, N_ALLOYS,
                                    lambda done, total: bar.progress(done / total, f"{task.label}: {done} of {total} alloys"))
    bar.empty()
    _map(found, task, f"mean-pairs-{task.key}",
         f"Mean of {len(found.gaps)} alloys, under the conditions of the Design page; where an alloy does not differ counts as "
         f"0. {strongest(found, unit_of(task))}{_left_out(found)}", size=found.size, alloys=found.n)


def _left_out(found) -> str:
    return f" Drawn are the {N_NAMES} that act most; all are in the CSV." if len(found.names) > N_NAMES else ""


def _map(found, task, what, caption, **also):
    unit = unit_of(task)
    figure = interactions_figure(list(map(called, found.names)), found.values, found.spread, found.is_stable, unit=unit,
                                 ink=ink())
    framed_figure(f"**{task.label}** ({unit})", figure, cells_table(found, unit, **also), what, caption, name="alloyscope")


def unit_of(task: TaskSpec) -> str:
    """Of a cell; what is learnt as a logarithm changes by so many powers of ten."""
    return "powers of ten" if task.transform == "log10" else unit_of_change(task)


def strongest(found, unit: str) -> str:
    """A sentence on the pair that does most, of those on whose sign the networks agree."""
    together = np.abs(np.tril(found.values, -1)) * np.tril(found.is_stable, -1)
    if not together.any():
        return "The networks agree on the sign of no pair."
    row, column = np.unravel_index(together.argmax(), together.shape)
    one, other = called(found.names[row]), called(found.names[column])
    return f"Strongest pair: {one} with {other}, {with_spread(found.values[row, column], found.spread[row, column])} {unit}."


def cells_table(found, unit: str, **also: np.ndarray) -> pd.DataFrame:
    """One row a cell; also: size, alloys [N, N] of an average."""
    rows, columns = np.tril_indices(len(found.names))
    partners = [found.names[column] if column != row else "" for row, column in zip(rows, columns, strict=True)]
    words = {"size": f"mean size over alloys ({unit})", "alloys": "alloys in which both differ"}
    return pd.DataFrame({
        "element": [found.names[row] for row in rows], "with": partners, f"value ({unit})": found.values[rows, columns],
        "std over networks": found.spread[rows, columns], "sign is stable": found.is_stable[rows, columns],
        **{words[name]: cells[rows, columns] for name, cells in also.items()}})
