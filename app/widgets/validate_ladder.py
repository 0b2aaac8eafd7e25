"""Every model on every rung of the ladder, with what is won, tied and lost in words."""
import streamlit as st

from app import nested, rungs, state, validated
from app.figures.ladder import ladder_figure, parts_figure
from app.figures.style import axis_title, color_of
from app.services import model, validations
from app.widgets.framed import csv_button, framed_figure, picture_switch
from app.widgets.validate_form import validation_form
from app.widgets.validate_job import job_panel
from app.yours import plain
from mtl_core.errors import CheckpointError
from mtl_core.registry.runs import SHIPPED, Run, Status
from mtl_core.tasks import TASKS
from mtl_core.validation.report import Report
from mtl_core.validation.rungs import RUNGS

OWN, PROJECT = "own", "project"
PAPERS = "reference"  # the test that is like the use of the app
SHIFT = ("The harder the test, the less of what is tested was like anything learnt from; a model that falls steeply relies on "
         "having seen the paper or the alloy.")
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
    _charts(report, run, "stand-in" if is_smoke else "this run")
    _rungs(report, run, is_smoke)
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
    words = ["smoke check"] if validations.is_smoke(run, subject) else []
    words += [] if run.status is Status.complete else [str(run.status)]
    words += [run.label.name] if run.label.name else []
    return " · ".join([*words, validations.size(run), validations.when(run)])


def _verdict(report: Report, chosen: str, run: Run) -> None:
    counts = validated.tally(report)
    n_compared = sum(counts.values())
    with st.container(border=True, key="validate_verdict"):
        _practical(run)
        if not n_compared:
            st.markdown("Not compared with simple models: this run or all of them were not asked.")
        elif validated.beyond_chance(report):
            st.markdown(f"**Against simple models,** in {n_compared} comparisons (each property on each test) this run "
                        f"**wins {counts['wins']}**, **ties {counts['ties']}** and **loses {counts['loses']}**.",
                        help="It wins where it is better than every simple model on the same rows, and loses where at least one "
                             "is better, each beyond chance. A tie does not say that they are equal: there may be too few papers "
                             "to tell. In brackets: the best of those that it ties with or loses to.")
        elif chosen == OWN:
            st.markdown("**Against simple models,** from what the run itself wrote down: its own tests, three simple models, no "
                        "paired intervals. Whether a difference is more than chance takes a validation, which pairs rows.")
        if n_compared:
            st.markdown("\n".join(f"- {validated.verdict_words(report, task)}" for task in report.tasks))
            st.markdown(validated.not_asked(report))
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
        with st.container(border=True, key="validate_nested_found"):
            st.markdown("  \n".join(words))
            st.table(nested.table(report), border="horizontal")
            st.caption("On the same readings. Promised: what the search was better by on the folds that it saw, networks alone; "
                       "what did not come true is the optimism of a search that is scored where it chose."
                       + (" Where only some folds were searched, the charts leave it out."
                          if any(rungs.is_part(report, rung) for rung in report.nested) else ""))


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
    st.caption(f"Tests from easy to hard. {SHIFT}{READ[metric]}")


def _columns(n: int) -> list:
    """Two charts a line."""
    places = []
    for start in range(0, n, 2):
        places += st.columns(min(2, n - start), gap="large")
    return places


def _rungs(report: Report, run: Run, is_smoke: bool) -> None:
    st.subheader("Test by test", anchor=False)
    names = list(report.rungs)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        rung = st.segmented_control("Held out", names, default=names[-1], required=True, key=f"validate_rung_{len(names)}",
                                    format_func=lambda one: RUNGS[one].label)
        task = st.segmented_control("Property", report.tasks, default=report.tasks[0], required=True,
                                    key=f"validate_task_{run.id}", format_func=lambda one: TASKS[one].label)
    facts = report.rungs[rung]
    st.markdown(f"**Held out:** {facts.holds_out}.  \n**Never known of a tested row:** {_lower(facts.forbids)}  \n"
                f"**May still be known:** {_lower(facts.allows)}")
    if words := rungs.lock_words(facts):
        st.caption(plain(words))
    lines = rungs.rung_lines(report, task, rung)
    st.table(lines.drop(columns="Verdict", errors="ignore") if is_smoke else lines, border="horizontal")
    if validated.beyond_chance(report):
        st.caption("Ours − it: difference in R² on the same rows, with its 95 % interval over papers; one that holds 0 tells "
                   "nothing. Nothing here is corrected for the number of comparisons.")
    _parts(report, rung, task, run)
    with st.container(horizontal=True):
        csv_button(report.table(), "validation", name=run.id)
        st.download_button("Report (JSON)", report.model_dump_json(indent=1), f"{run.id}-validation.json", "application/json",
                           on_click="ignore", type="tertiary", icon=":material/download:", key="validate_json")


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _parts(report: Report, rung: str, task: str, run: Run) -> None:
    """Errors on each element or cluster that was held out."""
    table = rungs.part_lines(report, rung, task)
    if len(table):
        figure = parts_figure(table, unit=TASKS[task].learning_unit, color=color_of(report.tasks.index(task)))
        framed_figure(f"**{TASKS[task].label}: error on each that was held out**", figure, table, f"parts-{rung}-{task}",
                      "Readings in brackets, the hardest for this run first.", name=run.id)
