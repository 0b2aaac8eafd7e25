"""Your own measurements: upload, say what the columns mean, keep as a named version; nothing of a file is shown as markup."""
from contextlib import suppress

import pandas as pd
import streamlit as st

from app import state, yours
from app.services import kept
from app.widgets.your_columns import columns_editor, questions_form
from mtl_core.errors import AlloyscopeError, DataError
from mtl_core.intake import Intake, Mapping, Sheet, bad_rows_csv, convert, obstacles, propose_mapping, read_file, template_csv

INTRO = """A CSV or XLSX as it is: one row per alloy with a column for each property, or one row per measurement. Units are
converted, bounds such as `> 800` and scatter such as `450 ± 20` are read as what they are, and every problem is named before
anything is kept."""
TWO_LINES = 66  # pixels, so that what was expected can be read
TYPES = ["csv", "txt", "tsv", "xlsx"]


def your_data_panel() -> None:
    """The upload with its preview, then the datasets that were kept."""
    st.markdown(INTRO)
    with st.container(horizontal=True):
        for form, label in (("wide", "Template: one row per alloy"), ("long", "Template: one row per measurement")):
            st.download_button(label, template_csv(form), f"alloyscope-{form}.csv", "text/csv", on_click="ignore",
                               key=f"template_{form}", icon=":material/download:")
    if sentence := state.noted("kept"):
        st.success(sentence)
    file = st.file_uploader("Your file", type=TYPES, key=f"own_file_{state.shown('own_uploads', 0)}", max_upload_size=20)
    if file is not None:
        try:
            _upload(file.file_id, file.name, file.getvalue())
        except DataError as error:
            _problems(error)
    _datasets()


def _upload(file_id: str, name: str, content: bytes) -> None:
    sheet = state.remembered("sheet", (file_id, state.shown("own_sheet")), lambda: _read(name, content))
    if len(sheet.sheets) > 1:
        st.selectbox("Sheet of the workbook", sheet.sheets, index=sheet.sheets.index(sheet.title), key="own_sheet", width=320)
    mapping = state.remembered("mapping", (file_id, sheet.title), lambda: propose_mapping(sheet))
    for note in sheet.notes:
        st.text(note)
    problems = () if mapping.questions else obstacles(sheet, mapping)
    if problems:
        _problems(DataError(problems), "Choose what each column means under Columns.")
        state.show("own_unread", file_id)
    questions_form(mapping)
    columns_editor(sheet, mapping, is_open=state.shown("own_unread") == file_id)
    if not mapping.questions and not problems:
        key = (file_id, sheet.title, mapping)
        intake = state.remembered("intake", key, lambda: convert(sheet, mapping))
        _outcome(intake, mapping, state.remembered("preview", key, lambda: yours.preview(intake) if intake.table else None))


def _read(name: str, content: bytes) -> Sheet:
    """The chosen sheet where this workbook has it; the choice may stem from another file."""
    wanted = state.shown("own_sheet")
    sheet = read_file(name, content)
    return read_file(name, content, wanted) if wanted in sheet.sheets and wanted != sheet.title else sheet


def _problems(error: DataError, way_out: str = "") -> None:
    """What keeps the whole file from being read, inside the message."""
    said = [yours.plain(str(problem)) for problem in error.problems]
    listed = said[0] if len(said) == 1 else "".join(f"\n- {one}" for one in said)
    st.error(f"This file cannot be read yet: {listed}{'.' if len(said) == 1 else chr(10) * 2} {way_out}")


def _outcome(intake: Intake, mapping: Mapping, preview: pd.DataFrame | None) -> None:
    """How many rows are good, what is wrong with the others, and the way to keep or to mend them."""
    good, bad = len(intake.good_rows), len(intake.bad_rows)
    with st.container(horizontal=True, gap="large"):
        st.metric("Rows", f"{good + bad:,}", width="content")
        st.metric("Good", f"{good:,}", width="content")
        st.metric("With a problem", f"{bad:,}", width="content")
    if intake.problems:
        st.text("A row is taken whole or not at all: one bad cell also leaves out the good ones beside it. To keep those, mend "
                "or empty that cell in your file, and upload it again.")
        st.dataframe(yours.problem_lines(intake.problems), hide_index=True, row_height=TWO_LINES, column_config=_widths(),
                     height=min(38 + TWO_LINES * len(intake.problems), 320), alt="All problems by row and column")
        st.download_button(f"Download the {_rows(bad, 'bad')}", lambda: bad_rows_csv(intake), "rejected-rows.csv", "text/csv",
                           on_click="ignore", key="bad_rows", icon=":material/download:")
    if preview is None:
        st.info("No row can be kept as it is.")
        return
    with st.expander("How it will be kept", expanded=True):
        st.dataframe(preview, hide_index=True, height=min(38 + 35 * len(preview), 260), placeholder="",
                     alt="The first measurements as they will be kept")
        for note in intake.notes[len(intake.sheet.notes) + len(mapping.left_out):]:
            st.text(f"· {note}")
    _keep(intake, mapping)


def _widths() -> dict:
    """Room for what was expected, which is longest."""
    widths = {"Row": 50, "Column": 90, "Got": 100, "Expected": 560}
    return {name: st.column_config.Column(width=width) for name, width in widths.items()}


def _rows(n: int, kind: str) -> str:
    return f"{n:,} {kind} row{'s' if n > 1 else ''}"


def _keep(intake: Intake, mapping: Mapping) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of the dataset", key="own_name", max_chars=60, placeholder="for example: mylab", width=320,
                      help="Letters, digits, - and _. The same name again makes the next version; earlier ones stay.")
        newest = kept.newest(state.shown("own_name", ""))
        n = len(intake.good_rows)
        label = f"Take the {_rows(n, 'good')}" if intake.bad_rows else f"Keep all {n:,} rows" if n > 1 else "Keep the row"
        label = f"{label} as the next version" if newest else label
        # A button of its own, so that no click that was meant for a new name makes a next version.
        st.button(label, type="primary", key=f"keep_{newest}", on_click=_save, args=(intake, mapping, newest))
    if newest:
        st.info(f"{newest} exists. These rows become the next version of it, which takes its place on the map and beside "
                f"predictions; {newest} stays, and can be chosen again.")
    if sentence := state.noted("name"):
        st.error(sentence)


def _save(intake: Intake, mapping: Mapping, announced: str) -> None:
    """announced: the version that the page said would be followed; one that it did not say comes first."""
    if kept.newest(state.shown("own_name", "")) != announced:
        return
    try:
        info = kept.keep_dataset(state.shown("own_name", ""), intake, mapping)
    except AlloyscopeError as error:
        state.note("name", str(error)[0].upper() + str(error)[1:])
        return
    state.choose_datasets([*state.datasets(), info.id])
    state.show("own_uploads", state.shown("own_uploads", 0) + 1)  # an empty uploader for the next file
    state.note("kept", f"Kept as {info.id} and in use in this visit, on the map, on the data desk and beside predictions; "
                       "the link keeps it.")


def _datasets() -> None:
    """What was kept, the newest first, and the way to forget it."""
    stored = sorted(kept.datasets(), key=lambda info: info.made, reverse=True)
    st.subheader("Kept datasets", anchor=False)
    if not stored:
        st.caption("None yet. A dataset is a folder of its own and never changes; the published tables stay as they are.")
        return
    for info in stored:
        with st.container(horizontal=True, vertical_alignment="center", key=f"dataset_{info.name}_{info.version}"):
            st.text(yours.dataset_line(info), width="stretch")
            with st.popover("Delete", icon=":material/delete:"):
                st.text(f"{info.id} will be gone for everyone who uses this server.")
                st.button(f"Delete {info.id}", key=f"delete_{info.id}", type="primary", on_click=_delete, args=(info.id,))
    chosen = " ".join(f"--dataset {one}" for one in state.datasets())
    st.caption("Train on the data in use:")
    st.code(f"python -m mtl_core train {chosen}", language="bash")


def _delete(dataset_id: str) -> None:
    others = [one for one in state.datasets() if one != dataset_id]  # before it is gone, or the page would miss it
    with suppress(DataError):  # someone else was faster; it is gone, as was asked
        kept.forget_dataset(dataset_id)
    state.choose_datasets(others)
