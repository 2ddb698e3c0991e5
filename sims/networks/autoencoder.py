"""A variational autoencoder with Gaussian encoder and decoder (Kingma & Welling 2014)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.perceptron import Perceptron, perceptron
from theory.definitions.checks import positive, whole_arguments


class Autoencoder(eqx.Module):
    """q(z|x) = N(m(x), diag e^2ℓ(x)) and p(x|z) = N(g(z), e^2s I), with the prior N(0, I) on the latent z."""

    encoder: Perceptron  # (m, ℓ)
    decoder: Perceptron  # g
    log_spread: Float[Array, ""]  # s

    def posterior(self, x: Float[Array, "n dim"]) -> tuple[Float[Array, "n latent"], Float[Array, "n latent"]]:
        """m and ℓ, the logarithm of the standard deviation."""
        mean, log_deviation = jnp.split(self.encoder(x), 2, axis=-1)
        return mean, log_deviation

    def sample(self, latent: Float[Array, "n latent"], noise: Float[Array, "n dim"]) -> Float[Array, "n dim"]:
        """g(z) + e^s n: samples of the model where z and n are unit normal."""
        return self.decoder(latent) + jnp.exp(self.log_spread) * noise


@whole_arguments("dimension", "latent", "width", "hidden_layers")
def autoencoder(
    dimension: int,
    *,
    latent: int,
    width: int,
    hidden_layers: int,
    spread: float = 1.0,
    key: PRNGKeyArray,
    dtype=jnp.float32,
) -> Autoencoder:
    """Encoder and decoder of one shape; e^s starts from `spread`.

    Where it starts as wide as the data, latents are of no use and may stay so (posterior collapse). Raises ValueError
    unless numbers are 1, 2, … and the spread is positive.
    """
    positive("spread", spread)
    hidden, (encoder_key, decoder_key) = (width,) * hidden_layers, jax.random.split(key)
    return Autoencoder(
        perceptron((dimension, *hidden, 2 * latent), key=encoder_key, dtype=dtype),
        perceptron((latent, *hidden, dimension), key=decoder_key, dtype=dtype),
        jnp.log(jnp.asarray(spread, dtype)),
    )
