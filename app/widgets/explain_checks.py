"""Whether the bars can be believed."""
import numpy as np
import pandas as pd
import streamlit as st

from app.baselines import Baseline
from app.explained import called, unit_of_change
from app.figures.agreement import importance_figure, random_figure, two_methods_figure
from app.figures.style import color_of
from app.selection import Selection
from app.services import model, pairs
from app.widgets.framed import framed_figure

AGREES = 0.9  # rank agreement with exact Shapley values that a good path has
FOLLOWS = 0.5  # rank agreement of bars with what R² loses, from which they tell the same story
BY_CHANCE = 0.2  # mean rank agreement of networks that learnt nothing; of 60 of them it stays well below


def checks_panel(chosen: Selection, baseline: Baseline) -> None:
    """The same question asked by other methods, each with a verdict that also says when it fails."""
    if baseline.is_distribution:
        st.caption("The most typical measured alloy stands for the distribution here: subsets need one alloy to start from.")
        baseline = Baseline.read("typical", {})
    for title, words, show in (
            ("Do exact Shapley values say the same?", SHAPLEY, _shapley),
            ("Would networks that learnt nothing say the same?", RANDOM, _random),
            ("Does the prediction of new papers suffer where the bars are large?", IMPORTANCE, _importance)):
        st.subheader(title, anchor=False)
        st.markdown(words)
        tasks = model.tasks()
        columns = st.columns(min(len(tasks), 2), gap="large")
        for index, task in enumerate(tasks):
            with columns[index % 2].container(border=True, key=f"check_{show.__name__}_{task.key}"):
                show(chosen, baseline, task, color_of(index))


SHAPLEY = ("Every subset of the elements that differ is asked in turn: what would the ensemble say if only these had the amounts "
           "of the alloy? Absent ones keep the baseline's amounts, and nothing is renormalised. A diamond should sit at the end "
           "of its bar; small differences are normal, because the path mixes all elements evenly.")
RANDOM = ("The bars of networks with random weights, before any training, must not look like those shown. Each count is one "
          "network; those that learnt nothing should lie around 0, the trained ones to the right.")
IMPORTANCE = ("The amounts of one element are permuted among all measurements, as predicted by networks that never saw their "
              "papers. What matters to the bars should cost R²: marks should rise to the right. Elements that stand for one "
              "another can be permuted at little cost, so this agrees less.")


def _shapley(chosen, baseline, task, color):
    table = pairs.shapley(chosen, baseline, task.key)
    if table.empty:
        st.info("The alloy and what it is compared with are the same, so there are no bars to check.")
        return
    _verdict(*shapley_verdict(table))
    figure = two_methods_figure(list(map(called, table.index)), *table[["path", "shapley"]].to_numpy().T,
                                unit=unit_of_change(task), color=color)
    framed_figure(f"**{task.label}**", figure, table.reset_index(names="name"), f"shapley-{task.key}", "", name="alloyscope")


def _random(chosen, baseline, task, color):
    trained, fresh = pairs.random_agreement(chosen, baseline, task.key)
    _verdict(*random_verdict(trained, fresh))
    if not np.isnan(trained).all():
        table = pd.DataFrame({"rank agreement, trained": trained, "rank agreement, not trained": fresh})
        framed_figure(f"**{task.label}**", random_figure(trained, fresh, color=color), table, f"random-{task.key}", "",
                      name="alloyscope")


def _importance(chosen, baseline, task, color):
    table = pairs.importance(task.key)
    sizes = pairs.sizes(task.key)
    rows = table.join(sizes.rename("size"), how="inner")
    _verdict(*importance_verdict(rows, table.attrs))
    figure = importance_figure(rows, unit=unit_of_change(task), color=color)
    framed_figure(f"**{task.label}**", figure, rows.reset_index(names="name"), f"importance-{task.key}", "", name="alloyscope")


def shapley_verdict(table: pd.DataFrame) -> tuple[bool | None, str]:
    """Whether the check is passed (None: it says nothing), and the sentence. table: columns path, shapley."""
    from mtl_core.explain.checks import rank_agreement

    rho = round(rank_agreement(table["path"], table["shapley"]), 2)  # as it is written
    if np.isnan(rho):
        return None, "Fewer than three elements differ, so there is no order to compare."
    worst, turned = (table["path"] - table["shapley"]).abs().idxmax(), _turned(table)
    if rho >= AGREES and not turned:
        return True, f"Both put the elements in the same order (Spearman's ρ = {rho:.2f})."
    if rho >= AGREES:
        return False, f"Both put the elements in the same order (Spearman's ρ = {rho:.2f}), but {turned}."
    return False, (f"The two methods order the elements differently (Spearman's ρ = {rho:.2f}, expected {AGREES:g} or more), "
                   f"most of all {called(worst)}{', and ' + turned if turned else ''}: do not rely on the order of bars of "
                   "similar length.")


def _turned(table: pd.DataFrame) -> str:
    """"the sign of Fe and Co differs": of elements that matter to both methods; "" where there are none."""
    smaller, largest = table[["path", "shapley"]].abs().min(axis=1), table.abs().max(axis=None)
    names = table.index[(table["path"] * table["shapley"] < 0) & (smaller > 0.05 * largest)]
    return f"the sign of {' and '.join(map(called, names))} differs" if len(names) else ""


def random_verdict(trained: np.ndarray, fresh: np.ndarray) -> tuple[bool | None, str]:
    """The same for rank agreements [M] with the bars shown."""
    if np.isnan(trained).all() or np.isnan(fresh).all():
        return None, "Fewer than three elements differ, so there is no order to compare."
    chance, learnt = round(np.nanmean(fresh), 2) + 0.0, np.nanmedian(trained)  # without the sign of a zero
    if abs(chance) <= BY_CHANCE and learnt > 0.5:
        return True, (f"Without training the order is lost (mean ρ = {chance:+.2f}); trained networks keep it "
                      f"(median ρ = {learnt:.2f}).")
    if abs(chance) > BY_CHANCE:
        return False, (f"Networks that learnt nothing give a similar order (mean ρ = {chance:+.2f}): these bars follow from how "
                       "the two alloys differ more than from what was learnt.")
    return False, f"The trained networks do not agree among themselves on the order (median ρ = {learnt:.2f})."


def importance_verdict(rows: pd.DataFrame, about: dict) -> tuple[bool | None, str]:
    """The same for columns drop and size; about: r2, n_rows of the measurements."""
    from mtl_core.explain.checks import rank_agreement

    rho = rank_agreement(rows["drop"], rows["size"])
    scored = f"{about['n_rows']} measurements, R² {about['r2']:.2f} on new papers"
    if np.isnan(rho):
        return None, f"Fewer than three elements have bars ({scored})."
    if about["r2"] <= 0:
        return None, f"On new papers this property is not predicted at all ({scored}), so permuting tells nothing."
    if rho >= FOLLOWS:
        return True, f"What has large bars costs R² when it is permuted (Spearman's ρ = {rho:.2f}; {scored})."
    return False, (f"What has large bars is not what predictions of new papers need (Spearman's ρ = {rho:.2f}, expected "
                   f"{FOLLOWS:g} or more; {scored}): take the bars as what the networks do, not as what holds for new alloys.")


def _verdict(passed: bool | None, sentence: str) -> None:
    {True: st.success, False: st.warning, None: st.info}[passed](sentence)
