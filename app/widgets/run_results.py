"""What a finished run is worth on alloys and papers that its networks had never seen."""
from functools import partial

import pandas as pd
import streamlit as st

from app.curves import in_time
from app.evidence import family_words
from app.figures.effects import effect_figure
from app.figures.heldout import families_figure, parity_figure, reliability_figure, residuals_figure
from app.figures.scores import SPLIT_WORDS, coverage_figure, scores_figure
from app.figures.style import color_of, written
from app.runs import family_errors, gain_in_run, gain_of_learning_together, parity_texts, r2_of_models, score_table, verdict
from app.services import model, trainings
from app.widgets.framed import framed_figure, ink, picture_switch
from app.widgets.run_classes import class_results
from app.widgets.validate_alarm import alarm
from mtl_core.registry.runs import SHIPPED, Run
from mtl_core.tasks import TASKS, TaskSpec

QUIET = {"displayModeBar": False}


def results(run: Run) -> None:
    """Scores beside simple models, whether the bands hold, and every prediction beside its measurement."""
    report = model.report(run.id)
    _facts(run, report)
    alarm(run)
    keys = [key for key in report["metrics"] if key in TASKS]
    if not keys:
        st.info("This run has no scores of any property that is known here.")
        return
    key = st.segmented_control("Property", keys, default=keys[0], required=True, key=f"task_{run.id}",
                               format_func=lambda name: TASKS[name].label)
    task, color = TASKS[key], color_of(keys.index(key))
    _scores(report, task, color)
    _together(run, report, task, color)
    _readings(run, list(report["metrics"][key]), task, color)
    class_results(report)


def _facts(run: Run, report: dict) -> None:
    with st.container(horizontal=True, gap="large"):
        st.metric("Networks that answer", report["n_members"], width="content")
        st.metric("Dropout masks each", report["n_masks"], width="content")
        st.metric("Training time", in_time(report["seconds"]), width="content")


def _scores(report: dict, task: TaskSpec, color: str) -> None:
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        st.subheader("Beside simple models, on the same rows and folds")
        st.plotly_chart(scores_figure(*r2_of_models(report, task.key), color=color), key="scores", config=QUIET,
                        alt=f"R² of {task.label} by split, beside baselines")
    with right:
        st.subheader("Does the 90 % band hold?")
        st.plotly_chart(coverage_figure(report["transfer"][task.key], level=0.9, ink=ink()),
                        key="coverage", config=QUIET,
                        alt="Coverage by calibration and test split")
        st.caption("Orange: fewer inside than 90 %, blue: more. Only on the diagonal is a band tested as it was "
                   "calibrated. One calibrated on random rows is too narrow for new papers, so the Design page uses the one "
                   "calibrated on new papers.")
    st.dataframe(score_table(report, task.key, task.learning_unit), width="stretch", alt="Scores by split")


def _together(run: Run, report: dict, task: TaskSpec, color: str) -> None:
    """Learning together against learning alone: of this run where it was asked for, of the benchmarks for the shipped one."""
    gain = gain_in_run(report, task.key)
    if gain.empty and run.id == SHIPPED:
        gain = gain_of_learning_together(model.ablations(), task.key)
    if gain.empty:
        return
    st.subheader("Is it worth learning the properties together?")
    st.markdown(verdict(gain))
    left, right = st.columns([1, 1.2], gap="large")
    shown = gain.assign(r2_before=gain["alone"], r2_after=gain["alone"] + gain["gain"], difference=gain["gain"],
                        split=gain.index, scored_on="all rows")
    left.plotly_chart(effect_figure(shown, color=color, x="R² together − R² alone, on the same rows"), key="together",
                      config=QUIET, alt="Gain of learning together with its interval")
    right.dataframe(gain.style.format("{:.3f}").format("{:+.3f}", subset=["gain", "low", "high"]), width="stretch",
                    alt="R² alone and the gain of learning together")
    right.caption("R² of networks that learn this property alone, and what learning it with the others adds: paired on the same "
                  "folds, with a 95 % interval over papers.")


def _readings(run: Run, splits: list[str], task: TaskSpec, color: str) -> None:
    st.subheader("Every measurement, predicted without its group")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        split = st.segmented_control("Held out", splits, default=splits[-1], required=True, key=f"split_{run.id}",
                                     format_func=lambda name: SPLIT_WORDS.get(name, name))
        picture_switch()
    table = trainings.banded(run.id)
    rows = table[(table["task"] == task.key) & (table["split"] == split)].reset_index(drop=True)
    is_exact = rows["low"] == rows["high"]
    texts = pd.Series(parity_texts(rows, trainings.alloys(run.id, task.key)))
    families = family_errors(rows).rename(index=family_words)
    name, unit = f"{run.id}-{task.key}-{split}", task.learning_unit
    show, about = partial(framed_figure, name=name), trainings.readings(run.id, task.key)
    left, right = st.columns(2, gap="large")
    with left:
        show("**Predicted and measured**", parity_figure(rows, texts.tolist(), unit=unit, color=color),
             _to_take_along(rows, about, unit), "predictions",
             "With the 90 % band that the residuals of other groups give. A bound is a triangle: the value lies beyond it.")
        show("**Errors by alloy family**", families_figure(families, unit=unit, color=color), families.reset_index(), "families",
             "Number of exact readings in brackets. The band held " + ", ".join(
                 f"{share:.0%} of {family}" for family, share in families["coverage"].items()) + ".")
    with right:
        exact = rows[is_exact]
        show("**Residuals**", residuals_figure(exact, texts[is_exact].tolist(), unit=unit, color=color),
             _to_take_along(exact.assign(residual=exact["mean"] - exact["low"]), about, unit), "residuals",
             _residual_words(exact, unit))
        levels = trainings.reliability(run.id)
        levels = levels[levels["task"] == task.key]
        show("**Calibration**", reliability_figure(levels, color=color), levels, "calibration",
             "A band of any level should hold that share of what is measured. Dotted: what is stated before it is calibrated.")
    st.markdown("**Read with care.** Random folds put twins of an alloy, or other rows of its paper, into the training set and "
                "look better than a new alloy will be. Literature values of one alloy differ between laboratories, so no model "
                "can reach R² 1 here.")
    _files(run)


def _to_take_along(rows: pd.DataFrame, about: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Beside the numbers, with their unit, what was measured on which alloy, under which conditions and by whom."""
    numbers = [name for name in ("low", "high", "mean", "std", "lower", "upper", "residual") if name in rows]
    return rows.rename(columns={name: f"{name} ({unit})" for name in numbers}).join(about, on="measurement_id")


def _residual_words(exact: pd.DataFrame, unit: str) -> str:
    residual = exact["mean"] - exact["low"]
    return (f"Half of them within ±{written(residual.abs().median())} {unit}; on average {written(residual.mean())} {unit}. "
            "Red: outside its band.")


def _files(run: Run) -> None:
    """The stored files, as they are."""
    with st.container(horizontal=True):
        st.download_button("All out-of-fold predictions (CSV)", partial(trainings.out_of_fold_file, run.id),
                           f"{run.id}-out_of_fold.csv", "text/csv", on_click="ignore", icon=":material/download:", key="all_rows")
        st.download_button("All metrics (JSON)", partial(trainings.metrics_file, run.id), f"{run.id}-metrics.json",
                           "application/json", on_click="ignore", icon=":material/download:", key="all_metrics")
