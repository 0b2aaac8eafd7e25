"""What an alloy is compared with on the Explain page, as one frozen value that a link can carry. Pure."""
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.presets import PRESETS, named
from app.selection import Selection, conditions_from, conditions_query
from mtl_core.chemistry.composition import Composition
from mtl_core.types import Conditions

MEASURED = {"typical": "the most typical measured alloy", "nearest": "the nearest measured alloy",
            "distribution": "all measured alloys, one by one", "mean": "the average of all measured alloys"}
"""Baselines that follow from what each property was learnt from: how a link and the library call them, how readers do."""
PIN = "pin:"
USUAL = "CoCrFeNi"
QUERY_KEYS = {"vs", *(f"vs_{key}" for key in conditions_query(Conditions()))}


@dataclass(frozen=True)
class Baseline:
    """What an alloy is compared with.

    link: how a link calls it; name: how readers do, as somebody typed it where it is a pin.
    text: what `mtl_core.explain.baselines.baseline_of` reads.
    composition: None where it is another one for each property; own: the conditions that come with it, if any.
    conditions: those that it is compared under; None: those of the alloy that is explained.
    """

    link: str
    name: str
    text: str
    composition: Composition | None = None
    own: Conditions | None = None
    conditions: Conditions | None = None

    @property
    def is_distribution(self) -> bool:
        return self.text == "distribution"

    def under(self, conditions: Conditions | None) -> "Baseline":
        """The same under conditions of its own, or under those of the explained alloy."""
        return replace(self, conditions=conditions)

    def to_query(self) -> dict[str, str]:
        """Its parts of a link; `from_query` gives it back."""
        stated = conditions_query(self.conditions) if self.conditions else {}
        return {"vs": self.link} | {f"vs_{key}": text for key, text in stated.items()}

    @classmethod
    def from_query(cls, query: Mapping[str, str], pins: Mapping[str, Selection]) -> "Baseline":
        """Read a link. Raises ValueError (CompositionError, pydantic's included) where it cannot be followed."""
        found = cls.read(query.get("vs", USUAL), pins)
        stated = {key.removeprefix("vs_"): text for key, text in query.items() if key in QUERY_KEYS - {"vs"}}
        return found.under(conditions_from(stated)) if stated else found

    @classmethod
    def read(cls, link: str, pins: Mapping[str, Selection]) -> "Baseline":
        """A key of `MEASURED`, a preset's name, pin:NAME, or an alloy as text; raises ValueError for anything else."""
        if link in MEASURED:
            return cls(link, MEASURED[link], link)
        if link.startswith(PIN):
            name = link.removeprefix(PIN)
            if name not in pins:
                raise ValueError("expected a pin that is kept here; this one may have been forgotten")
            return cls._of(link, name, pins[name].composition, pins[name].conditions)
        if preset := named(link):
            return cls._of(preset.name, preset.name, preset.composition, Conditions(process=preset.process))
        return cls.alloy(Composition.from_text(link))

    @classmethod
    def alloy(cls, composition: Composition) -> "Baseline":
        """Any alloy, called by its formula."""
        return cls._of(composition.formula(digits=8), composition.formula(), composition, None)

    @classmethod
    def _of(cls, link, name, composition, own):
        return cls(link, name, composition.formula(digits=8), composition, own)


def choices(pins: Mapping[str, Selection]) -> tuple[str, ...]:
    """The links that a list offers: what was measured, presets, pins."""
    return (*MEASURED, *PRESETS, *(PIN + name for name in pins))
