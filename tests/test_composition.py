"""Compositions: at.% and wt.% both ways, three notations, and questions instead of guesses."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_core.chemistry.composition import Composition, to_at, to_wt
from mtl_core.chemistry.elements import SYMBOLS, element_table, mixing_enthalpy
from mtl_core.errors import CompositionError

amounts = st.lists(st.floats(0.0, 100.0).map(lambda value: round(value, 6)), min_size=len(SYMBOLS),
                   max_size=len(SYMBOLS)).filter(lambda values: sum(values) > 1e-3).map(np.array)


@given(amounts)
def test_at_to_wt_and_back_is_exact(at):
    closed = 100.0 * at / at.sum()
    np.testing.assert_allclose(to_at(to_wt(at, SYMBOLS), SYMBOLS), closed, rtol=0, atol=1e-9)
    np.testing.assert_allclose(to_wt(to_at(at, SYMBOLS), SYMBOLS), closed, rtol=0, atol=1e-9)


@given(st.dictionaries(st.sampled_from(SYMBOLS), st.floats(0.1, 100.0), min_size=1, max_size=8),
       st.sampled_from(["at", "wt"]))
def test_a_composition_is_read_back_from_its_own_text(ratios, basis):
    composition = Composition.from_mapping(ratios, normalise=True)
    again = Composition.from_text(composition.formula(basis, digits=9))
    np.testing.assert_allclose(again.at_vector(SYMBOLS), composition.at_vector(SYMBOLS), rtol=0, atol=1e-6)


def test_wt_percent_agrees_with_pymatgen():
    pymatgen = pytest.importorskip("pymatgen.core")
    formula = "Fe70Cr18Ni10Mo2"
    reference = pymatgen.Composition(formula)
    for symbol, value in Composition.from_text(formula).wt.items():
        assert value == pytest.approx(100 * reference.get_wt_fraction(symbol), abs=1e-6)


@pytest.mark.parametrize(("text", "expected"), [
    ("Al0.5CoCrFeNi", {"Al": 100 / 9, "Co": 200 / 9, "Cr": 200 / 9, "Fe": 200 / 9, "Ni": 200 / 9}),
    ("Al₀.₅CoCrFeNi", {"Al": 100 / 9, "Co": 200 / 9, "Cr": 200 / 9, "Fe": 200 / 9, "Ni": 200 / 9}),
    ("Al0.5CoCrFeNi at%", {"Al": 100 / 9, "Co": 200 / 9, "Cr": 200 / 9, "Fe": 200 / 9, "Ni": 200 / 9}),
    ("CoCrFeMnNi", dict.fromkeys(("Cr", "Mn", "Fe", "Co", "Ni"), 20.0)),
    ("Co Cr Fe Mn Ni", dict.fromkeys(("Cr", "Mn", "Fe", "Co", "Ni"), 20.0)),
    ("Al0.25 Co1 Fe1 Ni1", {"Al": 100 / 13, "Co": 400 / 13, "Fe": 400 / 13, "Ni": 400 / 13}),
    ("Fe 70 Cr 18 Ni 12 at%", {"Fe": 70.0, "Cr": 18.0, "Ni": 12.0}),
    ("Fe: 70, Cr: 18, Ni: 12 (at.%)", {"Fe": 70.0, "Cr": 18.0, "Ni": 12.0}),
    ("Fe-18Cr-12Ni at%", {"Fe": 70.0, "Cr": 18.0, "Ni": 12.0}),
    ("70Fe 18Cr 12Ni atomic %", {"Fe": 70.0, "Cr": 18.0, "Ni": 12.0}),
    ("Cr 18 Ni 12 Fe bal at%", {"Fe": 70.0, "Cr": 18.0, "Ni": 12.0}),
    ("Fe70Cr18Ni12", {"Fe": 70.0, "Cr": 18.0, "Ni": 12.0}),
    ("Cu wt%", {"Cu": 100.0}),
])
def test_text_in_at_percent(text, expected):
    assert Composition.from_text(text).at == pytest.approx(expected)


@pytest.mark.parametrize("text", [
    "Fe-18Cr-10Ni-2Mo wt%", "Fe–18Cr–10Ni–2Mo (wt.%)", "Fe-18 wt.% Cr-10 wt.% Ni-2 wt.% Mo", "18Cr-10Ni-2Mo-70Fe mass%",
    "Fe 70 Cr 18 Ni 10 Mo 2 weight %", "Fe bal, Cr 18, Ni 10, Mo 2 wt%",
])
def test_text_in_wt_percent(text):
    assert Composition.from_text(text).wt == pytest.approx({"Fe": 70.0, "Cr": 18.0, "Ni": 10.0, "Mo": 2.0})


def test_a_basis_given_beside_the_text_answers_the_question():
    assert Composition.from_text("Fe-18Cr-10Ni", "wt").wt == pytest.approx({"Fe": 72.0, "Cr": 18.0, "Ni": 10.0})
    assert Composition.from_text("Fe-18Cr-10Ni", "at").at == pytest.approx({"Fe": 72.0, "Cr": 18.0, "Ni": 10.0})
    assert Composition.from_text("CoCrFeMnNi", "at") == Composition.from_text("CoCrFeMnNi")


@pytest.mark.parametrize(("text", "asks"), [
    ("Fe-18Cr-10Ni", "at.% or in wt.%"),
    ("Fe 70 Cr 18 Ni 12", "at.% or in wt.%"),
    ("Ti6Al4V", "'Ti6Al4V1', or per cent before each symbol, 'Ti-6Al-4V wt%'"),
    ("Fe 18 Cr 10 Ni wt%", "two readings"),
    ("CO", "'CO' may be Co or C and O"),
    ("TiZrNB", "'NB' may be Nb or N and B"),
    ("FE-18CR wt%", "'FE' may be Fe"),
    ("fe-18cr wt%", "symbols are written Fe, not FE or fe"),
    ("(CoCrNi)94Al6", "multiply out"),
    ("Fe18,5Cr", "decimal comma"),
    ("Fe-18Cr wt% at%", "both at.% and wt.%"),
    ("CoCrFeMnNi wt%", "per cent for every element"),
    ("Fe 70 Cr 18 Ni 15 at%", "rescaled to 100 they are: Fe 67.96 Cr 17.48 Ni 14.56 at%"),
    ("Fe-120Cr wt%", "nothing is left for Fe"),
    ("FeCrFe", "each element once, got Fe"),
    ("Fe-18Xx wt%", "got 'Xx'"),
    ("316L", "got 'L'"),
    ("Fe0Cr0", "only zeros"),
    ("Fe" * 200, "1 to 200 characters"),
    ("  ", "1 to 200 characters"),
    ("__import__('os')", "brackets"),
    ("Fe-18Cr; drop", "cannot read"),
])
def test_text_that_cannot_be_read_in_one_way_asks(text, asks):
    with pytest.raises(CompositionError) as caught:
        Composition.from_text(text)
    assert asks in str(caught.value)


def test_a_basis_that_contradicts_the_text_is_refused():
    with pytest.raises(CompositionError, match=r"says wt\.%, but at\.% was asked for"):
        Composition.from_text("Fe-18Cr wt%", "at")


@given(st.text(max_size=60) | st.text("FeCrNi0123456789.,-+% atwbl()", max_size=40))
def test_no_text_does_anything_but_read_or_ask(text):
    try:
        assert sum(Composition.from_text(text).at.values()) == pytest.approx(100.0)
    except CompositionError as error:
        assert str(error)


@pytest.mark.parametrize(("mapping", "says"), [
    ({"Fe": 70.0, "Cr": 20.0}, "got 90"),
    ({"Fe": 101.0, "Cr": -1.0}, "Cr -1.0"),
    ({"Fe": float("nan"), "Cr": 20.0}, "Fe nan"),
    ({"Fe": "much"}, "expected numbers"),
    ({"Unobtainium": 100.0}, "got 'Unobtainium'"),
    ({}, "not all zero"),
])
def test_mappings_are_checked(mapping, says):
    with pytest.raises(CompositionError) as caught:
        Composition.from_mapping(mapping)
    assert says in str(caught.value)


def test_sums_within_two_per_cent_are_closed_and_ratios_are_normalised():
    assert Composition.from_mapping({"Fe": 70.0, "Cr": 31.5}).at["Fe"] == pytest.approx(7000 / 101.5)
    assert Composition.from_mapping({"Fe": 1.0, "Cr": 3.0}, normalise=True).at == pytest.approx({"Cr": 75, "Fe": 25})


def test_an_element_outside_a_vector_is_never_dropped():
    with pytest.raises(CompositionError, match="got also Ni"):
        Composition.from_text("FeNi").at_vector(("Fe", "Cr"))


def test_compositions_are_equal_whatever_the_order_of_their_text():
    assert Composition.from_text("NiCrFe") == Composition.from_text("FeCrNi")
    assert len({Composition.from_text("NiCrFe"), Composition.from_text("FeCrNi")}) == 1


def test_a_composition_cannot_be_made_wrong_by_hand():
    for atoms in ((("Fe", 60.0),), (("Fe", 120.0), ("Ni", -20.0)), (("Ni", 50.0), ("Fe", 50.0))):
        with pytest.raises(CompositionError):
            Composition(atoms)


def test_tables_of_the_elements_are_complete_and_cannot_be_changed():
    table = element_table()
    assert set(table.columns[table.isna().any()]) == {"bulk_gpa", "shear_gpa"}
    assert set(table.index[table["shear_gpa"].isna()]) == {"N", "S"}
    enthalpy = mixing_enthalpy(("Fe", "Al", "Ti"))
    np.testing.assert_array_equal(enthalpy, [[0, -11, -17], [-11, 0, -30], [-17, -30, 0]])  # Takeuchi & Inoue, table
    with pytest.raises(ValueError, match="read-only"):
        enthalpy[0, 0] = 1.0
    table.loc["Fe", "radius_pm"] = 0.0
    assert element_table().loc["Fe", "radius_pm"] == 125.0


def test_the_vendored_tables_are_what_their_script_builds():
    pytest.importorskip("matminer")
    from mtl_core.chemistry import vendor

    assert vendor.element_rows().set_index("symbol").astype(float).equals(element_table().astype(float))
    rows = vendor.pair_rows()
    for a, b, value in rows.sample(50, random_state=0).itertuples(index=False):
        assert mixing_enthalpy((a, b))[0, 1] == value
