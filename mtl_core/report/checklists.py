"""Two checklists of the field, each item answered from facts: what the files of a run cannot show counts as not met.

The items say in own words what is asked for in Artrith et al. 2021, Nat. Chem. 13, 505 (machine learning in chemistry), and in
Kapoor et al. 2024, Sci. Adv. 10, eadk3452 (REFORMS); their numbers are those of the checklists.
"""
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mtl_core.report.answering import chosen_in_words, networks_in_words, processes_in_words, ridges_in_words
from mtl_core.report.blocks import condition, family_name, number
from mtl_core.report.facts import DEPLOYED, SOURCES, Facts
from mtl_core.settings import DATA_DIR, ROOT
from mtl_core.tasks import TASKS
from mtl_core.validation.config import NESTED, OURS
from mtl_core.validation.leakage import Leak
from mtl_core.validation.rungs import RUNGS

TRIVIAL = {"mean", "class mean", "1-NN", "random forest", "ridge", "extra trees"}
REMAINING = ("composition twin", "double entry")
UNLEARNT = {"mean", "class mean", "1-NN"}  # no reason to prefer a model that is better than these alone

Met = Literal["yes", "partly", "no"]


@dataclass(frozen=True)
class Answer:
    """met, and the fact that says so."""

    met: Met
    fact: str

    @property
    def is_met(self) -> bool:
        return self.met == "yes"


def _met(is_met: bool, fact: str) -> Answer:
    return Answer("yes" if is_met else "no", fact)


@dataclass(frozen=True)
class Item:
    """key: its number in the checklist; asks: what for; answer: from facts."""

    key: str
    asks: str
    answer: Callable[[Facts], Answer]


def answers(items: Sequence[Item], facts: Facts) -> list[tuple[Item, Answer]]:
    """Every item with its answer, in order."""
    return [(item, item.answer(facts)) for item in items]


def _not_kept(what: str) -> Callable[[Facts], Answer]:
    return lambda facts: Answer("no", f"The files of a run hold no {what}.")


def _always(fact: str) -> Callable[[Facts], Answer]:
    """Of every run: it is how runs are made."""
    return lambda facts: Answer("yes", fact)


def _sources(facts: Facts) -> Answer:
    names = list(facts.prepared.observations["source"].unique())
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        return Answer("no", f"{', '.join(unknown)}: brought in by the user, not known to be public.")
    return Answer("yes", "; ".join(f"{SOURCES[name].citation}, data {SOURCES[name].data_doi}" for name in names) + ".")


def _versions_of_data(facts: Facts) -> Answer:
    known = [name for name in facts.prepared.observations["source"].unique() if name in SOURCES]
    files = "".join(f" {SOURCES[name].label}: {SOURCES[name].data_doi}, file {SOURCES[name].sha256[:12]}." for name in known)
    return Answer("partly" if known else "yes", f"Tables {', '.join(facts.config.data.datasets)}, fingerprint "
                  f"{facts.table.sha256[:12]}.{files}" + " The dates of access were not kept." * bool(known))


def _biases(facts: Facts) -> Answer:
    said = []
    for task in facts.tasks:
        rows = facts.rows(task.key)
        paper = rows["reference_group"].value_counts(normalize=True).iloc[0]
        family = rows["family"].value_counts(normalize=True)
        said.append(f"{task.label}: {family.iloc[0]:.0%} {family_name(family.index[0])}, largest paper {paper:.0%}")
    return Answer("yes", "; ".join(said) + ". Counts by family stand under Data; folds and bands by paper count a paper as one "
                                          "source.")


def _cleaning(facts: Facts) -> Answer:
    steps = facts.waterfall[facts.waterfall["removed"] > 0]
    n = steps[steps["property"].isin(facts.config.tasks)]["step"].nunique()
    return Answer("yes", f"{n} named rules take readings away, each with its reason; the command data build runs them on the "
                        f"source files.")


def _removed(facts: Facts) -> Answer:
    said = []
    for task in facts.tasks:
        steps = facts.waterfall[facts.waterfall["property"] == task.key]
        said.append(f"{task.label}: {steps['n'].iloc[0]:,} → {steps['n'].iloc[-1]:,}")
    return Answer("yes", "; ".join(said) + " (filled cells of the sources → default training).")


def _combined(facts: Facts) -> Answer:
    shared = facts.table.references["group"].value_counts()
    n_sources = facts.prepared.observations["source"].nunique()
    return Answer("yes", f"{n_sources} sources, named for each alloy; readings printed by two papers are kept once, and "
                        f"{(shared > 1).sum()} groups of papers that share some stay on one side of a fold.")


def _features(facts: Facts) -> Answer:
    spec = facts.prepared.spec
    return Answer("yes", f"{len(spec.columns)} columns with unit, formula and reference, made by mtl_core.features.featurize.")


def _other_features(facts: Facts) -> Answer:
    runs = facts.other_inputs
    return _met(bool(runs), f"Same folds, other columns: {', '.join(runs)}." if runs else
                  "No other columns were learnt from on these folds.")


def _baselines_of(facts: Facts) -> set[str]:
    found = {model for splits in facts.metrics.get("baselines", {}).values() for models in splits.values() for model in models}
    return found | (set(facts.validation[1].models) - {OURS, NESTED} if facts.validation else set()) | {"class mean"}


def _simple_models(facts: Facts) -> Answer:
    found = _baselines_of(facts) & TRIVIAL
    return _met(bool(found), f"{', '.join(sorted(found))}, on the same rows and folds.")


def _strong_models(facts: Facts) -> Answer:
    found = _baselines_of(facts) & {"gaussian process", "gradient boosting"}
    tail = "no published model was run on these rows."
    return Answer("no", f"{', '.join(sorted(found))} on the same folds; {tail}" if found else f"N{tail[1:]}")


def _held_out(facts: Facts) -> Answer:
    train = facts.config.train
    splits = ", ".join(RUNGS[split].label.lower() for split in train.splits)
    return Answer("yes", f"Splits: {splits}; {train.n_folds} folds × {train.n_fold_seeds} seeds. What answers is that of "
                         f"{RUNGS[DEPLOYED].label.lower()}, as for an alloy that is new.")


def _apart(facts: Facts) -> Answer:
    return Answer("partly", f"Training and tests are apart in every fold; choices are not. {chosen_in_words(facts)}")


def _choices(facts: Facts) -> Answer:
    return Answer("partly" if facts.preset and facts.is_published else "no", chosen_in_words(facts))


def _selected(facts: Facts) -> Answer:
    share = facts.config.kernel_share
    beside = f" and, with {share:.0%}, the Gaussian processes of their parts" if share else ""
    return Answer("yes", f"All {facts.metrics['n_members']} networks of the split of {RUNGS[DEPLOYED].label.lower()}{beside} "
                         "answer together; none is chosen by its score.")


def _no_kin(facts: Facts) -> Answer:
    """Twins and double entries that remain in training, on the split that answers."""
    broken = [leak for leak in facts.leaks if leak.is_alarm]
    if broken:
        return Answer("no", " ".join(leak.evidence for leak in broken))
    kept = sum(leak.is_forbidden for leak in facts.leaks)
    left = [leak for leak in facts.leaks if leak.kind in REMAINING and leak.split == DEPLOYED and leak.n_affected]
    words = "; ".join(f"{kind}: {', '.join(_shares(leak for leak in left if leak.kind == kind))}"
                      for kind in dict.fromkeys(leak.kind for leak in left))
    return Answer("partly" if left else "yes", f"{kept} promises of the folds hold" + (
        f"; on {RUNGS[DEPLOYED].label.lower()} readings of other papers remain in training ({words})." if left else "."))


def _shares(leaks: Iterable[Leak]) -> list[str]:
    return [f"{TASKS[leak.task].label.lower()} {100.0 * leak.share:.2g} %" for leak in leaks]


def _no_peeking(facts: Facts) -> Answer:
    return _met(not any(leak.is_alarm for leak in facts.transforms), " ".join(leak.evidence for leak in facts.transforms))


def _no_proxy(facts: Facts) -> Answer:
    return _met(not any(leak.is_alarm for leak in facts.derived), " ".join(
        f"{TASKS[leak.task].label}: {leak.evidence}" for leak in facts.derived))


def _public_code(facts: Facts) -> Answer:
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        places = metadata("alloyscope").get_all("Project-URL") or []
    except PackageNotFoundError:
        places = []
    return _met(bool(places), "; ".join(places) or "The package names no public repository.")


def _scripts(facts: Facts) -> Answer:
    return _met(facts.is_published, "The commands stand under To reproduce." if facts.is_published else
                  "The commands stand under To reproduce; the data of the user are not among them.")


def _population(facts: Facts) -> Answer:
    rows = facts.prepared.observations
    years = rows["year"].dropna()
    return Answer("yes", f"Alloys of {len(facts.prepared.spec.symbols)} elements in {rows['reference_group'].nunique()} papers "
                        f"of {years.min():.0f} to {years.max():.0f}.")


def _code(facts: Facts) -> Answer:
    sha = facts.record.code_sha256 if facts.record else ""
    version = facts.versions.get("alloyscope")
    if not sha:
        return Answer("no", f"Version {version}; no fingerprint of the code was kept for this run.")
    return Answer("yes", f"Version {version}, fingerprint {sha[:12]}.")


def _environment(facts: Facts) -> Answer:
    words = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    return _met(bool(words), words or "No versions kept.")


def _documents(facts: Facts) -> Answer:
    found = [path.relative_to(ROOT).as_posix() for path in (ROOT / "README.md", DATA_DIR / "README.md") if path.is_file()]
    return _met(len(found) == 2, ", ".join(found) or "No README found.")


def _sampling(facts: Facts) -> Answer:
    return _met(facts.is_published, "Readings that two compilers of literature took from papers; not a random sample of alloys."
                  if facts.is_published else "How the readings of the user were chosen is not recorded.")


def _outcome(facts: Facts) -> Answer:
    return Answer("yes", "; ".join(f"{task.label} in {task.unit}, mean {number(facts.rows(task.key)['value'].mean())}, standard "
                                  f"deviation {number(facts.rows(task.key)['value'].std())}" for task in facts.tasks) + ".")


def _size(facts: Facts) -> Answer:
    return Answer("yes", "; ".join(f"{task.label}: {len(facts.rows(task.key))} readings of "
                                  f"{facts.rows(task.key)['alloy_id'].nunique()} alloys"
                                  for task in facts.tasks) + ".")


def _missing(facts: Facts) -> Answer:
    said = []
    for task in facts.tasks:
        rows = facts.rows(task.key)
        shares = {name: (rows[name].isna() | (rows[name] == "")).mean() for name in task.conditions}
        said.append(f"{task.label}: " + ", ".join(f"{condition(name)} {share:.0%}" for name, share in shares.items()))
    return Answer("yes", "; ".join(said) + ".")


def _corrupt(facts: Facts) -> Answer:
    steps = facts.waterfall[facts.waterfall["step"] == "suspect"]
    removed = steps.set_index("property")["removed"]
    said = [f"{task.label.lower()} {removed[task.key]}" for task in facts.tasks if task.key in removed]
    n = int(facts.table.measurements["flags"].str.split().map(lambda words: "suspect" in words).sum())
    return Answer("yes", f"Readings that cannot be right are left out by the rule 'suspect': {', '.join(said) or 'none'} ({n} in "
                         "all tables); what else is doubtful is listed by the command data suspects.")


def _transformed(facts: Facts) -> Answer:
    words = ", ".join(f"{name} {value}" for name, value in facts.config.preparation.model_dump().items())
    return Answer("yes", f"Fitted in each fold: {words}.")


def _model(facts: Facts) -> Answer:
    beside = (f" Gaussian processes, {facts.config.kernel_share:.0%} of each answer: {processes_in_words(facts)} "
              f"{ridges_in_words(facts)}" if facts.config.kernel_share else "")
    return Answer("yes", f"{networks_in_words(facts)}{beside} All settings stand under Configuration.")


def _justified(facts: Facts) -> Answer:
    if not facts.validation:
        return Answer("no", "Not compared with intervals; the command validate does.")
    found = [score.difference for score in facts.validation[1].scores
             if score.difference and score.difference.low is not None and score.model not in UNLEARNT | {NESTED}]
    won, lost = sum(one.low > 0 for one in found), sum(one.high < 0 for one in found)
    met = "yes" if 2 * won > len(found) else "partly" if won > lost else "no"
    return Answer(met, f"Of {len(found)} comparisons with baselines that learn (mean, class mean and nearest neighbour are not "
                       f"counted) {won} are better with an interval above zero, {lost} worse, the others cannot be told.")


def _intervals(facts: Facts) -> Answer:
    if facts.validation:
        return Answer("yes", f"95 % intervals by resampling papers, validation {facts.validation[0]}.")
    return Answer("no", "Scores of this run have the spread of their fold seeds only; the command validate adds intervals.")


def _metrics(facts: Facts) -> Answer:
    return Answer("yes", "R², MAE and RMSE of exact readings; coverage and width of bands, CRPS, −ln density, mean z²: see "
                        "Accuracy and Bands.")


def _limits(facts: Facts) -> Answer:
    from mtl_core.report.failures import failures

    return Answer("yes", f"{len(failures(facts))} known failures are listed, and an answer outside the domain says so.")


def _statistics(facts: Facts) -> Answer:
    if not facts.validation:
        return Answer("no", "No test was made; the command validate makes paired intervals.")
    return Answer("yes", "Papers are resampled, because readings of one paper are not independent; nothing is assumed about the "
                        "distribution.")


def _documented_data(facts: Facts) -> Answer:
    if facts.is_published:
        return Answer("yes", f"In the repository, fingerprint {facts.table.sha256[:12]}.")
    return Answer("no", "The readings of the user lie on this machine only.")


ARTRITH = (
    Item("1a", "all sources named and public", _sources),
    Item("1b", "version or date of access of each database", _versions_of_data),
    Item("1c", "biases of the sources reported or countered", _biases),
    Item("2a", "cleaning described, in words or as code", _cleaning),
    Item("2b", "how much was taken away", _removed),
    Item("2c", "how several sources were joined", _combined),
    Item("3a", "how an alloy becomes numbers, with software", _features),
    Item("3b", "comparison with other sets of features", _other_features),
    Item("4a", "software that trains and predicts", _always("The commands train and predict, and a web page; see To reproduce.")),
    Item("4b", "comparison with simple models", _simple_models),
    Item("4c", "comparison with the state of the art", _strong_models),
    Item("5a", "rows for training, for choices and for tests kept apart", _apart),
    Item("5b", "kind of split stated, and like the use that is meant", _held_out),
    Item("5c", "no leaks between the sets", _no_kin),
    Item("6a", "code in a public repository", _public_code),
    Item("6b", "scripts that give the results again", _scripts),
)
REFORMS = (
    Item("1a", "what population the claims are about", _population),
    Item("1b", "why this population", _not_kept("reason for the choice of the alloys")),
    Item("1c", "why machine learning", _not_kept("reason for a learnt model")),
    Item("2a", "data that others can get", _documented_data),
    Item("2b", "the version of the code", _code),
    Item("2c", "the computing environment", _environment),
    Item("2d", "documentation", _documents),
    Item("2e", "a script that gives the results again", _scripts),
    Item("3a", "where the data come from", _sources),
    Item("3b", "how the samples were chosen", _sampling),
    Item("3c", "why the data suit the question", _not_kept("reason why the data suit the question")),
    Item("3d", "what the outcome is, and its distribution", _outcome),
    Item("3e", "number of samples", _size),
    Item("3f", "how much is missing", _missing),
    Item("3g", "whether the samples stand for the population", lambda facts: Answer(
        "no", "What shares of real alloys the families have is not known; those of the readings stand under Data.")),
    Item("4a", "what was left out, and why", _removed),
    Item("4b", "how impossible samples are treated", _corrupt),
    Item("4c", "all transformations", _transformed),
    Item("5a", "every model described", _model),
    Item("5b", "why this kind of model", _justified),
    Item("5c", "how it was evaluated", _held_out),
    Item("5d", "how the final model was selected", _selected),
    Item("5e", "how the settings were chosen", _choices),
    Item("5f", "baselines", _simple_models),
    Item("6a", "training and test kept apart in every step", _no_peeking),
    Item("6b", "no dependent samples or doubles across the sets", _no_kin),
    Item("6c", "no feature that stands for the outcome", _no_proxy),
    Item("7a", "all metrics named", _metrics),
    Item("7b", "uncertainty of the metrics", _intervals),
    Item("7c", "why the statistical tests fit", _statistics),
    Item("8a", "evidence beyond the data", lambda facts: Answer(
        "no", "New papers of the same databases were held out; no reading from elsewhere was scored.")),
    Item("8b", "where the findings are not expected to hold", _limits),
)
CHECKLISTS: dict[str, tuple[Item, ...]] = {
    "Checklist: Artrith et al. 2021, Nat. Chem. 13, 505": ARTRITH,
    "Checklist: REFORMS, Kapoor et al. 2024, Sci. Adv. 10, eadk3452": REFORMS,
}
