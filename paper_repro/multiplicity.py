"""Many claims at once: which of the headline claims stand, and which *differs* may be one of the many's chance."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import false_discovery_control

LEVEL = 0.05


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: below 5 % for all that can be rejected with a family-wise error of 5 %."""
    order = np.argsort(p_values)
    steps = np.asarray(p_values, dtype=float)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()


def isolated(p_values: Sequence[float]) -> list[bool]:
    """Which of the p-values below 5 % Benjamini and Hochberg would not count among discoveries at a rate of 5 %."""
    if not p_values:
        return []
    values = np.asarray(p_values, dtype=float)
    return ((values < LEVEL) & (false_discovery_control(values) > LEVEL)).tolist()


def expected_by_chance(claims: int) -> float:
    """Most *differs* to expect of that many claims that are all true: at a margin's edge, 2.5 % of intervals miss."""
    return LEVEL / 2 * claims
