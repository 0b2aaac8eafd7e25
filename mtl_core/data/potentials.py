"""The oxygen evolution line, which bounds how far a potential scan can go before the alloy dissolves transpassively."""
import numpy as np

OXYGEN_25C_V = 1.229
OXYGEN_SLOPE_V_PER_K = -0.846e-3
SCE_25C_V = 0.2412
NERNST_V_PER_K = 8.314462618 * np.log(10.0) / 96485.33212


def oxygen_line_mv_sce(temperature_c: np.ndarray, ph: np.ndarray) -> np.ndarray:
    """Equilibrium potential of 2 H₂O = O₂ + 4 H⁺ + 4 e⁻ at 1 bar O₂, mV against a saturated calomel electrode at 25 °C.

    E = E°(T) − (R T ln 10 / F) pH − E_SCE;  E°(T) = 1.229 V − 0.846 mV/K (T − 25 °C).
    Sources: the line, Pourbaix, Atlas of Electrochemical Equilibria (1974); the temperature coefficient, Bratsch,
    J. Phys. Chem. Ref. Data 18, 1 (1989), doi 10.1063/1.555839; the electrode, Bard & Faulkner (2001).
    """
    celsius = np.asarray(temperature_c, float)
    standard = OXYGEN_25C_V + OXYGEN_SLOPE_V_PER_K * (celsius - 25.0)
    return 1000.0 * (standard - NERNST_V_PER_K * (celsius + 273.15) * np.asarray(ph, float) - SCE_25C_V)
