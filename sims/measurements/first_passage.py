"""When modes emerge in a training run: the step at which a variance first passes a level, between two records."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter1d

from sims.measurements.modes import first_crossing

Mean = Literal["geometric", "harmonic", "arithmetic"]
MEANS: tuple[Mean, ...] = get_args(Mean)


def fraction_levels(
    initial: Float[np.ndarray, "*batch modes"], target: Float[np.ndarray, "*#batch modes"], fractions: ArrayLike
) -> Float[np.ndarray, "fractions *batch modes"]:
    """The levels at fractions f of the way in logarithms, ln level = (1 - f) ln v(0) + f ln λ, for 0 < f < 1.

    f = ½ is the geometric mean. Zero where v(0) or λ is zero. Raises ValueError for other fractions.
    """
    fractions = np.atleast_1d(np.asarray(fractions, dtype=float))
    if fractions.ndim != 1 or not np.all((0 < fractions) & (fractions < 1)):
        raise ValueError(f"fractions must lie between 0 and 1, both excluded; got {fractions}")
    initial, target = np.broadcast_arrays(*_variances(initial, target))
    fractions = fractions.reshape(-1, *(1,) * initial.ndim)
    return initial[None] ** (1 - fractions) * target[None] ** fractions


def mean_levels(
    initial: Float[np.ndarray, "*batch modes"], target: Float[np.ndarray, "*#batch modes"]
) -> Float[np.ndarray, "means *batch modes"]:
    """The means of v(0) and λ in the order of `MEANS`: √(v(0) λ), 2 v(0) λ/(v(0) + λ), (v(0) + λ)/2."""
    initial, target = np.broadcast_arrays(*_variances(initial, target))
    larger, smaller = np.maximum(initial, target), np.minimum(initial, target)
    # The larger one in a unit of its own size, a power of two, whose product with the other is in range where both are.
    exponent = np.frexp(larger)[1]
    scaled = np.ldexp(larger, -exponent)
    total = scaled + np.ldexp(smaller, -exponent)
    harmonic = 2 * (scaled * smaller / np.where(total > 0, total, 1.0))
    return np.stack([np.sqrt(initial) * np.sqrt(target), harmonic, (initial + target) / 2])


def first_passage(
    steps: Float[np.ndarray, " records"],
    variances: Float[np.ndarray, "records *batch modes"],
    levels: Float[np.ndarray, "levels *#batch modes"],
) -> Float[np.ndarray, "levels *batch modes"]:
    """First step τ* at which each variance passes each level, from the side where the first record lies.

    Between two records ln v is taken as linear in ln τ. A record at step 0 has no ln τ: it says from where a variance
    starts, and nothing can be interpolated between it and the first positive step.

    | value | meaning |
    |---|---|
    | finite | passed between two records of positive step |
    | -inf | passed already at the first positive step: some time after step 0, *not resolved* |
    | inf | not passed by the last record |
    | NaN | there is nothing to pass: a level that is zero or not finite, or equal to the first record |

    So `numpy.isfinite` says which modes have an emergence time. A variance of zero counts as the smallest number.
    Raises ValueError unless steps increase from zero or more, and for variances that are negative or not finite.
    """
    steps, variances = _records(steps, variances)
    levels = np.asarray(levels, dtype=float)
    side = np.sign(levels - variances[0])
    passable = (side != 0) & (levels > 0) & np.isfinite(levels)
    levels = np.where(passable, levels, 1.0)
    timed = steps > 0
    curves = np.maximum(variances[timed], np.finfo(float).tiny)[:, None]
    # Within the first record of positive step, `first_crossing` would look for the way back.
    early = side * (np.log(curves[0]) - np.log(levels)) >= 0
    if timed.sum() > 1:
        time = first_crossing(steps[timed], curves, levels)
        time = np.where(np.isnan(time), np.inf, time)
    else:
        time = np.full(early.shape, np.inf)
    return np.where(passable, np.where(early, -np.inf, time), np.nan)


def published_emergence(
    steps: Float[np.ndarray, " records"],
    variances: Float[np.ndarray, "records modes"],
    target: Float[np.ndarray, " modes"],
    *,
    smoothing: float = 2.0,
    mean: Mean = "harmonic",
) -> Float[np.ndarray, " modes"]:
    """Emergence steps as the published analysis of Wang & Pehlevan 2025 defines them, beside `first_passage`.

    The level is the mean of the *first record after a step* and λ. Variances (not their logarithms) go through a
    Gaussian filter over the *index* of the record, of standard deviation `smoothing`; its first value says from which
    side. The emergence step is that of the first record beyond the level, without interpolation; NaN where there is
    none, which the fits then leave out. Stored fits of the authors have `mean="geometric"`, their exports the harmonic
    one, and 1 or 2 as `smoothing`.

    Raises ValueError as `first_passage` does, for another mean, and unless `smoothing` is positive.
    """
    if mean not in MEANS:
        raise ValueError(f"mean must be one of {', '.join(MEANS)}; got {mean!r}")
    if not 0 < smoothing < np.inf:
        raise ValueError(f"smoothing must be positive and finite; got {smoothing}")
    steps, variances = _records(steps, variances)
    timed = steps > 0
    steps, variances = steps[timed], variances[timed]
    level = mean_levels(variances[0], target)[MEANS.index(mean)]
    smooth = gaussian_filter1d(variances, smoothing, axis=0)
    beyond = np.where(smooth[0] > level, smooth < level, smooth > level)
    return np.where(beyond.any(axis=0), steps[np.argmax(beyond, axis=0)], np.nan)


def _records(steps: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64, if they are records of a run."""
    steps, (variances,) = np.asarray(steps, dtype=float), _variances(variances)
    if steps.ndim != 1 or variances.ndim < 2 or len(steps) != len(variances):
        raise ValueError(
            f"variances must be (records, ..., modes), a record for each step; got {variances.shape} and {steps.shape}"
        )
    if not (len(steps) > 1 and steps[0] >= 0 and np.isfinite(steps).all() and np.all(np.diff(steps) > 0)):
        raise ValueError(f"steps must be two or more that increase from zero or more; got {steps}")
    return steps, variances


def _variances(*arrays: np.ndarray) -> list[np.ndarray]:
    arrays = tuple(np.asarray(array, dtype=float) for array in arrays)
    for array in arrays:
        if not np.all((array >= 0) & (array < np.inf)):
            raise ValueError(f"variances must be finite and zero or more; got {array.min()} to {array.max()}")
    return list(arrays)
