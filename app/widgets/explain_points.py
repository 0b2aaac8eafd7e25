"""Alloys as points: their bars row by row, the bars of one element against its amount, and alloys that are explained alike."""
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.baselines import Baseline
from app.evidence import CONDITION_WORDS
from app.explained import called, unit_of_change
from app.figures.overall import bent
from app.figures.style import signed
from app.figures.swarm import alike_figure, beeswarm_figure, dependence_figure
from app.many import LABELS, MOST_ROWS, PREDICTION, Focus, bars_table, colors, ranked, texts
from app.presets import name_of
from app.services import explanations, overall
from app.widgets.explain_focus import FOCUS, control, task_columns, ways
from app.widgets.framed import framed_figure
from mtl_core.data.schema import AT
from mtl_core.explain.overall import Overall, OverallSettings
from mtl_core.explain.summary import running_median, summary


def swarm_view(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    """Every alloy in every row."""
    by = ways(["element", "feature"])
    st.caption("A point is an alloy, and a row what the bar stands for: right of the line it raises the prediction of that "
               "alloy, left it lowers it. Colour: how much of it the alloy has, among all; grey: not reported. "
               f"{_who()} under the conditions chosen there.")
    here = _at_hand(by)
    names = ranked([summary(one.bars(by).of(some)) for one, some in zip(found, rows, strict=True) if some.any()], MOST_ROWS)
    for _, one, some in task_columns(found, rows):
        bars = one.bars(by).of(some)
        values, amounts = (pd.DataFrame(numbers, columns=list(bars.names)).reindex(columns=names).to_numpy(float)
                           for numbers in (bars.values, bars.amounts))
        figure = beeswarm_figure([called(name) for name in names], values, amounts, texts(one)[some],
                                 unit=unit_of_change(one.task), here=_bars_of(here, one, names))
        framed_figure(f"**{one.task.label}**", figure, bars_table(one, some, by), f"swarm_{one.task.key}", "", name=f"all-{by}")


def element_view(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    """One bar against the amount it stands for."""
    names, focus = _elements(found, rows), state.shown(FOCUS)
    element = focus.element if focus.element in names else names[0]
    state.show(FOCUS, focus.but(element=element))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        control(st.selectbox, "Element", names, "element", width=160)
        _color_control(found, names, usual=next((name for name in names if name != element), PREDICTION))
    focus = state.shown(FOCUS)
    st.caption("A point is an alloy: how much of the element it holds, and how far that pushes its prediction. A straight cloud "
               "says that each at.% counts alike; colours that part the cloud say that something else decides with it. Dotted: "
               f"what they are compared with; thick: running median. {_who()} under the conditions chosen there.")
    here, chosen = _at_hand(), state.selection().composition.at
    for _, one, some in task_columns(found, rows):
        bars, (shade, title) = one.bars().of(some), colors(one, focus.color)
        if focus.element not in bars.names:
            st.info(f"No alloy with {one.task.label.lower()} holds {focus.element}.")
            continue
        place = bars.names.index(focus.element)
        holds, mine = bars.holds[:, place], _bars_of(here, one, [focus.element])
        figure = dependence_figure(bars.amounts[:, place], bars.values[:, place], bars.spread[:, place], shade[some],
                                   texts(one)[some], x=f"{focus.element} (at.%)", unit=unit_of_change(one.task), title=title,
                                   start=float(bars.baseline[place]),
                                   median=running_median(bars.amounts[holds, place], bars.values[holds, place]),
                                   here=None if mine is None else (chosen.get(focus.element, 0.0), mine[0]))
        table = one.alloys[some].assign(**{f"{AT}{focus.element}": bars.amounts[:, place], "push": bars.values[:, place],
                                           "spread": bars.spread[:, place]})
        slope = summary(bars).set_index("name").loc[focus.element]
        framed_figure(f"**{one.task.label}**", figure, table, f"one_{one.task.key}",
                      _slope_words(slope, one) + _no_part(one, focus), name="all")


def _slope_words(slope: pd.Series, one: Overall) -> str:
    unit = unit_of_change(one.task)
    if not np.isfinite(slope["push"]):
        return "Too few alloys hold it to say what one more at.% does."
    if not slope["straight"]:
        return f"No number for one more at.%: {bent(slope)} ({slope['n']:.0f} alloys that hold it)."
    return (f"On average over {slope['n']:.0f} alloys that hold it, one more at.% pushes by {signed(slope['push'])} {unit} "
            f"({signed(slope['push_low'])} to {signed(slope['push_high'])} over the networks); a straight line explains "
            f"{slope['fit']:.0%} of how much the pushes differ.")


def _at_hand(by: str = "element") -> dict[str, pd.Series]:
    """Task → bars of the selected alloy, against what all the others are compared with."""
    baseline = Baseline.read(state.shown(FOCUS).baseline, {})
    return {one.task.key: pd.Series(one.found.values, one.found.names)
            for one in explanations.attributions(state.selection(), baseline, by=by)}


def _bars_of(here: dict[str, pd.Series], one: Overall, names: Sequence[str]) -> np.ndarray | None:
    """Those of some names [N]; what does not differ has none, which is 0. None: the run does not know the property."""
    return here[one.task.key].reindex(names, fill_value=0.0).to_numpy(float) if one.task.key in here else None


def _who() -> str:
    chosen = state.selection()
    return f"Diamond: the alloy of the Design page, {name_of(chosen.composition) or chosen.spelled},"


def _no_part(one: Overall, focus: Focus) -> str:
    is_strange = focus.color in CONDITION_WORDS and focus.color not in one.task.conditions
    return f" {called(focus.color)} plays no part in {one.task.label.lower()}." if is_strange else ""


def map_view(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> None:
    """Alloys as neighbours when they are explained alike."""
    settings = state.shown(FOCUS).settings
    layouts = overall.layouts(settings)
    if layouts is None:
        _wait_for_map(settings)
        return
    _color_control(found, _elements(found, rows), usual=PREDICTION)
    st.caption("UMAP of the bars: alloys are neighbours when the same elements push them by the same amounts, whatever else they "
               "hold. Distances between clouds mean little. Hover to see which alloy it is, and its largest bars. "
               f"{_who()} stands at the alloy whose bars are most like its own.")
    here = _at_hand()
    for _, one, some in task_columns(found, rows):
        shade, title = colors(one, state.shown(FOCUS).color)
        xy = layouts[one.task.key]
        bars = one.bars().of(some)
        mine = _bars_of(here, one, bars.names)
        nearest = None if mine is None else xy[some][((bars.values - mine) ** 2).sum(axis=1).argmin()]
        figure = alike_figure(xy[some], shade[some], texts(one)[some], title=title, here=nearest)
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


def _elements(found: Sequence[Overall], rows: Sequence[np.ndarray]) -> list[str]:
    """All of them, by what they matter."""
    return ranked([summary(one.bars().of(some)) for one, some in zip(found, rows, strict=True) if some.any()], most=200)


def _color_control(found: Sequence[Overall], names: list[str], *, usual: str) -> None:
    stated = [name for name in CONDITION_WORDS if any(name in one.task.conditions for one in found)]
    choices, focus = [*LABELS, *stated, *names], state.shown(FOCUS)
    state.show(FOCUS, focus.but(color=focus.color if focus.color in choices else usual))
    control(st.selectbox, "Colour", choices, "color", format_func=_color_words, width=260)


def _color_words(key: str) -> str:
    return LABELS.get(key) or (f"{key} content" if key not in CONDITION_WORDS else called(key))
