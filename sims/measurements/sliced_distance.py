"""How far samples are from other samples, along given directions."""

import numpy as np
from jaxtyping import Float

from sims.measurements.estimates import known_numbers


def sliced_distance(
    samples: Float[np.ndarray, "*batch n dim"],
    reference: Float[np.ndarray, "m dim"],
    directions: Float[np.ndarray, "slices dim"],
) -> Float[np.ndarray, "*batch"]:
    """Mean over unit directions u of ∫_0^1 (F⁻¹(p) - G⁻¹(p))² dp; F and G are the distribution functions of x·u.

    The squared Wasserstein-2 distance between both samples' projections, averaged (Bonneel et al. 2015), exact: every
    sample is paired with m/n of the ordered reference. Its floor is of order 1/n + 1/m for samples of the same law.
    Raises ValueError for NaN, another dimension than the directions', and unless n divides m.
    """
    samples, reference, directions = known_numbers(samples), known_numbers(reference), known_numbers(directions)
    dimension = directions.shape[-1]
    for name, points in (("samples", samples), ("the reference", reference)):
        if points.shape[-1] != dimension:
            raise ValueError(f"{name} must be of the directions' dimension {dimension}; got shape {points.shape}")
    count, total = samples.shape[-2], len(reference)
    if count == 0 or total == 0 or total % count:
        raise ValueError(f"the number of samples must divide that of the reference, {total}; got {count}")
    centre = reference.mean(axis=0, dtype=float)  # far from zero squares would leave no digits
    ordered = np.sort((samples - centre) @ directions.T, axis=-2)
    quantiles = np.sort((reference - centre) @ directions.T, axis=0).reshape(count, total // count, -1)
    # Σ (x - q)² over a sample's share of the reference needs their mean and mean square alone.
    means, square = quantiles.mean(axis=1), np.mean(quantiles**2)
    return np.mean(ordered**2 - 2 * ordered * means, axis=(-2, -1)) + square
