"""The feature table: what each task may see, what is not reported, and scaling inside a fold."""
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mtl_core.chemistry.composition import Composition
from mtl_core.errors import ConfigError
from mtl_core.features.scaling import Scaler
from mtl_core.features.table import FeatureSpec, featurize
from mtl_core.settings import ROOT
from mtl_core.tasks import TASKS

SPEC = FeatureSpec(symbols=("C", "N", "Al", "Ti", "Cr", "Mn", "Fe", "Co", "Ni", "Mo", "W"))
STEEL = Composition.from_text("Fe-17Cr-12Ni-2.5Mo-0.1N wt%").at_vector(SPEC.symbols)[None]
ALLOYS = np.vstack([STEEL, Composition.from_text("AlCoCrFeNi").at_vector(SPEC.symbols)[None],
                    Composition.from_text("Ti").at_vector(SPEC.symbols)[None]])
CONDITIONS = {"process": "CAST", "temperature_c": 25.0, "chloride_m": 0.6, "bromide_m": 0.0, "sulphate_m": 0.0,
              "ph": 7.0, "scan_rate_mv_s": 1.0, "not_reported": ""}


def features(at=STEEL, **changes):
    """The first row as column → number."""
    table = featurize(at, CONDITIONS | changes, SPEC)
    return dict(zip(table.columns, table.values[0], strict=True))


def test_columns_are_stable_and_the_specification_survives_json():
    again = FeatureSpec.model_validate_json(SPEC.model_dump_json())
    assert again == SPEC
    assert again.columns == featurize(STEEL, CONDITIONS, SPEC).columns
    assert len(set(SPEC.columns)) == len(SPEC.columns) == len(SPEC.kinds) == len(SPEC.visible(TASKS["hardness"]))
    assert FeatureSpec(symbols=("Ni", "Fe", "Cr")).symbols == ("Cr", "Fe", "Ni")


def test_a_specification_with_unknown_names_says_which():
    with pytest.raises(ValidationError, match="got 'Xx'"):
        FeatureSpec(symbols=("Fe", "Xx"))
    with pytest.raises(ValidationError, match="got phlogiston"):
        FeatureSpec(symbols=("Fe",), descriptors=("phlogiston",))
    with pytest.raises(ValidationError, match="colour"):
        FeatureSpec(symbols=("Fe",), colour="red")


@pytest.mark.parametrize("key", TASKS)
@pytest.mark.parametrize("condition", ["process", "temperature_c", "chloride_m", "ph", "scan_rate_mv_s"])
@pytest.mark.parametrize("is_reported", [True, False])
def test_a_condition_moves_what_a_task_sees_exactly_when_the_task_lists_it(key, condition, is_reported):
    other = {"process": "POWDER"}.get(condition, 3.0) if is_reported else None
    seen = SPEC.visible(TASKS[key])
    before = np.nan_to_num(featurize(STEEL, CONDITIONS, SPEC).values[0, seen], nan=-99.0)
    after = np.nan_to_num(featurize(STEEL, CONDITIONS | {condition: other}, SPEC).values[0, seen], nan=-99.0)
    assert (before != after).any() == (condition in TASKS[key].conditions)


@pytest.mark.parametrize(("inputs", "hidden"), [("elements", {"vec", "pren_steel"}), ("descriptors", {"at_Cr", "at_Ni"})])
def test_elements_or_descriptors_can_be_hidden_while_conditions_and_what_was_not_reported_stay(inputs, hidden):
    both, chosen = ({name for name, seen in zip(spec.columns, spec.visible(TASKS["pitting_potential"]), strict=True) if seen}
                    for spec in (SPEC, SPEC.model_copy(update={"inputs": inputs})))
    assert chosen < both and hidden <= both - chosen
    assert {"ph", "n_not_reported"} <= chosen


def test_composition_is_visible_to_all_tasks_and_corrosion_descriptors_to_electrolyte_tasks():
    for task in TASKS.values():
        kinds = {kind for kind, seen in zip(SPEC.kinds, SPEC.visible(task), strict=True) if seen}
        assert {"element", "descriptor"} <= kinds
        assert ("corrosion" in kinds) == ("chloride_m" in task.conditions)


def test_unreported_conditions_are_missing_and_masked():
    row = features(temperature_c=None, chloride_m=np.nan, ph=None, scan_rate_mv_s=None, process=None)
    for name in ("temperature_c", "log_chloride", "ph", "log_scan_rate"):
        assert np.isnan(row[name])
    for name in ("temperature_c", "chloride_m", "ph", "scan_rate_mv_s", "process"):
        assert row[f"{name}_not_reported"] == 1.0
    assert row["process_CAST"] == 0.0
    assert row["no_chloride"] == 0.0  # unknown is not "none"


def test_a_condition_that_is_not_given_at_all_is_not_reported_but_other_anions_are_absent():
    table = featurize(STEEL, {}, SPEC)
    row = dict(zip(table.columns, table.values[0], strict=True))
    assert np.isnan(row["ph"]) and row["ph_not_reported"] == 1.0 and row["process_not_reported"] == 1.0
    assert row["log_bromide"] == row["log_sulphate"] == -4.0


def test_pren_is_unknown_when_mo_or_n_is_not_reported():
    assert features()["pren_steel"] == pytest.approx(17 + 3.3 * 2.5 + 1.6, rel=1e-3)
    for symbol, missing in (("N", {"pren_steel", "log_n"}), ("Mo", {"pren_steel", "wt_mo"}), ("W", {"wt_w"})):
        row = features(not_reported=f"C {symbol}")
        assert {name for name, value in row.items() if np.isnan(value)} == missing
        assert row[f"{symbol.lower()}_not_reported"] == 1.0


def test_chloride_has_a_floor_and_a_smooth_flag_for_none():
    rows = [features(chloride_m=value) for value in (0.0, 1e-4, 0.6)]
    assert [row["log_chloride"] for row in rows] == pytest.approx([-4.0, np.log10(2e-4), np.log10(0.6001)])
    assert [row["no_chloride"] for row in rows] == pytest.approx([1.0, 0.5, 0.0], abs=2e-4)


def test_a_data_frame_and_a_mapping_of_arrays_give_the_same_table():
    frame = pd.DataFrame({
        "process": ["CAST", None, np.nan], "temperature_c": [25.0, np.nan, 60.0], "chloride_m": [0.6, 0.0, np.nan],
        "bromide_m": [0.0, 1.0, 0.0], "sulphate_m": [0.0, 0.0, 0.1], "ph": [7.0, -1.0, np.nan],
        "scan_rate_mv_s": [1.0, 0.1, np.nan], "not_reported": ["N Mo", "", None]})
    whole = featurize(ALLOYS, frame, SPEC).values
    lists = {name: frame[name].to_list() for name in frame}
    np.testing.assert_array_equal(whole, featurize(ALLOYS, lists, SPEC).values)
    single = [featurize(ALLOYS[i:i + 1], frame.iloc[i:i + 1], SPEC).values[0] for i in (2, 0, 1)]
    np.testing.assert_allclose(np.array(single), whole[[2, 0, 1]], rtol=1e-12)


def test_wrong_input_is_refused_with_its_reason():
    with pytest.raises(ConfigError, match=r"expected a process among CAST, .*got 'FORGED'"):
        featurize(STEEL, {"process": "FORGED"}, SPEC)
    with pytest.raises(ConfigError, match=r"at\.% of 11 elements, got 3"):
        featurize(np.ones((1, 3)), {}, SPEC)


def test_tensorflow_gives_the_same_features_with_finite_gradients_through_the_scaler():
    tf = pytest.importorskip("tensorflow")
    import tensorflow.experimental.numpy as tnp

    conditions = CONDITIONS | {"not_reported": ["N", "", "Mo"], "ph": None}
    scaler = Scaler.fit(featurize(ALLOYS, conditions, SPEC).values)
    point = tf.Variable(ALLOYS)
    with tf.GradientTape() as tape:
        scaled = scaler.transform(featurize(point, conditions, SPEC, xp=tnp).values, tnp)
    np.testing.assert_allclose(scaled, scaler.transform(featurize(ALLOYS, conditions, SPEC).values), atol=1e-9)
    assert np.isfinite(tape.gradient(scaled, point).numpy()).all()


@given(st.integers(0, 2**32 - 1))
def test_scaling_has_zero_mean_unit_spread_and_ignores_what_is_not_reported(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(rng.normal(size=4) * 1e3, 10.0 ** rng.uniform(-3, 3, 4), (50, 4))
    values[rng.random((50, 4)) < 0.3] = np.nan
    scaled = Scaler.fit(values).transform(values)
    for column, original in zip(scaled.T, values.T, strict=True):
        known = column[np.isfinite(original)]
        assert known.mean() == pytest.approx(0.0, abs=1e-6) and known.std() == pytest.approx(1.0, rel=1e-6)
        assert np.all(column[np.isnan(original)] == 0.0)


def test_scaling_clips_and_survives_columns_without_variance_or_values():
    train = np.array([[0.1, 0.0, np.nan], [0.1, 0.01, np.nan], [0.1, 0.02, np.nan]])
    scaler = Scaler.fit(train)
    np.testing.assert_array_equal(scaler.scale[[0, 2]], 1.0)
    scaled = scaler.transform(np.array([[0.3, 99.0, 2.0], [np.nan, -99.0, np.nan]]))
    np.testing.assert_allclose(scaled, [[0.2, 5.0, 2.0], [0.0, -5.0, 0.0]])


def test_importing_features_loads_neither_tensorflow_nor_umap():
    code = ("import sys, mtl_core.features.table, mtl_core.features.projection; "
            "print(*sorted({'tensorflow', 'umap', 'sklearn', 'matminer'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []
