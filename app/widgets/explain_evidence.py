"""What was measured: the readings and papers that decide a prediction, and the nearest measured alloys."""
import re

import pandas as pd
import streamlit as st

from app import state
from app.evidence import circumstances
from app.figures.influence import influence_figure
from app.figures.style import color_of
from app.selection import Selection
from app.services import evidence
from app.services.evidence import Deciding
from app.widgets.cards import per_row
from app.widgets.framed import framed_figure
from app.widgets.neighbours import DOI, columns_of, readable, value_of
from app.yours import plain
from mtl_core.errors import AlloyscopeError
from mtl_core.explain.words import unit_of_change
from mtl_core.tasks import TaskSpec

VIEWS = {"readings": "Readings that decide it", "papers": "Papers that decide it", "near": "Nearest readings"}
N_BARS, N_ROWS, HEIGHT = 10, 50, 285
LONGEST = 25  # letters in a line beside a bar
BEFORE_ELEMENTS, AFTER_STOPS = re.compile(r"(?=[A-Z])"), re.compile(r"(?<=[/.-])")  # where a line may end
BARS = ("change", "spread", "is_stable")
HOW = {
    "readings": "By how much the prediction would change without one reading, about: a bar to the left says that it would be "
                "lower, so the reading holds it up. Beside the bars: what was measured, and the alloy.",
    "papers": "By how much the prediction would change without a whole paper, about; papers that printed one another's readings "
              "go together. Alloy and distance are those of its nearest reading.",
    "near": "The nearest readings in the data in use, whatever their weight. Without a bar: the networks did not learn from it."}
METHOD = ("How this is worked out: each network that learnt from the reading is made linear in its weights where its training "
          "ended, and moved to where it would stand without it, by one Newton step with the curvature of the training loss "
          "(influence functions, Koh & Liang 2017). Gaussian processes that answer beside the networks are fitted again without "
          "it. An estimate: training anew without it would differ. ±: standard deviation "
          "over the networks. Grey: fewer than nine in ten agree on the sign.")


@st.fragment
def evidence_panel(chosen: Selection) -> None:
    """Bars and a table for each task; another view of them leaves the rest of the page as it is."""
    st.subheader("What was measured", anchor=False)
    view = st.segmented_control("Measurements", list(VIEWS), format_func=VIEWS.get, default="readings", required=True,
                                key="evidence_view", label_visibility="collapsed")
    st.caption(HOW[view])
    try:
        found = evidence.deciding(chosen)
    except AlloyscopeError as error:  # more readings than can be left out in turn
        st.info(plain(str(error)))
        return
    rows, columns = [_rows(chosen, one, view) for one in found], st.columns(per_row(len(found)), gap="large")
    for index, (one, mine) in enumerate(zip(found, rows, strict=True)):
        with columns[index % len(columns)].container(border=True, key=f"evidence_{one.task.key}"):
            _bars(mine, one.task, view, color=color_of(index))
    for one, mine in zip(found, rows, strict=True):
        _table(mine, one.task, view)
    st.caption(METHOD)


def _rows(chosen: Selection, one: Deciding, view: str) -> pd.DataFrame:
    if view == "near":
        return evidence.nearest(chosen, one, state.datasets())
    return one.readings if view == "readings" else one.papers


def _bars(rows: pd.DataFrame, task: TaskSpec, view: str, *, color: str) -> None:
    drawn = rows[rows["change"].notna()].head(N_BARS)
    if drawn.empty:
        st.markdown(f"**{task.label}**")
        st.info("The networks learnt from none of these readings.")
        return
    framed_figure(f"**{task.label}**", influence_figure(*_words(drawn, view), *(drawn[name].to_numpy() for name in BARS),
                                                        unit=unit_of_change(task), color=color),
                  rows, f"evidence_{task.key}", "", name=f"alloyscope-{view}-{task.key}")
    if not drawn["is_stable"].any():
        st.info(f"No single {'paper' if view == 'papers' else 'reading'} decides this: for each of these, fewer than nine in ten "
                "networks agree whether the prediction would rise or fall without it.")


def _table(rows: pd.DataFrame, task: TaskSpec, view: str) -> None:
    digits = ".1f" if rows["change"].abs().max() >= 1 else ".2g"
    table = (_papers if view == "papers" else _readings)(rows.head(N_ROWS), task)
    st.markdown(f"**{task.label}**")
    st.dataframe(table, hide_index=True, width="stretch", key=f"evidence_table_{task.key}", placeholder="–",
                 height=min(40 + 35 * len(table), HEIGHT),
                 column_config=columns_of(task) | {
                     "alloy": st.column_config.TextColumn("Alloy (at.%)", width=270),
                     "change": st.column_config.NumberColumn(f"Without it ({unit_of_change(task)})", format=f"%+{digits}"),
                     "spread": st.column_config.NumberColumn("±", format=f"%{digits}"), "n_rows": "Readings"})


def _words(rows: pd.DataFrame, view: str) -> tuple[list[str], list[str]]:
    """Beside each bar and on hover."""
    records = rows.to_dict("records")
    if view == "papers":
        sources = [row["doi"] or row["reference_group"] for row in records]
        around = [f"{source}: {row['n_rows']} readings, the nearest {row['distance']:.1f} at.% away"
                  for source, row in zip(sources, records, strict=True)]
        return [folded(source, AFTER_STOPS) for source in sources], around
    return ([folded(f"{value_of(row)} · {row['alloy']}") for row in records],
            [f"{value_of(row)} · {row['alloy']} · {circumstances(row)}" for row in records])


def folded(words: str, ends=BEFORE_ELEMENTS) -> str:
    """What fits beside a bar, in two lines where one is too short; ends: where the first may end."""
    if len(words) <= LONGEST:
        return words
    places = [match.start() for match in ends.finditer(words) if 0 < match.start() <= LONGEST]
    end = places[-1] if places else LONGEST
    rest = words[end:]
    return f"{words[:end]}\n{rest if len(rest) <= LONGEST else rest[:LONGEST - 1] + '…'}"


def _readings(rows: pd.DataFrame, task: TaskSpec) -> pd.DataFrame:
    shown = readable(rows, task).assign(change=rows["change"], spread=rows["spread"])
    return shown[["alloy", "value", "change", "spread", "distance", *task.conditions, "year", "doi", "dataset"]]


def _papers(rows: pd.DataFrame, task: TaskSpec) -> pd.DataFrame:
    shown = rows.assign(doi=rows["doi"].map(lambda doi: DOI + doi if doi else None), year=rows["year"].astype("Int64"))
    return shown[["doi", "change", "spread", "n_rows", "alloy", "distance", "year"]]
