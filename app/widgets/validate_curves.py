"""How much more data would help."""
import pandas as pd
import streamlit as st

from app import studied
from app.figures.learning import learning_figure
from app.figures.style import color_of
from app.services import studied as measured
from app.widgets.framed import framed_figure
from app.widgets.validate_choice import linked_choice
from mtl_core.tasks import TASKS

COMMAND = "python -m benchmarks.sharing curves"


def curves_panel() -> None:
    """Learning curves of each property, with what the next measurements would be worth."""
    found = measured.curves()
    if found is None:
        st.info(f"Learning curves were not measured yet: `{COMMAND}`.")
        return
    points, fits = found
    st.subheader("What would more measurements be worth?", anchor=False)
    splits = list(dict.fromkeys(points["split"]))
    split = linked_choice("Held out", splits, "test", default=splits[0], key="curves_split",
                          format_func=lambda one: studied.HELD_OUT.get(one, one))
    tasks = list(dict.fromkeys(points.loc[points["split"] == split, "task"]))
    with st.container(border=True, key="curves_verdict"):
        st.markdown("  \n".join(studied.curve_verdict(_of(fits, task, split), task, split) for task in tasks))
        st.markdown("These are single networks (without Gaussian processes), not the shipped ensemble, which is better.")
        st.caption("Below +0.01 of R² is called next to nothing, below +0.05 a little; what may be either next to nothing or "
                   "much cannot be told. Ranges are 95 %: they know of papers, of which measurements were drawn, and of how far "
                   "the points lie off the curve.")
    for number, (place, task) in enumerate(zip(st.columns(len(tasks), gap="large"), tasks, strict=True)):
        with place:
            _curve(_of(points, task, split), _of(fits, task, split), task, number, f"{task}-{split}")
    st.caption("One property learns from 5 to 100 % of its measurements, whole papers or groups of like alloys at a time; "
               "the other keeps all of its own, and the readings that are tested stay the same. Five parts, divided anew three "
               "times, each time with measurements drawn anew; one network a part. The same for every run. "
               f"`{COMMAND}` measures it again.")


def _of(table: pd.DataFrame, task: str, split: str) -> pd.DataFrame:
    return table[(table["task"] == task) & (table["split"] == split)]


def _curve(points: pd.DataFrame, fits: pd.DataFrame, task: str, number: int, name: str) -> None:
    unit = TASKS[task].learning_unit
    laws = {fit["model"]: studied.fitted_curve(fit, points["n_labels"].min()) for _, fit in fits.iterrows()}
    figure = learning_figure(points, laws, studied.MODEL_WORDS, total=fits["n"].iloc[0], unit=unit, color=color_of(number),
                             fan=_fan(task, name))
    framed_figure(f"**{TASKS[task].label}**", figure, points, f"curve-{name}",
                  "Lines: RMSE = a + b / nᶜ with n measurements, dotted beyond what was tried; shaded: its 95 % "
                  "range for the networks; dashed: all measurements that there are, from which "
                  f"{fits['more'].iloc[0]:.0f} more are counted.", name="learning-curve")
    with st.expander("Numbers"):
        st.table(studied.curve_lines(points, unit).set_index("model"), border="horizontal")


def _fan(task: str, name: str) -> pd.DataFrame | None:
    table = measured.fans()
    if table is None:
        return None
    rows = table[(table["task"] == task) & (table["split"] == name.removeprefix(f"{task}-")) & (table["model"] == "ours")]
    return rows.reset_index(drop=True)
