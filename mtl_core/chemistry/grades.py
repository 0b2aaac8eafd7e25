"""Alloys that are known by a name: nominal compositions of common grades and well-studied multi-principal-element alloys."""
from dataclasses import dataclass

from mtl_core.chemistry.composition import Basis, Composition
from mtl_core.errors import CompositionError


@dataclass(frozen=True)
class Grade:
    """A name, its composition as `Composition.from_text` reads it, and the processing it usually has."""

    name: str
    text: str
    process: str | None = None

    @property
    def composition(self) -> Composition:
        return Composition.from_text(self.text)


GRADES = tuple(Grade(*row) for row in (
    ("304", "Fe-18.5Cr-9Ni-1.5Mn-0.5Si-0.05C wt%", "WROUGHT"),
    ("316L", "Fe-17Cr-12Ni-2.5Mo-1.5Mn-0.5Si-0.02C wt%", "WROUGHT"),
    ("2205", "Fe-22Cr-5.5Ni-3.1Mo-1.5Mn-0.5Si-0.17N-0.02C wt%", "WROUGHT"),
    ("254 SMO", "Fe-20Cr-18Ni-6.1Mo-0.7Cu-0.5Mn-0.2N wt%", "WROUGHT"),
    ("Alloy 625", "Ni-21.5Cr-9Mo-3.6Nb-2.5Fe-0.2Al-0.2Ti wt%", "WROUGHT"),
    ("C-276", "Ni-16Cr-16Mo-5.5Fe-3.8W wt%", "WROUGHT"),
    ("CoCrFeNi", "CoCrFeNi", "CAST"),
    ("CoCrFeMnNi", "CoCrFeMnNi", "CAST"),
    ("Al0.5CoCrFeNi", "Al0.5CoCrFeNi", "CAST"),
    ("AlCoCrFeNi", "AlCoCrFeNi", "CAST"),
    ("HfNbTaTiZr", "HfNbTaTiZr", "CAST"),
    ("MoNbTaVW", "MoNbTaVW", "CAST"),
    ("2024", "Al-4.4Cu-1.5Mg-0.6Mn wt%", "WROUGHT"),
))


def graded(text: str) -> Grade | None:
    """The grade that is called so, whatever the capitals and spaces: "316l", "254SMO"."""
    return {_plain(grade.name): grade for grade in GRADES}.get(_plain(text))


def _plain(name: str) -> str:
    return "".join(name.split()).lower()


def read_alloy(text: str, basis: Basis | None = None) -> Composition:
    """A grade by its name, or what `Composition.from_text` reads; raises CompositionError for anything else."""
    try:
        return Composition.from_text(text, basis)
    except CompositionError as error:
        if grade := graded(text):
            return grade.composition
        raise CompositionError(f"{error}; or name one of the grades {', '.join(grade.name for grade in GRADES)}") from error
