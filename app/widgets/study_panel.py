"""One search: where it stands, what it found so far, what it believes, and all its trials."""
import streamlit as st

from app import searches
from app.curves import in_time
from app.figures.trace import distances_figure, trace_figure, trade_off_figure
from app.figures.trials import parallel_figure
from app.services import studies, trainings
from app.services.studies import Beliefs
from app.widgets.framed import ink
from app.widgets.run_head import EVERY, Words, run_head, what_went_wrong
from app.widgets.study_beliefs import beliefs_section
from app.widgets.study_found import found_section
from app.yours import plain
from mtl_core.registry.runs import LIVE, Run, Status
from mtl_core.studies import Study
from mtl_core.tasks import TASKS
from mtl_core.tuning.study import complete

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
COUNT = 150  # px of a number, so that those beside it stay where they are
WORDS = Words("search", stopping="The trial under way is given up; resume tries it again and goes on to the same trials.",
              resuming="Goes on with the trial that was under way, to the same trials as if nothing had happened.")
STAGES = {"default": "the starting point", "initial": "spread evenly over the space", "random": "drawn at random",
          "acquisition": "chosen by the surrogate", "grid": "taken from the grid"}


def study_panel(run_id: str) -> None:
    """All about a search. Only its head looks again every other second; the rest is drawn anew when a trial came in."""
    run = studies.find(run_id)
    if run.status is Status.damaged:
        st.error(plain(run.sentence))
        return
    found = studies.study(run_id)
    beliefs = studies.beliefs(found)
    _watched(run, found, beliefs)
    what_went_wrong(run)
    if not found.trials:
        st.info("No trial is done yet. The first one trains the starting point, which the search then has to beat."
                if run.status in LIVE else "It ended before its first trial.")
        return
    found_section(run, found)
    _course(found)
    beliefs_section(found, beliefs)
    _trials(found)


def _watched(run: Run, found: Study, beliefs: Beliefs) -> None:
    """A fragment of its own, as long as anything is under way."""
    drawn = _signature(run, found, beliefs)

    @st.fragment(run_every=EVERY if run.status in LIVE or beliefs.is_coming else None)
    def head():
        now, study = studies.find(run.id), studies.study(run.id)
        if _signature(now, study, studies.beliefs(study)) != drawn:
            st.rerun()
        with st.container(key="run_live"):
            run_head(now, f"Search {now.id}", WORDS)
            _progress(now, study)

    head()


def _signature(run: Run, found: Study, beliefs: Beliefs) -> tuple:
    """What decides how the page looks."""
    known = beliefs.landscape.n_trials if beliefs.landscape else 0
    return run.status, run.label, len(found.trials), found.report is not None, known, beliefs.is_coming, beliefs.complaint


def _progress(run: Run, found: Study) -> None:
    n, total, line = len(found.trials), found.config.n_trials + 1, found.progress
    waited = trainings.seconds_silent(run.id) if run.status is Status.running else 0.0
    if run.status in LIVE:
        st.progress(min(n / total, 1.0), _stage(run, line, waited))
    best = found.incumbent
    left = line.get("seconds_left") if run.status in LIVE else None
    with st.container(horizontal=True, gap="medium", key="study_counts"):
        st.metric("Trials", f"{n} of {total}", width=COUNT, help=searches.counts(found.trials))
        for status, words in (("pruned", "Rejected early"), ("failed", "Failed")):
            st.metric(words, sum(trial.status == status for trial in found.trials), width=COUNT)
        if best:
            st.metric(f"Best {searches.score_title(found.config.objective)}", f"{best.score:.3f}", width=COUNT,
                      help=f"Trial {best.number}, on the inner folds. {searches.WORDS['best']}")
        if run.status in LIVE:
            st.metric("Time left", "being measured" if left is None else f"about {in_time(max(0.0, left - waited))}",
                      width="content")
        elif run.seconds:
            st.metric("Took", in_time(run.seconds), width="content")


def _stage(run: Run, line: dict, waited: float) -> str:
    if run.status is Status.queued or not line:
        return "Not begun yet." if run.status is Status.queued else "Loads the data and builds the networks …"
    if line.get("outer"):
        return f"All trials are done; now the fold that the search never saw, since {in_time(waited)}."
    numbers = line.get("trials", [])
    words = f"Trial {numbers[0]}" if len(numbers) == 1 else f"Trials {', '.join(map(str, numbers))}"
    return f"{words}, {STAGES.get(line.get('proposed_by'), '')}, under way for {in_time(waited)}"


def _course(found: Study) -> None:
    tasks = found.config.base.tasks
    left, right = st.columns(2, gap="large") if len(tasks) > 1 else (st.container(), None)
    with left:
        st.markdown("##### How the search went")
        table = found.table()
        _chart(trace_figure(table, found.trace, title=searches.score_title(found.config.objective),
                            n_trials=found.config.n_trials + 1), found, "trace", "Score of each trial and the best so far")
        st.caption("Each dot is a trial with its standard deviation over the fold seeds; the line is the best so far, the dotted "
                   "one the starting point. Trials that were rejected early or failed have no score, and stand below.")
    if right is not None:
        with right:
            _trade_off(found, tasks)


def _trade_off(found: Study, tasks: tuple[str, ...]) -> None:
    st.markdown("##### What one property costs the other")
    if len(tasks) > 2:
        tasks = tuple(st.pills("Properties", tasks, selection_mode="multi", default=tasks[:2], key="study_two",
                               format_func=lambda key: TASKS[key].label, label_visibility="collapsed"))[:2]
    trials = [trial for trial in complete(found.trials) if all(task in trial.r2 for task in tasks)]
    if len(tasks) < 2 or not trials:
        st.caption("Shown once two properties are chosen and a trial is complete.")
        return
    first, second = (searches.column(trials, task) for task in tasks)
    _chart(trade_off_figure([trial.number for trial in trials], first, second, searches.front(first, second),
                            found.incumbent.number, labels=tuple(TASKS[task].label.lower() for task in tasks)),
           found, "trade", "R² of two properties for each trial")
    st.caption("Up and to the right is better in both. Where the line is short, hardly anything has to be traded; where it is "
               "long, settings that help one property hurt the other.")


def _trials(found: Study) -> None:
    st.markdown("##### All trials")
    done = complete(found.trials)
    places = searches.positions(found.config.space, done)
    if len(places) > 1:
        space = found.config.space
        with st.container(key="study_parallel"):
            _chart(parallel_figure(
                places, searches.scores(done).loc[places.index], [searches.axis(name) for name in space.names],
                [searches.ticks(dimension) for dimension in space.dimensions], title=searches.score_title(found.config.objective),
                color=ink()), found, "parallel", "Trials across dimensions")
        st.caption("A line is a complete trial, yellow for the best scores. Drag along an axis to keep only the lines that pass "
                   "there; drag an axis by its name to move it.")
    lines = searches.trial_lines(found)
    st.dataframe(lines, hide_index=True, column_config=_columns(lines), placeholder="", alt="Trials",
                 height=min(40 + 35 * len(lines), 390))
    st.download_button("Download CSV", found.table().to_csv(index=False), f"{found.run}_trials.csv", "text/csv", key="study_csv",
                       on_click="ignore", icon=":material/download:")
    _jumps(found)


def _jumps(found: Study) -> None:
    distances = found.distances
    if len(distances) < 2:
        return
    st.markdown("##### How far it jumps")
    by = {trial.number: trial.proposed_by for trial in found.trials}
    _chart(distances_figure(distances, [by[number] for number in distances["number"]],
                            n_dimensions=len(found.config.space.names)), found, "jumps", "Distance between suggestions")
    st.caption("Long jumps explore, short ones refine what is already good; 100 % is from one corner to the opposite one.")


def _columns(lines) -> dict:
    number = st.column_config.NumberColumn
    scores = {name: "%.3f" for name in lines if name.startswith(("R² ", "mean R²", "log likelihood", "− interval"))}
    forms = {"±": "%.3f", "Seconds": "%.1f"} | scores
    text = st.column_config.TextColumn
    return {"Trial": number(width=60, pinned=True), "Status": text(width=110), "Proposed": text(width=170),
            **{name: number(format=form, width=80) for name, form in forms.items()}}


def _chart(figure, found: Study, what: str, alt: str, **options) -> None:
    st.plotly_chart(figure, key=f"study_{what}_{found.run}", config=CONFIG, alt=alt, **options)
