"""What pushes the predictions of all alloys: the elements that matter, alloy by alloy, one element closely, a map."""
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.evidence import CONDITION_WORDS
from app.explained import WAYS, called, unit_of_change
from app.figures.overall import importance_figure, tradeoff_figure
from app.figures.style import COLORS, color_of, signed, written
from app.figures.swarm import alike_figure, beeswarm_figure, dependence_figure
from app.many import (
    LABELS,
    MOST_ROWS,
    SHOWS,
    Focus,
    bars_table,
    chosen_rows,
    colors,
    ranked,
    texts,
    tradeoffs,
)
from app.services import overall
from app.widgets.cards import per_row
from app.widgets.framed import framed_figure
from mtl_core.data.schema import AT
from mtl_core.explain.overall import Overall, OverallSettings, summary

FOCUS = "all_focus"
AMOUNTS = {"usual": "its usual amount", "one": "one at.%"}


def overall_panel() -> dict[str, str]:
    """Bars of all alloys, and views of them; returns its parts of the link."""
    if state.shown(FOCUS) is None:
        state.show(FOCUS, Focus.from_query(state.linked()))
    settings = OverallSettings(same=state.shown(FOCUS).same)
    found = overall.found(settings)
    if found is None:
        _make(settings)
        return state.shown(FOCUS).to_query()
    focus = _controls(found)
    rows = [chosen_rows(one, focus) for one in found]
    _facts(found, rows)
    if any(some.any() for some in rows):
        _VIEWS[focus.show](found, rows)
    else:
        st.info("No alloy that was learnt from is like that. Take some of the choices above away.")
    by = state.shown("explain_by", "element")
    return state.shown(FOCUS).to_query() | ({} if by == "element" else {"by": by})


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


def _controls(found: Sequence[Overall]) -> Focus:
    focus = state.shown(FOCUS)
    families = sorted(set().union(*(one.alloys["family"] for one in found)) - {""})
    symbols = [symbol for index, symbol in enumerate(found[0].symbols) if any(one.at[:, index].any() for one in found)]
    focus = focus.but(family=tuple(one for one in focus.family if one in families),
                      holds=tuple(one for one in focus.holds if one in symbols))
    state.show(FOCUS, focus)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _control(st.segmented_control, "Look at", list(SHOWS), "show", format_func=SHOWS.get, required=True)
        _control(st.multiselect, "Families", families, "family", placeholder="all", width=220)
        _control(st.multiselect, "That hold", symbols, "holds", placeholder="any element", width=220)
        if len(found) > 1:
            _control(st.selectbox, "Alloys", [False, True], "same", format_func=_whose, width=250, help=(
                "Each property is explained where it was measured; or both in the same alloys, of which most were measured for "
                "one of them only."))
    return focus


def _whose(same: bool) -> str:
    return "the same for all properties" if same else "measured for each property"


def _control(widget, label: str, options: list, name: str, **more) -> None:
    """What is chosen outlives a change of the page."""
    before = getattr(state.shown(FOCUS), name)
    state.show(f"all_{name}", list(before) if isinstance(before, tuple) else before)
    widget(label, options, key=f"all_{name}", on_change=_take, args=(name,), **more)


def _take(name: str) -> None:
    value = state.shown(f"all_{name}")
    state.show(FOCUS, state.shown(FOCUS).but(**{name: tuple(value) if isinstance(value, list) else value}))


def _facts(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    counts = ", ".join(f"{some.sum():,} of {len(some):,} for {one.task.label.lower()}"
                       for one, some in zip(found, rows, strict=True))
    gaps = ", ".join(f"{written(one.alloys['gap'].abs().median())} {unit_of_change(one.task)}" for one in found)
    st.caption(f"Alloys explained: {counts}. Each against the mean alloy of the property, under the conditions under which it "
               f"was measured most often. What the bars miss of a difference: {gaps} in the median.",
               help="Integrated gradients of all networks and alloys in a few calls; they agree with those of path-explain, "
                    "which explains single alloys.")


def _columns(found: Sequence[Overall], rows: Sequence[np.ndarray]):
    """A column for each task that has such alloys: index, column, task's attributions, which alloys."""
    columns = st.columns(per_row(len(found)), gap="large")
    for index, (one, some) in enumerate(zip(found, rows, strict=True)):
        with columns[index % len(columns)]:
            if some.any():
                yield index, one, some
            else:
                st.markdown(f"**{one.task.label}**")
                st.info("No alloy with this property is like that.")


def _ways(ways: Sequence[str]) -> str:
    if state.shown("explain_by") not in ways:
        state.show("explain_by", ways[0])
    return st.segmented_control("Bars for", list(ways), key="explain_by", format_func=WAYS.get, required=True)


def _what(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    by = _ways(list(WAYS))
    tables = [summary(one.bars(by).of(some)) for one, some in zip(found, rows, strict=True)]
    names = ranked([table for table, some in zip(tables, rows, strict=True) if some.any()])
    st.caption("How far a bar pushes on average, to the right where more of it raises the property, to the left where it lowers "
               "it. Grey: which way is open. Whiskers: 5 to 95 % of the networks. Both sides have the same rows, so a bar that "
               "points to different sides is a trade-off." if len(found) > 1 else
               "How far a bar pushes on average, to the right where more of it raises the property. Grey: which way is open.")
    for index, one, _ in _columns(found, rows):
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
        amount = st.segmented_control("What adding does", list(AMOUNTS), default="usual", required=True, key="all_amount",
                                      format_func=lambda key: f"for {AMOUNTS[key]}")
    points = tradeoffs(*(tables[index] for index in pair), *(unit_of_change(found[index].task) for index in pair),
                       usual=amount == "usual")
    if points.empty:
        st.info("No element is held by five alloys of either property; there is nothing to weigh here.")
        return
    figure = tradeoff_figure(points, tuple(f"{labels[index]}, push for {AMOUNTS[amount]}" for index in pair),
                             tuple(unit_of_change(found[index].task) for index in pair), color=COLORS[2],
                             corners=tuple(labels[index].lower() for index in pair))
    framed_figure("**One property against the other**", figure, points.drop(columns="text"), "tradeoff",
                  "An element in the upper right helps both, in the lower right it costs one for the other. "
                  + ("Its usual amount is the median of the alloys that hold it. " if amount == "usual" else "")
                  + "Larger: held by more alloys. Grey: the whiskers, 5 to 95 % of the networks, cross a line.", name="all")


def _each(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    by = _ways(["element", "feature"])
    st.caption("A point is an alloy, and a row what the bar stands for: right of the line it raises the prediction of that "
               "alloy, left it lowers it. Colour: how much of it the alloy has, among all; grey: not reported.")
    names = ranked([summary(one.bars(by).of(some)) for one, some in zip(found, rows, strict=True) if some.any()], MOST_ROWS)
    for _, one, some in _columns(found, rows):
        bars = one.bars(by).of(some)
        values, amounts = (pd.DataFrame(numbers, columns=list(bars.names)).reindex(columns=names).to_numpy(float)
                           for numbers in (bars.values, bars.amounts))
        figure = beeswarm_figure([called(name) for name in names], values, amounts, texts(one)[some],
                                 unit=unit_of_change(one.task))
        framed_figure(f"**{one.task.label}**", figure, bars_table(one, some, by), f"swarm_{one.task.key}", "", name=f"all-{by}")


def _one(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    names = ranked([summary(one.bars().of(some)) for one, some in zip(found, rows, strict=True) if some.any()], most=200)
    focus = state.shown(FOCUS)
    state.show(FOCUS, focus.but(element=focus.element if focus.element in names else names[0],
                                color=focus.color or next(name for name in names if name != names[0])))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _control(st.selectbox, "Element", names, "element", width=160)
        _control(st.selectbox, "Colour", _color_choices(found, names), "color", format_func=_color_words, width=260)
    focus = state.shown(FOCUS)
    st.caption("A point is an alloy: how much of the element it holds, and how far that pushes its prediction. A straight cloud "
               "says that each at.% counts alike; colours that part the cloud say that something else decides with it. Dotted: "
               "the mean alloy.")
    for _, one, some in _columns(found, rows):
        bars, (shade, title) = one.bars().of(some), colors(one, focus.color)
        if focus.element not in bars.names:
            st.info(f"No alloy with {one.task.label.lower()} holds {focus.element}.")
            continue
        place = bars.names.index(focus.element)
        figure = dependence_figure(bars.amounts[:, place], bars.values[:, place], bars.spread[:, place], shade[some],
                                   texts(one)[some], x=f"{focus.element} (at.%)", unit=unit_of_change(one.task), title=title,
                                   mean=float(bars.baseline[place]))
        table = one.alloys[some].assign(**{f"{AT}{focus.element}": bars.amounts[:, place], "push": bars.values[:, place],
                                           "spread": bars.spread[:, place]})
        slope = summary(bars).set_index("name").loc[focus.element]
        framed_figure(f"**{one.task.label}**", figure, table, f"one_{one.task.key}",
                      _slope_words(slope, one) + _no_part(one, focus), name="all")


def _slope_words(slope: pd.Series, one: Overall) -> str:
    unit = unit_of_change(one.task)
    if not np.isfinite(slope["push"]):
        return "Too few alloys hold it to say what one more at.% does."
    return (f"On average over {slope['n']:.0f} alloys that hold it, one more at.% pushes by {signed(slope['push'])} {unit} "
            f"({signed(slope['push_low'])} to {signed(slope['push_high'])} over the networks).")


def _no_part(one: Overall, focus: Focus) -> str:
    is_strange = focus.color in CONDITION_WORDS and focus.color not in one.task.conditions
    return f" {called(focus.color)} plays no part in {one.task.label.lower()}." if is_strange else ""


def _map(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    settings = OverallSettings(same=state.shown(FOCUS).same)
    layouts = overall.layouts(settings)
    if layouts is None:
        _wait_for_map(settings)
        return
    focus = state.shown(FOCUS)
    if not focus.color:
        state.show(FOCUS, focus.but(color="prediction"))
    names = ranked([summary(one.bars().of(some)) for one, some in zip(found, rows, strict=True) if some.any()], most=200)
    _control(st.selectbox, "Colour", _color_choices(found, names), "color", format_func=_color_words, width=260)
    st.caption("UMAP of the bars: alloys are neighbours when the same elements push them by the same amounts, whatever else they "
               "hold. Distances between clouds mean little. Hover to see which alloy it is, and its largest bars.")
    for _, one, some in _columns(found, rows):
        shade, title = colors(one, state.shown(FOCUS).color)
        xy = layouts[one.task.key]
        figure = alike_figure(xy[some], shade[some], texts(one)[some], title=title)
        table = one.alloys[some].assign(x=xy[some, 0], y=xy[some, 1])
        framed_figure(f"**{one.task.label}**", figure, table, f"alike_{one.task.key}", _no_part(one, state.shown(FOCUS)).strip(),
                      name="all")


def _wait_for_map(settings: OverallSettings) -> None:
    if said := overall.failure(settings):
        st.error(f"The map could not be laid out. {said}")
        st.button("Try again", on_click=overall.make, args=(settings,))
    else:
        overall.make(settings)
        _until_laid_out(settings)


@st.fragment(run_every=1.0)
def _until_laid_out(settings: OverallSettings) -> None:
    if overall.layouts(settings) is not None or not overall.is_going(settings):
        st.rerun()
    st.info("Laying out the map: about half a minute, once for each run.", icon=":material/hourglass_top:")


def _color_choices(found: Sequence[Overall], names: list[str]) -> list[str]:
    stated = [name for name in CONDITION_WORDS if any(name in one.task.conditions for one in found)]
    return [*LABELS, *stated, *names]


def _color_words(key: str) -> str:
    return LABELS.get(key) or (f"{key} content" if key not in CONDITION_WORDS else called(key))


_VIEWS = {"what": _what, "each": _each, "one": _one, "map": _map}
