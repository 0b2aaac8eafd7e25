"""Two checklists of the field, each item answered from facts: what the files of a run cannot show counts as not met.

The items say in own words what is asked for in Artrith et al. 2021, Nat. Chem. 13, 505 (machine learning in chemistry), and in
Kapoor et al. 2024, Sci. Adv. 10, eadk3452 (REFORMS); their numbers are those of the checklists.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtl_core.report.blocks import number
from mtl_core.report.facts import DEPLOYED, SOURCES, Facts
from mtl_core.settings import DATA_DIR, ROOT
from mtl_core.tasks import TASKS
from mtl_core.validation.config import NESTED, OURS
from mtl_core.validation.ladder import OPTIMISTIC

TRIVIAL = {"mean", "class mean", "1-NN", "random forest", "ridge", "extra trees"}


@dataclass(frozen=True)
class Answer:
    """is_met, and the fact that says so."""

    is_met: bool
    fact: str


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
    return lambda facts: Answer(False, f"The files of a run hold no {what}.")


def _always(fact: str) -> Callable[[Facts], Answer]:
    """Of every run: it is how runs are made."""
    return lambda facts: Answer(True, fact)


def _sources(facts: Facts) -> Answer:
    names = list(facts.prepared.observations["source"].unique())
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        return Answer(False, f"{', '.join(unknown)}: brought in by the user, not known to be public.")
    return Answer(True, "; ".join(f"{SOURCES[name].citation}, data {SOURCES[name].data_doi}" for name in names) + ".")


def _versions_of_data(facts: Facts) -> Answer:
    return Answer(True, f"{', '.join(facts.config.data.datasets)}, fingerprint {facts.table.sha256[:12]}.")


def _biases(facts: Facts) -> Answer:
    said = []
    for task in facts.tasks:
        rows = facts.rows(task.key)
        paper = rows["reference_group"].value_counts(normalize=True).iloc[0]
        family = rows["family"].value_counts(normalize=True)
        said.append(f"{task.label}: {family.iloc[0]:.0%} {family.index[0]}, largest paper {paper:.0%}")
    return Answer(True, "; ".join(said) + ". Counts by family stand under Data; folds and bands by paper count a paper as one "
                                          "source.")


def _cleaning(facts: Facts) -> Answer:
    steps = facts.waterfall[facts.waterfall["removed"] > 0]
    n = steps[steps["property"].isin(facts.config.tasks)]["step"].nunique()
    return Answer(True, f"{n} named rules take readings away, each with its reason; the command data build runs them on the "
                        f"source files.")


def _removed(facts: Facts) -> Answer:
    said = []
    for task in facts.tasks:
        steps = facts.waterfall[facts.waterfall["property"] == task.key]
        said.append(f"{task.label}: {steps['n'].iloc[0]:,} → {steps['n'].iloc[-1]:,}")
    return Answer(True, "; ".join(said) + " (filled cells of the sources → default training).")


def _combined(facts: Facts) -> Answer:
    shared = facts.table.references["group"].value_counts()
    n_sources = facts.prepared.observations["source"].nunique()
    return Answer(True, f"{n_sources} sources, named for each alloy; readings printed by two papers are kept once, and "
                        f"{(shared > 1).sum()} groups of papers that share some stay on one side of a fold.")


def _features(facts: Facts) -> Answer:
    spec = facts.prepared.spec
    return Answer(True, f"{len(spec.columns)} columns with unit, formula and reference, made by mtl_core.features.featurize.")


def _other_features(facts: Facts) -> Answer:
    runs = facts.other_inputs
    return Answer(bool(runs), f"Same folds, other columns: {', '.join(runs)}." if runs else
                  "No other columns were learnt from on these folds.")


def _baselines_of(facts: Facts) -> set[str]:
    found = {model for splits in facts.metrics.get("baselines", {}).values() for models in splits.values() for model in models}
    return found | (set(facts.validation[1].models) - {OURS, NESTED} if facts.validation else set()) | {"class mean"}


def _simple_models(facts: Facts) -> Answer:
    found = _baselines_of(facts) & TRIVIAL
    return Answer(bool(found), f"{', '.join(sorted(found))}, on the same rows and folds.")


def _strong_models(facts: Facts) -> Answer:
    found = _baselines_of(facts) & {"gaussian process", "gradient boosting"}
    tail = "no published model was run on these rows."
    return Answer(False, f"{', '.join(sorted(found))} on the same folds; {tail}" if found else f"N{tail[1:]}")


def _held_out(facts: Facts) -> Answer:
    train = facts.config.train
    return Answer(True, f"Splits {', '.join(train.splits)}: {train.n_folds} folds × {train.n_fold_seeds} seeds; what answers "
                        "is the split by paper, as for an alloy that is new.")


def _choices(facts: Facts) -> Answer:
    return Answer(False, f"Training and tests are apart in every fold. {OPTIMISTIC} Where the settings of this run are others, "
                         f"its "
                         "files do not say on which rows they were chosen; a search (tune) keeps an outer fold for that.")


def _no_kin(facts: Facts) -> Answer:
    broken = [leak for leak in facts.leaks if leak.is_alarm]
    kept = [leak for leak in facts.leaks if leak.is_forbidden]
    shares = [f"{TASKS[leak.task].label} {leak.share:.0%}" for leak in facts.leaks
              if (leak.kind, leak.split) == ("composition twin", DEPLOYED)]
    if broken:
        return Answer(False, " ".join(leak.evidence for leak in broken))
    return Answer(True, f"{len(kept)} promises of the folds hold; by paper, twins in other papers remain for: "
                        f"{', '.join(shares)}.")


def _no_peeking(facts: Facts) -> Answer:
    return Answer(not any(leak.is_alarm for leak in facts.transforms), " ".join(leak.evidence for leak in facts.transforms))


def _no_proxy(facts: Facts) -> Answer:
    return Answer(not any(leak.is_alarm for leak in facts.derived), " ".join(
        f"{TASKS[leak.task].label}: {leak.evidence}" for leak in facts.derived))


def _public_code(facts: Facts) -> Answer:
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        places = metadata("alloyscope").get_all("Project-URL") or []
    except PackageNotFoundError:
        places = []
    return Answer(bool(places), "; ".join(places) or "The package names no public repository.")


def _scripts(facts: Facts) -> Answer:
    return Answer(facts.is_published, "The commands stand under To reproduce." if facts.is_published else
                  "The commands stand under To reproduce; the data of the user are not among them.")


def _population(facts: Facts) -> Answer:
    rows = facts.prepared.observations
    years = rows["year"].dropna()
    return Answer(True, f"Alloys of {len(facts.prepared.spec.symbols)} elements in {rows['reference_group'].nunique()} papers "
                        f"of {years.min():.0f} to {years.max():.0f}.")


def _code(facts: Facts) -> Answer:
    sha = facts.record.code_sha256 if facts.record else ""
    version = facts.versions.get("alloyscope")
    if not sha:
        return Answer(False, f"Version {version}; no fingerprint of the code was kept for this run.")
    return Answer(True, f"Version {version}, fingerprint {sha[:12]}.")


def _environment(facts: Facts) -> Answer:
    words = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    return Answer(bool(words), words or "No versions kept.")


def _documents(facts: Facts) -> Answer:
    found = [path.relative_to(ROOT).as_posix() for path in (ROOT / "README.md", DATA_DIR / "README.md") if path.is_file()]
    return Answer(len(found) == 2, ", ".join(found) or "No README found.")


def _sampling(facts: Facts) -> Answer:
    return Answer(facts.is_published, "Readings that two compilers of literature took from papers; not a random sample of alloys."
                  if facts.is_published else "How the readings of the user were chosen is not recorded.")


def _outcome(facts: Facts) -> Answer:
    return Answer(True, "; ".join(f"{task.label} in {task.unit}, mean {number(facts.rows(task.key)['value'].mean())}, standard "
                                  f"deviation {number(facts.rows(task.key)['value'].std())}" for task in facts.tasks) + ".")


def _size(facts: Facts) -> Answer:
    return Answer(True, "; ".join(f"{task.label}: {len(facts.rows(task.key))} readings of "
                                  f"{facts.rows(task.key)['alloy_id'].nunique()} alloys"
                                  for task in facts.tasks) + ".")


def _missing(facts: Facts) -> Answer:
    said = []
    for task in facts.tasks:
        rows = facts.rows(task.key)
        shares = {name: (rows[name].isna() | (rows[name] == "")).mean() for name in task.conditions}
        said.append(f"{task.label}: " + ", ".join(f"{name} {share:.0%}" for name, share in shares.items()))
    return Answer(True, "; ".join(said) + ".")


def _corrupt(facts: Facts) -> Answer:
    n = int(facts.table.measurements["flags"].str.split().map(lambda words: "suspect" in words).sum())
    return Answer(True, f"{n} readings that cannot be right are left out by rule; what else is doubtful is listed by the "
                        f"command data "
                        "suspects.")


def _transformed(facts: Facts) -> Answer:
    words = ", ".join(f"{name} {value}" for name, value in facts.config.preparation.model_dump().items())
    return Answer(True, f"Fitted in each fold: {words}.")


def _model(facts: Facts) -> Answer:
    network = facts.config.network
    return Answer(True, f"{facts.metrics['n_members']} networks, trunk {network.trunk}, head {network.head}, "
                        f"{network.activation}, {network.likelihood} likelihood; all settings stand under Configuration.")


def _justified(facts: Facts) -> Answer:
    if not facts.validation:
        return Answer(False, "Not compared with intervals; the command validate does.")
    differences = [score.difference for score in facts.validation[1].scores if score.difference and score.model != NESTED]
    won = sum(one.low is not None and one.low > 0 for one in differences)
    return Answer(bool(differences) and won > len(differences) / 2, "Better than a baseline with an interval above zero in "
                                                                    f"{won} of {len(differences)} comparisons.")


def _intervals(facts: Facts) -> Answer:
    if facts.validation:
        return Answer(True, f"95 % intervals by resampling papers, validation {facts.validation[0]}.")
    return Answer(False, "Scores of this run have the spread of their fold seeds only; the command validate adds intervals.")


def _metrics(facts: Facts) -> Answer:
    return Answer(True, "R², MAE and RMSE of exact readings; coverage and width of bands, CRPS, −ln density, mean z²: see "
                        "Accuracy and Bands.")


def _limits(facts: Facts) -> Answer:
    from mtl_core.report.failures import failures

    return Answer(True, f"{len(failures(facts))} known failures are listed, and an answer outside the domain says so.")


def _statistics(facts: Facts) -> Answer:
    if not facts.validation:
        return Answer(False, "No test was made; the command validate makes paired intervals.")
    return Answer(True, "Papers are resampled, because readings of one paper are not independent; nothing is assumed about the "
                        "distribution.")


def _documented_data(facts: Facts) -> Answer:
    if facts.is_published:
        return Answer(True, f"In the repository, fingerprint {facts.table.sha256[:12]}.")
    return Answer(False, "The readings of the user lie on this machine only.")


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
    Item("5a", "rows for training, for choices and for tests kept apart", _choices),
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
        False, "What shares of real alloys the families have is not known; those of the readings stand under Data.")),
    Item("4a", "what was left out, and why", _removed),
    Item("4b", "how impossible samples are treated", _corrupt),
    Item("4c", "all transformations", _transformed),
    Item("5a", "every model described", _model),
    Item("5b", "why this kind of model", _justified),
    Item("5c", "how it was evaluated", _held_out),
    Item("5d", "how the final model was selected", _always("All networks of the split by paper answer together; none is chosen "
                                                           "by its score.")),
    Item("5e", "how the settings were chosen", _choices),
    Item("5f", "baselines", _simple_models),
    Item("6a", "training and test kept apart in every step", _no_peeking),
    Item("6b", "no dependent samples or doubles across the sets", _no_kin),
    Item("6c", "no feature that stands for the outcome", _no_proxy),
    Item("7a", "all metrics named", _metrics),
    Item("7b", "uncertainty of the metrics", _intervals),
    Item("7c", "why the statistical tests fit", _statistics),
    Item("8a", "evidence beyond the data", lambda facts: Answer(
        False, "New papers of the same databases were held out; no reading from elsewhere was scored.")),
    Item("8b", "where the findings are not expected to hold", _limits),
)
CHECKLISTS: dict[str, tuple[Item, ...]] = {
    "Checklist: Artrith et al. 2021, Nat. Chem. 13, 505": ARTRITH,
    "Checklist: REFORMS, Kapoor et al. 2024, Sci. Adv. 10, eadk3452": REFORMS,
}
