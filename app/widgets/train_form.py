"""A new training: what to learn, from which data, tested how, with which networks; what it will take, and its start."""
from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st
from pydantic import ValidationError

from app import options, state, studied
from app.curves import in_time
from app.figures.scores import SPLIT_WORDS
from app.options import Option, layers_of, layers_text, outside, rough_seconds, value_at, with_value
from app.services import measured, trainings
from app.services.studied import sharing
from app.widgets.data_in_use import data_picker
from app.yours import plain
from mtl_core.data.folds import SPLITS
from mtl_core.data.phases import LEFT_OUT
from mtl_core.ensemble.config import PRESETS, EnsembleConfig
from mtl_core.errors import AlloyscopeError, ConfigError, in_words
from mtl_core.tasks import TASKS, with_classes

FORM = "new_training"
WORDS = {"smoke": "Smoke test · seconds", "default": "Default · minutes", "networks": "Networks alone · minutes",
         "full": "Full · up to an hour"}
EVERY = 1.0  # seconds from one look at the estimate to the next


@dataclass(frozen=True)
class Form:
    """What the visitor chose so far. version: of the widgets, which begin with `start`; config: as they stand now."""

    version: int
    preset: str
    start: Mapping
    config: Mapping
    name: str = ""

    def key(self, name: str) -> str:
        """The key of a widget; another version has other widgets."""
        return f"new_{self.version}_{name}"


def training_form() -> str:
    """Choose and start. Returns the id of a run that was just started, else nothing."""
    form = _form()
    st.segmented_control("Preset", list(WORDS), format_func=WORDS.get, default=form.preset, required=True, key=form.key("preset"),
                         on_change=_choose_preset)
    data_picker("train")
    left, right = st.columns(2, gap="large")
    config, complaints = with_value(form.start, "data.datasets", list(state.datasets())), []
    with left:
        config = _what(form, config, complaints)
    with right:
        config = _tested(form, config, complaints)
    with st.expander("Network, training and preparation", icon=":material/tune:"):
        config = _advanced(form, config, complaints)
    name = st.text_input("Name", form.name, key=form.key("name"), max_chars=80, width=420, placeholder="may be left empty")
    state.show(FORM, replace(form, config=config, name=name))
    return _conclusion(form, config, name, complaints)


def like(config: Mapping, preset: str | None) -> None:
    """Begin the form with the settings of a run."""
    held = state.shown(FORM)
    usual = EnsembleConfig.model_validate(config).model_dump(mode="json")
    state.choose_datasets(usual["data"]["datasets"])
    state.show(FORM, Form(held.version + 1 if held else 0, preset or "default", usual, usual))


def _form() -> Form:
    """The form as it was left. Widgets forget what they showed when the page is left, so that they begin anew then."""
    held = state.shown(FORM)
    if held is None:
        usual = PRESETS["default"].model_dump(mode="json")
        held = Form(0, "default", usual, usual)
    elif state.shown(held.key("preset")) is None:
        held = replace(held, version=held.version + 1, start=held.config)
    state.show(FORM, held)
    return held


def _choose_preset() -> None:
    """Another preset: its networks and folds, with the properties and data that were chosen."""
    held = state.shown(FORM)
    chosen = state.shown(held.key("preset"))
    if chosen == held.preset:  # Streamlit may say so of a widget which has only just been drawn
        return
    kept = {name: held.config[name] for name in ("tasks", "data", "seed", "alone", "wiring", "source")}
    usual = PRESETS[chosen].model_dump(mode="json") | kept
    state.show(FORM, replace(held, version=held.version + 1, preset=chosen, start=usual, config=usual))


def _what(form: Form, config: dict, complaints: list[str]) -> dict:
    st.markdown("**What to learn**")
    counts = measured.rows_of_tasks(state.datasets())
    tasks = st.multiselect("Properties", list(TASKS), config["tasks"], key=form.key("tasks"),
                           format_func=lambda key: f"{TASKS[key].label} · {counts[key]:,}",
                           help="With the number of measurements to learn from. Networks share what several of them need.")
    if with_classes(tasks):
        counts = measured.alloys_of_phases(state.datasets())
        left_out = counts.pop(LEFT_OUT)
        st.caption("Phase is a class, told with probabilities and scored by F1: "
                   f"{', '.join(f'{n} alloys {name}' for name, n in counts.items())}; {left_out} amorphous or otherwise labelled "
                   "ones are left out. An ordered phase counts as its lattice; several phases are mixed.")
    if not tasks:
        complaints.append(_error("At least one property is needed."))
    names = [None, *trainings.curations()]
    kept = config["data"]["curation"]
    curation = st.selectbox("Curation", names, names.index(kept) if kept in names else 0, key=form.key("curation"),
                            format_func=lambda one: one or "none: all measurements as published",
                            help="Choices about single measurements, made on the Data desk. They act on training rows only.")
    config = _shared(form, with_value(with_value(config, "tasks", tasks), "data.curation", curation))
    can_compare = len(tasks) > 1 and config["wiring"] != "single-task"
    alone = st.checkbox("And each property alone, on the same folds", config["alone"] and can_compare, key=form.key("alone"),
                        disabled=not can_compare, help="Tells what learning together is worth: a paired difference with its "
                                                       "interval. Takes about twice as long.")
    return with_value(config, "alone", alone and can_compare)


def _shared(form: Form, config: dict) -> dict:
    """How properties share what is learnt, where there are several."""
    tasks = config["tasks"]
    wiring = _widget(form, options.SHARING) if len(tasks) > 1 else "multi-task"
    tells = wiring in options.TELLING
    source = config["source"] if tells and config["source"] in tasks else None
    if len(tasks) > 1:
        first = f" The first is {TASKS[source or tasks[0]].label.lower()}." if tells else ""
        table = sharing()
        st.caption(f"{options.SHARING_SENTENCES[wiring]}{first} {'' if table is None else studied.tip(table, tasks)}")
    return with_value(with_value(config, "wiring", wiring), "source", source)


def _tested(form: Form, config: dict, complaints: list[str]) -> dict:
    st.markdown("**How it is tested**")
    others = [split for split in SPLITS if split != "reference"]
    chosen = st.pills("On new papers, and on", others, selection_mode="multi", key=form.key("splits"),
                      default=[split for split in others if split in config["train"]["splits"]], format_func=SPLIT_WORDS.get,
                      help="The ensemble that answers is the one tested on new papers. Each other test trains as many networks.")
    config = with_value(config, "train.splits", [split for split in SPLITS if split in chosen or split == "reference"])
    for column, option in zip(st.columns(3), options.FOLDS, strict=True):
        with column:
            config = with_value(config, option.path, _checked(form, option, complaints))
    trained, answering = options.n_networks(config)
    alone = " As many again learn each property alone." if config["alone"] else ""
    each = "" if config["wiring"] == "multi-task" else " for each property, one property after the other"
    st.caption(f"{trained} networks are trained at once{each}; the {answering} of the test on new papers answer at the end."
               f"{alone}")
    return config


def _advanced(form: Form, config: dict, complaints: list[str]) -> dict:
    for column, (title, group) in zip(st.columns(3, gap="large"), (
            ("Network", options.NETWORK), ("Training", options.TRAINING), ("Preparation", options.PREPARATION)), strict=True):
        with column:
            st.markdown(f"**{title}**")
            for option in group:
                config = with_value(config, option.path, _checked(form, option, complaints))
                if option.path == "network.head":
                    config = _heads(form, config, complaints)
    return config


def _heads(form: Form, config: dict, complaints: list[str]) -> dict:
    """Layers of each property for itself, where they are to differ."""
    tasks, before = config["tasks"], dict(zip(form.start["tasks"], form.start["network"]["heads"], strict=False))
    differ = len(tasks) > 1 and st.checkbox("Other layers for each property", bool(before), key=form.key("heads"))
    heads = []
    for task in tasks if differ else ():
        option = Option(f"heads.{task}", f"Layers of {TASKS[task].label.lower()}", "layers")
        start = before.get(task, config["network"]["head"])
        heads.append(_checked(form, option, complaints, value=start))
    return with_value(config, "network.heads", heads)


def _checked(form: Form, option: Option, complaints: list[str], value=None):
    """A widget's value; what cannot be one is said beside it, and the value before it stands."""
    try:
        return _widget(form, option, value)
    except ConfigError as error:
        complaints.append(_error(str(error)))
        return value_at(form.start, option.path) if value is None else value


def _error(said: str) -> str:
    st.error(said)
    return said


def _widget(form: Form, option: Option, value=None):
    value = value_at(form.start, option.path) if value is None else value
    common = {"key": form.key(option.path), "help": option.help or None}
    if option.kind == "choice":
        choices = list(option.words)
        return st.selectbox(option.label, choices, choices.index(value), format_func=option.words.get, **common)
    if option.kind == "switch":
        return st.checkbox(option.label, value, **common)
    if option.kind == "layers":
        return list(layers_of(st.text_input(option.label, layers_text(value), **common)))
    is_whole = option.kind == "whole"
    number = st.number_input(option.label, value=value if is_whole else float(value), format="%d" if is_whole else "%g",
                             step=int(option.step) if is_whole else option.step, **common)
    if said := outside(option.label, number, option.low, max(option.high, value)):  # the box itself would keep it to itself
        raise ConfigError(said)
    return number


def _conclusion(form: Form, config: dict, name: str, complaints: list[str]) -> str:
    """What differs from the preset, what stands in the way, how long it takes, and the start."""
    changed = options.differences(config, PRESETS[form.preset].model_dump(mode="json"))
    st.caption(f"As the preset *{form.preset}*." if not changed else f"Unlike the preset *{form.preset}*: {'; '.join(changed)}.")
    chosen = None
    with st.container():  # there with and without a complaint: a button that moves is on the page twice for a moment
        if complaints:
            st.warning("  \n".join(map(plain, complaints)))
        else:
            try:
                chosen = EnsembleConfig.model_validate(config)
                complaints = [said] if (said := trainings.obstacle(chosen)) else []
            except ValidationError as error:
                complaints = [in_words(error)]
            for said in complaints:
                st.error(plain(said))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        # No callback: it would start what stood here before the last change, if the click comes before the page was drawn again.
        is_wanted = st.button("Start training", type="primary", icon=":material/play_arrow:", key="start_training",
                              disabled=bool(complaints))
        if not complaints:
            with st.container(width="stretch"):
                _estimate(chosen)
    return _start(chosen, form.preset, name) if is_wanted and not complaints else ""


def _start(config: EnsembleConfig, preset: str | None, name: str) -> str:
    try:
        return trainings.start(config, preset=preset, name=name, visitor=state.visitor())
    except AlloyscopeError as error:
        st.error(plain(str(error)))
        return ""


def _estimate(config: EnsembleConfig) -> None:
    """How long it will take; while that is being measured, asked again every second."""
    visitor, rough = state.visitor(), rough_seconds(config.model_dump(mode="json"), measured.rows_of_tasks(config.data.datasets))
    is_known = trainings.estimate(config, visitor) is not None

    @st.fragment(run_every=None if is_known else EVERY)
    def estimate():
        found = trainings.estimate(config, visitor)
        if found is None:
            st.caption(f"Roughly {in_time(rough)}, from networks, epochs and rows alone; measuring it on this machine …")
        elif isinstance(found, str):
            st.caption(f"How long this takes could not be measured: {plain(found)}")
        else:
            st.markdown(f"About **{in_time(found)}** on this machine, when nothing else keeps it busy.")
            if not is_known:
                st.rerun()

    estimate()
    if waiting := trainings.live():
        st.caption(f"{len(waiting)} run{'s' if len(waiting) > 1 else ''} before it; one trains at a time.")
