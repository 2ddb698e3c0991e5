"""Where samples lie relative to the points that they were trained on: on one of them, or between two."""

import numpy as np
from jaxtyping import Float

from sims.measurements.estimates import known_numbers

_MEMORISED_RATIO = 1 / 3


def memorised(
    samples: Float[np.ndarray, "*batch n dim"], points: Float[np.ndarray, "m dim"]
) -> Float[np.ndarray, "*batch n"]:
    """Whether the nearest of the points is closer than a third of the distance to the second nearest.

    Raises ValueError for fewer than two points, NaN, and points of another dimension.
    """
    samples, points = known_numbers(samples), known_numbers(points)
    if np.shape(points)[1:] != np.shape(samples)[-1:]:
        raise ValueError(f"samples must be of the points' dimension {points.shape[1:]}; got shape {samples.shape}")
    if len(points) < 2:
        raise ValueError(f"memorisation is judged by the two nearest points; got {len(points)}")
    distance = np.linalg.norm(samples[..., None, :] - points, axis=-1)
    nearest = np.partition(distance, 1, axis=-1)
    return nearest[..., 0] < _MEMORISED_RATIO * nearest[..., 1]


def distance_to_segment(
    x: Float[np.ndarray, "*batch dim"], start: Float[np.ndarray, " dim"], end: Float[np.ndarray, " dim"]
) -> Float[np.ndarray, "*batch"]:
    """Distance of positions to the straight line between two different points, ends included."""
    along = np.clip((x - start) @ (end - start) / np.sum((end - start) ** 2), 0, 1)
    return np.linalg.norm(x - start - along[..., None] * (end - start), axis=-1)
