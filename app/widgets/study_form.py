"""A new search: from which settings, over which of them, how trials are scored and proposed; what it will take, and its start."""
from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st
from pydantic import ValidationError

from app import searches, state
from app.curves import in_time
from app.figures.scores import SPLIT_WORDS
from app.options import outside
from app.services import measured, studies, trainings
from app.widgets.data_in_use import data_picker
from app.widgets.study_space import space_rows
from app.yours import plain
from mtl_core.data.folds import SPLITS
from mtl_core.ensemble.config import PRESETS, EnsembleConfig
from mtl_core.errors import AlloyscopeError, in_words
from mtl_core.tasks import TASKS, with_values
from mtl_core.tuning.space import LARGEST_GRID, Space
from mtl_core.tuning.study import StudyConfig

FORM = "new_study"
EVERY = 1.0  # seconds from one look at the estimate to the next
USUAL = {"base": "default", "tasks": None, "curation": None, "own_heads": True, "space": "usual", "rows": {}, "name": "",
         **StudyConfig().model_dump(exclude={"base", "space", "scheduler"}),
         "workers": 2, "batch": 2}  # 2.8 times as fast, see benchmarks/README.md


@dataclass(frozen=True)
class Form:
    """What the visitor chose. start: what the widgets of this version began with; now: as they stand."""

    version: int
    start: Mapping
    now: Mapping

    def key(self, name: str) -> str:
        """The key of a widget; another version has other widgets."""
        return f"tune_{self.version}_{name}"


def study_form() -> str:
    """Choose and start. Returns the id of a search that was just started, else nothing."""
    form, bases = _form(), studies.bases()
    now, complaints = dict(form.now), []
    data_picker("tune")
    left, right = st.columns(2, gap="large")
    with left:
        _what(form, now, bases, complaints)
    with right:
        _scored(form, now, complaints)
    base = _base(now, bases, complaints)
    st.markdown("**What may change**")
    space = _space(form, now, base, complaints) if base else None
    st.markdown("**How it searches**")
    _method(form, now, space, complaints)
    now["name"] = st.text_input("Name", form.start["name"], key=form.key("name"), max_chars=80, width=420,
                                placeholder="may be left empty")
    state.show(FORM, replace(form, now=now))
    return _conclusion(now, base, space, complaints)


def _form() -> Form:
    """The form as it was left. Widgets forget what they showed when the page is left, so that they begin anew then."""
    held = state.shown(FORM) or Form(0, USUAL, USUAL)
    if state.shown(held.key("base")) is None:
        held = Form(held.version + 1, held.now, held.now)
    state.show(FORM, held)
    return held


def _anew(name: str, **changes: object) -> None:
    """A choice that others follow: all widgets begin anew with it.

    Streamlit may say that a widget changed which has only just been drawn; beginning anew then would lose the next choice.
    """
    held = state.shown(FORM)
    chosen = state.shown(held.key(name))
    if chosen is not None and chosen != held.now[name]:
        values = {**held.now, name: chosen, **changes}
        state.show(FORM, Form(held.version + 1, values, values))


def _what(form: Form, now: dict, bases: Mapping[str, EnsembleConfig], complaints: list[str]) -> None:
    st.markdown("**What to improve**")
    names = {run.id: run.label.name or run.id for run in trainings.runs()}
    known = form.start["base"] if form.start["base"] in bases else "default"
    now["base"] = st.selectbox(
        "Start from", list(bases), list(bases).index(known), key=form.key("base"), on_change=_anew, args=("base",),
        kwargs={"tasks": None}, format_func=lambda one: f"preset: {one}" if one in PRESETS else f"training: {names[one]}",
        help="These settings are trial 0, which the search has to beat; what it may not change stays as it is here.")
    counts = measured.rows_of_tasks(state.datasets())
    now["tasks"] = st.multiselect(
        "Properties", with_values(TASKS), form.start["tasks"] or with_values(bases[known].tasks), key=form.key("tasks"),
        on_change=_anew, args=("tasks",), format_func=lambda key: f"{TASKS[key].label} · {counts[key]:,}",
        help="With the number of measurements to learn from. A search scores values, so classes are left out.")
    if not now["tasks"]:
        complaints.append(_error("At least one property is needed."))
    curations = [None, *trainings.curations()]
    kept = form.start["curation"]
    now["curation"] = st.selectbox("Curation", curations, curations.index(kept) if kept in curations else 0,
                                   key=form.key("curation"), format_func=lambda one: one or "none: all measurements as published")
    objectives = [*searches.OBJECTIVES, *(f"r2:{task}" for task in now["tasks"] if len(now["tasks"]) > 1)]
    kept = form.start["objective"]
    now["objective"] = st.selectbox("Look for the best", objectives, objectives.index(kept) if kept in objectives else 0,
                                    key=form.key("objective"), format_func=searches.objective_words)


def _scored(form: Form, now: dict, complaints: list[str]) -> None:
    st.markdown("**How a trial is scored**")
    now["split"] = st.selectbox("On", list(SPLITS), list(SPLITS).index(form.start["split"]), format_func=SPLIT_WORDS.get,
                                key=form.key("split"), help="What a fold keeps together, so that no trial is scored on twins of "
                                                            "what it learnt from.")
    one, other = st.columns(2)
    with one:
        now["n_inner"] = _whole(form, complaints, "n_inner", "Inner folds", 2, 20, "Each is held out once, in every trial.")
        now["n_outer"] = _whole(form, complaints, "n_outer", "Outer folds", 2, 20, "One of them is kept from the whole search.")
    with other:
        now["n_seeds"] = _whole(form, complaints, "n_seeds", "Divisions", 1, 10,
                                "How often the inner folds are drawn anew; the spread of a score comes from them.")
        now["outer_fold"] = _whole(form, complaints, "outer_fold", "Outer fold kept away", 0, now["n_outer"] - 1,
                                   "At the end it says what the search was worth.")
    st.caption(f"Each trial trains {now['n_inner'] * now['n_seeds']} networks at once, and is scored on rows that they did not "
               "see. The outer fold stays away until the end, and then judges the search itself. Networks are scored alone, "
               "without the Gaussian processes that may answer beside them: no trial changes those. A training with what was "
               "found has them again.")


def _base(now: Mapping, bases: Mapping[str, EnsembleConfig], complaints: list[str]) -> EnsembleConfig | None:
    """The starting point with the properties and data that were chosen."""
    found = bases[now["base"]]
    changed = {"tasks": tuple(now["tasks"]), "alone": False,
               "data": {"datasets": state.datasets(), "curation": now["curation"]}}
    if found.tasks != changed["tasks"]:
        changed["network"] = found.network.model_copy(update={"heads": ()})
    try:
        return EnsembleConfig.model_validate(found.model_dump() | changed)
    except ValidationError as error:
        if now["tasks"]:
            complaints.append(_error(in_words(error)))
        return None


def _space(form: Form, now: dict, base: EnsembleConfig, complaints: list[str]) -> Space | None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        now["space"] = st.segmented_control(
            "Space", list(searches.SPACES), format_func=searches.SPACES.get, default=form.start["space"], required=True,
            key=form.key("space"), on_change=_anew, args=("space",), kwargs={"rows": {}}, label_visibility="collapsed")
        if len(base.tasks) > 1:
            now["own_heads"] = st.toggle(
                "Heads of their own", form.start["own_heads"], key=form.key("own_heads"), on_change=_anew, args=("own_heads",),
                kwargs={"rows": {}}, help="Layers of each property may differ, or are the same for all.")
    now["rows"], dimensions, wrong = space_rows(form, now, base)
    if not dimensions and not wrong:
        wrong = [_error("At least one setting must be allowed to change.")]
    complaints += wrong
    return None if wrong else Space(dimensions=dimensions)


def _method(form: Form, now: dict, space: Space | None, complaints: list[str]) -> None:
    now["method"] = st.segmented_control("Method", list(searches.METHODS), format_func=searches.METHODS.get, required=True,
                                         default=form.start["method"], key=form.key("method"), label_visibility="collapsed")
    first, second, third, fourth = st.columns(4)
    with first:
        now["n_trials"] = _whole(form, complaints, "n_trials", "Trials", 1, 1000, "After that of the starting point.")
    if now["method"] == "grid":
        with second:
            now["levels"] = _whole(form, complaints, "levels", "Values of a range", 1, 50)
        if space:
            _grid(space, now)
    elif now["method"] == "bayesian":
        with second:
            now["n_initial"] = _whole(form, complaints, "n_initial", "Spread evenly at first", 2, 200,
                                      f"Trials all over the space, before the surrogate is asked. {searches.WORDS['surrogate']}")
        with third:
            now["initial"] = _choice(form, "initial", "Spread by", {"latin": "Latin hypercube", "sobol": "Sobol' sequence"},
                                     "Two ways to fill a space of many settings evenly with few points.")
        with fourth:
            now["acquisition"] = _choice(form, "acquisition", "Then by", searches.ACQUISITIONS, searches.WORDS["acquisition"])
    if now["method"] == "bayesian" and now["n_initial"] >= now["n_trials"]:
        st.warning(f"All {now['n_trials']} trials are spread evenly, and the surrogate is never asked: allow more trials, or "
                   "spread fewer.")
    st.caption({"bayesian": "A surrogate learns from the trials which settings are good, and proposes where it expects most.",
                "random": "Settings are drawn at random: the honest baseline, and hard to beat where many settings matter.",
                "grid": "Every combination of a few values, in an order drawn from the seed."}[now["method"]])
    with st.expander("More", icon=":material/tune:"):
        one, two, three, four = st.columns(4)
        with one:
            now["pruning"] = st.checkbox("Reject hopeless trials early", form.start["pruning"], key=form.key("pruning"),
                                         help="A trial below the median of the others at the same share of its epochs ends "
                                              "there. It gets no score and can never be the best.")
        with two:
            now["batch"] = _whole(form, complaints, "batch", "Proposed together", 1, 64,
                                  "More than one pays with processes side by side.")
        with three:
            now["workers"] = _whole(form, complaints, "workers", "Processes side by side", 0, 64, "0: one trial after the other.")
        with four:
            now["seed"] = _whole(form, complaints, "seed", "Seed", 0, 2**31 - 1, "Everything random follows from it.")


def _grid(space: Space, now: Mapping) -> None:
    size = space.grid_size(now["levels"])
    if size > LARGEST_GRID:
        st.error(f"The grid has {size:,} points, more than {LARGEST_GRID:,}: allow fewer settings to change, or fewer values.")
    elif size > now["n_trials"]:
        st.info(f"The grid has {size:,} points; {now['n_trials']:,} of them are tried, in an order drawn from the seed.")
    else:
        st.caption(f"The grid has {size:,} points, and all of them are tried.")


def _whole(form: Form, complaints: list[str], name: str, label: str, low: int, high: int, help: str | None = None) -> int:
    """A whole number; one outside its limits is said, because the box itself would keep it to itself, and counts as the limit."""
    number = st.number_input(label, value=min(max(form.start[name], low), high), step=1, key=form.key(name), help=help)
    if said := outside(label, number, low, high):
        complaints.append(_error(said))
    return min(max(number, low), high)


def _choice(form: Form, name: str, label: str, words: Mapping[str, str], help: str | None = None) -> str:
    return st.selectbox(label, list(words), list(words).index(form.start[name]), format_func=words.get, key=form.key(name),
                        help=help)


def _error(said: str) -> str:
    st.error(said)
    return said


def _conclusion(now: Mapping, base, space, complaints: list[str]) -> str:
    """What stands in the way, how long it takes, and the start."""
    config = None
    with st.container():  # there with and without a complaint: a button that moves is on the page twice for a moment
        if complaints:
            st.warning("  \n".join(map(plain, complaints)))
        else:
            try:
                own = [name for name in USUAL if name in StudyConfig.model_fields and name not in ("base", "space")]
                config = StudyConfig(base=base, space=space, **{name: now[name] for name in own})
                complaints = [said] if (said := studies.obstacle(config)) else []
            except ValidationError as error:
                is_said = now["method"] == "grid" and space.grid_size(now["levels"]) > LARGEST_GRID
                complaints = [] if is_said else [in_words(error)]
            for said in complaints:
                st.error(plain(said))
    is_ready = config is not None and not complaints
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        # No callback: it would start what stood here before the last change, if the click comes before the page was drawn again.
        is_wanted = st.button("Start the search", type="primary", icon=":material/play_arrow:", key="start_study",
                              disabled=not is_ready)
        if is_ready:
            with st.container(width="stretch"):
                _cost(config)
    return _start(config, now["name"]) if is_wanted and is_ready else ""


def _start(config: StudyConfig, name: str) -> str:
    try:
        return studies.start(config, name=name, visitor=state.visitor())
    except AlloyscopeError as error:
        st.error(plain(str(error)))
        return ""


def _cost(config: StudyConfig) -> None:
    """How long it will take; while that is being measured, asked again every second."""
    is_known, rough = studies.cost(config) is not None, searches.rough_seconds(config, measured.rows_of_tasks(state.datasets()))

    @st.fragment(run_every=None if is_known else EVERY)
    def cost():
        found = studies.cost(config)
        if found is None:
            st.caption(f"Roughly {in_time(rough)}, from trials, networks, epochs and rows alone; measuring it on this machine …")
        elif isinstance(found, str):
            st.caption(f"How long this takes could not be measured: {plain(found)}")
        else:
            _, fastest, slowest = found.of_trial
            less = ", less what is rejected early." if config.pruning else "."
            st.markdown(f"{found.n_trials} trials of {in_time(fastest)} to {in_time(slowest)}: about "
                        f"**{in_time(found.seconds)}** on this machine{less}")
            if not is_known:
                st.rerun()

    cost()
    if waiting := trainings.live():
        st.caption(f"{len(waiting)} run{'s' if len(waiting) > 1 else ''} before it; one trains at a time.")
