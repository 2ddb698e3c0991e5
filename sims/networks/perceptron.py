"""A plain multilayer perceptron, and the width at which networks of another shape have as many parameters."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from theory.definitions.checks import check_whole, whole_arguments


class Perceptron(eqx.Module):
    """Affine maps with SiLU activations between them; the last one is linear."""

    weights: tuple[Float[Array, "rows columns"], ...]
    biases: tuple[Float[Array, " columns"], ...]

    def __call__(self, inputs: Float[Array, "n inputs"]) -> Float[Array, "n outputs"]:
        hidden = inputs
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = jax.nn.silu(hidden @ weight + bias[None])
        return hidden @ self.weights[-1] + self.biases[-1][None]

    @property
    def inputs(self) -> int:
        """How many numbers it takes."""
        return self.weights[0].shape[-2]


def perceptron(sizes: Sequence[int], *, key: PRNGKeyArray, dtype=jnp.float32) -> Perceptron:
    """Weights N(0, 1/fan-in), biases zero; `sizes` from the inputs to the outputs.

    Raises ValueError for fewer than two sizes, and unless all are 1, 2, ….
    """
    if len(sizes) < 2:
        raise ValueError(f"a perceptron must have two sizes or more; got {list(sizes)}")
    for size in sizes:
        check_whole("every size", size)
    shapes = list(zip(sizes[:-1], sizes[1:], strict=True))
    keys = jax.random.split(key, len(shapes))
    weights = (
        jax.random.normal(each, shape, dtype) * shape[0] ** -0.5 for each, shape in zip(keys, shapes, strict=True)
    )
    return Perceptron(tuple(weights), tuple(jnp.zeros(size, dtype) for size in sizes[1:]))


def parameter_count(network: PyTree) -> int:
    """How many numbers are trained: all in the network's floating-point arrays."""
    return sum(leaf.size for leaf in jax.tree.leaves(network) if _is_trained(leaf))


@whole_arguments("count")
def width_of_count(make: Callable[[int, PRNGKeyArray], PyTree], count: int, *, key: PRNGKeyArray) -> int:
    """The width of `make(width, key)` at which it has as many parameters as `count`, or as nearly as there is one.

    Numbers of parameters must grow with the width; no network is made. Raises ValueError unless `count` is 1, 2, ….
    """

    def parameters(width: int) -> int:
        return parameter_count(eqx.filter_eval_shape(make, width, key))

    low, high = 1, 2
    while parameters(high) <= count:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameters(middle) <= count else (low, middle)
    return min((low, high), key=lambda each: abs(parameters(each) - count))


def _is_trained(leaf: Any) -> bool:
    """Also of the shape of an array that is not made."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)
