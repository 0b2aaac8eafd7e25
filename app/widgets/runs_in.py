"""A run from elsewhere comes in as a zip file; why one is refused is shown as plain words, whatever it holds."""
import streamlit as st

from app import state
from app.services import runs
from app.yours import plain
from mtl_core.errors import AlloyscopeError

MOST_MB = 100


def import_button() -> None:
    """The upload behind a button, and what became of the last one."""
    with st.popover("Import a run", icon=":material/upload:", key="import"):
        st.markdown("A zip file of **Export**, here or on another machine. It is looked at before anything is kept: names, sizes "
                    "and fingerprints of all files; arrays, JSON and CSV only; nothing in it is executed.")
        file = st.file_uploader("Zip file of a run", type=["zip"], key=f"run_file_{state.shown('run_uploads', 0)}",
                                max_upload_size=MOST_MB)
        if file is not None:
            _bring_in(file.name, file.getvalue())
        if sentence := state.noted("import"):
            st.success(sentence)


def _bring_in(name: str, content: bytes) -> None:
    try:
        with st.spinner("Looking at the file …"):
            run = runs.bring_in(content)
    except AlloyscopeError as error:
        st.error(f"{plain(name)} was refused, and nothing of it was kept: {plain(str(error))}.")
        return
    state.show("run_uploads", state.shown("run_uploads", 0) + 1)  # an empty uploader for the next file
    state.show("runs_chosen", (run,))
    state.note("import", f"Imported as {run}; it is selected in the list.")
    st.rerun()
