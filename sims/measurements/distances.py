"""Wasserstein-1 distances between distributions on a line, of single models and of averages over models.

An average learned distribution pools the samples of all models; models are the independent repetitions.
"""

import numpy as np
from jaxtyping import Float
from scipy.stats import wasserstein_distance

from sims.measurements.agreement import Agreement, agreement
from sims.measurements.estimates import Estimate, known_numbers, mean_over
from theory.definitions.checks import whole_arguments


def wasserstein1(samples: Float[np.ndarray, "models n"], reference: Float[np.ndarray, " m"]) -> Estimate:
    """Wasserstein-1 distance of every model's samples to the points of `reference`, averaged over models."""
    return mean_over(np.asarray([wasserstein_distance(row, reference) for row in np.asarray(samples)]))


def cumulative(
    samples: Float[np.ndarray, "models n"], grid: Float[np.ndarray, " grid"]
) -> Float[np.ndarray, "models grid"]:
    """Share of every model's samples at or below each grid point. Raises ValueError for NaN."""
    ordered = np.sort(known_numbers(samples), axis=-1)
    return np.stack([np.searchsorted(row, grid, side="right") for row in ordered]) / ordered.shape[-1]


@whole_arguments("groups")
def grouped_cumulative(
    samples: Float[np.ndarray, "models n"], grid: Float[np.ndarray, " grid"], groups: int
) -> Float[np.ndarray, "groups grid"]:
    """Distribution functions of groups of models, in the order they were drawn in; a single model is one group.

    Raises ValueError unless `groups` is 1, 2, ….
    """
    of_models = cumulative(samples, grid)
    return np.stack([group.mean(axis=0) for group in np.array_split(of_models, min(groups, len(of_models)))])


def squared_distance(
    first: Float[np.ndarray, "groups grid"], second: Float[np.ndarray, "#groups grid"], grid: Float[np.ndarray, " grid"]
) -> Agreement:
    """∫ (E F - E F')² dx, without a floor: the mean product of F - F' between different groups of models.

    Group g of the second is independent of group g of the first, or one law without error for all. `grid` is even and
    holds all mass. The root, `centre`, has the unit of √length: to move the share m of the mass by the distance l
    makes m √l. Raises ValueError for another grid.
    """
    step = float(grid[1] - grid[0])
    if not (step > 0 and np.allclose(np.diff(grid), step, rtol=1e-6)):
        raise ValueError("the grid must increase in equal steps; got one that does not")
    return agreement(np.sqrt(step * grid.size) * (first - second))
