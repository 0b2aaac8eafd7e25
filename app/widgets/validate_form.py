"""A new validation of a run: how large, on which rungs, beside which models; and those that there are."""
from collections.abc import Sequence

import streamlit as st
from pydantic import ValidationError

from app import state
from app.curves import in_time
from app.rungs import SIZE_WORDS, model_help, size_of
from app.services import trainings, validations
from app.validated import called
from app.yours import plain
from mtl_core.data.folds import SPLITS
from mtl_core.errors import AlloyscopeError, in_words
from mtl_core.registry.runs import RESUMABLE, Run, Status
from mtl_core.validation.config import MODELS, NESTED, OURS, SIZES, ValidationConfig
from mtl_core.validation.rungs import RUNGS


def validation_form(run: Run, known: Sequence[Run]) -> None:
    """Open at once where the run was never validated; what there is stands below, with what can be done about it."""
    with st.expander("Start a validation", expanded=not known, icon=":material/fact_check:"):
        st.markdown("Scores the run and simple models on the same rows, with intervals over papers. It runs in a process of its "
                    "own, in its turn with trainings; what was computed before is not computed again.")
        _form(run)
    _list(run, known)


def _form(run: Run) -> None:
    size = st.segmented_control("Size", list(SIZES), format_func=SIZE_WORDS.get, default="main", required=True,
                                key="validate_size")
    usual = SIZES[size]
    left, right = st.columns(2, gap="large")
    rungs = left.pills("Tests", list(RUNGS), selection_mode="multi", default=list(usual.rungs), wrap=True,
                       key=f"validate_rungs_{size}", format_func=lambda rung: RUNGS[rung].label)
    models = right.pills("Models", list(MODELS), selection_mode="multi", default=list(usual.models), format_func=called,
                         wrap=True, key=f"validate_models_{size}", help=model_help())
    with st.container(horizontal=True, gap="medium"):
        workers = st.number_input("Processes side by side", 0, 64, 0, key="validate_workers", width=200,
                                  help="That fit the simple models; 0: all in one process, on all cores.")
        name = st.text_input("Name", key="validate_name", max_chars=80, width=420, placeholder="may be left empty")
    nested = _nested(run, size, [one for one in rungs if one in SPLITS])
    config = _config(run, usual, rungs, models, workers, nested)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        is_wanted = st.button("Start the validation", type="primary", icon=":material/play_arrow:", key="start_validation",
                              disabled=config is None)
        if config:
            with st.container(width="stretch"):
                _cost(config)
    if is_wanted and config:
        _start(config, name)


def _nested(run: Run, size: str, rungs: list[str]) -> dict | None:
    """How settings are searched for anew in each fold; None where they are not."""
    is_wanted = st.toggle("Tune anew in each fold (nested)", key="validate_nested", disabled=not rungs, help=(
        "Searches for other settings in each fold that is held out, among its training rows alone, and tests them on that fold: "
        "what tuning is worth where nothing was seen before. It takes hours, and can be stopped and resumed at any trial."))
    if not is_wanted or not rungs:
        return None
    usual = SIZES[size].nested
    n_folds = SIZES[size].n_folds or run.config["train"]["n_folds"]
    with st.container(horizontal=True, gap="medium"):
        chosen = st.multiselect("On", rungs, [one for one in usual.rungs if one in rungs] or rungs[:1], width=360,
                                key=f"validate_nested_rungs_{size}", format_func=lambda rung: RUNGS[rung].label)
        n_outer = st.number_input("Folds of each", 1, n_folds, usual.n_outer or n_folds, key=f"validate_nested_folds_{size}",
                                  width=160, help="That are held out in turn, each with a search of its own.")
        n_trials = st.number_input("Trials a fold", 1, 1000, usual.n_trials, key=f"validate_nested_trials_{size}", width=160,
                                   help="Other settings that each search tries, after those of the run.")
    return {"rungs": chosen or rungs[:1], "n_outer": n_outer, "n_trials": n_trials}


def _config(run: Run, usual: ValidationConfig, rungs: list[str], models: list[str], workers: int,
            nested: dict | None) -> ValidationConfig | None:
    """In the order of the ladder; None, with a sentence, for what cannot be validated."""
    if not rungs or not models:
        st.error("At least one test and one model are needed.")
        return None
    if OURS not in models:
        st.warning("Without this run there is nothing that the simple models are compared with.")
    chosen = {"run": run.id, "rungs": [one for one in RUNGS if one in rungs], "models": [one for one in MODELS if one in models],
              "workers": workers}
    if nested:
        chosen |= {"models": [*chosen["models"], NESTED], "nested": usual.nested.model_dump() | nested}
    try:
        return ValidationConfig.model_validate(usual.model_dump() | chosen)
    except ValidationError as error:
        st.error(plain(in_words(error)))
        return None


def _cost(config: ValidationConfig) -> None:
    again = (f" It scores a stand-in that is trained for {config.epochs} epochs, not the run: that tells whether everything "
             "works. For numbers take Main, which is often as fast for a small run." if config.epochs else "")
    folds = f" {config.n_folds} parts." if config.n_folds else " The division of the run."
    st.caption(f"{size_of(config)}: roughly **{in_time(validations.rough_seconds(config))}** if nothing of it is known "
               f"yet.{folds}{again}")
    if NESTED in config.models:
        search = config.nested
        n_folds = len(set(config.rungs) & set(search.rungs)) * search.n_outer
        st.caption(f"Of that **{in_time(validations.nested_seconds(config))}** for {n_folds} searches of {search.n_trials + 1} "
                   "trials each. They are kept: stopped and resumed, it goes on with the trial that was under way.")
    if waiting := trainings.live():
        st.caption(f"{len(waiting)} run{'s' if len(waiting) > 1 else ''} before it; one works at a time.")


def _start(config: ValidationConfig, name: str) -> None:
    try:
        with st.spinner("Dividing the data …"):
            run = validations.start(config, name=name, visitor=state.visitor())
    except AlloyscopeError as error:
        st.error(plain(str(error)))
        return
    state.show("validate_wanted", run)
    st.rerun()


def _list(run: Run, known: Sequence[Run]) -> None:
    if not known:
        return
    st.markdown("**Validations of this run**")
    for one in known:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Show, to resume" if one.status in RESUMABLE else "Show", key=f"validate_show_{one.id}", type="tertiary",
                      on_click=state.show, args=("validate_wanted", one.id))
            took = f"took {in_time(one.seconds)}" if one.status is Status.complete and one.seconds else ""
            about = ["smoke check"] if validations.is_smoke(one, run) else []
            about += [plain(one.label.name)] if one.label.name else []
            st.markdown(" · ".join(filter(None, [*about, validations.size(one), validations.when(one), str(one.status), took])),
                        width="content")
