"""The list of runs, looked at anew every other second: filter, select, and act on what is selected."""
import streamlit as st

from app import ledger, state
from app.services import model, runs
from app.widgets.runs_actions import actions, forget, undo_line
from app.yours import plain
from mtl_core.registry.runs import Run, Status

SECONDS = 2.0  # between two looks at the store
HEIGHT = 430
SIGNS = {"queued": "◌", "running": "▶", "complete": "✓", "failed": "✕", "stopped": "■", "lost": "?", "damaged": "!"}


@st.fragment(run_every=SECONDS)
def runs_list() -> None:
    """Filters, the list, and the actions on what is selected in it."""
    everything = runs.listed()
    gone = [run for run in everything if run.label.deleted]
    here = [run for run in everything if not run.label.deleted]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        words = st.text_input("Find", key="runs_words", width=260, placeholder="name, tag, property, id …",
                              icon=":material/search:")
        statuses = _pills("Status", [status.value for status in Status], [run.status.value for run in here], "runs_statuses")
        tags = _pills("Tag", ledger.usual_tags(here), [], "runs_tags")
        is_bin = bool(gone) and st.toggle(f"Deleted ({len(gone)})", key="runs_bin")
    if complaint := model.answering()[1]:
        st.warning(f"{plain(complaint)}  \nThe ensemble that comes along answers instead.")
    undo_line()
    shown = ledger.found(gone if is_bin else here, words, statuses, tags)
    if len(here) == 1 and not is_bin:
        st.info("No run of your own yet. Start one on the Train page, or with `python -m mtl_core runs start`; until then the "
                "ensemble that comes along answers everywhere.")
    elif not shown:
        st.info("No run is like that. Take a filter away to see the others.")
    chosen = _table(shown) if shown else ()
    actions(chosen, here, is_bin=is_bin)


def _pills(label: str, choices: list[str], present: list[str], key: str) -> list[str]:
    """A filter, where there is something to choose between."""
    choices = [choice for choice in choices if choice in present] if present else choices
    if len(choices) < 2 and not (choices and not present):
        return []
    counted = {choice: f"{SIGNS[choice]} {choice} · {present.count(choice)}" for choice in choices} if present else {}
    return st.pills(label, choices, selection_mode="multi", key=key, format_func=lambda choice: counted.get(choice, choice))


def _table(shown: tuple[Run, ...]) -> tuple[Run, ...]:
    """The list; returns what is selected. A list of other runs is another table, in which the same runs are selected."""
    ids, before = tuple(run.id for run in shown), state.shown("runs_chosen", ())
    lines = ledger.run_lines(shown, model.answering()[0], zone=st.context.timezone)
    lines["Status"] = [_status(run) for run in shown]
    event = st.dataframe(
        lines, key=f"runs_{hash(ids)}", on_select="rerun", selection_mode="multi-row", hide_index=True, placeholder="",
        selection_default={"selection": {"rows": [row for row, run in enumerate(ids) if run in before]}},
        height=min(40 + 35 * len(lines), HEIGHT), column_config=_columns(lines), alt="Runs")
    chosen = tuple(shown[row] for row in event["selection"]["rows"] if row < len(shown))
    if (now := tuple(run.id for run in chosen)) != before:
        state.show("runs_chosen", now)
        if chosen:
            forget()
    return chosen


def _status(run: Run) -> str:
    doing = runs.doing(run)
    return f"{SIGNS[run.status]} {run.status}" + (f" · {doing}" if doing else "")


def _columns(lines) -> dict:
    wide = st.column_config.TextColumn
    scores = {name: st.column_config.NumberColumn(format="%.2f", help="Of papers that the networks had not seen.", width=80)
              for name in lines if name.startswith("R² ")}
    status = 110 if lines["Status"].str.len().max() < 13 else 265
    return {"Run": wide(width=190), "Status": wide(width=status), "In the app": wide(width=80), "Kind": wide(width=72),
            "Properties": wide(width=110), "Preset": wide(width=110), **scores,
            "Band held": st.column_config.NumberColumn(format="%.0f %%", width=85, help=(
                "Share of the readings in new papers inside the 90 % band; mean over the properties.")),
            "Started": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm", width=148),
            "Minutes": st.column_config.NumberColumn(format="%.1f", width=70), "Tags": st.column_config.ListColumn(width=95),
            "Note": wide(width=160), "Id": wide(width=175)}
