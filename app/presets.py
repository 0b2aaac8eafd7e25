"""Alloys to start from: nominal compositions of common grades and well-studied multi-principal-element alloys."""
from dataclasses import dataclass

from app.selection import Basis, Selection
from mtl_core.chemistry.composition import Composition
from mtl_core.types import Conditions


@dataclass(frozen=True)
class Preset:
    """A name, its composition as `Composition.from_text` reads it, and the processing it usually has."""

    name: str
    text: str
    process: str | None = None

    @property
    def basis(self) -> Basis:
        """Grades are specified in wt.%, formulas count atoms."""
        return "wt" if "wt%" in self.text else "at"

    @property
    def composition(self) -> Composition:
        return Composition.from_text(self.text)

    def selection(self, **chosen) -> Selection:
        """The preset as a choice; keywords override fields of the selection."""
        usual = {"conditions": Conditions(process=self.process)}
        return Selection.of(self.composition, basis=self.basis, **usual | chosen)


PRESETS = {preset.name: preset for preset in (
    Preset("304", "Fe-18.5Cr-9Ni-1.5Mn-0.5Si-0.05C wt%", "WROUGHT"),
    Preset("316L", "Fe-17Cr-12Ni-2.5Mo-1.5Mn-0.5Si-0.02C wt%", "WROUGHT"),
    Preset("2205", "Fe-22Cr-5.5Ni-3.1Mo-1.5Mn-0.5Si-0.17N-0.02C wt%", "WROUGHT"),
    Preset("254 SMO", "Fe-20Cr-18Ni-6.1Mo-0.7Cu-0.5Mn-0.2N wt%", "WROUGHT"),
    Preset("Alloy 625", "Ni-21.5Cr-9Mo-3.6Nb-2.5Fe-0.2Al-0.2Ti wt%", "WROUGHT"),
    Preset("C-276", "Ni-16Cr-16Mo-5.5Fe-3.8W wt%", "WROUGHT"),
    Preset("CoCrFeNi", "CoCrFeNi", "CAST"),
    Preset("CoCrFeMnNi", "CoCrFeMnNi", "CAST"),
    Preset("Al0.5CoCrFeNi", "Al0.5CoCrFeNi", "CAST"),
    Preset("AlCoCrFeNi", "AlCoCrFeNi", "CAST"),
    Preset("HfNbTaTiZr", "HfNbTaTiZr", "CAST"),
    Preset("MoNbTaVW", "MoNbTaVW", "CAST"),
    Preset("2024", "Al-4.4Cu-1.5Mg-0.6Mn wt%", "WROUGHT"),
)}


def opening() -> Selection:
    """What a first visit sees: an alloy in the domain of both default tasks, all along its aluminium."""
    return PRESETS["Al0.5CoCrFeNi"].selection(moved="Al")


def named(text: str) -> Preset | None:
    """The preset that is called so, whatever the capitals and spaces: "316l", "254SMO"."""
    return {_plain(name): preset for name, preset in PRESETS.items()}.get(_plain(text))


def _plain(name: str) -> str:
    return "".join(name.split()).lower()


def name_of(composition: Composition) -> str:
    """The preset that has this composition (within 0.01 at.%), or an empty text."""
    return next((preset.name for preset in PRESETS.values() if _is_same(preset.composition.at, composition.at)), "")


def _is_same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[symbol] - other[symbol]) < 0.01 for symbol in one)
