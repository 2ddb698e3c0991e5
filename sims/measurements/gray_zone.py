"""Which modes enter a fit: those whose variance has to change by enough for its passage to be told from noise."""

import numpy as np
from jaxtyping import Bool, Float

from theory.definitions.checks import check_not_negative


def outside_gray_zone(
    initial: Float[np.ndarray, "*batch modes"], target: Float[np.ndarray, "*#batch modes"], factor: float = 2.0
) -> Bool[np.ndarray, "*batch modes"]:
    """Modes whose *own* ratio λ_k/v_k(0) lies outside (1/g, g), with g = `factor`.

    Raises ValueError for a factor below one or infinite, and for variances below zero or NaN.
    """
    if not 1 <= factor < np.inf:
        raise ValueError(f"the factor of a gray zone must be one or more, and finite; got {factor}")
    for variances in (initial, target):
        check_not_negative("variances", variances)
    initial, target = np.asarray(initial, dtype=float), np.asarray(target, dtype=float)
    return (target >= factor * initial) | (factor * target <= initial)


def outside_scalar_gray_zone(
    initial: Float[np.ndarray, "*batch modes"], target: Float[np.ndarray, "*#batch modes"], factor: float = 2.0
) -> Bool[np.ndarray, "*batch modes"]:
    """The same by λ_k over the *mean over modes* of v(0): the published choice of Wang & Pehlevan 2025, g = 2.

    A network that starts with another variance in every mode has modes in its gray zone that have far to go, and modes
    outside that are there already. Raises ValueError as `outside_gray_zone`.
    """
    check_not_negative("variances", initial)
    initial = np.asarray(initial, dtype=float)
    mean = np.broadcast_to(initial.mean(axis=-1, keepdims=True), initial.shape)
    return outside_gray_zone(mean, target, factor)
