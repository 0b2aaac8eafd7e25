"""What a search found: the best trial beside the starting point, on the folds that it searched and on the one it never saw."""
import streamlit as st

from app import searches, state
from app.services import studies
from app.yours import plain
from mtl_core.errors import AlloyscopeError
from mtl_core.registry.runs import LIVE, Run
from mtl_core.studies import Study
from mtl_core.tuning.study import Trial

STARTED = "study_training"  # search → the training that was started with its best settings


def found_section(run: Run, found: Study) -> None:
    """The report once there is one, before that the best so far; and the training that it may lead to."""
    best = found.incumbent
    with st.container(border=True, key="study_found"):
        if best is None:
            st.markdown("No trial is complete yet, so there is nothing to say about any settings.")
            return
        if found.report and "outer" in found.report:
            _report(found.report)
        else:
            _so_far(found, best)
        _settings(found, best)
        _train(run, found, best)


def _report(report: dict) -> None:
    st.markdown("##### What the search was worth")
    st.markdown(searches.verdict(report))
    inner, outer = report["inner"], report["outer"]
    with st.container(horizontal=True, gap="large"):
        for words, row, help in (("On the folds it searched", inner, "Where the best of many trials was chosen: too good."),
                                 ("On the fold it never saw", outer, "Papers that no trial saw: the number to believe.")):
            st.metric(words, f"{row['tuned']:.3f}", f"{row['gain']:+.3f} to the start", width="content", help=help,
                      delta_color="normal" if abs(row["gain"]) > 5e-4 else "off")
        st.metric("Optimism", searches.signed(report["optimism"]), width="content",
                  help="How much more the search promised than the fold that it never saw confirmed.")
    st.dataframe(searches.outer_lines(report), hide_index=True, height="content", alt="R² on the fold that the search never saw",
                 column_config={name: st.column_config.NumberColumn(format=form) for name, form in (
                     ("R² of the starting point", "%.3f"), ("R² of the best trial", "%.3f"), ("Difference", "%+.3f"))})
    st.caption(searches.optimism_words(report))


def _so_far(found: Study, best: Trial) -> None:
    st.markdown("##### The best so far", help=searches.WORDS["best"])
    default, words = found.default, f"Trial {best.number}: {searches.objective_words(found.config.objective)} {best.score:.3f}"
    spread = f" ± {best.spread:.3f} over the fold seeds" if best.spread else ""
    ahead = f", {searches.signed(best.score - default.score)} to the starting point" if default and default.score is not None \
        and best.number else ""
    st.markdown(f"{words}{spread}{ahead}. What that is worth on papers the search never sees is measured after the last trial.")


def _settings(found: Study, best: Trial) -> None:
    if best.number == 0:
        st.caption("It is the starting point itself: no other trial was better.")
        return
    changed = searches.changed(found.config, best)
    if len(changed):
        with st.expander(f"The settings of trial {best.number}: {len(changed)} differ from the starting point"):
            st.dataframe(changed, hide_index=True, height="content", width="content", alt="Settings of the best trial")
    if edges := searches.at_the_edge(found.config.space, best):
        st.caption(f"At the edge of what the search was allowed: {', '.join(edges)}. A wider range may hold better settings.")


def _train(run: Run, found: Study, best: Trial) -> None:
    folds, started = found.config.base.train, state.shown(STARTED, {})
    networks = folds.n_folds * folds.n_fold_seeds * folds.n_repeats
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.button("Train the ensemble with these settings", type="primary", icon=":material/model_training:", key="study_train",
                  on_click=_start, args=(run, found, best))
        st.caption(f"On all folds of the starting point: {folds.n_folds} × {folds.n_fold_seeds} × {folds.n_repeats} = {networks} "
                   "networks that answer.", width="content")
    if training := started.get(run.id):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(":material/check: " + ("The training begins when this search has ended." if run.status in LIVE else
                                               "The training is on its way."), width="content")
            st.page_link("views/train.py", label="Watch it", icon=":material/open_in_new:", query_params={"run": training})
    if said := state.noted("study_train"):
        st.error(plain(said))


def _start(run: Run, found: Study, best: Trial) -> None:
    name = f"{run.label.name or 'search ' + run.id}: trial {best.number}"
    try:
        training = studies.train(found, best, name=name[-80:], visitor=state.visitor())
    except AlloyscopeError as error:
        state.note("study_train", str(error))
        return
    state.show(STARTED, state.shown(STARTED, {}) | {run.id: training})
