"""One run: where it stands, what it says while it trains, and what it is worth at the end."""
from collections.abc import Mapping

import streamlit as st
from pydantic import ValidationError

from app import options, state
from app.curves import INSIDE, Curves, in_time, share_done
from app.figures.training import looks_figure, loss_figure, stopping_figure
from app.services import trainings
from app.services.trainings import Said
from app.widgets.run_head import EVERY, PLACE, Words, run_head, what_went_wrong
from app.widgets.run_results import results
from app.widgets.runs_actions import use_button
from app.widgets.steady import steady_chart
from app.widgets.train_form import like
from app.yours import plain
from mtl_core.ensemble.config import PRESETS, EnsembleConfig
from mtl_core.errors import in_words
from mtl_core.registry.runs import LIVE, SHIPPED, Run, Status
from mtl_core.tasks import TASKS

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
COUNT = 175  # px of a number, so that those beside it stay where they are
WORDS = Words("training", stopping="It ends after the epoch under way; resume goes on from there.",
              resuming="Goes on from what was saved last, to the same numbers.")


def run_panel(run_id: str) -> None:
    """All about a run. While it has a process, the panel looks again every other second, and nothing else is drawn anew."""
    run = trainings.find(run_id)
    if run.kind != "train":
        page, words = {"tune": ("tune", "a search for better settings; the Tune page"),
                       "validate": ("validate", "a validation; the Validate page")}[run.kind]
        st.info(f"This run is {words} shows it.")
        st.page_link(f"views/{page}.py", label="Open it there", icon=":material/open_in_new:", query_params={"run": run.id})
        return
    if run.label.deleted:
        st.warning("This run was deleted; it can be restored on the Runs page.")
    _watched(run) if run.status in LIVE else _at_rest(run)


def _watched(run: Run) -> None:
    """A fragment of its own: the page around it stands still."""

    @st.fragment(run_every=EVERY)
    def panel():
        now = trainings.find(run.id)
        if now.status not in LIVE:
            st.rerun()
        with st.container(key="run_live"):
            _head(now)
            _live(now, trainings.said(run.id))

    panel()


def _at_rest(run: Run) -> None:
    _head(run)
    if run.status is Status.complete:
        results(run)
        _how(run)
        return
    said = trainings.said(run.id)
    what_went_wrong(run)
    if said.together:
        st.caption("As far as it came:")
        _curves(run, said)


def _how(run: Run) -> None:
    """Settings, and how the training went."""
    with st.expander("How it was trained", key="run_how", on_change="rerun") as how:
        if how.open:
            st.caption(_settings(run))
            if (said := trainings.said(run.id)).together:
                _curves(run, said)


def _settings(run: Run) -> str:
    try:
        config = EnsembleConfig.model_validate(run.config).model_dump(mode="json")
    except ValidationError as error:
        return plain(in_words(error))
    name = run.preset if run.preset in PRESETS else "default"
    changed = options.differences(config, PRESETS[name].model_dump(mode="json"))
    trained, answering = options.n_networks(config)
    curation = config["data"]["curation"]
    data = ", ".join(config["data"]["datasets"]) + (f", curation {curation}" if curation else "")
    words = [f"{trained} networks, of which {answering} answer", f"data: {plain(data)}",
             f"unlike the preset {name}: {'; '.join(changed)}" if changed else f"as the preset {name}"]
    return ". ".join(word[0].upper() + word[1:] for word in words) + "."


def _head(run: Run) -> None:
    name = "The ensemble that comes with the project" if run.id == SHIPPED else f"Run {run.id}"
    run_head(run, name, WORDS, lambda: _further(run))


def _further(run: Run) -> None:
    use_button(run, lambda done, complaint: state.note(PLACE, complaint))
    if run.config:
        st.button("New training like this", icon=":material/content_copy:", key="run_like", on_click=_begin_like, args=(run,),
                  help="Opens the form with these settings.")


def _begin_like(run: Run) -> None:
    try:
        like(run.config, run.preset)
    except ValidationError as error:
        state.note(PLACE, f"The settings of this run cannot be read by this version: {in_words(error)}")
        return
    state.show("train_view", "new")


def _live(run: Run, said: Said) -> None:
    line = said.last
    if line is None:
        st.progress(0.0, "Not begun yet." if run.status is Status.queued else "Loads the data and builds the networks …")
        return
    waited = trainings.seconds_silent(run.id) if run.status is Status.running else 0.0
    st.progress(_never_back(run, share_done(line, waited)), _stage(run, line))
    _counts(run, line, waited)
    _curves(run, said)


def _never_back(run: Run, share: float) -> float:
    """The largest share so far of this process of the run: how long the rest takes is guessed anew all the time. All but whole,
    as long as anything is left to do."""
    key = f"share_{run.id}_{run.queued}"
    state.show(key, max(min(share, 0.99), state.shown(key, 0.0)))
    return state.shown(key)


def _stage(run: Run, line: Mapping) -> str:
    if _is_last(run, line):
        return "All epochs are learnt; now the rows held out, the baselines and the metrics."
    who = _who(line)
    return f"{who}{': e' if who else 'E'}poch {line['epoch']} of {line['n_epochs']}"


def _who(line: Mapping) -> str:
    if "alone" in line:
        return f"{TASKS[line['alone']].label} alone"
    if "stage" in line:
        label = TASKS[line["stage"].removesuffix(INSIDE)].label
        return f"{label} inside each fold, to tell the others" if line["stage"].endswith(INSIDE) else label
    return "All properties together" if len(line["loss"]) > 1 else ""


def _is_last(run: Run, line: Mapping) -> bool:
    """Whether nothing is left to learn, by these networks, in other stages or by those of one property alone."""
    left = line.get("n_after") or (run.config.get("alone") and line.get("alone") != run.config["tasks"][-1])
    return line["epoch"] >= line["n_epochs"] and not left


def _counts(run: Run, line: Mapping, waited: float) -> None:
    seconds = line.get("seconds_left")
    left = "being measured" if seconds is None else f"about {in_time(max(0.0, seconds - waited))}"
    with st.container(horizontal=True, gap="medium", key="run_counts"):
        st.metric("Epoch", f"{line['epoch']} of {line['n_epochs']}", width=COUNT)
        st.metric("Networks finished", f"{line['n_finished']} of {line['n_members']}", width=COUNT)
        st.metric("Time so far", in_time(line["seconds"] + waited), width=COUNT)
        st.metric("Time left", "soon done" if _is_last(run, line) else left, width="content")


def _curves(run: Run, said: Said) -> None:
    """Losses and the rows held out; figures keep their zoom."""
    curves = said.together
    if curves is None:
        return
    labels = {task: TASKS[task].label for task in curves.loss}
    left, right = st.columns(2, gap="large")
    with left:
        _losses(run, curves, labels)
    with right:
        _held_out(run, curves, labels)
    if curves.validation.size:
        _stopping(run, curves)
    _alone(run, said)


def _losses(run: Run, curves: Curves, labels: Mapping[str, str]) -> None:
    fan = st.segmented_control("Networks", ["Median and range", "Every network"], default="Median and range", required=True,
                               key="run_fan", label_visibility="collapsed") == "Every network"
    _chart(loss_figure(curves.epochs, curves.loss, labels, n_epochs=curves.n_epochs, fan=fan), run, "loss",
           "Training loss by epoch")
    st.caption(f"Negative log likelihood of the training rows: {'each' if fan else 'the median, and nine in ten'} of "
               f"{curves.n_members} networks.")


def _held_out(run: Run, curves: Curves, labels: Mapping[str, str]) -> None:
    what = st.segmented_control("Rows held out", ["R²", "Coverage"], default="R²", required=True, key="run_look",
                                label_visibility="collapsed")
    if curves.looks.empty:
        st.caption("The rows held out are looked at now and then; the first look comes soon.")
        return
    quantity, target = ("r2", None) if what == "R²" else ("coverage", 0.9)
    title = "R² of rows held out" if target is None else "share inside the networks' own 90 % band"
    _chart(looks_figure(curves.looks, quantity, labels, n_epochs=curves.n_epochs, target=target, title=title), run, "looks",
           f"{what} of the rows held out by epoch")
    st.caption("Of the weights as they are now, on rows that the networks asked do not learn from. " + (
        "R² is pooled, mean of the fold seeds." if target is None else
        "Before calibration, which widens the bands until they hold what they say."))


def _stopping(run: Run, curves: Curves) -> None:
    st.markdown("**Early stopping**")
    _chart(stopping_figure(curves.epochs, curves.validation, curves.finished, n_epochs=curves.n_epochs,
                           n_members=curves.n_members), run, "stopping", "Validation loss and members that have stopped")
    stopped = int(curves.finished[-1])
    words = f"{stopped} of {curves.n_members} networks have stopped." if stopped else "No network has stopped yet."
    if (kept := trainings.last_epochs(run.id) if run.status is Status.complete else None) is not None:
        words = (f"Networks keep the weights of epoch {int(kept.min())} to {int(kept.max())}, half of them before epoch "
                 f"{int(sorted(kept)[len(kept) // 2])}, out of {curves.n_epochs}.")
    st.caption(f"{words} A network that has stopped keeps its best weights; loss on the rows that each keeps back.")


def _alone(run: Run, said: Said) -> None:
    """How far the networks of one property are, beside those of all together."""
    for task, curves in said.alone.items():
        words = [f"**{TASKS[task].label} alone**: epoch {curves.epochs[-1]} of {curves.n_epochs}"]
        ours, theirs = (_latest(one.looks, task) for one in (curves, said.together))
        if ours is not None and theirs is not None:
            so_far = " so far" if run.status in LIVE else ""
            words.append(f"R² of new papers {ours:.2f}{so_far}, {theirs:.2f} together")
        st.markdown(", ".join(words) + ".")


def _latest(looks, task: str) -> float | None:
    rows = looks[(looks["task"] == task) & (looks["split"] == "reference")]
    return None if rows.empty else float(rows["r2"].iloc[-1])


def _chart(figure, run: Run, what: str, alt: str) -> None:
    steady_chart(figure, key=f"run_{what}_{run.id}", config=CONFIG, alt=alt)
