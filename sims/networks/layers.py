"""Layers that networks are built of: linear maps and normalisations, with the authors' initialisations.

Products of matrices are most of the arithmetic. With `bfloat16` their factors and results are rounded to that type,
all else keeps the precision of the arrays.
"""

import math
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from theory.definitions.checks import whole_arguments

Rows = Float[Array, "rows features"]


class Linear(eqx.Module):
    """x W + b for rows x."""

    weight: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]
    bfloat16: bool = eqx.field(static=True, default=False)

    def __call__(self, x: Rows) -> Rows:
        return product(x, self.weight, bfloat16=self.bfloat16) + self.bias[None]


class LayerNorm(eqx.Module):
    """γ (x - mean)/√(variance + ε) + β over the features of each row, ε = 10⁻⁵."""

    scale: Float[Array, " features"]  # γ
    shift: Float[Array, " features"]  # β

    def __call__(self, x: Rows) -> Rows:
        return standardised(x, 1e-5) * self.scale[None] + self.shift[None]


class GroupNorm(eqx.Module):
    """LayerNorm over all pixels of each of min(32, C/4) groups of neighbouring channels, ε = 10⁻⁶."""

    scale: Float[Array, " channels"]
    shift: Float[Array, " channels"]

    def __call__(self, x: Float[Array, "channels n height width"]) -> Float[Array, "channels n height width"]:
        groups = x.reshape(_group_count(x.shape[0]), -1, x.shape[1], x.shape[2] * x.shape[3])
        centred = groups - _means_of_groups(groups)
        shape = (*groups.shape[:2], 1, 1)
        scale = jax.lax.rsqrt(_means_of_groups(centred**2) + 1e-6) * self.scale.reshape(shape)
        return (centred * scale + self.shift.reshape(shape)).reshape(x.shape)


def _means_of_groups(groups: Float[Array, "groups channels n pixels"]) -> Float[Array, "groups 1 n 1"]:
    """Over the pixels and channels of each group, first over pixels: they are neighbours in memory."""
    return groups.mean(axis=3, keepdims=True).mean(axis=1, keepdims=True)


def product(x: Rows, weight: Float[Array, "inputs outputs"], *, bfloat16: bool) -> Rows:
    """x W in the precision of x, but for factors and result where they are to be rounded to bfloat16."""
    if bfloat16:
        return (x.astype(jnp.bfloat16) @ weight.astype(jnp.bfloat16)).astype(x.dtype)
    return _product_on_cpu(x, weight) if jax.default_backend() == "cpu" else x @ weight


@jax.custom_jvp
def _product_on_cpu(x: Rows, weight: Float[Array, "inputs outputs"]) -> Rows:
    return x @ weight


@_product_on_cpu.defjvp
def _tangent_of_product(factors: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    """What JAX derives, but for one thing: the gradient of W, xᵀ times a slope, finds xᵀ in memory.

    XLA takes xᵀ from x in a general routine otherwise, which costs more than the copy. The barrier keeps it from that.
    """
    (x, weight), (x_tangent, weight_tangent) = factors, tangents
    transposed = jax.lax.optimization_barrier(x.T)
    return x @ weight, x_tangent @ weight + (weight_tangent.T @ transposed).T


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def standardised(x: Rows, epsilon: float) -> Rows:
    """(x - mean)/√(variance + ε) over the features of each row."""
    return _standardised_and_scale(x, epsilon)[0]


@standardised.defjvp
def _tangent_of_standardised(epsilon: float, x: tuple[Array], tangent: tuple[Array]):
    """dz = s (dx - mean dx - z mean(z dx)), in half as many passes over memory as what JAX derives."""
    z, scale = _standardised_and_scale(x[0], epsilon)
    mean = partial(jnp.mean, axis=-1, keepdims=True)
    return z, scale * (tangent[0] - mean(tangent[0]) - z * mean(z * tangent[0]))


def _standardised_and_scale(x: Rows, epsilon: float) -> tuple[Array, Array]:
    """z = s (x - mean) and s = 1/√(variance + ε)."""
    # Deviations first: a difference of large squares would cancel.
    deviation = x - jnp.mean(x, axis=-1, keepdims=True)
    scale = jax.lax.rsqrt(jnp.mean(deviation**2, axis=-1, keepdims=True) + epsilon)
    return scale * deviation, scale


# --- Initial layers ---


@whole_arguments("inputs", "outputs")
def fan_in_linear(key: PRNGKeyArray, inputs: int, outputs: int, *, bfloat16: bool = False, dtype=jnp.float32) -> Linear:
    """W and b uniform in ±1/√inputs, PyTorch's default. Raises ValueError unless sizes are 1, 2, …."""
    weight_key, bias_key = jax.random.split(key)
    weight, bias = (
        _uniform(part_key, shape, inputs**-0.5, dtype)
        for part_key, shape in ((weight_key, (inputs, outputs)), (bias_key, (outputs,)))
    )
    return Linear(weight, bias, bfloat16)


@whole_arguments("inputs", "outputs")
def xavier_linear(key: PRNGKeyArray, inputs: int, outputs: int, *, bfloat16: bool = False, dtype=jnp.float32) -> Linear:
    """W uniform in ±√(6/(inputs + outputs)), b zero (Glorot & Bengio 2010, Eq. 16).

    Raises ValueError unless sizes are 1, 2, ….
    """
    return Linear(xavier(key, (inputs, outputs), dtype=dtype), jnp.zeros(outputs, dtype), bfloat16)


def xavier(
    key: PRNGKeyArray, shape: tuple[int, ...], *, scale: float = 1.0, dtype=jnp.float32
) -> Float[Array, "*taps inputs outputs"]:
    """Weights uniform in ±scale·√(6/(fan in + fan out)); the taps of a filter multiply both fans."""
    *taps, inputs, outputs = shape
    fans = (inputs + outputs) * math.prod(taps)
    return _uniform(key, shape, scale * (6 / fans) ** 0.5, dtype)


@whole_arguments("features")
def layer_norm(features: int, dtype=jnp.float32) -> LayerNorm:
    """γ = 1, β = 0. Raises ValueError unless features are 1, 2, …."""
    return LayerNorm(jnp.ones(features, dtype), jnp.zeros(features, dtype))


@whole_arguments(channels=4)
def group_norm(channels: int, dtype=jnp.float32) -> GroupNorm:
    """γ = 1, β = 0. Raises ValueError for fewer than four channels, and where min(32, C/4) groups are not equal."""
    if channels % _group_count(channels):
        raise ValueError(f"channels must fill min(32, channels/4) equal groups; got {channels}")
    return GroupNorm(jnp.ones(channels, dtype), jnp.zeros(channels, dtype))


def _group_count(channels: int) -> int:
    """min(32, C/4), rounded down."""
    return min(32, channels // 4)


def _uniform(key: PRNGKeyArray, shape: tuple[int, ...], bound: float, dtype) -> Array:
    return jax.random.uniform(key, shape, dtype, -bound, bound)
