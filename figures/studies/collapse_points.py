"""The points whose posterior collapses, in more than one figure: Gaussians, and data sets without equal points."""

from typing import Literal

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from sims.data.built_in import digits, gaussian_samples, natural_image_patches, two_moons


def data_points(
    name: str, key: PRNGKeyArray, *, count: int, variance: float = 1.0, channels: Literal["grey", "colour"] = "colour"
) -> Float[np.ndarray, "n d"]:
    """Different points: of two that are equal only one is kept; all digits where there are fewer.

    `name` is "two moons", "digits", "photographs", or a Gaussian and its dimension, "Gaussian 16", of that `variance`.
    """
    if name == "digits":
        return np.unique(digits(), axis=0)
    if name == "two moons":
        return two_moons(key, count=count)
    if name == "photographs":
        return np.unique(natural_image_patches(key, count=count, channels=channels), axis=0)
    dimension = int(name.split()[-1])
    return gaussian_samples(key, count=count, mean=np.zeros(dimension), variances=np.full(dimension, variance))


def some_of(points: Float[np.ndarray, "n d"], key: PRNGKeyArray, count: int) -> Float[np.ndarray, "count d"]:
    """So many of the points, none twice; all of them where there are fewer."""
    order = np.asarray(jax.random.permutation(key, len(points)))
    return points[order[:count]]
