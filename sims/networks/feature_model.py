"""Models that are linear in given features."""

import equinox as eqx
from jaxtyping import Array, Float

from theory.definitions.features import AbstractFeatures


class FeatureModel(eqx.Module):
    """D(x, t) = Σ_f W_f φ_f(x, t): linear in its parameters, no bias."""

    features: AbstractFeatures
    weight: Float[Array, "dim features"]

    def __call__(self, x: Float[Array, "n dim"], time: Float[Array, ""]) -> Float[Array, "n dim"]:
        """The denoised data at many positions and one time."""
        return self.features.combine(self.weight, x, time)
