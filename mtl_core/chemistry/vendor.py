"""Build the two vendored tables of this folder: `python -m mtl_core.chemistry.vendor` (needs requirements-dev.txt).

Sources, all as shipped by pymatgen 2026.10.24 and matminer 0.10.1:
- atomic mass, and the molar volume of sulphur: pymatgen `Element`;
- radius (Miracle et al., 2010), melting temperature, Pauling electronegativity: matminer's copy of the Magpie tables;
- bulk and shear modulus, molar volume in the metallic state, valence electrons: matminer `Miedema.csv` (de Boer et al.,
  1988; Zhang et al., Comput. Phys. Commun. 209, 2016); Magpie's shear modulus is not used: it has 20 GPa for Mo;
- mixing enthalpy of the equiatomic liquid pair (Takeuchi and Inoue, Mater. Trans. 46, 2817, 2005): matminer
  `MixingEnthalpy`.

VEC counts s and d electrons, and p electrons of main-group elements (Guo et al., J. Appl. Phys. 109, 103505, 2011);
4f electrons lie in the core, so that lanthanides count 3. An empty cell is a number that no source gives; what is done
then is said in `elements.py`.
"""
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent
LANTHANIDES = range(57, 72)
WITHOUT_STABLE_ISOTOPE = ("Tc", "Pm")
HEAVIEST = 83  # Bi; all beyond are radioactive


def _elements():
    """Stable elements up to Bi that have a radius and that Miedema's model knows, and sulphur, which steels contain."""
    from pymatgen.core import Element

    symbols = {*_miedema().index, "S"} - {"H", *WITHOUT_STABLE_ISOTOPE}
    return sorted((Element(symbol) for symbol in symbols if Element(symbol).Z <= HEAVIEST), key=lambda found: found.Z)


def _miedema() -> pd.DataFrame:
    import matminer.utils.data as matminer_data

    path = Path(matminer_data.__file__).parent / "data_files" / "Miedema.csv"
    unknown = {0.0: np.nan}  # the moduli of N
    return pd.read_csv(path, index_col="element").replace({"shear_modulus": unknown, "compressibility": unknown})


def _vec(element, miedema: pd.DataFrame) -> float:
    if element.Z in LANTHANIDES:
        return 3.0
    return miedema["valence_electrons"].get(element.symbol, element.group % 10)


def element_rows() -> pd.DataFrame:
    """One row an element; the column called compressibility in Miedema.csv holds bulk moduli in GPa."""
    from matminer.utils.data import MagpieData

    magpie, miedema = MagpieData(impute_nan=False).all_elemental_props, _miedema()
    rows = [{
        "symbol": element.symbol,
        "number": element.Z,
        "atomic_mass": float(element.atomic_mass),
        "radius_pm": magpie["MiracleRadius"][element.symbol],
        "melting_k": magpie["MeltingT"][element.symbol],
        "electronegativity": magpie["Electronegativity"][element.symbol],
        "vec": _vec(element, miedema),
        "bulk_gpa": miedema["compressibility"].get(element.symbol),
        "shear_gpa": miedema["shear_modulus"].get(element.symbol),
        "molar_volume_cm3": miedema["molar_volume"].get(element.symbol, float(element.molar_volume)),
    } for element in _elements()]
    return pd.DataFrame(rows)


def pair_rows() -> pd.DataFrame:
    """One row a pair of elements, in kJ/mol; pairs that the source lacks are left out."""
    from matminer.utils.data import MixingEnthalpy

    pairs = MixingEnthalpy(impute_nan=False).mixing_data
    symbols = [element.symbol for element in _elements()]
    rows = ((a, b, pairs.get(tuple(sorted((a, b))))) for a, b in combinations(symbols, 2))
    return pd.DataFrame(rows, columns=["a", "b", "mixing_kj_mol"]).dropna()


if __name__ == "__main__":
    element_rows().to_csv(FOLDER / "elements.csv", index=False, float_format="%.10g", lineterminator="\n")
    pair_rows().to_csv(FOLDER / "mixing_enthalpy.csv", index=False, float_format="%.10g", lineterminator="\n")
