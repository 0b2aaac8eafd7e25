"""The lattice of an alloy, as a class, from what its papers say of its phases."""
import numpy as np
import pandas as pd

from mtl_core.tasks import TASKS

PHASE = TASKS["phase"]
LATTICES = {"BCC": "BCC", "B2": "BCC", "FCC": "FCC", "L12": "FCC"}  # an ordered phase has its parent's lattice
WITHOUT_LATTICE = {"Amorphous", "Nanocrystalline", "Other"}
LEFT_OUT = "left out"


def phase_class(label: str) -> str | None:
    """The class of a label such as FCC+B2; None for what is amorphous, nanocrystalline, something else or not known."""
    phases = set(label.split("+")) - {""}
    if not phases or phases & WITHOUT_LATTICE:
        return None
    lattices = {LATTICES.get(phase, "") for phase in phases}
    return lattices.pop() if len(lattices) == 1 and "" not in lattices else "mixed"


def phase_rows(readings: pd.DataFrame) -> pd.DataFrame:
    """One row an alloy and paper with a class, whose `value` is the position of the class; readings: joined with alloys."""
    found = readings.drop_duplicates(["alloy_id", "reference_id"])
    classes = found["phases"].map(phase_class)
    found, classes = found[classes.notna()], classes.dropna()
    nothing = dict.fromkeys(("value_low", "value_high", "temperature_c", "chloride_m", "bromide_m", "sulphate_m", "perchlorate_m",
                             "acid_m", "ph", "scan_rate_mv_s"), np.nan)
    return found.assign(
        **nothing, value=classes.map(PHASE.classes.index).astype(float), unit="", bound="=", test_type="", flags="",
        measurement_id=found["alloy_id"] + "-phase-" + found["reference_id"].astype(str))


def phase_counts(alloys: pd.DataFrame) -> pd.Series:
    """Alloys of each class, and those with a label that are left out."""
    labels = alloys.loc[alloys["phases"] != "", "phases"].dropna()
    return labels.map(phase_class).fillna(LEFT_OUT).value_counts().reindex([*PHASE.classes, LEFT_OUT], fill_value=0)
