"""One root seed, and named child seeds that do not depend on the order in which they are asked for."""
import zlib

import numpy as np


def child_seed(root: int, *names: str | int) -> int:
    """A 31-bit seed for the child `names` of `root`; the same names always give the same seed."""
    words = [zlib.crc32(str(name).encode()) for name in names]
    return int(np.random.SeedSequence([root, *words]).generate_state(1)[0] >> 1)
