"""How far the members of an ensemble agree on what they say."""
from functools import cached_property

import numpy as np

AGREEMENT = 0.9  # share of members that have to agree on a sign


class OfMembers:
    """What has `of_members`, an array [M, …] with one entry a member."""

    of_members: np.ndarray

    @cached_property
    def spread(self) -> np.ndarray:
        """Standard deviation over members […]."""
        return self.of_members.std(axis=0)

    @cached_property
    def is_stable(self) -> np.ndarray:
        """Whether nine members in ten agree on the sign, […] bool."""
        return np.maximum((self.of_members > 0).mean(axis=0), (self.of_members < 0).mean(axis=0)) >= AGREEMENT
