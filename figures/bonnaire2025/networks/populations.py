"""What the networks are trained on: points of a Gaussian of known law, or digits, of which others are held out."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.randomness import numpy_generator
from sims.data.built_in import digits
from sims.measurements.distance_to_normal import random_directions, sliced_wasserstein2
from sims.measurements.sliced_distance import sliced_distance

_LARGEST_OVER_SMALLEST = 20.0  # variance of the Gaussian, geometric between, of mean 1: c_skip x alone is not it
_DIRECTIONS, _FRESH = 32, 4096
COMPONENTS = 16  # of digits, in which distances are measured: 85 % of their variance
_HELD_OUT = 1024  # digits; samples are a power of two, and so divide them


class Drawn(NamedTuple):
    """Data sets of one run, of mean variance 1 per coordinate, and the population that they stand for."""

    points: Float[np.ndarray, "members n dim"]
    fresh: Float[np.ndarray, "m dim"]  # of the population, to know what passes for memorised by chance
    distance: Callable[[Float[np.ndarray, "*batch n dim"]], Float[np.ndarray, "*batch"]]  # from it, squared


def gaussian_points(
    dimension: int, members: int, count: int, *, data_key: PRNGKeyArray, fresh_key: PRNGKeyArray, directions: np.ndarray
) -> Drawn:
    """Distances are in units of the population's deviations along the axes."""
    ratios = np.geomspace(_LARGEST_OVER_SMALLEST, 1.0, dimension)
    scale = np.sqrt(ratios / ratios.mean())
    points = scale * numpy_generator(data_key).normal(size=(members, count, dimension))
    fresh = scale * numpy_generator(fresh_key).normal(size=(_FRESH, dimension))
    return Drawn(points, fresh, lambda x: sliced_wasserstein2(x / scale, directions))


def digit_points(members: int, count: int, *, data_key: PRNGKeyArray, directions: np.ndarray) -> Drawn:
    """Distances are in units of the deviations along the leading principal components of all digits.

    Along random directions in all 64 coordinates digits and white noise are nearly alike. No digit is in two data sets.
    Raises ValueError where there are not as many.
    """
    centred = digits() - digits().mean(axis=0)
    centred = centred / np.sqrt(np.mean(centred**2))
    axes = np.linalg.svd(centred, full_matrices=False)[2][:COMPONENTS].T
    axes = axes / (centred @ axes).std(axis=0)
    shuffled = numpy_generator(data_key).permutation(centred)
    held_out, others = shuffled[:_HELD_OUT], shuffled[_HELD_OUT:]
    if members * count > len(others):
        raise ValueError(f"digits must be enough for all data sets; got {len(others)} for {members} of {count} points")
    points, reference = others[: members * count].reshape(members, count, -1), held_out @ axes
    return Drawn(points, held_out, lambda x: sliced_distance(x @ axes, reference, directions))


def directions_of(dimension: int, key: PRNGKeyArray) -> Float[np.ndarray, "slices dim"]:
    """What distances are measured along."""
    return random_directions(numpy_generator(key), _DIRECTIONS, dimension)
