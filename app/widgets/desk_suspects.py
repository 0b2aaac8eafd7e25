"""Readings to doubt, and what to do about each: keep, exclude, or turn into a bound, under a name and with a way back."""
import pandas as pd
import streamlit as st
from pydantic import ValidationError

from app import desk, state
from app.services import desk as findings
from mtl_core.data.curations import CHOICES, Curation, Decision
from mtl_core.data.suspects import SUSPECT_RULES
from mtl_core.errors import AlloyscopeError
from mtl_core.tasks import TASKS

RULE = "large-residual"
USUAL_NAME = "my-curation"
TWO_LINES = 66  # pixels, so that the evidence can be read


def suspects_panel(datasets: tuple[str, ...]) -> None:
    """The list, the readings behind what is selected there, the choice, and what was chosen so far."""
    st.markdown("Each line says why a reading is doubtful, with the numbers. You decide; the source tables never change. Choices "
                "are kept under a name, act on training rows only, and can be taken back.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = st.slider("Threshold k, × the scatter of repeats", 2.0, 6.0, 3.0, 0.5, key="suspect_k", width=260)
        names = findings.curation_names() or (USUAL_NAME,)
        typed = st.selectbox("Curation", names, key="curation", bind="query-params", width=260, accept_new_options=True,
                             help="Choose one, or type a new name: letters, digits and - _ .") or USUAL_NAME
    curation = _curation("-".join(typed.split()))
    found = findings.suspects(datasets, k)
    shown = _filtered(found)
    chosen = _listed(shown, curation)
    if len(chosen):
        _decide(chosen, curation, datasets)
    _decisions(curation)


def _curation(name: str) -> Curation:
    """The curation of a name; of a name that cannot be one, the usual one, and a sentence."""
    try:
        return findings.curation(name)
    except ValidationError:
        st.error(f"Expected a name of up to 60 letters, digits and - _ . that begins with a letter or digit, got {name!r}. Until "
                 f"it has one, choices go to {USUAL_NAME}.")
        return findings.curation(USUAL_NAME)


def _filtered(found: pd.DataFrame) -> pd.DataFrame:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        keys = [key for key in TASKS if key in set(found["property"])]
        properties = st.multiselect("Property", keys, format_func=desk.label, key="suspect_properties", width=420,
                                    placeholder="all properties")
        everything = st.toggle("Also readings that default training leaves out already", key="suspects_excluded")
    found = found[(found["property"].isin(properties) | (not properties)) & (everything | ~found["is_excluded"])]
    counts = found["rule"].value_counts()
    rules = st.pills("Rule", list(counts.index), selection_mode="multi", key="suspect_rules",
                     format_func=lambda rule: f"{desk.rule_label(rule)} · {counts[rule]}")
    for rule in rules:
        st.caption(f"**{SUSPECT_RULES[rule].label}.** {SUSPECT_RULES[rule].reason}")
    return found[found["rule"].isin(rules) | (not rules)].reset_index(drop=True)


def _listed(shown: pd.DataFrame, curation: Curation) -> pd.DataFrame:
    """The list; returns the lines that are selected in it."""
    if shown.empty:
        st.info("Nothing of this kind was found.")
        return shown
    key = f"suspects_{hash(tuple(shown['suspect_id']))}"  # another list starts without a selection
    event = st.dataframe(desk.suspect_lines(shown, curation), key=key, on_select="rerun", selection_mode="multi-row",
                         hide_index=True, height=min(40 + TWO_LINES * len(shown), 520), row_height=TWO_LINES,
                         column_config=_columns(), alt="Readings to doubt")
    st.caption(f"{len(shown)} findings, the worst first: severity 1 is the threshold of the rule, 2 twice as far. Select some to "
               "see the readings behind them. A finding is a reason to open the paper, not a proof.")
    return shown.iloc[event["selection"]["rows"]]


def _columns() -> dict:
    return {"Evidence": st.column_config.TextColumn(width=460), "Choice": st.column_config.TextColumn(width=95),
            "Paper": st.column_config.LinkColumn(display_text=desk.DOI_TEXT)}


def _decide(chosen: pd.DataFrame, curation: Curation, datasets: tuple[str, ...]) -> None:
    ids = tuple(dict.fromkeys(one for group in chosen["measurement_ids"] for one in group))
    lines, mark = desk.reading_lines(findings.readings(datasets, ids), curation), hash(ids)
    values = dict(zip(lines["Reading"], lines["Value"], strict=True))
    with st.container(border=True, key="decide"):
        for evidence in chosen["evidence"]:
            st.text(evidence)
        st.dataframe(lines, hide_index=True, column_config=_columns(), alt="The readings behind it")
        which = st.pills("Which of them", list(ids), selection_mode="multi", default=list(desk.to_act_on(chosen)),
                         key=f"which_{mark}", format_func=lambda one: f"{values.get(one, '')} · {one}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choice = st.segmented_control("Choice", CHOICES, default=chosen["suggestion"].iloc[0], key=f"choice_{mark}",
                                          required=True)
            reason = st.text_input("Why", key=f"why_{mark}", max_chars=500,
                                   placeholder="each finding's evidence, unless you write your own")
            st.button("Save this choice", type="primary", key="apply", disabled=not which, on_click=_apply,
                      args=(curation.name, desk.decisions(chosen, tuple(which), choice, reason)))


def _apply(name: str, decisions: dict[str, Decision]) -> None:
    _remember(name)
    try:
        findings.decide(name, decisions)
    except AlloyscopeError as error:
        state.note("curation", str(error))


def _remember(name: str) -> None:
    """What the next undo goes back to."""
    state.show("undo", [*state.shown("undo", []), (name, findings.curation(name).version)])


def _undo() -> None:
    *earlier, (name, version) = state.shown("undo")
    findings.take_back(name, version)
    state.show("undo", earlier)


def _decisions(curation: Curation) -> None:
    st.markdown(f"**Choices in {curation.name}** · {desk.in_short(curation)}")
    if sentence := state.noted("curation"):
        st.error(sentence)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Undo the last choice", icon=":material/undo:", key="undo_choice", disabled=not state.shown("undo"),
                  on_click=_undo)
        if curation.version:
            st.code(f"python -m mtl_core train --curation {curation.name}@{curation.version}", language="bash")
    st.toggle("Leave out what surprises a model, found anew inside each training part", key=f"surprises_{curation.id}",
              value=RULE in curation.rules, on_change=_set_rules, args=(curation,),
              help="Residuals depend on the rows that a model saw, so this rule runs again in every training part.")
    if not curation.decisions:
        return
    lines = desk.decision_lines(curation)
    event = st.dataframe(lines, key=f"decisions_{curation.version}", on_select="rerun", selection_mode="multi-row",
                         hide_index=True, alt="Choices so far")
    taken = tuple(lines["Reading"].iloc[event["selection"]["rows"]])
    st.button("Take back the selected choices", key="take_back", disabled=not taken, on_click=_take_back,
              args=(curation.name, taken))


def _set_rules(curation: Curation) -> None:
    _remember(curation.name)
    findings.keep(curation.model_copy(update={"rules": () if curation.rules else (RULE,), "k": state.shown("suspect_k", 3.0)}))


def _take_back(name: str, ids: tuple[str, ...]) -> None:
    _remember(name)
    findings.decide(name, dict.fromkeys(ids))
