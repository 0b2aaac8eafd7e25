"""Descriptors against independent sources: matminer's own featurisers, published values, finite differences."""
import warnings

import numpy as np
import pytest

from mtl_core.chemistry.composition import Composition
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.features.descriptors import DESCRIPTORS, describe, evaluate

ALLOYS = (
    "CoCrFeMnNi", "Al0.5CoCrFeNi", "AlCoCrFeNi", "CoCrFeNi", "CoCrNi", "HfNbTaTiZr", "MoNbTaW", "MoNbTaVW",
    "Al0.3CoCrFeNi", "CoCrCuFeNi", "TiZrHfCuNi", "AlLiMgScTi", "Co1.5CrFeNi1.5Ti", "Al2CoCrCuFeNi", "Fe70Cr18Ni10Mo2",
    "Ni61Cr24Mo10Fe5", "Al95Cu4Mg1", "Ti86Al10V4", "Fe77Cr15Al5Si3", "Cu60Zr30Al10",
)


@pytest.fixture(scope="module")
def described():
    return describe([Composition.from_text(text) for text in ALLOYS])


def _matminer(name, *arguments):
    """Columns of one of matminer's featurisers, label → one number an alloy."""
    featurisers = pytest.importorskip("matminer.featurizers.composition")
    from pymatgen.core import Composition as Formula

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matminer's own
        featuriser = getattr(featurisers, name)(*arguments)
        rows = [featuriser.featurize(Formula(text)) for text in ALLOYS]
    return dict(zip(featuriser.feature_labels(), map(np.array, zip(*rows, strict=True)), strict=True))


def test_size_mismatch_and_omega_agree_with_matminers_yang(described):
    yang = _matminer("YangSolidSolution")
    np.testing.assert_allclose(described["delta"], 100 * yang["Yang delta"], rtol=1e-5)
    np.testing.assert_allclose(described["omega"], yang["Yang omega"], rtol=1e-4)


def test_thermodynamics_and_means_agree_with_matminers_wen(described):
    wen = _matminer("WenAlloys")
    # WenAlloys has |ΔH_mix|, and the entropy with the wrong sign and in kJ; its Λ has δ as a fraction.
    np.testing.assert_allclose(described["mixing_enthalpy"].abs(), wen["Mixing enthalpy"], rtol=1e-9)
    np.testing.assert_allclose(described["mixing_entropy"], -1000 * wen["Configuration entropy"], rtol=1e-9)
    np.testing.assert_allclose(described["lambda"], -0.1 * wen["Lambda entropy"], rtol=1e-4)
    np.testing.assert_allclose(described["vec"], wen["VEC mean"], rtol=1e-9)
    np.testing.assert_allclose(described["shear_modulus"], wen["Shear modulus mean"], rtol=1e-9)
    np.testing.assert_allclose(described["shear_mismatch"], 100 * wen["Shear modulus delta"], rtol=1e-6)


def test_means_agree_with_matminers_magpie(described):
    magpie = _matminer("ElementProperty", "magpie", ["MeltingT", "Electronegativity", "MiracleRadius"], ["mean"])
    for key, label in (("melting_temperature", "MeltingT"), ("electronegativity", "Electronegativity"),
                       ("radius", "MiracleRadius")):
        np.testing.assert_allclose(described[key], magpie[f"MagpieData mean {label}"], rtol=1e-9)


@pytest.mark.parametrize(("text", "enthalpy", "vec"), [
    ("CoCrFeNi", -3.75, 8.25),  # Guo, Ng, Lu & Liu, J. Appl. Phys. 109, 103505 (2011)
    ("AlCoCrFeNi", -12.32, 7.2),
    ("CoCrFeMnNi", -4.16, 8.0),
    ("HfNbTaTiZr", 2.72, 4.4),  # Senkov et al., J. Alloys Compd. 509, 6043 (2011)
])
def test_published_values_of_well_known_alloys(text, enthalpy, vec):
    row = describe([Composition.from_text(text)]).iloc[0]
    assert row["mixing_enthalpy"] == pytest.approx(enthalpy, abs=0.01)
    assert row["vec"] == pytest.approx(vec)


def test_pren_is_its_definition_and_is_not_given_for_aluminium():
    steel, nickel, aluminium = describe([Composition.from_text(text) for text in (
        "Fe-25Cr-7Ni-3.5Mo-0.6W-0.25N wt%", "Ni-22Cr-9Mo-3.5Nb wt%", "Al-4Cu-1Mg wt%")])["pren"]
    assert steel == pytest.approx(25 + 3.3 * (3.5 + 0.3) + 16 * 0.25)
    assert nickel == pytest.approx(22 + 3.3 * 9)
    assert np.isnan(aluminium)


@pytest.mark.parametrize(("text", "handbook"), [
    ("Fe-17Cr-12Ni-2.5Mo wt%", 8.0), ("Ti-6Al-4V wt%", 4.43), ("Al-5.6Zn-2.5Mg-1.6Cu wt%", 2.81),
    ("Cu-30Zn wt%", 8.53)])
def test_density_estimate_is_within_four_per_cent_of_handbooks(text, handbook):
    assert describe([Composition.from_text(text)])["density"][0] == pytest.approx(handbook, rel=0.04)


def test_spreads_are_standard_deviations_over_atoms_and_over_pairs():
    row = describe([Composition.from_text("Al25Ni75")]).iloc[0]
    assert row["electronegativity_spread"] == pytest.approx(np.sqrt(0.25 * 0.75) * (1.91 - 1.61), rel=1e-6)
    chance = 2 * 0.25 * 0.75  # of a pair of unlike atoms; H(Al-Ni) = -22 kJ/mol
    assert row["mixing_enthalpy_spread"] == pytest.approx(22 * np.sqrt(chance * (1 - chance)), rel=1e-6)


def test_elements_without_a_modulus_are_left_out_of_its_mean():
    plain, nitrided = describe([Composition.from_text(text) for text in ("FeCr", "Fe48Cr48N4")])["shear_modulus"]
    assert nitrided == pytest.approx(plain)


def test_shuffling_elements_or_alloys_changes_nothing():
    rng = np.random.default_rng(0)
    at = rng.dirichlet(np.full(len(SYMBOLS), 0.1), 30) * 100
    order, rows = rng.permutation(len(SYMBOLS)), rng.permutation(30)
    shuffled = evaluate(at[rows][:, order], tuple(np.array(SYMBOLS)[order]), DESCRIPTORS)
    np.testing.assert_allclose(shuffled, evaluate(at, SYMBOLS, DESCRIPTORS)[rows], rtol=1e-9, atol=1e-9)


def test_every_descriptor_says_what_it_is():
    assert len({descriptor.key for descriptor in DESCRIPTORS}) == len(DESCRIPTORS)
    assert all(d.label and d.symbol and d.formula and d.reference for d in DESCRIPTORS)


@pytest.mark.parametrize(("start", "end"), [
    ("Fe", "Cr"), ("Fe", "Al"), ("CoCrFeMnNi", "Al"), ("Ni", "CrMo"), ("Ti", "FeN")])
def test_no_descriptor_jumps_on_the_way_between_alloys(start, end):
    ends = [Composition.from_text(text).at_vector(SYMBOLS) for text in (start, end)]
    # Finer towards the ends: spreads grow like √c at a pure element, which is steep but no jump.
    share = np.sin(np.linspace(0, np.pi / 2, 4001))[:, None] ** 2
    learnt = [descriptor for descriptor in DESCRIPTORS if descriptor.scope != "display"]
    values = evaluate((1 - share) * ends[0] + share * ends[1], SYMBOLS, learnt)
    largest, span = np.abs(np.diff(values, axis=0)).max(axis=0), np.ptp(values, axis=0)
    assert [d.key for d, step, whole in zip(learnt, largest, span, strict=True) if step > 0.02 * whole + 1e-9] == []


def test_tensorflow_gives_the_same_values_and_the_gradients_of_finite_differences():
    tf = pytest.importorskip("tensorflow")
    import tensorflow.experimental.numpy as tnp

    at = np.random.default_rng(1).dirichlet(np.full(len(SYMBOLS), 0.3), 3) * 100 + 0.05
    direction = np.random.default_rng(2).normal(size=at.shape)
    point = tf.constant(at)
    with tf.autodiff.ForwardAccumulator(point, tf.constant(direction)) as accumulator:
        values = evaluate(point, SYMBOLS, DESCRIPTORS, tnp)
    np.testing.assert_allclose(values, evaluate(at, SYMBOLS, DESCRIPTORS), rtol=1e-9, atol=1e-12)
    ahead, behind = (evaluate(at + sign * 1e-5 * direction, SYMBOLS, DESCRIPTORS) for sign in (1, -1))
    np.testing.assert_allclose(accumulator.jvp(values), (ahead - behind) / 2e-5, rtol=1e-4, atol=1e-5)


def test_gradients_are_finite_where_an_alloy_is_a_pure_element():
    tf = pytest.importorskip("tensorflow")
    import tensorflow.experimental.numpy as tnp

    point = tf.Variable(np.eye(len(SYMBOLS)) * 100)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(evaluate(point, SYMBOLS, DESCRIPTORS, tnp))
    assert np.isfinite(tape.gradient(total, point).numpy()).all()
