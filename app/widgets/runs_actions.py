"""What can be done with the runs that are selected: open, use, compare, name, stop, resume, hand on, delete, restore."""
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from app import ledger, state
from app.figures.style import written
from app.services import model, runs
from app.yours import plain
from mtl_core.errors import AlloyscopeError
from mtl_core.registry.runs import LIVE, RESUMABLE, SHIPPED, Run, Status

SAVES = "labels_saved"  # how often
HINT = "Select runs at the left edge of the list to open, use, compare, name, stop, resume, hand on or delete them."
PAGES = {"train": "views/train.py", "tune": "views/tune.py", "validate": "views/validate.py"}


def actions(chosen: Sequence[Run], others: Sequence[Run], *, is_bin: bool) -> None:
    """The buttons for what is selected; others: all runs that are not deleted."""
    if sentence := state.shown("runs_said"):
        st.success(sentence, icon=":material/check:")
    if sentence := state.shown("runs_complaint"):
        st.error(sentence)
    if not chosen:
        st.caption(HINT)
        return
    with st.container(border=True, key="chosen_runs"):
        _about(chosen)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if is_bin:
                _act("Restore", ":material/undo:", runs.restore, chosen, ("was", "were", "restored"))
                _for_good([run.id for run in chosen])
            else:
                _of_one(chosen[0]) if len(chosen) == 1 else _compare(chosen)
                _of_any(chosen, others)


def _about(chosen: Sequence[Run]) -> None:
    """What is selected, in a sentence, and why it failed if it did."""
    if len(chosen) > 1:
        st.markdown(f"**{len(chosen)} runs**: " + ", ".join(plain(name) for name in ledger.titles(chosen).values()))
        return
    run, = chosen
    st.markdown(f"**{plain(ledger.title(run))}** · {run.status}. {plain(run.sentence)}")
    if run.label.note:
        st.text(run.label.note)
    if _is_own_and_complete(run) and (obstacle := runs.export_obstacle(run.id)):
        st.warning(f"It cannot be handed on. {plain(obstacle)}")
    if run.status is Status.failed and (traceback := runs.traceback(run.id)):
        with st.expander("What went wrong"):
            st.code(traceback, language=None)


def _is_own_and_complete(run: Run) -> bool:
    return run.id != SHIPPED and run.status is Status.complete


def _of_one(run: Run) -> None:
    st.page_link(PAGES[run.kind], label="Open", icon=":material/open_in_new:", query_params={"run": run.id})
    use_button(run, _say)
    if _is_own_and_complete(run) and not runs.export_obstacle(run.id):
        st.download_button("Export", partial(runs.exported, run.id), f"{run.id}.zip", "application/zip", on_click="ignore",
                           key=f"export_{run.id}", icon=":material/download:")


def use_button(run: Run, tell: Callable[[str, str], None]) -> None:
    """Make a finished training the one that the app answers from; nothing where it has nothing to answer with.

    tell: gets what was done and what stood in the way, one of them empty.
    """
    if not run.scores or run.label.deleted:
        return
    answers = model.answering()[0] == run.id
    if st.button("Answers in the app" if answers else "Use in the app", icon=":material/verified:", key=f"use_{run.id}",
                 type="primary", disabled=answers, help="Design, Explain, Explore and Train then answer from it."):
        try:
            model.use(run.id)
        except AlloyscopeError as error:
            tell("", f"{plain(ledger.title(run))} cannot be used: {plain(str(error))}")
        else:
            tell(f"{plain(ledger.title(run))} answers from now on, on Design, Explain, Explore and Train.", "")
        st.rerun()


def _compare(chosen: Sequence[Run]) -> None:
    too_many = len(chosen) > ledger.MOST_COMPARED
    if st.button("Compare", icon=":material/compare_arrows:", key="compare", type="primary", disabled=too_many,
                 help=f"At most {ledger.MOST_COMPARED} at once." if too_many else "The first that was started is what the others "
                 "are measured against; that can be changed."):
        state.show("runs_compared", tuple(run.id for run in chosen))
        st.rerun()


def _of_any(chosen: Sequence[Run], others: Sequence[Run]) -> None:
    own = [run for run in chosen if run.id != SHIPPED]
    live, ended = ([run for run in own if (run.status in LIVE) is is_live] for is_live in (True, False))
    if own:
        _label(own, sorted({tag for run in others for tag in run.label.tags}))
    _act("Stop", ":material/stop:", runs.stop, live, ("was", "were", "asked to stop, and does so after the epochs under way"))
    resumable = [run for run in own if run.status in RESUMABLE]
    _act("Resume", ":material/play_arrow:", runs.resume, resumable, ("is", "are", "queued again"))
    _act("Delete", ":material/delete:", runs.delete, ended, ("", "", ""))


def _act(label: str, icon: str, act: Callable[[str], object], on: Sequence[Run], said: tuple[str, str, str]) -> None:
    if on:
        counted = f"{label} {len(on)}" if len(on) > 1 else label
        st.button(counted, icon=icon, key=f"{label.lower()}_runs", on_click=_do, args=(act, [run.id for run in on], said))


def _do(act: Callable[[str], object], ids: list[str], said: tuple[str, str, str]) -> None:
    """said: the words for what was done, after "The run" and after a number of runs; empty where the list shows it."""
    done, complaints = runs.each(ids, act)
    one, many, words = said
    sentence = f"{len(done)} runs {many} {words}." if len(done) > 1 else f"The run {one} {words}."
    _say(sentence if done and words else "", " ".join(map(plain, complaints)))
    if act in (runs.delete, runs.purge):  # what is gone for good cannot be brought back
        state.show("runs_undo", tuple(done) if act is runs.delete else ())


def _for_good(ids: list[str]) -> None:
    """Remove from the disk, once that was confirmed."""
    with st.popover("Delete for good", icon=":material/delete_forever:", key=f"for_good_{hash(tuple(ids))}",
                    on_change="rerun") as asked:
        if asked.open:
            counted = f"{len(ids)} runs" if len(ids) > 1 else "the run"
            st.markdown(f"Removes {counted} from the disk and frees **{written(runs.megabytes(ids))} MB**. Nothing brings "
                        "it back.")
            st.button(f"Remove {counted} for good", type="primary", key="purge_runs", on_click=_do,
                      args=(runs.purge, ids, ("was", "were", "removed from the disk")))


def _say(done: str = "", complaint: str = "") -> None:
    """What the last action led to; it goes when something else is selected."""
    state.show("runs_said", done)
    state.show("runs_complaint", complaint)


def forget() -> None:
    """Take the outcome of the last action off the screen."""
    _say()


def undo_line() -> None:
    """What was deleted last, and the way back."""
    gone = state.shown("runs_undo", ())
    if not gone:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="undo_delete"):
        st.text(f"{len(gone)} runs deleted." if len(gone) > 1 else "The run was deleted.")
        st.button("Undo", icon=":material/undo:", key="undo_runs", on_click=_undo, args=(gone,))


def _undo(gone: tuple[str, ...]) -> None:
    _do(runs.restore, list(gone), ("was", "were", "restored"))
    state.show("runs_undo", ())
    state.show("runs_chosen", gone)


def _label(own: Sequence[Run], known: list[str]) -> None:
    """Name, note and tags of one run, or tags for several."""
    mark = own[0].id if len(own) == 1 else "several"
    with st.popover("Name, note, tags" if len(own) == 1 else "Tag", icon=":material/label:", on_change="rerun",
                    key=f"label_{mark}_{state.shown(SAVES, 0)}"):  # once saved, another one: the browser keeps an open one open
        with st.form(f"label_form_{mark}", border=False):
            label = own[0].label
            if len(own) == 1:
                st.text_input("Name", label.name, max_chars=80, key=f"name_{mark}")
                st.text_area("Note", label.note, max_chars=5000, key=f"note_{mark}", height=100)
            tags = ", ".join(label.tags) if len(own) == 1 else ""
            st.text_input("Tags" if len(own) == 1 else "Tags to add", tags, key=f"tags_{mark}", placeholder="steel, best so far",
                          help="Separated by commas." + (f" In use: {plain(', '.join(known))}." if known else ""))
            st.form_submit_button("Save", on_click=_save, args=([run.id for run in own], mark))


def _save(ids: list[str], mark: str) -> None:
    tags = [tag.strip() for tag in state.shown(f"tags_{mark}", "").split(",") if tag.strip()]
    if len(ids) == 1:
        act = partial(runs.rename, name=state.shown(f"name_{mark}"), note=state.shown(f"note_{mark}"), tags=tags)
    else:
        act = partial(runs.add_tags, tags=tags)
    _, complaints = runs.each(ids, act)
    _say("" if complaints else "Kept.", " ".join(map(plain, complaints)))
    state.show(SAVES, state.shown(SAVES, 0) + 1)
