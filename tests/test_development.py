"""The table of development folds: it is the one that was computed, and its rows are what they say."""
import numpy as np
import pandas as pd
import pytest
from model_samples import CONFIG, SPEC, features_of, made_up_observations

from benchmarks import development
from mtl_core.ensemble.fit import fit_ensemble
from mtl_core.pipeline import Prepared
from mtl_core.uncertainty.metrics import out_of_fold


def test_the_printed_table_is_that_of_the_stored_file():
    page, found = development.README.read_text(encoding="utf-8"), pd.read_csv(development.TABLE)
    assert development.MARKERS.format(development.readme_table(found)) in page
    assert set(found["seed"]) == set(development.SEEDS)
    assert found["what"].unique().tolist() == [development.NETWORKS, *development.VARIANTS, development.ALL]


def test_the_last_row_is_what_the_preset_trains_and_each_difference_is_that_to_the_row_before():
    observations = made_up_observations()
    everything = np.ones(len(observations), bool)
    prepared = Prepared(observations, features_of(observations), SPEC, observations, everything, everything)
    config = CONFIG.model_copy(update={"train": CONFIG.train.model_copy(update={"splits": ("reference",), "n_folds": 2})})
    found = dict(development.answers(prepared, config))
    preset, parts = config.model_copy(update={"kernel_share": development.SHARE}), prepared.parts(config)
    ensemble, _ = fit_ensemble(observations, prepared.values, SPEC, preset, parts)
    expected = out_of_fold(ensemble, parts, observations, prepared.values)["mean"]
    assert found[development.ALL]["mean"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-4)
    table = development.table_of(7, iter(found.items())).pivot(index="what", columns="task").loc[list(found)]
    assert table.loc[[development.NETWORKS, development.ALL], list(development.BANDS)].notna().all(axis=None)
    assert table["difference"].to_numpy()[1:] == pytest.approx(table["r2"].diff().to_numpy()[1:])
