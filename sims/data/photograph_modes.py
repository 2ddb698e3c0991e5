"""Patches of photographs in their own modes, and others that nothing was fitted to, in the same."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.data.built_in import natural_image_patches
from theory.definitions.checks import whole_arguments
from theory.definitions.spectra import Spectrum


class PatchModes(NamedTuple):
    """Coordinates about the mean and along the leading modes of the patches that were seen, and their variances."""

    seen: Float[Array, "count modes"]
    unseen: Float[Array, "count modes"]
    variance: Float[Array, " modes"]  # falling


@whole_arguments("count", "size", "modes")
def patches_in_modes(
    seen_key: PRNGKeyArray, unseen_key: PRNGKeyArray, *, count: int, size: int, modes: int
) -> PatchModes:
    """As many patches for either key; `size` is their side in pixels, `modes` how many of size² coordinates are kept.

    Raises ValueError as `natural_image_patches`, and unless `modes` is 1, 2, ….
    """
    seen, unseen = (natural_image_patches(key, count=count, size=size) for key in (seen_key, unseen_key))
    spectrum = Spectrum.from_samples(seen)
    own, others = (spectrum.to_modes(jnp.asarray(each))[:, :modes] for each in (seen, unseen))
    return PatchModes(own, others, spectrum.variance[:modes])
