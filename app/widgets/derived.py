"""Quantities that follow from the composition alone; the formula stands in the hover."""
import math

import streamlit as st

from app.figures.style import written
from app.services import model
from mtl_core.chemistry.composition import Composition
from mtl_core.features.descriptors import DESCRIPTORS

SHOWN = ("vec", "delta", "mixing_enthalpy", "mixing_entropy", "omega", "lambda", "pren",
         "melting_temperature", "density")


def derived_quantities(composition: Composition) -> None:
    """A row of numbers, each with its formula and reference on hover."""
    values = model.derived(composition)
    descriptors = {descriptor.key: descriptor for descriptor in DESCRIPTORS}
    with st.container(horizontal=True, gap="medium"):
        for key in SHOWN:
            _quantity(descriptors[key], float(values[key]))


def _quantity(descriptor, value: float) -> None:
    unit = f" {descriptor.unit}" if descriptor.unit and math.isfinite(value) else ""
    help_text = f"{descriptor.label}\n\n{descriptor.formula}\n\n{descriptor.reference}"
    st.metric(descriptor.symbol, f"{written(value)}{unit}", help=help_text, width=150)
