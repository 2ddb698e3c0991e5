"""How many digits of a number its error leaves."""

import numpy as np


def decimals_of(half_width: float) -> int:
    """Decimals to the first digit of half an interval, or to the second where the first is a one.

    4 without an error, and with one that is not known.
    """
    return max(0, -int(np.floor(np.log10(half_width / 2)))) if 0 < half_width < np.inf else 4
