"""Where samples lie relative to the points that they were trained on: on one of them, or between two."""

import numpy as np
from jaxtyping import Bool, Float

from sims.measurements.estimates import known_numbers

_MEMORISED_RATIO = 1 / 3
_BLOCK_BYTES = 1 << 26  # of distances that are held at a time


def memorised(
    samples: Float[np.ndarray, "*batch n dim"], points: Float[np.ndarray, "m dim"]
) -> Float[np.ndarray, "*batch n"]:
    """Whether the nearest of the points is closer than a third of the distance to the second nearest.

    Raises ValueError for fewer than two points, NaN, complex numbers, and points of another dimension.
    """
    samples, points = _checked(samples, points, others=2)
    distance = np.linalg.norm(samples[..., None, :] - points, axis=-1)
    nearest = np.partition(distance, 1, axis=-1)
    return nearest[..., 0] < _MEMORISED_RATIO * nearest[..., 1]


def memorised_among_many(
    samples: Float[np.ndarray, "n dim"], points: Float[np.ndarray, "m dim"], *, are_points: bool = False
) -> Bool[np.ndarray, " n"]:
    """The same for more points and dimensions than their differences would fit into memory, in blocks of samples.

    With `are_points` the samples are some of the points, and each is judged by the *others*: the rate at which fresh
    samples of the data would pass for memorised, by chance or because data lie in pairs.

    Distances are of the precision of the samples, |x|² + |y|² - 2x·y about the mean of the points, so those between
    copies are zero up to the root of its round-off. Raises ValueError for fewer than two (other) points, NaN, complex
    numbers, points of another dimension, and samples that are no rows.
    """
    samples, points = _checked(samples, points, others=2 + are_points)
    if samples.ndim != 2 or not len(samples):
        raise ValueError(f"samples must be one or more rows, (n, dim); got shape {samples.shape}")
    centre = points.mean(axis=0)
    points, samples = points - centre, samples - centre
    # In a unit of the points' own size, a power of two, whose squares do not leave the range of single precision.
    exponent = np.frexp(np.abs(points).max())[1]
    points, samples = np.ldexp(points, -exponent), np.ldexp(samples, -exponent)
    sizes = np.sum(points**2, axis=1)
    found = []
    step = max(1, _BLOCK_BYTES // sizes.nbytes)
    for first in range(0, len(samples), step):
        block = samples[first : first + step]
        squared = np.maximum(np.sum(block**2, axis=1)[:, None] + sizes - 2 * block @ points.T, 0.0)
        nearest = np.partition(squared, (1, 2) if are_points else 1, axis=1)[:, int(are_points) :]
        found.append(nearest[:, 0] < _MEMORISED_RATIO**2 * nearest[:, 1])
    return np.concatenate(found)


def beyond_chance(
    share: Float[np.ndarray, "*batch"], chance: Float[np.ndarray, "*#batch"]
) -> Float[np.ndarray, "*batch"]:
    """(m - m_0)/(1 - m_0) of a memorised share m and that of fresh samples: 0 for these, 1 where all is memorised."""
    return (share - chance) / (1 - chance)


def _checked(samples: np.ndarray, points: np.ndarray, *, others: int) -> tuple[np.ndarray, np.ndarray]:
    samples, points = _floats(known_numbers(samples)), _floats(known_numbers(points))
    if points.shape[1:] != samples.shape[-1:]:
        raise ValueError(f"samples must be of the points' dimension {points.shape[1:]}; got shape {samples.shape}")
    if len(points) < others:
        raise ValueError(f"points must be two or more, for the two nearest ones; got {len(points) + 2 - others}")
    return samples, points


def distance_to_segment(
    x: Float[np.ndarray, "*batch dim"], start: Float[np.ndarray, " dim"], end: Float[np.ndarray, " dim"]
) -> Float[np.ndarray, "*batch"]:
    """Distance of positions to the straight line between two different points, ends included."""
    x, start, end = _floats(x), _floats(start), _floats(end)
    along = np.clip((x - start) @ (end - start) / np.sum((end - start) ** 2), 0, 1)
    return np.linalg.norm(x - start - along[..., None] * (end - start), axis=-1)


def _floats(array: np.ndarray) -> np.ndarray:
    """Whole numbers in double precision, since differences of unsigned ones wrap; others as they are."""
    return array if np.issubdtype(array.dtype, np.inexact) else array.astype(float)
