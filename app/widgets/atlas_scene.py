"""What all parts of the map page look at."""
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.atlas import CONDITIONS, CROWDED, CROWDING, DOUBT, DOUBTED, ERROR, Atlas, Quantity, error_quantity
from app.cloud import is_doubted
from app.filters import Filters
from app.look import Look
from app.services import desk, maps
from mtl_core.features.projection import Projection

K = 3.0  # how many times the usual scatter makes a conflict; the data desk starts from the same


@dataclass(frozen=True, eq=False)
class Scene:
    """What the page shows: the atlas, which of it passes, how it looks and where its alloys stand."""

    datasets: tuple[str, ...]
    atlas: Atlas
    filters: Filters
    passing: maps.Passing
    look: Look
    map: Projection
    xy: np.ndarray

    @property
    def choices(self) -> dict[str, Quantity]:
        return quantities(self.atlas)

    @property
    def suspects(self) -> pd.DataFrame:
        """Findings about readings to doubt, as the data desk lists them."""
        return desk.suspects(self.datasets, K)

    def numbers(self, key: str) -> pd.Series:
        """One number an alloy, whatever it comes from."""
        if key == CROWDING:
            return maps.crowding(self.xy, maps.identity(self.map), self.datasets)
        if key == DOUBT:
            rows = self.passing.readings
            share = 100.0 * is_doubted(rows, self.suspects).groupby(rows["alloy_id"]).mean()
            return share.reindex(self.atlas.alloys.index)
        if key.startswith(ERROR):
            return maps.errors(self.datasets)[key].reindex(self.atlas.alloys.index)
        return self.atlas.numbers(key, self.passing.readings)


def quantities(atlas: Atlas) -> dict[str, Quantity]:
    """Every number that colours or sizes a point; conditions are those of the alloy's readings."""
    errors = {f"{ERROR}{task}": error_quantity(f"{ERROR}{task}") for task in maps.error_tasks()}
    return {**atlas.quantities, **CONDITIONS, **errors, DOUBT: DOUBTED, CROWDING: CROWDED}
