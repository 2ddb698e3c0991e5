"""Networks that are linear in x, with one, two or many layers, as they are trained.

All compute D(x) = W x + b; they differ in how the trained arrays make up W. A `bias` of None stands for a network
without one, which gradient descent then does not train. Arrays may carry any leading axes (seeds, noise levels,
snapshots) once networks have been trained together; `total_maps_of` and `offsets_of` read W and b from them.
"""

import abc
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from theory.definitions.checks import check_not_negative, whole_arguments
from theory.definitions.preconditionings import AbstractPreconditioning
from theory.definitions.processes import AbstractProcess

Bias = Float[Array, "*batch dim"] | None


class AbstractLinearNetwork(eqx.Module):
    """A network whose output is affine in x: D(x) = W x + b.

    To add one, supply its arrays, W and b: losses, training, sampling and measurements work on it unchanged.
    """

    @abc.abstractmethod
    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " dim"]:
        """D(x) of a single network."""

    @abc.abstractmethod
    def total_map(self) -> Float[Array, "*batch dim dim"]:
        """W, for arrays with any leading axes."""

    @abc.abstractmethod
    def offset(self) -> Bias:
        """b, or None for a network without bias."""

    @property
    def shift_grid(self) -> tuple[int, ...] | None:
        """The periodic grid of pixels whose shifts W commutes with, where weights are shared between positions."""
        return None


Network = TypeVar("Network", bound=AbstractLinearNetwork)


class LinearDenoiser(AbstractLinearNetwork):
    """D(x) = W x + b."""

    weight: Float[Array, "*batch dim dim"]
    bias: Bias = None

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return _shifted(self.weight @ x, self.bias)

    def total_map(self) -> Float[Array, "*batch dim dim"]:
        return self.weight

    def offset(self) -> Bias:
        return self.bias


class TiedTwoLayerDenoiser(AbstractLinearNetwork):
    """D(x) = P Pᵀ x + b."""

    factor: Float[Array, "*batch dim hidden"]
    bias: Bias = None

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return _shifted(self.factor @ (self.factor.T @ x), self.bias)

    def total_map(self) -> Float[Array, "*batch dim dim"]:
        return self.factor @ jnp.swapaxes(self.factor, -1, -2)

    def offset(self) -> Bias:
        return self.bias


class TwoLayerDenoiser(AbstractLinearNetwork):
    """D(x) = P Q x + b with independent factors P (`outer`) and Q (`inner`)."""

    outer: Float[Array, "*batch dim hidden"]
    inner: Float[Array, "*batch hidden dim"]
    bias: Bias = None

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " dim"]:
        return _shifted(self.outer @ (self.inner @ x), self.bias)

    def total_map(self) -> Float[Array, "*batch dim dim"]:
        return self.outer @ self.inner

    def offset(self) -> Bias:
        return self.bias


class DeepLinearDenoiser(AbstractLinearNetwork):
    """D(x) = W_L ⋯ W_2 W_1 x + b; `factors` begins with the layer next to the output, W_L.

    A deep residual network Π(I + V_ℓ) is the same with W_ℓ = I + V_ℓ: gradient descent moves both alike.
    """

    factors: tuple[Float[Array, "*batch rows columns"], ...]
    bias: Bias = None

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " dim"]:
        for factor in reversed(self.factors):
            x = factor @ x
        return _shifted(x, self.bias)

    def total_map(self) -> Float[Array, "*batch dim dim"]:
        product = self.factors[0]
        for factor in self.factors[1:]:
            product = product @ factor
        return product

    def offset(self) -> Bias:
        return self.bias


class PreconditionedDenoiser(AbstractLinearNetwork):
    """D(x) = c_skip x + c_out F(c_in x): a network F inside fixed scales, of which only F is trained.

    The scales are numbers, or one per noise level (shape (levels,)) when networks of many levels are trained together;
    `preconditioned` takes them from a preconditioning of `theory.definitions`.
    """

    skip: Float[Array, "*batch"]  # c_skip
    output: Float[Array, "*batch"]  # c_out
    divisor: Float[Array, "*batch"]  # 1/c_in
    network: AbstractLinearNetwork

    def __call__(self, x: Float[Array, " dim"]) -> Float[Array, " dim"]:
        inner = self.network(x / self._fixed(self.divisor, x))
        return self._fixed(self.skip, x) * x + self._fixed(self.output, x) * inner

    def total_map(self) -> Float[Array, "*batch dim dim"]:
        inner = self.network.total_map()
        identity = jnp.broadcast_to(jnp.eye(inner.shape[-1], dtype=inner.dtype), inner.shape)
        skip, scale = (fixed[..., None, None] for fixed in (self.skip, self.output / self.divisor))
        return self._fixed(skip, inner) * identity + self._fixed(scale, inner) * inner

    def offset(self) -> Bias:
        inner = self.network.offset()
        return None if inner is None else self._fixed(self.output[..., None], inner) * inner

    @staticmethod
    def _fixed(scale: Array, like: Array) -> Array:
        """A scale in the shape and precision of what it multiplies, invisible to gradient descent."""
        return jax.lax.stop_gradient(jnp.broadcast_to(scale, like.shape).astype(like.dtype))


def preconditioned(
    network: AbstractLinearNetwork,
    preconditioning: AbstractPreconditioning,
    process: AbstractProcess,
    times: Float[Array, "*levels"],
) -> PreconditionedDenoiser:
    """The network inside the scales that a preconditioning has at one process time, or at those of many networks."""
    scales = preconditioning.scales(process.signal_scale(times), process.noise_scale(times))
    return PreconditionedDenoiser(scales.skip, scales.output, scales.divisor, network)


def total_maps_of(networks: AbstractLinearNetwork) -> Float[Array, "*batch dim dim"]:
    """The matrix W that multiplies x, for networks whose arrays have any leading axes."""
    return networks.total_map()


def offsets_of(networks: AbstractLinearNetwork) -> Bias:
    """The vector b that is added, for networks whose arrays have any leading axes; None without bias."""
    return networks.offset()


@whole_arguments("levels")
def one_per_level(network: Network, levels: int) -> Network:
    """The same network at every noise level: trained arrays are repeated, scales of its own per level are kept."""
    if isinstance(network, PreconditionedDenoiser):
        fixed = (jnp.broadcast_to(scale, (levels,)) for scale in (network.skip, network.output, network.divisor))
        parts = (*fixed, one_per_level(network.network, levels))
        return eqx.tree_at(lambda outer: (outer.skip, outer.output, outer.divisor, outer.network), network, parts)
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (levels, *leaf.shape)), network)


# --- Initial networks: where no map is given it is Q·I, aligned with every data set ---


@whole_arguments("dimension")
def linear_denoiser(
    dimension: int, initial_gain: ArrayLike, dtype=jnp.float32, *, initial_bias: ArrayLike | None = None
) -> LinearDenoiser:
    """W(0) = Q·I, and b(0) of shape (d,) if the network is to have a bias.

    Like all networks below, raises ValueError unless `dimension` is 1, 2, ….
    """
    weight = jnp.asarray(initial_gain, dtype) * jnp.eye(dimension, dtype=dtype)
    bias = None if initial_bias is None else jnp.broadcast_to(jnp.asarray(initial_bias, dtype), (dimension,))
    return LinearDenoiser(weight, bias)


@whole_arguments("dimension")
def tied_two_layer_denoiser(
    key: PRNGKeyArray, dimension: int, initial_gain: ArrayLike, dtype=jnp.float32
) -> TiedTwoLayerDenoiser:
    """P(0) = √Q·O with O a random rotation, so that P Pᵀ = Q·I is aligned while P itself is generic."""
    return TiedTwoLayerDenoiser(jnp.sqrt(jnp.asarray(initial_gain, dtype)) * _rotation(key, dimension, dtype))


def tied_two_layer_denoiser_of(
    key: PRNGKeyArray, total_map: Float[ArrayLike, "dim dim"], dtype=jnp.float32
) -> TiedTwoLayerDenoiser:
    """P(0) = L·O with L Lᵀ the given total map and O a random rotation: any symmetric map, aligned or not.

    Raises ValueError where the map is not symmetric and positive definite.
    """
    product = np.asarray(total_map, float)
    if not np.allclose(product, product.T) or np.linalg.eigvalsh(product)[0] <= 0:
        raise ValueError(f"the total map of tied layers must be symmetric and positive definite; got {product}")
    root = jnp.asarray(np.linalg.cholesky(product), dtype)
    return TiedTwoLayerDenoiser(root @ _rotation(key, len(product), dtype))


@whole_arguments("dimension")
def two_layer_denoiser(
    key: PRNGKeyArray, dimension: int, initial_gain: float, imbalance: float = 0.0, dtype=jnp.float32
) -> TwoLayerDenoiser:
    """P(0) = p·O and Q(0) = q·Oᵀ with O a random rotation, pq = Q and p² - q² = c_0.

    Gradient flow conserves PᵀP - QQᵀ = c_0 I, the imbalance (Wang & Pehlevan 2025, App. F.2).
    """
    # The larger of p, q from p² = (|c_0| + √(c_0² + 4Q²))/2; the other as a quotient, where a difference would cancel.
    larger = np.sqrt((abs(imbalance) + np.hypot(imbalance, 2 * initial_gain)) / 2)
    smaller = initial_gain / larger if larger > 0 else 0.0
    p, q = (larger, smaller) if imbalance >= 0 else (smaller, larger)
    rotation = _rotation(key, dimension, dtype)
    return TwoLayerDenoiser(jnp.asarray(p, dtype) * rotation, jnp.asarray(q, dtype) * rotation.T)


@whole_arguments("dimension", "depth")
def deep_linear_denoiser(
    key: PRNGKeyArray, dimension: int, depth: int, initial_gain: float, dtype=jnp.float32
) -> DeepLinearDenoiser:
    """W_ℓ(0) = Q^(1/L) R_ℓ R_{ℓ-1}ᵀ with random rotations R and R_0 = R_L = I: balanced, W = Q·I, each layer generic.

    Raises ValueError unless `depth` is 1, 2, …, and for a negative gain.
    """
    check_not_negative("the gain of a balanced deep network", initial_gain)
    identity = jnp.eye(dimension, dtype=dtype)
    between = [_rotation(layer_key, dimension, dtype) for layer_key in jax.random.split(key, depth - 1)]
    rotations = [identity, *between, identity]
    scale = jnp.asarray(initial_gain ** (1 / depth), dtype)
    return DeepLinearDenoiser(
        tuple(scale * left @ right.T for left, right in zip(rotations[:-1], rotations[1:], strict=True))
    )


def _rotation(key: PRNGKeyArray, dimension: int, dtype) -> Float[Array, "dim dim"]:
    return jnp.linalg.qr(jax.random.normal(key, (dimension, dimension), dtype))[0]


def _shifted(output: Float[Array, " dim"], bias: Bias) -> Float[Array, " dim"]:
    return output if bias is None else output + bias
