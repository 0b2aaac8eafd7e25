"""How much more data would help."""
import pandas as pd
import streamlit as st

from app import studied
from app.figures.learning import learning_figure
from app.figures.style import color_of
from app.services import studied as measured
from app.widgets.framed import framed_figure
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
    split = st.segmented_control("Held out", splits, default=splits[0], required=True, key="curves_split",
                                 format_func=lambda one: studied.HELD_OUT.get(one, one))
    tasks = list(dict.fromkeys(points.loc[points["split"] == split, "task"]))
    st.markdown("  \n".join(studied.curve_verdict(_of(fits, task, split), task, split) for task in tasks))
    for number, (place, task) in enumerate(zip(st.columns(len(tasks), gap="large"), tasks, strict=True)):
        with place:
            _curve(_of(points, task, split), _of(fits, task, split), task, number, f"{task}-{split}")
    st.caption("One property learns from 5 to 100 % of its labels, whole papers or whole groups of twins at a time; the other "
               "keeps all of its own, and the rows that are tested stay the same. Five folds, three fold seeds, each of which "
               "draws its own labels; networks of the default kind, one a fold, which is less than an ensemble; the published "
               f"data, not this run. `{COMMAND}` measures it again.")


def _of(table: pd.DataFrame, task: str, split: str) -> pd.DataFrame:
    return table[(table["task"] == task) & (table["split"] == split)]


def _curve(points: pd.DataFrame, fits: pd.DataFrame, task: str, number: int, name: str) -> None:
    unit = TASKS[task].learning_unit
    laws = {fit["model"]: studied.fitted_curve(fit, points["n_labels"].min()) for _, fit in fits.iterrows()}
    figure = learning_figure(points, laws, studied.MODEL_WORDS, total=fits["n"].iloc[0], unit=unit, color=color_of(number))
    framed_figure(f"**{TASKS[task].label}**", figure, points, f"curve-{name}",
                  "Lines: RMSE = floor + scale · labels^−exponent, dotted beyond what was tried; dashed: all labels that there "
                  f"are, from which {fits['more'].iloc[0]:.0f} more are counted.", name="learning-curve")
    with st.expander("Numbers"):
        st.dataframe(studied.curve_lines(points, unit), hide_index=True)
