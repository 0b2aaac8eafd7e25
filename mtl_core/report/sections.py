"""The sections of a model card, each written from facts."""
import json
from collections.abc import Iterable

import pandas as pd

from mtl_core.data.rules import RULES
from mtl_core.data.training import CONDITIONS
from mtl_core.fingerprints import folds_sha256
from mtl_core.report.accuracy import accuracy
from mtl_core.report.answering import answering
from mtl_core.report.blocks import Block, Bullets, Code, Section, Text, condition, family_name, interval, number, table
from mtl_core.report.checklists import CHECKLISTS, answers
from mtl_core.report.facts import SOURCES, Facts
from mtl_core.report.failures import failures
from mtl_core.tasks import ELECTROLYTE, TASKS, TaskSpec, with_values
from mtl_core.validation.bands import KINDS
from mtl_core.validation.config import SIZES
from mtl_core.validation.leakage import LEAKS
from mtl_core.validation.rungs import RUNGS

ASKED = {"domain score": "the distance to the training alloys", "std": "the stated std"}
REASONS = {rule.name: rule.reason for rule in RULES}


def sections(facts: Facts) -> tuple[Section, ...]:
    """The whole card, in order."""
    makers = {"What this is": _model, "Data": _data, "Splits": _splits, "Leaks": _leaks, "Accuracy": accuracy,
              "Bands": _bands, "Domain": _domain, "Known failures": _failures, "Configuration": _configuration,
              "Environment": _environment, "To reproduce": _commands}
    return (*(Section(title, tuple(make(facts))) for title, make in makers.items()), *_checklists(facts))


def _model(facts: Facts) -> Iterable[Block]:
    names = ", ".join(f"{task.label.lower()} ({task.unit})" for task in facts.tasks)
    yield Text(f"Run {facts.name} predicts {names} from the composition and the conditions of an alloy. What answers is what was "
               "tested on new papers, and so are the bands: for an alloy of a paper that nobody has read yet.")
    yield from answering(facts)
    yield table(("property", "range of the readings", "alloys", "papers", "depends on, besides composition"), [
        (task.label, f"{_range(facts.rows(task.key))} {task.unit}", facts.rows(task.key)["alloy_id"].nunique(),
         facts.rows(task.key)["reference_group"].nunique(), ", ".join(map(condition, task.conditions))) for task in facts.tasks])
    yield Text(f"Seed {facts.config.seed}. An answer outside the measured compositions and conditions is marked as such: "
               "see Domain.")


def _range(rows: pd.DataFrame) -> str:
    known = rows["value"].dropna()
    return f"{number(known.min())} to {number(known.max())}" if len(known) else "bounds only"


def _data(facts: Facts) -> Iterable[Block]:
    data, table_ = facts.config.data, facts.table
    yield Text(f"Datasets: {', '.join(data.datasets)}. Fingerprint (SHA-256) {table_.sha256}. {len(table_.alloys):,} alloys, "
               f"{len(table_.measurements):,} readings, {len(table_.references):,} papers.")
    rows = facts.prepared.observations
    yield Text(f"Used are {len(rows):,} of these readings, of {rows['alloy_id'].nunique():,} alloys in "
               f"{rows['reference_group'].nunique():,} papers: the others are of properties that this run does not learn, or "
               "left out by the rules below. Bounds (censored readings) are learnt from; scores and bands are of exact "
               "readings only.")
    of_source = rows["source"].value_counts()
    yield table(("source", "readings used", "cite", "data", "licence"), [
        (known.label, n, f"{known.citation}, {known.doi}", known.data_doi, known.licence) if (known := SOURCES.get(name)) else
        (name, n, "brought in by the user", "brought in by the user", "not stated") for name, n in of_source.items()])
    for task in facts.tasks:
        steps = facts.waterfall[facts.waterfall["property"] == task.key]
        yield table((f"{task.label}: cleaning", "why", "removed", "left"), [
            (step.step, REASONS.get(step.step, ""), step.removed, step.n) for step in steps.itertuples()])
    yield table(("property", "tested", "exact", "censored", "mean", "standard deviation", "lowest", "median", "highest"),
                [_distribution(facts.rows(task.key), task) for task in facts.tasks])
    yield table(("property", "family", "readings", "papers", "share of its largest paper"),
                [row for task in facts.tasks for row in _families(facts.rows(task.key), task)])
    yield table(("property", *map(condition, CONDITIONS)), [
        (f"{task.label}: share not reported", *_not_reported(facts.rows(task.key), task)) for task in facts.tasks])
    if facts.curation:
        yield Text(f"Curation {facts.curation.id}: {len(facts.curation.decisions)} decisions, rules in the fold: "
                   f"{', '.join(facts.curation.rules) or 'none'}. It acts on training rows; every default row is tested as "
                   "published.")


def _distribution(rows, task):
    exact = rows["value"].dropna()
    return (f"{task.label} ({task.unit})", len(rows), len(exact), len(rows) - len(exact), exact.mean(), exact.std(), exact.min(),
            exact.median(), exact.max())


def _families(rows, task):
    for family, of_family in rows.groupby("family", sort=False):
        largest = of_family["reference_group"].value_counts(normalize=True).iloc[0]
        yield task.label, family_name(family), len(of_family), of_family["reference_group"].nunique(), float(largest)


def _not_reported(rows, task):
    """None where the property does not depend on the condition."""
    return (float(rows[name].isna().mean()) if set(task.conditions) & set(ELECTROLYTE) else None for name in CONDITIONS)


def _splits(facts: Facts) -> Iterable[Block]:
    train = facts.config.train
    yield Text(f"The data are divided into {train.n_folds} parts (folds), {train.n_fold_seeds} times, for each split; "
               f"{train.n_repeats} networks a part. Fingerprint of who was held out when: {folds_sha256(facts.out_of_fold)}. "
               "How the settings were chosen stands under What this is.")
    yield table(("split", "what is held out together", "what it keeps out of training", "what it does not"), [
        (RUNGS[split].label, RUNGS[split].holds_out, RUNGS[split].forbids, RUNGS[split].allows) for split in train.splits])
    if facts.validation:
        run, report = facts.validation
        yield Text(f"Validation {run}, {report.n_folds} parts, divided {report.n_fold_seeds} times:")
        yield table(("test", "held out together", "parts", "folds", "fingerprint"), [
            (RUNGS[rung].label, about.holds_out, len(about.parts), about.lock, about.folds_sha256[:12])
            for rung, about in report.rungs.items()])


def _leaks(facts: Facts) -> Iterable[Block]:
    yield Text("Share of the tested readings with such a relative among the rows that were learnt from. Where it is large, "
               "scores are in part those of readings that were nearly known.")
    splits = facts.config.train.splits
    found = {(leak.kind, leak.task, leak.split): leak for leak in facts.leaks}
    yield table(("leak", "property", *(RUNGS[split].label.lower() for split in splits)), [
        (kind, TASKS[task].label, *(found[kind, task, split].share for split in splits))
        for kind in dict.fromkeys(leak.kind for leak in facts.leaks) for task in with_values(facts.config.tasks)])
    yield Bullets(tuple(f"{kind}: {LEAKS[kind]}" for kind in LEAKS))
    yield table(("looked for", "where", "found"), [
        (leak.kind, TASKS[leak.task].label if leak.task else "every property", leak.evidence)
        for leak in (*facts.derived, *facts.transforms)])


def _bands(facts: Facts) -> Iterable[Block]:
    yield Bullets(tuple(f"{kind}: {words}" for kind, words in KINDS.items()))
    yield Text("Share of exact readings inside, by level; then, of the 90 % band, the mean width, the mean over papers of "
               "their own shares, and the share of papers of which all readings lie inside.")
    levels = facts.bands.levels
    heads = ("property", "split", "band", *(f"{level:.0%}" for level in levels), "width", "mean over papers", "papers fully "
                                                                                                              "inside")
    by_band = facts.coverage.set_index("level").groupby(["task", "split", "kind"], sort=False)
    yield table(heads, [(TASKS[task].label, RUNGS[split].label, kind, *rows["coverage"],
                         *rows.loc[0.9, ["width", "papers", "whole_papers"]])
                        for (task, split, kind), rows in by_band])
    yield table(("property", "split", "band", "mean z²", "factor", "CRPS", "−ln density"), [
        (TASKS[row.task].label, RUNGS[row.split].label, row.kind, row.mean_z2, row.factor, row.crps, row.nll)
        for row in facts.bands.accuracy().itertuples()])
    held = facts.transfer[facts.transfer["kind"] == "conformal"]
    yield Text("Share of readings inside the conformal 90 % band, calibrated on one split and tested on another; in brackets "
               "the mean over papers.")
    splits = list(held["split"].unique())
    cell = held.set_index(["task", "calibrated_on", "split"])
    yield table(("property", "calibrated on", *(f"tested on {RUNGS[split].label.lower()}" for split in splits)), [
        (TASKS[task].label, RUNGS[home].label, *(f"{cell.loc[(task, home, split), 'coverage']:.3f} "
                                    f"({cell.loc[(task, home, split), 'papers']:.3f})"
                                    for split in splits)) for task in held["task"].unique() for home in splits])

    yield Text("Conformal 90 % bands by family, new papers; each reading is tested once in every division:")
    yield table(("property", "family", "readings", "papers", "share inside", "mean width"), [
        (TASKS[row.task].label, family_name(row.family), row.n_readings, row.n_papers, row.coverage, row.width)
        for row in facts.held("family").itertuples()])


def _domain(facts: Facts) -> Iterable[Block]:
    yield Text("An alloy is outside where it holds more of an element, another pair of elements or other conditions than the "
               "training rows of its fold, or is further from all of them than alloys of different papers usually are. New "
               "papers:")
    rows = facts.separation
    yield table(("property", "tests", "outside", "mean error outside / inside", "domain score finds the worst quarter (AUROC)",
                 "std finds it (AUROC)"), [
        (task.label, int(rows.loc[(task.key, "outside"), "n"]), int(rows.loc[(task.key, "outside"), "n_outside"]),
         _of(rows.loc[(task.key, "outside")], "ratio"), _of(rows.loc[(task.key, "domain score")], "auroc"),
         _of(rows.loc[(task.key, "std")], "auroc")) for task in facts.tasks if (task.key, "outside") in rows.index])
    yield Text("An AUROC of 0.5 is chance. 95 % intervals over papers.")
    yield Bullets(tuple(_verdict(task, rows.loc[task.key]) for task in facts.tasks if (task.key, "outside") in rows.index))
    yield Text("Conformal 90 % bands inside and outside:")
    yield table(("property", "domain", "readings", "papers", "share inside the band", "mean width"), [
        (TASKS[row.task].label, "inside" if row.is_inside else "outside", row.n_readings, row.n_papers, row.coverage, row.width)
        for row in facts.held("is_inside").itertuples()])


def _verdict(task: TaskSpec, rows: pd.DataFrame) -> str:
    """What separates beyond chance, and how much larger errors are outside; rows: of `separation`, by what is asked."""
    knows = [words for by, words in ASKED.items() if rows.loc[by, "auroc_low"] > 0.5]
    said = (f"{' and '.join(knows)} tell{'s' * (len(knows) == 1)} the worst quarter of the errors beyond chance" if knows else
            "neither the distance to the training alloys nor the stated std tells the worst quarter of the errors beyond chance")
    outside = rows.loc["outside"]
    if not outside["n_outside"] or outside["ratio"] != outside["ratio"]:
        return f"{task.label}: {said}; no test lay outside."
    larger = "errors are larger outside" if outside["ratio_low"] > 1 else "whether errors are larger outside cannot be told"
    return f"{task.label}: {said}; {larger} ({_of(outside, 'ratio')} times)."


def _of(row, name):
    return interval(row[name], row[f"{name}_low"], row[f"{name}_high"])


def _failures(facts: Facts) -> Iterable[Block]:
    yield Bullets(tuple(failures(facts)) or ("None of those that are looked for was found.",))


def _configuration(facts: Facts) -> Iterable[Block]:
    spec = facts.prepared.spec
    kinds = pd.Series(spec.kinds).value_counts(sort=False)
    yield Text(f"{len(spec.columns)} columns go in: " + ", ".join(f"{n} of the kind {kind}" for kind, n in kinds.items()) + ".")
    yield Code(_config_text(facts))


def _config_text(facts: Facts) -> str:
    return json.dumps(facts.config.model_dump(mode="json"), indent=1, ensure_ascii=False)


def _environment(facts: Facts) -> Iterable[Block]:
    yield table(("package", "version when it was trained"), list(facts.versions.items()))
    code = facts.record.code_sha256 if facts.record else "not kept for this run"
    took = f"{facts.metrics['seconds']:.0f} s" if "seconds" in facts.metrics else "not kept"
    yield Text(f"Fingerprint of the code: {code}. Training took {took}.")


def _commands(facts: Facts) -> Iterable[Block]:
    preset = facts.preset
    train = f"python -m mtl_core train --preset {preset}" if preset else "python -m mtl_core train --config config.json"
    if not preset:
        yield Text("config.json holds what stands under Configuration.")
    yield Code("\n".join([
        train, f"python -m mtl_core evaluate --run {facts.run}", f"python -m mtl_core validate --run {facts.run} {_asked(facts)}",
        f"python -m mtl_core report --run {facts.run} --out report.html"]))
    yield Text("The same config, data, code and packages give the same numbers on the same kind of processor.")


def _asked(facts: Facts) -> str:
    """The size of the validation that is quoted; main, which needs nothing else than the run has, where none is."""
    if not facts.validation:
        return "--size main"
    _, report = facts.validation
    size = next((name for name in ("main", "ladder") if set(SIZES[name].rungs) == set(report.rungs)), None)
    return f"--size {size}" if size else " ".join(f"--rung {rung}" for rung in report.rungs)


def _checklists(facts: Facts) -> Iterable[Section]:
    for title, items in CHECKLISTS.items():
        found = answers(items, facts)
        met, partly = (sum(answer.met == word for _, answer in found) for word in ("yes", "partly"))
        yield Section(title, (
            Text(f"{met} of {len(found)} met, {partly} partly. Each answer follows from the files of the run; what "
                 "they cannot show counts as not met."),
            table(("item", "asks for", "met", "because"), [(item.key, item.asks, answer.met, answer.fact)
                                                           for item, answer in found])))
