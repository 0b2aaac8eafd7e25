"""Many alloys at once: paste or upload a list, get the predicted table."""
import pandas as pd
import streamlit as st

from app.selection import Selection
from app.services import model
from app.uploads import read_list, read_upload
from mtl_core.errors import DataError

HELP = """One alloy a line, as in the box above, or a CSV / XLSX with a column `composition` (or `at_Fe`, `at_Cr` …,
`wt_Fe` …) and, where they differ from the conditions on the left, `process, temperature_c, chloride_m, ph,
scan_rate_mv_s`. A row that cannot be read is reported in the column `error` and does not stop the others."""


def batch_panel(chosen: Selection) -> None:
    """The box and the upload, then the predicted table with its download."""
    st.caption(HELP)
    left, right = st.columns(2)
    text = left.text_area("Paste a list", key="list_text", height=140, placeholder="CoCrFeMnNi\nFe-18Cr-10Ni-2Mo wt%")
    file = right.file_uploader("Or upload a file", type=["csv", "txt", "xlsx"], key="list_file", max_upload_size=20)
    if not file and not text.strip():
        return
    try:
        rows = read_upload(file.name, file.getvalue()) if file else read_list(text)
    except DataError as error:
        st.error(str(error))
        return
    _show(model.predict_rows(rows, chosen))


def _show(predicted: pd.DataFrame) -> None:
    short = predicted.map(lambda cell: f"{cell:.4g}" if isinstance(cell, float) else cell)
    inputs = [name for name in predicted if not name.startswith(tuple(task.key for task in model.tasks()))]
    st.dataframe(short, hide_index=True, width="stretch", key="list_table", placeholder="–",
                 column_order=[*inputs, *predicted.columns.difference(inputs, sort=False)])
    st.download_button("Download this table", lambda: predicted.to_csv(index=False), "alloyscope-list.csv", "text/csv",
                       on_click="ignore")
