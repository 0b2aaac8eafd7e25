"""A validation that is not complete: how far it is, and what can be done about it."""
import streamlit as st

from app.curves import in_time
from app.services import validations
from app.validated import called
from app.widgets.run_head import EVERY, Words, run_head, what_went_wrong
from app.yours import plain
from mtl_core.registry.runs import LIVE, Run, Status
from mtl_core.validation.rungs import RUNGS

WORDS = Words("validation", stopping="The model under way is given up; resume does it again and goes on to the same report.",
              resuming="Goes on with the model that was under way; what is done is kept.")


def job_panel(run: Run) -> None:
    """Its head looks again every other second while it lives; when it is complete the page is drawn anew."""
    if run.status is Status.damaged:
        st.error(plain(run.sentence))
        return

    @st.fragment(run_every=EVERY if run.status in LIVE else None)
    def head():
        now = validations.find(run.id)
        if now.status != run.status:
            st.rerun()
        with st.container(key="run_live"):
            run_head(now, f"Validation of {validations.when(now)}", WORDS)
            _progress(now)

    head()
    what_went_wrong(run)


def _progress(run: Run) -> None:
    line, waited = validations.last_said(run)
    n, total = line.get("n_done", 0), line.get("n_cells", validations.n_cells(run))
    if run.status is Status.running:
        st.progress(min(1.0, (n + _share(line)) / max(total, 1)), _doing(line))
    with st.container(horizontal=True, gap="medium", key="validate_counts"):
        st.metric("Models scored", f"{n} of {total}", width="content", help="Each model counts once a test.")
        if run.status is Status.running:
            st.metric("Time left", _left(run, line, waited), width="content")


def _left(run: Run, line: dict, waited: float) -> str:
    """Nothing where this process has not said so yet: what one before it said was said before the pause."""
    left = line.get("seconds_left")
    is_of_now = run.since is not None and line.get("time", 0.0) >= run.since.timestamp()
    return f"about {in_time(max(1.0, left - waited))}" if left is not None and is_of_now else "still measuring"


def _share(line: dict) -> float:
    """Of the cell under way; one that has just ended is counted among those that are done."""
    return line.get("share", 0.0) % 1.0


def _doing(line: dict) -> str:
    if "rung" not in line:
        return "Loads the data and divides them …"
    label = RUNGS[line["rung"]].label if line["rung"] in RUNGS else line["rung"]
    return f"{label}: {called(line['model'])}"
