"""Any network F inside the scales of a preconditioning: D(x, t) = c_skip x + c_out F(c_in x, u), u = ln(σ/α)/4."""

import abc
from typing import NamedTuple, Protocol

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.networks.embeddings import Conditioning
from theory.definitions.arrays import floating
from theory.definitions.preconditionings import AbstractPreconditioning, EDMPreconditioning
from theory.definitions.processes import EDM, AbstractProcess, check_noisy_time

Positions = Float[Array, "n dim"]
Times = Float[Array, "*n"]


class Network(Protocol):
    """What is trained: F, of scaled inputs and one number u per sample, or one u that all samples share."""

    def __call__(self, inputs: Positions, conditioning: Conditioning) -> Positions: ...


class AbstractDenoisingNetwork(eqx.Module):
    """A denoiser D(x, t) that is trained as one network for all noise levels."""

    process: eqx.AbstractVar[AbstractProcess]
    preconditioning: eqx.AbstractVar[AbstractPreconditioning]

    @abc.abstractmethod
    def __call__(self, x: Positions, time: Times) -> Positions:
        """The denoised data at many positions, and one time or one time each. Raises ValueError as `scaled`."""


class PreconditionedNetwork(AbstractDenoisingNetwork):
    """D(x, t) = c_skip x + c_out F(c_in x, u): any `network` F, by default with the scales of Karras et al. 2022.

    At a time that all positions share, F gets one u, and computes once what depends on the noise level alone.
    """

    network: Network
    process: AbstractProcess = EDM()
    preconditioning: AbstractPreconditioning = EDMPreconditioning()

    def __call__(self, x: Positions, time: Times) -> Positions:
        inputs, noise, skip, output = scaled(x, jnp.reshape(time, (-1, 1)), self.process, self.preconditioning)
        return skip * x + output * self.network(inputs, noise.reshape(jnp.shape(time)))


class ScaledInputs(NamedTuple):
    """What surrounds F at n positions, with one row per position or a single row where they share the time."""

    inputs: Float[Array, "n dim"]  # c_in x
    noise: Float[Array, "rows 1"]  # u = ln(σ/α)/4
    skip: Float[Array, "rows 1"]  # c_skip
    output: Float[Array, "rows 1"]  # c_out


def scaled(
    x: Positions, time: Float[Array, "rows 1"], process: AbstractProcess, preconditioning: AbstractPreconditioning
) -> ScaledInputs:
    """c_in x, u, c_skip and c_out, in the precision of x.

    Raises ValueError for times that the process does not have, or that leave no noise; traced ones are not checked.
    """
    check_noisy_time("time", time, process)
    x = floating(x)
    time = time.astype(x.dtype)
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    scales = preconditioning.scales(alpha, sigma)
    noise = (jnp.log(sigma) - jnp.log(alpha)) / 4
    return ScaledInputs(x / scales.divisor, noise, scales.skip, scales.output)
