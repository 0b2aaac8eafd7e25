"""What a run's bands are worth, whether its domain separates, and what leaks across its folds; seconds each, kept in memory."""
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.services import model
from mtl_core.ensemble.config import EnsembleConfig
from mtl_core.settings import ASSETS_DIR
from mtl_core.subjects import Subject
from mtl_core.validation.config import ValidationConfig
from mtl_core.validation.ladder import LOCKED

QUICK = "ridge"
WORTH = ASSETS_DIR / "leaks.csv"


@st.cache_resource(show_spinner="Dividing the data as the run did …", max_entries=4)
def _subject(run: str, seen: int) -> Subject:
    return Subject.of(ValidationConfig(run=run))


def _parts(subject: Subject, splits: Sequence[str]) -> list:
    return [part for split in splits for part in subject.parts(split)]


# Bands


@st.cache_resource(show_spinner="Calibrating bands at every level …", max_entries=8)
def _measured(run: str, seen: int, calibrated_on: str | None):
    from mtl_core.validation.bands import GRID, LEVELS, measure

    return measure(model.out_of_fold(run), calibrated_on=calibrated_on, levels=sorted({*GRID[1::2], *LEVELS}))


def coverage(run: str) -> pd.DataFrame:
    """See `Bands.coverage`, at all levels of the diagram."""
    return _coverage(*model.seen(run))


@st.cache_data(show_spinner="Counting what bands of every level held …", max_entries=8)
def _coverage(run: str, seen: int) -> pd.DataFrame:
    return _measured(run, seen, None).coverage()


def over_papers(run: str) -> pd.DataFrame:
    """See `Bands.over_papers`: how sure the coverage of conformal 90 % bands is."""
    return _over_papers(*model.seen(run))


@st.cache_data(show_spinner=False, max_entries=8)
def _over_papers(run: str, seen: int) -> pd.DataFrame:
    return _measured(run, seen, None).over_papers()


def accuracy(run: str) -> pd.DataFrame:
    """See `Bands.accuracy`: proper scores by kind of band."""
    return _accuracy(*model.seen(run))


@st.cache_data(show_spinner=False, max_entries=8)
def _accuracy(run: str, seen: int) -> pd.DataFrame:
    return _measured(run, seen, None).accuracy()


def error_by_std(run: str) -> pd.DataFrame:
    """See `Bands.error_by_std`."""
    return _error_by_std(*model.seen(run))


@st.cache_data(show_spinner=False, max_entries=8)
def _error_by_std(run: str, seen: int) -> pd.DataFrame:
    return _measured(run, seen, None).error_by_std()


def by_family(run: str, level: float) -> pd.DataFrame:
    """Coverage and width by family of alloys at one level."""
    return _by_family(*model.seen(run), level)


@st.cache_data(show_spinner="Counting by family …", max_entries=8)
def _by_family(run: str, seen: int, level: float) -> pd.DataFrame:
    from mtl_core.validation.bands import measure

    return measure(model.out_of_fold(run), levels=(level,)).coverage(["family"])


def transfer(run: str) -> pd.DataFrame:
    """See `bands.transfer`: every split with bands calibrated on every other."""
    return _transfer(*model.seen(run))


@st.cache_data(show_spinner="Trying bands of one split on another …", max_entries=8)
def _transfer(run: str, seen: int) -> pd.DataFrame:
    from mtl_core.validation.bands import transfer

    return transfer(model.out_of_fold(run))


# The domain


@st.cache_data(show_spinner="Fitting the domain of every fold on its training rows …", max_entries=4)
def _domain_scores(run: str, seen: int, split: str) -> pd.DataFrame:
    from mtl_core.validation.separation import domain_scores

    subject = _subject(run, seen)
    return domain_scores(subject.prepared.observations, subject.parts(split), subject.prepared.spec.symbols)


def separation(run: str, split: str) -> pd.DataFrame:
    """See `separation.separation`, of one split."""
    return _separation(*model.seen(run), split)


@st.cache_data(show_spinner="Asking whether the domain separates …", max_entries=16)
def _separation(run: str, seen: int, split: str) -> pd.DataFrame:
    from mtl_core.validation.separation import separation

    rows = model.out_of_fold(run)
    return separation(rows[rows["split"] == split], _domain_scores(run, seen, split))


def by_domain(run: str, split: str, level: float) -> pd.DataFrame:
    """Coverage inside and outside the domain at one level, of one split."""
    return _by_domain(*model.seen(run), split, level)


@st.cache_data(show_spinner=False, max_entries=16)
def _by_domain(run: str, seen: int, split: str, level: float) -> pd.DataFrame:
    from mtl_core.validation.bands import measure

    rows = model.out_of_fold(run)
    bands = measure(rows[rows["split"] == split], levels=(level,))
    return bands.joined(_domain_scores(run, seen, split)).coverage(["is_inside"])


# Leaks


def leaks(run: str, splits: Sequence[str]) -> pd.DataFrame:
    """See `leakage.audit`: kin across the folds, a row a task, split and leak."""
    return _leaks(*model.seen(run), tuple(splits))


@st.cache_data(show_spinner="Looking for relatives on both sides of every fold …", max_entries=8)
def _leaks(run: str, seen: int, splits: tuple[str, ...]) -> pd.DataFrame:
    from mtl_core.validation.leakage import as_table, audit

    subject = _subject(run, seen)
    return as_table(audit(subject.prepared.observations, _parts(subject, splits)))


def derived_columns(run: str, split: str) -> pd.DataFrame:
    """See `peeking.derived_columns`, on the folds of one split."""
    return _derived_columns(*model.seen(run), split)


@st.cache_data(show_spinner="Asking every column whether it gives the target away …", max_entries=8)
def _derived_columns(run: str, seen: int, split: str) -> pd.DataFrame:
    from mtl_core.validation.leakage import as_table
    from mtl_core.validation.peeking import derived_columns

    subject = _subject(run, seen)
    prepared, parts = subject.prepared, [part for part in subject.parts(split) if part.fold_seed == 0]
    return as_table(derived_columns(prepared.observations, prepared.values, prepared.spec.columns, parts, table=subject.table))


def transforms(run: str, splits: Sequence[str]) -> pd.DataFrame:
    """See `peeking.fitted_outside`: what is fitted for the networks of each part, tried with other test rows."""
    return _transforms(*model.seen(run), tuple(splits))


@st.cache_data(show_spinner="Fitting what networks are given with other test rows …", max_entries=8)
def _transforms(run: str, seen: int, splits: tuple[str, ...]) -> pd.DataFrame:
    from mtl_core.ensemble.fit import fitted_transforms
    from mtl_core.validation.leakage import as_table
    from mtl_core.validation.peeking import fitted_outside

    subject = _subject(run, seen)
    prepared = subject.prepared

    def given(values, y, part):
        return fitted_transforms(prepared.training.assign(value=y), values, prepared.spec, subject.base, part)

    y = prepared.training["value"].to_numpy(float)
    some = [part for split in splits for part in subject.parts(split) if part.fold_seed == 0]
    return as_table(fitted_outside({"What is fitted for the networks": given}, prepared.values, y, some))


def known_worth(run: str) -> pd.DataFrame:
    """What `python -m benchmarks.leaks` found, for those splits of this run that are divided as they were there; columns as in
    `worth`. Empty where rows, folds or features are others."""
    return _known_worth(*model.seen(run))


@st.cache_data(show_spinner=False, max_entries=8)
def _known_worth(run: str, seen: int) -> pd.DataFrame:
    subject = _subject(run, seen)
    base, usual = subject.base, EnsembleConfig()
    if not WORTH.exists() or (base.tasks, base.inputs, base.preparation, base.data, base.seed) != (
            usual.tasks, usual.inputs, usual.preparation, usual.data, usual.seed):
        return pd.DataFrame(columns=["task", "split", "model", "leak"])
    rows = pd.read_csv(WORTH)
    return rows[rows["split"].isin([split for split in base.train.splits if subject.lock(split) == LOCKED])]


def worth(run: str, split: str, baseline: str) -> pd.DataFrame:
    """See `leakage.worth`: R² of a baseline with each leak of a split and without it, on the folds of the first division."""
    return _worth(*model.seen(run), split, baseline)


@st.cache_data(show_spinner="Training without the rows that leak, and with as many others fewer …", max_entries=16)
def _worth(run: str, seen: int, split: str, baseline: str) -> pd.DataFrame:
    from threadpoolctl import threadpool_limits

    from mtl_core.ensemble.baselines import ALL_BASELINES
    from mtl_core.validation.leakage import worth

    subject = _subject(run, seen)
    prepared = subject.prepared
    parts = [part for part in subject.parts(split) if part.fold_seed == 0]
    with threadpool_limits(1):  # more threads than cores make linear algebra ten times slower
        return worth(prepared.observations, prepared.values, prepared.spec, parts, seed=subject.config.seed,
                     training=prepared.training, preparation=subject.base.preparation,
                     models={baseline: ALL_BASELINES[baseline]}, n_jobs=1 if baseline == QUICK else -1)


# The record


def card(run: str, known: tuple) -> tuple[str, str]:
    """Model card as Markdown and as HTML; known: the validations of the run, of which the newest is told."""
    return _card(*model.seen(run), known)


@st.cache_data(show_spinner="Gathering the facts of the run: folds, leaks, bands, domain. It takes some twenty seconds …",
               max_entries=4)
def _card(run: str, seen: int, known: tuple) -> tuple[str, str]:
    from mtl_core.report.blocks import as_html, as_markdown
    from mtl_core.report.facts import read_facts
    from mtl_core.report.sections import sections

    facts = read_facts(run)
    told, title = sections(facts), f"Model card of run {facts.name}"
    return as_markdown(title, told), as_html(title, told)
