"""Names of test solutions against amounts worked out by hand or printed in handbooks."""
import pytest

from mtl_core.data.potentials import oxygen_line_mv_sce
from mtl_core.data.solution import molarity, parse_solution, settle_chloride


@pytest.mark.parametrize(("text", "ions"), [
    ("0.1 N H2SO4, 0.05N NaCl", {"chloride_m": 0.05, "sulphate_m": 0.05, "acid_m": 0.05}),
    ("1M H2SO4 + 0.5M NaCl, H2 deaerated", {"chloride_m": 0.5, "sulphate_m": 1.0, "acid_m": 1.0}),
    ("de-aerated 0.1 M HCI + 0.4 M NaCl", {"chloride_m": 0.5, "acid_m": 0.1}),
    ("0.5 NH CI + 1 N NaCI", {"chloride_m": 1.5, "acid_m": 0.5}),
    ("4M MgCl2", {"chloride_m": 8.0}),
    ("1.0M NaBr PH=3", {"bromide_m": 1.0, "ph": 3.0}),
    ("0.1 M NaCIO4 ", {"perchlorate_m": 0.1}),
    ("0.1M Na2SO4 + 0.6M NaCl", {"chloride_m": 0.6, "sulphate_m": 0.1}),
    ("1000 ppm NaCl, pH 7.8", {"chloride_m": 0.01711, "ph": 7.8}),
    ("10% (0.6M) FeCl3", {"chloride_m": 1.8}),
    ("6%FeCl3 (10%FeCl3.H2O)", {"chloride_m": 1.164}),
    ("pH 4(6.25 x 10–5 M H2SO4) with 200 ppm Cl-",
     {"chloride_m": 0.00564, "sulphate_m": 6.25e-5, "acid_m": 6.25e-5, "ph": 4.0}),
    ("0.01 M ChlorideDeaerated pH 4", {"chloride_m": 0.01, "ph": 4.0}),
    ("Sea Water 1:30", {"chloride_m": 0.0182, "bromide_m": 2.8e-5, "sulphate_m": 9.4e-4}),
])
def test_a_solution_is_read_into_ions(text, ions):
    solution = parse_solution(text)
    for ion in ("chloride_m", "bromide_m", "sulphate_m", "perchlorate_m", "acid_m"):
        assert getattr(solution, ion) == pytest.approx(ions.get(ion, 0.0), rel=2e-3), ion
    assert solution.ph == ions.get("ph")
    assert solution.is_understood


@pytest.mark.parametrize(("percent", "salt", "expected"), [
    (3.5, "NaCl", 0.613), (10.0, "NaCl", 1.832), (20.0, "NaCl", 3.928), (10.0, "FeCl3", 0.669), (20.0, "FeCl3", 1.457),
])
def test_weight_per_cent_agrees_with_the_handbook_tables_of_aqueous_solutions(percent, salt, expected):
    assert molarity(percent, "%", salt) == pytest.approx(expected, rel=3e-3)


@pytest.mark.parametrize(("text", "reported", "expected", "flags"), [
    ("3.5% NaCl", 0.6, 0.6, ()),
    ("1 M HCl", 0.0, 1.0, ("chloride-contradicted",)),
    ("0.1 M NaClO4", 0.1, 0.0, ("chloride-contradicted",)),
    ("1N H2SO4", 1e-6, 0.0, ()),
    ("NaCl", 0.6, 0.6, ()),
    ("0.2 M NaCl", None, 0.2, ()),
    ("Deaerated 0.5M H2SO6", 0.0, 0.0, ("solution-typo",)),
    ("0.1M NaCl + 0.025 M W04", 0.1, 0.1, ("unlisted-additive",)),
])
def test_reported_chloride_wins_unless_the_name_contradicts_it(text, reported, expected, flags):
    solution = settle_chloride(parse_solution(text), reported)
    assert (solution.chloride_m, solution.flags) == (pytest.approx(expected), flags)


@pytest.mark.parametrize(("celsius", "ph", "expected"), [
    (25, 0, 987.8), (25, 7, 573.7), (60, 7, 495.5), (25, -1, 1047.0),
])
def test_the_oxygen_evolution_line_against_calomel(celsius, ph, expected):
    # By hand: 1229 - 0.846 (T - 25) - 0.19842 (T + 273.15) pH - 241.2 mV.
    assert oxygen_line_mv_sce(celsius, ph) == pytest.approx(expected, abs=0.3)
