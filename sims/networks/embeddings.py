"""What networks see of the noise level: functions of the conditioning u = ln(σ/α)/4."""

import abc
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from theory.definitions.checks import whole

# One number per sample, or one that all samples share: its features then are computed once, as a single row.
Conditioning = Float[Array, "*n"]
Features = Float[Array, "rows features"]  # one row per sample, or a single row


def _even(name: str, number: int, *, least: int) -> int:
    number = whole(name, number, least)
    if number % 2:
        raise ValueError(f"{name} must be even; got {number}")
    return number


class AbstractEmbedding(eqx.Module):
    """Fixed functions of the conditioning."""

    @abc.abstractmethod
    def __call__(self, conditioning: Conditioning) -> Features:
        """The features of every sample, or the single row that all samples share."""


class FourierEmbedding(AbstractEmbedding):
    """[sin 2πfu, cos 2πfu] at random frequencies f, which are never trained (Song et al. 2021)."""

    frequencies: Float[Array, " half"]

    def __call__(self, conditioning: Conditioning) -> Features:
        return _sines_and_cosines(conditioning, 2 * jnp.pi * jax.lax.stop_gradient(self.frequencies))


class PositionalEmbedding(AbstractEmbedding):
    """[sin ωu, cos ωu] with ω = 10⁻⁴ʲ, j from 0 to 1 in equal steps (Karras et al. 2022, App. F.1)."""

    width: int = eqx.field(converter=partial(_even, "width of a positional embedding", least=4), static=True)

    def __call__(self, conditioning: Conditioning) -> Features:
        rates = 1e-4 ** np.linspace(0, 1, self.width // 2)
        return _sines_and_cosines(conditioning, jnp.asarray(rates, conditioning.dtype))


def fourier_embedding(width: int, *, key: PRNGKeyArray, scale: float = 1.0, dtype=jnp.float32) -> FourierEmbedding:
    """Frequencies f drawn from N(0, scale²), half of `width`, an even number. Raises ValueError for another."""
    half = _even("width of a Fourier embedding", width, least=2) // 2
    return FourierEmbedding(scale * jax.random.normal(key, (half,), dtype))


def _sines_and_cosines(conditioning: Conditioning, rates: Float[Array, " half"]) -> Features:
    angles = conditioning.reshape(-1, 1) * rates[None]
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
