"""Physical descriptors of alloys: pure and smooth functions of a Mixture, with label, unit, formula and reference.

Transitions that textbooks draw as thresholds are sigmoids here, so that every descriptor has a gradient everywhere.
"""
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from mtl_core.chemistry.composition import Composition
from mtl_core.chemistry.elements import SYMBOLS
from mtl_core.features.mixture import Array, Mixture, sigmoid, smooth_root

GAS_CONSTANT = 8.314  # J/(mol K)
SMALLEST_ENTHALPY = 1e-3  # kJ/mol; keeps Ω finite for ideal mixtures
SMALLEST_DELTA = 1e-3  # %; keeps Λ finite for atoms of one size
SOFT_ENERGY, SOFT_ENTROPY, SOFT_SQUARE = 0.1, 0.1, 0.1  # kJ/mol, J/(mol K), %²; let log Ω and log Λ leave 0 slowly
NITROGEN_FLOOR = 0.01  # wt.%; usual in steels that were not alloyed with nitrogen
STAINLESS_CR, STAINLESS_WIDTH = 10.5, 1.5  # wt.%; EN 10088-1 calls a steel stainless from 10.5

_YANG = "Yang & Zhang, Mater. Chem. Phys. 132, 233 (2012)"
_GUO = "Guo, Ng, Lu & Liu, J. Appl. Phys. 109, 103505 (2011)"
_ZHANG = "Zhang, Zhou, Lin, Chen & Liaw, Adv. Eng. Mater. 10, 534 (2008)"
_FANG = "Fang, Xiao, Xia, Li & Dong, J. Non-Cryst. Solids 321, 120 (2003)"
_TAKEUCHI = "Takeuchi & Inoue, Mater. Trans. 46, 2817 (2005)"
_SINGH = "Singh, Kumar, Dwivedi & Subramaniam, Intermetallics 53, 112 (2014)"
_WEN = "Wen et al., Acta Mater. 170, 109 (2019)"
_PREN = "Lorenz & Medawar, Thyssenforschung 1, 97 (1969); W: Okamoto, Applications of Stainless Steel (1992)"
_NYBY = "Nyby et al., Sci. Data 8, 58 (2021), classes by base element"
_EN = "EN 10088-1: stainless from 10.5 wt.% Cr"


class Descriptor(BaseModel):
    """One quantity of an alloy. scope: "alloy" and "corrosion" are learnt from, "display" is only shown."""

    model_config = ConfigDict(frozen=True)

    key: str
    label: str
    symbol: str
    unit: str
    formula: str
    reference: str
    function: Callable[[Mixture], Array]
    scope: Literal["alloy", "corrosion", "display"] = "alloy"
    needs: tuple[str, ...] = ()
    """Elements without whose reported amount the descriptor is unknown."""


def mixing_enthalpy(mix: Mixture) -> Array:
    """ΔH_mix = Σ_{i<j} 4 H_ij c_i c_j, kJ/mol."""
    return 2.0 * mix.pair_enthalpy


def mixing_enthalpy_spread(mix: Mixture) -> Array:
    """Standard deviation of H_ij over random pairs of atoms, kJ/mol; H_ii = 0."""
    return smooth_root(mix.pair_enthalpy_square - mix.pair_enthalpy**2, SMALLEST_ENTHALPY, mix.xp)


def mixing_entropy(mix: Mixture) -> Array:
    """ΔS_mix = −R Σ c ln c, J/(mol K)."""
    return GAS_CONSTANT * mix.entropy


def omega(mix: Mixture) -> Array:
    """Ω = T_m ΔS_mix / |ΔH_mix|, with |x| → √(x² + s²)."""
    size = mix.xp.sqrt(mixing_enthalpy(mix) ** 2 + SMALLEST_ENTHALPY**2)
    return mix.mean("melting_k") * mixing_entropy(mix) / (1000.0 * size)


def size_entropy(mix: Mixture) -> Array:
    """Λ = ΔS_mix / δ², J/(mol K) per %², with δ² → δ² + s²."""
    return mixing_entropy(mix) / (mix.mismatch("radius_pm") ** 2 + SMALLEST_DELTA**2)


def log_omega(mix: Mixture) -> Array:
    """log₁₀((T_m ΔS_mix + s) / √(ΔH_mix² + s²)): near log Ω, and 0 for a pure element."""
    driving = mix.mean("melting_k") * mixing_entropy(mix) / 1000.0 + SOFT_ENERGY
    return _log10(driving / mix.xp.sqrt(mixing_enthalpy(mix) ** 2 + SOFT_ENERGY**2), mix.xp)


def log_lambda(mix: Mixture) -> Array:
    """log₁₀((ΔS_mix + s) / (δ² + s)): near log Λ, and 0 for a pure element."""
    return _log10((mixing_entropy(mix) + SOFT_ENTROPY) / (mix.mismatch("radius_pm") ** 2 + SOFT_SQUARE), mix.xp)


def density(mix: Mixture) -> Array:
    """ρ = Σ c M / Σ c V, g/cm³; V the molar volume of the pure metal."""
    return mix.mean("atomic_mass") / mix.mean("molar_volume_cm3")


def pren(mix: Mixture) -> Array:
    """PREN = Cr + 3.3 (Mo + 0.5 W) + 16 N, amounts in wt.%."""
    return mix.wt("Cr") + 3.3 * (mix.wt("Mo") + 0.5 * mix.wt("W")) + 16.0 * mix.wt("N")


def steel_or_nickel(mix: Mixture) -> Array:
    """How far Fe or Ni is the base, 0 to 1: the alloys for which PREN was made."""
    return mix.base("Fe") + mix.base("Ni")


def log_nitrogen(mix: Mixture) -> Array:
    """log₁₀(N + 0.01), N in wt.%."""
    return _log10(mix.wt("N") + NITROGEN_FLOOR, mix.xp)


def _log10(value: Array, xp: ModuleType) -> Array:
    return xp.log(value) / np.log(10.0)


def _alloy(key: str, label: str, symbol: str, unit: str, formula: str, reference: str, function) -> Descriptor:
    return Descriptor(key=key, label=label, symbol=symbol, unit=unit, formula=formula, reference=reference,
                      function=function)


def _mean(key: str, column: str, label: str, symbol: str, unit: str, reference: str) -> Descriptor:
    return _alloy(key, f"Mean {label}", symbol, unit, "⟨v⟩ = Σ cᵢ vᵢ", reference, lambda mix: mix.mean(column))


def _mismatch(key: str, column: str, label: str, symbol: str, reference: str) -> Descriptor:
    return _alloy(key, f"{label} mismatch", symbol, "%", "100 √(Σ cᵢ (1 − vᵢ/⟨v⟩)²)", reference,
                  lambda mix: mix.mismatch(column))


def _spread(key: str, column: str, label: str, symbol: str, unit: str, reference: str) -> Descriptor:
    return _alloy(key, f"{label} spread", symbol, unit, "√(Σ cᵢ (vᵢ − ⟨v⟩)²)", reference,
                  lambda mix: mix.spread(column))


def _weight(symbol: str) -> Descriptor:
    return Descriptor(key=f"wt_{symbol.lower()}", label=f"{symbol} content", symbol=f"w_{symbol}", unit="wt.%",
                      formula="100 cᵢ Mᵢ / Σ cⱼ Mⱼ", reference="definition", scope="corrosion", needs=(symbol,),
                      function=lambda mix: mix.wt(symbol))


def _base(symbol: str) -> Descriptor:
    return Descriptor(key=f"base_{symbol.lower()}", label=f"{symbol}-base", symbol=f"b_{symbol}", unit="",
                      formula="wᵢ⁸ / Σ wⱼ⁸, w in wt.%", reference=_NYBY, scope="corrosion",
                      function=lambda mix: mix.base(symbol))


DESCRIPTORS: tuple[Descriptor, ...] = (
    _mean("radius", "radius_pm", "atomic radius", "r̄", "pm", _ZHANG),
    _mismatch("delta", "radius_pm", "Atomic size", "δ", _ZHANG),
    _mean("melting_temperature", "melting_k", "melting temperature", "T_m", "K", _YANG),
    _mismatch("melting_mismatch", "melting_k", "Melting temperature", "δT_m", _YANG),
    _mean("electronegativity", "electronegativity", "electronegativity (Pauling)", "χ̄", "", _FANG),
    _spread("electronegativity_spread", "electronegativity", "Electronegativity", "Δχ", "", _FANG),
    _mean("vec", "vec", "valence electron concentration", "VEC", "e/atom", _GUO),
    _spread("vec_spread", "vec", "Valence electron", "ΔVEC", "e/atom", _GUO),
    _mean("bulk_modulus", "bulk_gpa", "bulk modulus", "K̄", "GPa", _WEN),
    _mismatch("bulk_mismatch", "bulk_gpa", "Bulk modulus", "δK", _WEN),
    _mean("shear_modulus", "shear_gpa", "shear modulus", "Ḡ", "GPa", _WEN),
    _mismatch("shear_mismatch", "shear_gpa", "Shear modulus", "δG", _WEN),
    _alloy("mixing_enthalpy", "Mixing enthalpy", "ΔH_mix", "kJ/mol", "Σ_{i<j} 4 Hᵢⱼ cᵢ cⱼ", _TAKEUCHI, mixing_enthalpy),
    _alloy("mixing_enthalpy_spread", "Mixing enthalpy spread", "δH_mix", "kJ/mol",
           "√(Σᵢⱼ cᵢ cⱼ Hᵢⱼ² − (Σᵢⱼ cᵢ cⱼ Hᵢⱼ)²)", _TAKEUCHI, mixing_enthalpy_spread),
    _alloy("mixing_entropy", "Configurational entropy", "ΔS_mix", "J/(mol K)", "−R Σ cᵢ ln cᵢ", _YANG, mixing_entropy),
    _alloy("log_omega", "Log solid-solution parameter", "log Ω", "",
           "log₁₀((T_m ΔS_mix + 0.1) / √(ΔH_mix² + 0.1²)), kJ/mol", _YANG, log_omega),
    _alloy("log_lambda", "Log entropy over mismatch", "log Λ", "", "log₁₀((ΔS_mix + 0.1) / (δ² + 0.1))", _SINGH,
           log_lambda),
    *(_weight(symbol) for symbol in ("Cr", "Mo", "W")),
    Descriptor(key="log_n", label="Log nitrogen content", symbol="log w_N", unit="", formula="log₁₀(w_N + 0.01), wt.%",
               reference="definition", scope="corrosion", needs=("N",), function=log_nitrogen),
    Descriptor(key="pren_steel", label="PREN of Fe- and Ni-base", symbol="PREN·b", unit="wt.%",
               formula="(Cr + 3.3 (Mo + 0.5 W) + 16 N) (b_Fe + b_Ni)", reference=_PREN, scope="corrosion",
               needs=("Mo", "N"), function=lambda mix: pren(mix) * steel_or_nickel(mix)),
    Descriptor(key="stainless", label="Enough Cr to passivate", symbol="s_Cr", unit="",
               formula="1 / (1 + exp(−(w_Cr − 10.5) / 1.5))", reference=_EN, scope="corrosion", needs=("Cr",),
               function=lambda mix: sigmoid((mix.wt("Cr") - STAINLESS_CR) / STAINLESS_WIDTH, mix.xp)),
    *(_base(symbol) for symbol in ("Fe", "Ni", "Al", "Co", "Ti")),
    Descriptor(key="omega", label="Solid-solution parameter", symbol="Ω", unit="", formula="T_m ΔS_mix / |ΔH_mix|",
               reference=_YANG, scope="display", function=omega),
    Descriptor(key="lambda", label="Entropy over mismatch", symbol="Λ", unit="J/(mol K)", formula="ΔS_mix / δ²",
               reference=_SINGH, scope="display", function=size_entropy),
    Descriptor(key="density", label="Density (estimate)", symbol="ρ", unit="g/cm³", formula="Σ cᵢ Mᵢ / Σ cᵢ Vᵢ",
               reference="rule of mixtures", scope="display", function=density),
    Descriptor(key="pren", label="Pitting resistance equivalent number", symbol="PREN", unit="wt.%",
               formula="Cr + 3.3 (Mo + 0.5 W) + 16 N", reference=_PREN, scope="display", needs=("Mo", "N"),
               function=pren),
)


def evaluate(at: Array, symbols: Sequence[str], descriptors: Sequence[Descriptor], xp: ModuleType = np) -> Array:
    """Descriptors of n alloys, [n, D], from at.% [n, E]; differentiable when `xp` is tensorflow.experimental.numpy."""
    mix = Mixture.from_at(at, tuple(symbols), xp)
    return xp.stack([descriptor.function(mix) for descriptor in descriptors], axis=-1)


def describe(compositions: Sequence[Composition]) -> pd.DataFrame:
    """All descriptors in their physical units, one row an alloy; PREN is NaN where neither Fe nor Ni is the base."""
    at = np.array([composition.at_vector(SYMBOLS) for composition in compositions]).reshape(-1, len(SYMBOLS))
    table = pd.DataFrame(evaluate(at, SYMBOLS, DESCRIPTORS), columns=[descriptor.key for descriptor in DESCRIPTORS])
    return table.assign(pren=table["pren"].where(steel_or_nickel(Mixture.from_at(at, SYMBOLS)) > 0.5))
