"""How the map looks, as one frozen value that a URL can carry: colours, sizes, opacity, and how alloys are laid out."""
from collections.abc import Collection, Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from mtl_core.features.projection import DEFAULT_MAP, MapSettings

QUERY_KEYS = ("color", "size", "opacity", "map", "anew")


class Look(BaseModel):
    """color, size: a key of `app.atlas` (size may be empty: all alike); anew: laid out with the visitor's own data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    color: str = "hardness"
    size: str = ""
    opacity: float = Field(0.8, ge=0.1, le=1.0)
    settings: MapSettings = DEFAULT_MAP
    anew: bool = False

    def but(self, **changes) -> Self:
        """A copy with some fields changed."""
        return self.model_copy(update=changes)

    def to_query(self) -> dict[str, str]:
        """What differs from the usual look, as URL parameters; `from_query` gives it back."""
        usual = Look()._spelled()
        return {name: text for name, text in self._spelled().items() if text != usual[name]}

    def _spelled(self) -> dict[str, str]:
        return {"color": self.color, "size": self.size, "opacity": f"{100 * self.opacity:.4g}",
                "map": ",".join(str(value) for value in self.settings.model_dump().values()), "anew": "yes" if self.anew else ""}

    @classmethod
    def from_query(cls, query: Mapping[str, str], colors: Collection[str], sizes: Collection[str]) -> tuple[Self, list[str]]:
        """Read a link; what cannot be followed stays as usual, with a sentence each."""
        look, said = cls(anew=query.get("anew") == "yes"), []
        for name, known in (("color", colors), ("size", sizes)):
            if query.get(name, "") in known:
                look = look.but(**{name: query[name]})
            elif query.get(name):
                said.append(_refusal(name, query[name]))
        for name, read in (("opacity", lambda text: {"opacity": float(text) / 100}), ("map", _settings)):
            try:
                look = cls.model_validate(look.model_dump() | read(query[name])) if name in query else look
            except ValueError:  # pydantic's included
                said.append(_refusal(name, query[name]))
        return look, said


def _refusal(name: str, text: str) -> str:
    return f"This link asks for the {name} {text[:40]!r}, which cannot be followed; the usual one is used."


def _settings(text: str) -> dict[str, MapSettings]:
    return {"settings": MapSettings(**dict(zip(MapSettings.model_fields, text.split(","), strict=True)))}

