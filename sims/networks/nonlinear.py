"""Nonlinear denoisers D(x, t): small MLPs, random-feature networks, and wide one-hidden-layer networks.

All compute D = c_skip x + c_out F(inputs) with the scales of a preconditioning, by default Karras et al. 2022's for
data of unit variance, which make inputs and outputs of F of order one at every noise level. Networks are called as
`FeatureModel` is, with many positions and one time or one time each; arrays may carry a leading axis of ensemble
members under `eqx.filter_vmap`.
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.preconditioned import AbstractDenoisingNetwork, Positions, Times, scaled
from theory.definitions.checks import whole_arguments
from theory.definitions.preconditionings import AbstractPreconditioning, EDMPreconditioning
from theory.definitions.processes import AbstractProcess

_NOISE_COORDINATES = 3  # how many functions of the noise level the inputs contain
UNIT_DATA = EDMPreconditioning(1.0)


class NetworkScales(NamedTuple):
    """What surrounds the network F at each of n positions and times."""

    inputs: Float[Array, "n inputs"]
    skip: Float[Array, "n 1"]
    output: Float[Array, "n 1"]


def network_scales(
    process: AbstractProcess, x: Positions, time: Times, preconditioning: AbstractPreconditioning = UNIT_DATA
) -> NetworkScales:
    """Inputs (c_in x, u, sin 2u, cos 2u), u = ln(σ/α)/4, and the scales c_skip and c_out.

    For data of unit variance, with ς = σ/α: c_skip = 1/(α(ς² + 1)), c_out = ς/√(ς² + 1) and c_in = 1/(α√(ς² + 1)). The
    weight α²/σ² on the denoised data is then 1/(ς² + 1) on F. Raises ValueError for times that the process does not
    have, or that leave no noise; traced ones are not checked.
    """
    # One row per position also where they share the time: stored runs have been computed so, bit for bit.
    time = jnp.broadcast_to(time, jnp.shape(x)[:1])[:, None]
    inputs, noise, skip, output = scaled(x, time, process, preconditioning)
    inputs = jnp.concatenate([inputs, noise, jnp.sin(2 * noise), jnp.cos(2 * noise)], axis=-1)
    return NetworkScales(inputs, skip, output)


class AbstractScoreNetwork(AbstractDenoisingNetwork):
    """A denoiser D(x, t) = c_skip x + c_out F(inputs) whose F has three functions of the noise level among its inputs.

    To add one, supply `residual`, the network F.
    """

    @abc.abstractmethod
    def residual(self, inputs: Float[Array, "n inputs"]) -> Positions:
        """F, from the inputs that `network_scales` makes."""

    def __call__(self, x: Positions, time: Times) -> Positions:
        inputs, skip, output = network_scales(self.process, x, time, self.preconditioning)
        return skip * x + output * self.residual(inputs)


class MLPDenoiser(AbstractScoreNetwork):
    """F is a multilayer perceptron with SiLU activations; the last of its layers is linear."""

    process: AbstractProcess
    weights: tuple[Float[Array, "rows columns"], ...]
    biases: tuple[Float[Array, " columns"], ...]
    preconditioning: AbstractPreconditioning = eqx.field(default=UNIT_DATA, kw_only=True)

    def residual(self, inputs: Float[Array, "n inputs"]) -> Positions:
        hidden = inputs
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = jax.nn.silu(hidden @ weight + bias[None])
        return hidden @ self.weights[-1] + self.biases[-1][None]


class WideNetwork(AbstractScoreNetwork):
    """F = (1/√n) a·tanh(V u/√k + b) with n hidden units and k inputs u, in the NTK parametrisation.

    Its arrays are of order one whatever the width, so that gradient descent with a step of order one moves the function
    by order one and every array by order 1/√n (Jacot et al. 2018, Sec. 4).
    """

    process: AbstractProcess
    inner: Float[Array, "inputs hidden"]  # V
    bias: Float[Array, " hidden"]  # b
    outer: Float[Array, "hidden dim"]  # a
    preconditioning: AbstractPreconditioning = eqx.field(default=UNIT_DATA, kw_only=True)

    def residual(self, inputs: Float[Array, "n inputs"]) -> Positions:
        hidden = jnp.tanh(inputs @ self.inner / jnp.sqrt(inputs.shape[1]).astype(inputs.dtype) + self.bias[None])
        return hidden @ self.outer / jnp.sqrt(self.outer.shape[0]).astype(inputs.dtype)


class RandomFeatureNetwork(AbstractScoreNetwork):
    """F = A h(inputs) with h = tanh(V u + b)/√n fixed and random; only the readout A is trained."""

    process: AbstractProcess
    inner: Float[Array, "inputs hidden"]  # V
    bias: Float[Array, " hidden"]  # b
    readout: Float[Array, "dim hidden"]  # A
    preconditioning: AbstractPreconditioning = eqx.field(default=UNIT_DATA, kw_only=True)

    def hidden(self, inputs: Float[Array, "n inputs"]) -> Float[Array, "n hidden"]:
        """h, what the readout multiplies."""
        values = jnp.tanh(inputs @ self.inner + self.bias[None])
        return values / jnp.sqrt(self.bias.shape[0]).astype(values.dtype)

    def residual(self, inputs: Float[Array, "n inputs"]) -> Positions:
        return self.hidden(inputs) @ self.readout.T


@whole_arguments("dimension", "width", "hidden_layers")
def mlp_denoiser(
    process: AbstractProcess,
    dimension: int,
    *,
    width: int,
    hidden_layers: int,
    key: PRNGKeyArray,
    dtype=jnp.float32,
    preconditioning: AbstractPreconditioning = UNIT_DATA,
) -> MLPDenoiser:
    """Weights N(0, 1/fan-in), biases zero. Raises ValueError unless all numbers are 1, 2, …."""
    sizes = [dimension + _NOISE_COORDINATES, *(width,) * hidden_layers, dimension]
    shapes = list(zip(sizes[:-1], sizes[1:], strict=True))
    weights = tuple(
        jax.random.normal(layer_key, shape, dtype) * shape[0] ** -0.5
        for layer_key, shape in zip(jax.random.split(key, len(shapes)), shapes, strict=True)
    )
    return MLPDenoiser(
        process, weights, tuple(jnp.zeros(size, dtype) for size in sizes[1:]), preconditioning=preconditioning
    )


@whole_arguments("dimension", "width")
def wide_network(
    process: AbstractProcess,
    dimension: int,
    *,
    width: int,
    key: PRNGKeyArray,
    dtype=jnp.float32,
    preconditioning: AbstractPreconditioning = UNIT_DATA,
) -> WideNetwork:
    """All arrays drawn from N(0, 1). Raises ValueError unless both numbers are 1, 2, …."""
    inner_key, bias_key, outer_key = jax.random.split(key, 3)
    inner = jax.random.normal(inner_key, (dimension + _NOISE_COORDINATES, width), dtype)
    bias, outer = (
        jax.random.normal(part_key, shape, dtype)
        for part_key, shape in ((bias_key, (width,)), (outer_key, (width, dimension)))
    )
    return WideNetwork(process, inner, bias, outer, preconditioning=preconditioning)


@whole_arguments("dimension", "width")
def random_feature_network(
    process: AbstractProcess,
    dimension: int,
    *,
    width: int,
    scale: float,
    key: PRNGKeyArray,
    dtype=float,
    preconditioning: AbstractPreconditioning = UNIT_DATA,
) -> RandomFeatureNetwork:
    """V and b drawn from N(0, scale²), readout zero. Raises ValueError unless both numbers are 1, 2, …."""
    inner_key, bias_key = jax.random.split(key)
    inner = scale * jax.random.normal(inner_key, (dimension + _NOISE_COORDINATES, width), dtype)
    bias = scale * jax.random.normal(bias_key, (width,), dtype)
    return RandomFeatureNetwork(
        process, inner, bias, jnp.zeros((dimension, width), dtype), preconditioning=preconditioning
    )


def ntk_features(network: WideNetwork, x: Positions, time: Times) -> Float[Array, "n dim parameters"]:
    """φ(x, t) = ∂D(x, t)/∂θ, of which the empirical neural tangent kernel is K = φ φ'ᵀ (Vastola 2025, Sec. 5.2).

    In the lazy regime, training moves D as it moves the model D_0 + φ·(θ - θ_0) that is linear in θ. Parameters are
    ordered as the fields: V, b, a, each with its last axis fastest.
    """

    def denoised(trained: tuple[Array, Array, Array], position: Array, moment: Array) -> Float[Array, " dim"]:
        moved = eqx.tree_at(lambda wide: (wide.inner, wide.bias, wide.outer), network, trained)
        return moved(position[None], moment)[0]

    time = jnp.broadcast_to(time, x.shape[:1])
    trained = (network.inner, network.bias, network.outer)
    slopes = jax.vmap(jax.jacrev(denoised), in_axes=(None, 0, 0))(trained, x, time)
    return jnp.concatenate([slope.reshape(*x.shape, -1) for slope in slopes], axis=-1)
