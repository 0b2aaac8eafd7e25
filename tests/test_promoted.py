"""Which run the app answers from, and runs arranged for reading."""
import gc
import json
import shutil
import weakref

import numpy as np
import pandas as pd
import pytest

from app import ledger
from mtl_core.errors import CheckpointError, RunError
from mtl_core.registry import store
from mtl_core.registry.promoted import answering, promote, promoted
from mtl_core.registry.runs import Label, Run

RUN = "20260101-000000-0a1b"


@pytest.fixture
def root(tmp_path, smoke_run):
    """A run store with one complete training; what the user keeps stands beside it."""
    shutil.copytree(smoke_run, tmp_path / "runs" / RUN)
    return tmp_path / "runs"


@pytest.fixture
def user(tmp_path):
    return tmp_path / "user"


def test_without_a_choice_and_with_one_that_cannot_be_read_the_shipped_ensemble_answers(root, user):
    assert answering(root, user_root=user) == ("shipped", "")
    user.mkdir()
    for content in ("{", "[1]", "{}"):
        (user / "promoted.json").write_text(content)
        assert answering(root, user_root=user) == ("shipped", "")
    (user / "promoted.json").write_text(json.dumps({"run": "../../etc"}))
    assert answering(root, user_root=user) == ("shipped", "The run ../../etc was promoted, but it is not here any more.")


def test_the_promoted_run_answers_until_something_happens_to_it(root, user):
    promote(RUN, root, user_root=user)
    assert answering(root, user_root=user) == (RUN, "")
    store.delete_run(RUN, root)
    why = f"The run {RUN} was promoted, but it was deleted; restore it to use it."
    assert answering(root, user_root=user) == ("shipped", why)
    store.restore_run(RUN, root)
    assert answering(root, user_root=user) == (RUN, "")
    (root / RUN / "ensemble.npz").write_bytes(b"short")
    run, words = answering(root, user_root=user)
    assert run == "shipped" and "ensemble.npz: expected" in words
    shutil.rmtree(root / RUN)
    assert answering(root, user_root=user)[0] == "shipped" and promoted(user) == RUN
    promote("shipped", root, user_root=user)
    assert answering(root, user_root=user) == ("shipped", "")


def test_only_what_can_answer_is_promoted(root, user):
    with pytest.raises(RunError, match="expected a complete training, it is not here any more"):
        promote("20990101-000000-0a1b", root, user_root=user)
    store.delete_run(RUN, root)
    with pytest.raises(RunError, match="it was deleted"):
        promote(RUN, root, user_root=user)
    assert not user.exists()


def test_the_predictor_before_leaves_the_memory_and_one_that_cannot_be_loaded_gives_way_to_the_shipped_one(root, monkeypatch):
    from app.services import model

    chosen = ["shipped", ""]
    monkeypatch.setattr(model.registry, "answering", lambda: tuple(chosen))
    monkeypatch.setattr(model, "run_folder", lambda run: root / run)
    made = []

    class Loaded:
        def __init__(self, run):
            self.run, self.cycle = run, self
            made.append(weakref.ref(self))

    def load(run):
        if run == "bad":
            raise CheckpointError(f"{root / run}: expected other arrays")
        return Loaded(run)

    monkeypatch.setattr(model, "_loaded", load)
    model._held.clear()
    try:
        assert model.predictor().run == "shipped"
        chosen[0] = RUN
        assert model.predictor().run == RUN and model.answering() == (RUN, "")
        assert [one() is None for one in made] == [True, False]
        chosen[0] = "bad"
        assert model.predictor().run == "shipped"
        assert model.answering() == ("shipped", "The run bad was promoted, but cannot be loaded: expected other arrays")
    finally:
        model._held.clear()
        gc.unfreeze()


# --- the ledger ---


def run_of(number: int, name: str = "", **facts) -> Run:
    config = {"seed": number, "tasks": ["hardness"], "network": {"trunk": [64, 64]}}
    return Run(**{"id": f"2026010{number}-000000-0a1b", "status": "complete", "sentence": "", "label": Label(name=name),
                  "created": f"2026-01-0{number}T00:00:00Z", "config": config} | facts)


def test_lines_of_runs_carry_scores_of_new_papers_and_hold_runs_that_have_none():
    scores = {"hardness": {"reference": {"r2": 0.5, "coverage": 0.9}, "random": {"r2": 0.8}}}
    runs = (run_of(2, "Good", scores=scores, seconds=90), run_of(1, status="damaged", config={}))
    lines = ledger.run_lines(runs, runs[0].id, zone="Mars/Olympus").set_index("Run")
    said = lines.loc["Good", ["R² HV", "Band held", "Minutes", "In the app", "Properties"]].tolist()
    assert said == [0.5, 90.0, 1.5, "answers", "HV"]
    assert pd.isna(lines.loc["20260101-000000-0a1b", "R² HV"]) and str(lines["Started"].dt.tz) == "UTC"


def test_runs_are_found_by_all_words_by_status_and_by_tag():
    runs = (run_of(1, "Steel", label=Label(name="Steel", tags=("best",))), run_of(2, "Other", status="failed"))
    assert ledger.found(runs, "STEEL hardness") == runs[:1] and ledger.found(runs, "steel other") == ()
    assert ledger.found(runs, statuses=["failed"]) == runs[1:] and ledger.found(runs, tags=["best", "x"]) == runs[:1]


def test_only_options_that_differ_are_listed_and_runs_called_alike_are_told_apart():
    runs = (run_of(1, "Same"), run_of(2, "Same", config=run_of(2).config | {"network": {"trunk": [32], "dropout": 0.1}}))
    differing = ledger.config_differences(runs)
    assert list(differing) == [f"Same ({run.id})" for run in runs]
    assert differing.index.tolist() == ["Seed", "Shared layers", "Dropout"]
    assert differing.loc["Dropout"].tolist() == ["–", "0.1"]


def held_out(n_folds: int = 3, noise: float = 0.0, **columns) -> pd.DataFrame:
    rng, n = np.random.default_rng(0), 60
    low = np.linspace(100, 700, n)
    return pd.DataFrame({
        "measurement_id": [f"m{i}" for i in range(n)], "task": "hardness", "reference_group": [i % 15 for i in range(n)],
        "family": "x", "split": "reference", "fold_seed": 0, "fold": [i % n_folds for i in range(n)], "low": low, "high": low,
        "mean": low + rng.normal(0, 60 + noise, n), "std": 50.0}).assign(**columns)


def test_a_difference_is_paired_where_the_folds_are_the_same_whatever_they_are_called():
    good, bad = held_out(), held_out(noise=120, fold=lambda table: 2 - table["fold"])
    compared, unpaired = ledger.differences(good, bad)
    line, = ledger.difference_lines(compared).to_dict("records")
    assert unpaired == [] and line["What these papers can show"] == "worse" and line["Difference"] < -0.1
    again, _ = ledger.differences(good, good)
    assert ledger.difference_lines(again)["What these papers can show"].tolist() == ["no difference"]


def test_on_other_folds_and_other_tasks_nothing_is_paired():
    compared, unpaired = ledger.differences(held_out(), held_out(n_folds=5))
    assert compared.empty and unpaired == [("hardness", "reference")]
    compared, unpaired = ledger.differences(held_out(), held_out(task="yield_strength"))
    assert compared.empty and unpaired == []
