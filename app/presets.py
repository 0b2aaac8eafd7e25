"""Alloys to start from: the grades that have a name, as choices of the Design page."""
from app.selection import Basis, Selection
from mtl_core.chemistry.composition import Composition
from mtl_core.chemistry.grades import GRADES, Grade, graded
from mtl_core.types import Conditions


class Preset(Grade):
    """A grade that can be chosen."""

    @property
    def basis(self) -> Basis:
        """Grades are specified in wt.%, formulas count atoms."""
        return "wt" if "wt%" in self.text else "at"

    def selection(self, **chosen) -> Selection:
        """The preset as a choice; keywords override fields of the selection."""
        usual = {"conditions": Conditions(process=self.process)}
        return Selection.of(self.composition, basis=self.basis, **usual | chosen)


PRESETS = {grade.name: Preset(grade.name, grade.text, grade.process) for grade in GRADES}


def opening() -> Selection:
    """What a first visit sees: an alloy in the domain of both default tasks, all along its aluminium."""
    return PRESETS["Al0.5CoCrFeNi"].selection(moved="Al")


def named(text: str) -> Preset | None:
    """The preset that is called so, whatever the capitals and spaces: "316l", "254SMO"."""
    grade = graded(text)
    return PRESETS[grade.name] if grade else None


def name_of(composition: Composition) -> str:
    """The preset that has this composition (within 0.01 at.%), or an empty text."""
    return next((preset.name for preset in PRESETS.values() if _is_same(preset.composition.at, composition.at)), "")


def _is_same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[symbol] - other[symbol]) < 0.01 for symbol in one)
