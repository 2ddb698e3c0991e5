"""How far samples are from a standard normal law, along random directions."""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from sims.measurements.estimates import known_numbers
from theory.definitions.checks import whole_arguments

_FINEST = 2**12  # quantiles, of which every sample has an equal share


def sliced_wasserstein2(
    samples: Float[np.ndarray, "*batch n dim"], directions: Float[np.ndarray, "slices dim"]
) -> Float[np.ndarray, "*batch"]:
    """Mean over unit directions u of ∫_0^1 (F⁻¹(p) - Φ⁻¹(p))² dp, F the distribution function of the samples' x·u.

    The squared Wasserstein-2 distance to N(0, I) of every projection, averaged (Bonneel et al. 2015): zero for that law
    alone. n samples of the law itself have a floor of order ln ln n/n, the same for all that are compared with n
    samples. The tails beyond the outermost of 4096 quantiles are left out: it is too small by up to 1e-4. Raises
    ValueError for NaN and for positions of another dimension than the directions.
    """
    samples, directions = known_numbers(samples), known_numbers(directions)
    if samples.shape[-1] != directions.shape[-1]:
        raise ValueError(
            f"samples must be of the directions' dimension {directions.shape[-1]}; got shape {samples.shape}"
        )
    count = samples.shape[-2]
    share = max(1, _FINEST // count)
    normal = ndtri((np.arange(count * share) + 0.5) / (count * share)).reshape(count, share)
    # Σ (x - q)² over a sample's share of the quantiles needs their mean and mean square alone.
    means, square = normal.mean(axis=1), float(np.mean(normal**2))
    ordered = np.sort(samples @ directions.T, axis=-2)
    distance = np.mean(ordered**2 - 2 * ordered * means[:, None], axis=-2) + square
    return distance.mean(axis=-1)


@whole_arguments("count", "dimension")
def random_directions(random: np.random.Generator, count: int, dimension: int) -> Float[np.ndarray, "count dim"]:
    """Unit vectors, evenly over the sphere. Raises ValueError unless both numbers are 1, 2, …."""
    directions = random.normal(size=(count, dimension))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)
