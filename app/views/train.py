"""How the shipped ensemble was trained, and what its numbers are worth on alloys and papers it had never seen."""
import streamlit as st

from app.figures.scores import SPLIT_WORDS, coverage_figure, parity_figure, scores_figure
from app.figures.style import color_of
from app.runs import gain_of_learning_together, parity_rows, r2_of_models, score_table, verdict
from app.services import model
from mtl_core.tasks import TASKS

st.header("Train")
st.markdown(__doc__)

report = model.report()
with st.container(horizontal=True, gap="large"):
    st.metric("Networks", report["n_members"], width="content")
    st.metric("Dropout masks each", report["n_masks"], width="content")
    st.metric("Training time", f"{report['seconds'] / 60:.1f} min", width="content")
st.markdown("Trained with the command below; it writes a new run beside this one and leaves the shipped run untouched.")
st.code("python -m mtl_core train --preset default", language="bash")

keys = list(report["metrics"])
key = st.segmented_control("Property", keys, default=keys[0], required=True, key="task",
                           format_func=lambda name: TASKS[name].label)
task, color = TASKS[key], color_of(keys.index(key))
unit = task.learning_unit

left, right = st.columns([1.3, 1], gap="large")
with left:
    st.subheader("Beside simple models, on the same rows and folds")
    st.plotly_chart(scores_figure(*r2_of_models(report, key), color=color), key="scores",
                    config={"displayModeBar": False}, alt=f"R² of {task.label} by split, beside baselines")
with right:
    st.subheader("Does the 90 % band hold?")
    st.plotly_chart(coverage_figure(report["transfer"][key], level=0.9, color=color), key="coverage",
                    config={"displayModeBar": False}, alt="Coverage by calibration and test split")
    st.caption("Only on the diagonal is a band tested as it was calibrated. One calibrated on random rows is too narrow for "
               "new papers, so the Design page uses the one calibrated on new papers.")
st.dataframe(score_table(report, key, unit), width="stretch", alt="Scores by split")

gain = gain_of_learning_together(model.ablations(), key)
if len(gain):
    st.subheader("Is it worth learning the properties together?")
    st.markdown(verdict(gain))
    st.dataframe(gain.style.format("{:.3f}").format("{:+.3f}", subset=["gain", "low", "high"]), width="stretch",
                 alt="R² alone and the gain of learning together")
    st.caption("R² of networks that learn this property alone, and what learning it with the others adds: paired on the same "
               "folds, with a 95 % interval over papers (`python -m benchmarks.ablations`).")

st.subheader("Every measurement, predicted by networks that never saw its group")
splits = list(report["metrics"][key])
split = st.segmented_control("Held out", splits, default=splits[-1], required=True, key="split", format_func=SPLIT_WORDS.get)
rows = parity_rows(model.out_of_fold(), key, split)
st.plotly_chart(
    parity_figure(rows["low"], rows["mean"], rows["std"], rows["measurement_id"], unit=unit, color=color),
    key="parity", config={"displaylogo": False}, alt=f"Out-of-fold predictions of {task.label}")
st.markdown("**Read with care.** Random folds put twins of an alloy, or other rows of its paper, into the training set and "
            "look better than a new alloy will be. Literature values of one alloy differ between laboratories, so no model "
            "can reach R² 1 here.")
