"""A generator and its discriminator (Goodfellow et al. 2014)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.perceptron import Perceptron, perceptron
from theory.definitions.checks import whole_arguments


class Adversaries(eqx.Module):
    """Samples G(z) of unit normal latents z, and the logit D(x) of "x is a datum"."""

    generator: Perceptron
    discriminator: Perceptron

    def logits(self, x: Float[Array, "n dim"]) -> Float[Array, " n"]:
        """D(x)."""
        return self.discriminator(x)[:, 0]


@whole_arguments("dimension", "latent", "width", "hidden_layers")
def adversaries(
    dimension: int, *, latent: int, width: int, hidden_layers: int, key: PRNGKeyArray, dtype=jnp.float32
) -> Adversaries:
    """Both networks of one shape. Raises ValueError unless all numbers are 1, 2, …."""
    hidden, (generator_key, discriminator_key) = (width,) * hidden_layers, jax.random.split(key)
    return Adversaries(
        perceptron((latent, *hidden, dimension), key=generator_key, dtype=dtype),
        perceptron((dimension, *hidden, 1), key=discriminator_key, dtype=dtype),
    )
