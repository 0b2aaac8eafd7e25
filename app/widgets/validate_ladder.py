"""Every model on every rung of the ladder, with what is won, tied and lost in words."""
import streamlit as st

from app import nested, rungs, state, validated
from app.figures.ladder import ladder_figure, parts_figure
from app.figures.style import axis_title, color_of
from app.services import model, validations
from app.widgets.framed import csv_button, framed_figure, picture_switch
from app.widgets.validate_choice import linked_choice, task_choice
from app.widgets.validate_form import validation_form
from app.widgets.validate_job import job_panel
from app.yours import plain
from mtl_core.errors import CheckpointError
from mtl_core.registry.runs import SHIPPED, Run, Status
from mtl_core.tasks import TASKS
from mtl_core.validation.config import OURS
from mtl_core.validation.report import Report
from mtl_core.validation.rungs import RUNGS

OWN, PROJECT = "own", "project"
PAPERS = "reference"  # the test that is like the use of the app
SHIFT = ("From top to bottom ever more of what resembles the tested rows is kept out of training. That need not be harder: new "
         "chemical systems may be easier than new papers. A model that falls steeply relies on having seen the paper or the "
         "alloy.")
BASELINE = ("**Gaussian process** is a simple one (scikit-learn, one length for all features); what the networks and the "
            "Gaussian processes of this project score alone stands below.")
REPEATS = ("of one alloy (dashed), or of one alloy under the same conditions (dotted). All models here know the conditions, so "
           "the "
           "dotted line is theirs.")
READ = {"r2": f" Grey: the highest R² that is possible beside the scatter of repeated measurements {REPEATS} What is worse "
              f"than −0.5 stands as a "
              "triangle at the left edge.",
        "rmse": f" Grey: the scatter of repeated measurements {REPEATS}", "mae": " Smaller is better."}


def ladder_panel(run: Run, place) -> None:
    """The validation that was chosen: its verdict, a chart a property, rung by rung; and how to make another.

    place: container of the pickers.
    """
    known = validations.of_run(run.id)
    with place:
        chosen = _picker(run, known)
    if chosen not in (OWN, PROJECT):
        found = validations.find(chosen)
        if found.status is not Status.complete:
            job_panel(found)
            validation_form(run, known)
            return
    chosen, report = _report(run, chosen)
    for caveat in rungs.caveats(report, run.data_sha256):
        st.warning(caveat)
    if is_smoke := validated.is_rehearsal(report, run.config):
        st.warning(rungs.rehearsal_words(report), icon=":material/smoke_free:")
    else:
        _verdict(report, chosen, run)
        _nested(report)
    ours = "stand-in" if is_smoke else validated.NAMES[OURS]
    _charts(report, run, ours)
    _rungs(report, run, ours, is_smoke)
    _pieces(run)
    validation_form(run, known)


def _report(run: Run, chosen: str) -> tuple[str, Report]:
    """What was chosen, with its name; where that cannot be read, what the run says of itself, with a line that says so."""
    if chosen == PROJECT:
        return PROJECT, validations.shipped_report()
    if chosen != OWN:
        try:
            return chosen, validations.validation(chosen).report
        except CheckpointError as error:
            st.error(plain(f"This validation cannot be read, so what the run says of itself is shown instead. {error}"))
    return OWN, validations.own_report(run.id)


def _picker(run: Run, known: tuple[Run, ...]) -> str:
    """Which validation is shown: what was asked for, else the one that says most of the run as it is."""
    options = [*(one.id for one in known), *([PROJECT] if run.id == SHIPPED and validations.shipped_report() else []), OWN]
    wanted = state.shown("validate_wanted")
    if wanted not in options:
        complete = [one for one in known if one.status is Status.complete and not validations.is_smoke(one, run)]
        best = max(complete, key=validations.weight, default=None)
        project = validations.shipped_report() if PROJECT in options else None
        is_project = project is not None and (best is None or validations.weight(best) <= validations.weight_of(project))
        wanted = PROJECT if is_project else best.id if best else OWN
    if len(options) == 1:
        return OWN
    titles = {one.id: one for one in known}
    state.show("validate_which", wanted)
    return st.selectbox("Validation", options, key="validate_which", width=480, on_change=_chosen,
                        format_func=lambda one: _line(titles[one], run) if one in titles else (
                            "The validation that comes along" if one == PROJECT else "What the run says of itself"))


def _chosen() -> None:
    state.show("validate_wanted", state.shown("validate_which"))


def _line(run: Run, subject: Run) -> str:
    """What tells them apart first: a narrow list cuts the rest off."""
    words = [validations.when(run)] + (["smoke check"] if validations.is_smoke(run, subject) else [])
    words += [] if run.status is Status.complete else [str(run.status)]
    words += [run.label.name] if run.label.name else []
    return " · ".join([*words, validations.size(run)])


def _verdict(report: Report, chosen: str, run: Run) -> None:
    counts = validated.tally(report)
    n_compared = sum(counts.values())
    with st.container(border=True, key="validate_verdict"):
        _practical(run)
        if not n_compared:
            st.markdown("Not compared with simple models: this run or all of them were not asked.")
        elif validated.beyond_chance(report):
            st.markdown(f"**Against simple models,** in {n_compared} comparisons (each property on each test) this run "
                        f"**wins {counts['wins']}**, **ties {counts['ties']}** and **loses {counts['loses']}** (not corrected "
                        "for the number of comparisons).",
                        help="It wins where it is better than every simple model on the same rows, and loses where at least one "
                             "is better, each beyond chance. A tie does not say that they are equal: there may be too few papers "
                             "to tell. In the table: R² of this run and, in brackets, of the best of those that it ties with or "
                             "loses to, else of the best simple model.")
        elif chosen == OWN:
            st.markdown("**Against simple models,** from what the run itself wrote down: its own tests, three simple models, no "
                        "paired intervals. Whether a difference is more than chance takes a validation, which pairs rows.")
        if n_compared:
            st.table(validated.verdict_grid(report), border="horizontal")
            st.markdown(" ".join(filter(None, [validated.beyond_chance(report) and validated.beaten_words(report),
                                               validated.not_asked(report)])))
        st.caption(rungs.about(report))


def _practical(run: Run) -> None:
    """What somebody has to expect who asks about an alloy of a new paper."""
    metrics, rows = model.report(run.id)["metrics"], model.out_of_fold(run.id)
    exact = rows[(rows["split"] == PAPERS) & (rows["low"] == rows["high"]) & (rows["fold_seed"] == 0)]
    for task, splits in metrics.items():
        if PAPERS in splits:
            st.markdown(validated.practical(task, splits[PAPERS], exact.loc[exact["task"] == task, "low"].std()))


def _nested(report: Report) -> None:
    """What settings that were searched for anew in each fold are worth."""
    if words := nested.words(report):
        with st.expander(nested.heading(report), expanded=nested.is_whole(report), key="validate_nested_found"):
            st.markdown("  \n".join(words))
            st.table(nested.table(report), border="horizontal")
            st.caption("By tuning: tuned anew less this run, on the same readings. Promised: what the search was better by on "
                       "the folds that it saw, networks alone; the other figures are of whole answers, so the two do not compare."
                       + (" Where only some folds were searched, the charts and the tables below leave it out."
                          if any(rungs.is_part(report, rung) for rung in report.nested) else ""))


def _pieces(run: Run) -> None:
    """What networks and Gaussian processes score alone, where that was measured."""
    found = validations.development()
    if run.id == SHIPPED and found is not None:
        with st.expander("Networks alone, Gaussian processes alone, and both together"):
            st.table(rungs.piece_lines(found), border="horizontal")
            st.caption("R² on other divisions of the data (mean of two), on which the pieces were chosen: good for comparing one "
                       "with another, a little optimistic. `python -m benchmarks.development` measures it again.")


def _charts(report: Report, run: Run, ours: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.segmented_control("Measure", list(validated.METRICS), format_func=validated.METRICS.get, default="r2",
                                      required=True, key="validate_metric")
        st.space("stretch")
        picture_switch()
    for place, (index, task) in zip(_columns(len(report.tasks)), enumerate(report.tasks), strict=True):
        with place:
            rows, noise = rungs.chart_rows(report, task, metric), report.noise.get(task, {})
            unit = "" if metric == "r2" else TASKS[task].learning_unit
            framed_figure(
                f"**{TASKS[task].label}**",
                ladder_figure(rows, rungs.limits(noise, metric), title=axis_title(validated.METRICS[metric], unit),
                              color=color_of(index), is_r2=metric == "r2", ours=ours),
                rows, f"ladder-{metric}-{task}", "", name=run.id)
    asks_process = "gaussian process" in report.models and run.id == SHIPPED and validations.development() is not None
    st.caption(f"{SHIFT}{READ[metric]} {BASELINE if asks_process else ''}")


def _columns(n: int) -> list:
    """Two charts a line."""
    places = []
    for start in range(0, n, 2):
        places += st.columns(min(2, n - start), gap="large")
    return places


def _rungs(report: Report, run: Run, ours: str, is_smoke: bool) -> None:
    st.subheader("Test by test", anchor=False)
    names = list(report.rungs)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        rung = linked_choice("Held out", names, "test", default=PAPERS if PAPERS in names else names[-1],
                             key=f"validate_rung_{len(names)}", format_func=lambda one: RUNGS[one].label)
        task = task_choice(report.tasks, key=f"validate_task_{run.id}")
    facts = report.rungs[rung]
    st.markdown(f"**Held out:** {facts.holds_out}.  \n**Never known of a tested row:** {_lower(facts.forbids)}  \n"
                f"**May still be known:** {_lower(facts.allows)}  \n**Tested:** {rungs.n_words(report, task, rung)}")
    if words := rungs.lock_words(facts):
        st.caption(plain(words))
    lines = rungs.rung_lines(report, task, rung, ours)
    st.table(lines.drop(columns="Verdict", errors="ignore") if is_smoke else lines, border="horizontal")
    if validated.beyond_chance(report):
        st.caption(f"{ours[0].upper()}{ours[1:]} − it: difference in R² on the same rows, with its 95 % interval over papers; "
                   "one that holds 0 tells nothing. Nothing here is corrected for the number of comparisons.")
    _parts(report, rung, task, run, ours)
    with st.container(horizontal=True):
        csv_button(report.table(), "validation", name=run.id)
        st.download_button("Report (JSON)", report.model_dump_json(indent=1), f"{run.id}-validation.json", "application/json",
                           on_click="ignore", type="tertiary", icon=":material/download:", key="validate_json")


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _parts(report: Report, rung: str, task: str, run: Run, ours: str) -> None:
    """Errors on each element or cluster that was held out."""
    table = rungs.part_lines(report, rung, task)
    if len(table):
        figure = parts_figure(table, unit=TASKS[task].learning_unit, color=color_of(report.tasks.index(task)), ours=ours)
        framed_figure(f"**{TASKS[task].label}: error on each that was held out**", figure, table, f"parts-{rung}-{task}",
                      f"Readings in brackets; the largest error of the {ours.removeprefix('this ')} first.", name=run.id)
