"""What pushes the predictions of all alloys: the elements that matter, alloy by alloy, one element closely, a map."""
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.explained import WAYS, called, unit_of_change
from app.figures.overall import importance_figure, tradeoff_figure
from app.figures.style import COLORS, color_of, written
from app.many import ALIKE, QUERY_KEYS, chosen_rows, ranked, tradeoffs
from app.services import overall
from app.widgets.explain_focus import FOCUS, controls, facts, open_focus, task_columns, ways
from app.widgets.explain_points import element_view, map_view, swarm_view
from app.widgets.framed import framed_figure
from mtl_core.explain.overall import Overall, OverallSettings
from mtl_core.explain.summary import summary

MOST_UNLIKE = 4  # elements that a caption names
AMOUNTS = {"one": "one at.%", "usual": "its usual amount"}


def overall_panel() -> None:
    """Bars of all alloys, and views of them; writes its own parts of the link."""
    settings = open_focus().settings
    found = overall.found(settings)
    if found is None:
        _mirror()
        _make(settings)
        return
    focus = controls(found)
    rows = [chosen_rows(one, focus) for one in found]
    facts(found, rows)
    if any(some.any() for some in rows):
        _VIEWS[focus.show](found, rows)
    else:
        st.info("No alloy that was learnt from is like that. Take some of the choices above away.")
    _mirror()


def _mirror() -> None:
    by = state.shown("explain_by", "element")
    state.mirror_part(state.shown(FOCUS).to_query() | ({} if by == "element" else {"by": by}), {*QUERY_KEYS, "by"})


def _make(settings: OverallSettings) -> None:
    if said := overall.failure(settings):
        st.error(f"The alloys could not be explained. {said}")
        st.button("Try again", on_click=overall.make, args=(settings,))
    else:
        overall.make(settings)
        _wait(settings)


@st.fragment(run_every=1.0)
def _wait(settings: OverallSettings) -> None:
    if overall.found(settings) is not None or not overall.is_going(settings):
        st.rerun()
    done, total = overall.progress(settings)
    words = f"Explaining {total:,} predictions, with all networks: {done / total:.0%}" if total else "Loading the networks …"
    st.progress(done / total if total else 0.0, text=words)
    st.caption("Once for each run; it takes up to a minute, goes on when this page is left, and is kept.")


def _what(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    by = ways(list(WAYS))
    tables = [summary(one.bars(by).of(some)) for one, some in zip(found, rows, strict=True)]
    names = ranked([table for table, some in zip(tables, rows, strict=True) if some.any()])
    both = " Both have the same rows, so bars to different sides are a trade-off." if len(found) > 1 else ""
    st.caption("How far a bar pushes on average, for all alloys, those without the element included; to the right where alloys "
               f"with more of it are pushed up, to the left where they are pushed down.{both} **Whiskers** here: 5 to 95 % "
               "of the networks. **Grey** here: the size is sure, but not whether more of it raises or lowers; that turns round "
               "with the amount or the rest of the alloy, or the networks disagree.")
    for index, one, _ in task_columns(found, rows):
        shown = tables[index].set_index("name").reindex(names)
        shown = shown.assign(direction=shown["direction"].fillna(0), n=shown["n"].fillna(0).astype(int)).fillna(
            {"importance": 0.0, "low": 0.0, "high": 0.0})
        figure = importance_figure(shown, [called(name) for name in names], unit=unit_of_change(one.task),
                                   amount="at.%" if by == "element" else "", color=color_of(index))
        framed_figure(f"**{one.task.label}**", figure, tables[index].assign(label=tables[index]["name"].map(called)),
                      f"importance_{one.task.key}", "", name=f"all-{by}")
    if len(found) > 1 and by == "element":
        _tradeoff(found, tables)


def _tradeoff(found: Sequence[Overall], tables: Sequence[pd.DataFrame]) -> None:
    st.subheader("Trade-offs", anchor=False)
    labels = [one.task.label for one in found]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pair = [0, 1]
        if len(found) > 2:
            pair = [labels.index(st.selectbox(f"{side}", labels, index=start, key=f"all_{side}", width=240))
                    for side, start in (("Across", 0), ("Upwards", 1))]
        amount = st.segmented_control("What adding does", list(AMOUNTS), default="one", required=True, key="all_amount",
                                      format_func=lambda key: f"for {AMOUNTS[key]}")
    points = tradeoffs(*(tables[index] for index in pair), *(unit_of_change(found[index].task) for index in pair),
                       usual=amount == "usual")
    if points.empty:
        st.info("No element is held by five of these alloys for both properties; there is nothing to weigh here.")
        return
    figure = tradeoff_figure(points, tuple(f"{labels[index]}, push for {AMOUNTS[amount]}" for index in pair),
                             tuple(unit_of_change(found[index].task) for index in pair), color=COLORS[2],
                             corners=tuple(labels[index].lower() for index in pair))
    framed_figure("**One property against the other**", figure, points.drop(columns="text"), "tradeoff",
                  "Another question than above: what adding the element does on average to the alloys that hold it, as the slope "
                  "of a straight line; where a little helps and much harms, it may point the other way. Upper right: helps both, "
                  "lower right: costs one for the other. "
                  + ("Its usual amount is the median of the alloys that hold it, of the property where that is less. "
                     if amount == "usual" else
                     f"Elements that alloys usually hold in less than {1 / ALIKE:g} at.% stand under *{AMOUNTS['usual']}* only. ")
                  + "Larger: held by more alloys. **Whiskers** here: 5 to 95 % of the networks. **Grey** here: a whisker crosses "
                  "a line, so that the sign is open. " + _unlike(points)
                  + "On hover: the amounts, and how much of it the line explains.", name="all")


def _unlike(points) -> str:
    """"**Hollow**: … (Al: 18 and 85 at.%)": those that matter most of the elements whose two slopes are about other alloys."""
    rows = points[~points["alike"]].head(MOST_UNLIKE)
    said = "; ".join(f"{row.name_} {written(row.usual_x)} and {written(row.usual_y)} at.%"
                     for row in rows.rename(columns={"name": "name_"}).itertuples())
    return (f"**Hollow and grey**: the usual amounts differ by more than a factor of {ALIKE:g}, so the two slopes are about "
            f"different alloys ({said}); with *the same for all properties* above they are about the same ones. ") if said else ""


_VIEWS = {"what": _what, "each": swarm_view, "one": element_view, "map": map_view}
