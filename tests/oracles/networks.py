"""Networks of `sims` beside the same networks written out in NumPy, their losses sample by sample, their gradients.

The NumPy side shares no code with `sims`: `outputs` takes the trained arrays in the order of the module's leaves and
samples (n, d); gradients are complex steps through the sum over samples, exact to round-off.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from sims.networks.convolution import ConvolutionDenoiser
from sims.networks.linear import (
    AbstractLinearNetwork,
    DeepLinearDenoiser,
    LinearDenoiser,
    PreconditionedDenoiser,
    TiedTwoLayerDenoiser,
    TwoLayerDenoiser,
)

DIMENSION = 6
_RNG = np.random.default_rng(7)


@dataclass(frozen=True)
class Case:
    network: AbstractLinearNetwork
    outputs: Callable
    fixed: int = 0  # this many leading arrays are not trained

    @property
    def parameters(self):
        return [np.asarray(leaf) for leaf in jax.tree.leaves(self.network)]


def loss(case, parameters, target, noisy, weight):
    """w (1/P) Σ|y - D(x)|² over samples (P, d)."""
    return weight * np.sum((target - case.outputs(parameters, noisy)) ** 2) / len(noisy)


def gradient(case, parameters, target, noisy, weight):
    """Its derivative in every entry of every trained array; zero for the fixed ones."""
    slopes = [np.zeros_like(array) for array in parameters]
    for slope, (number, array) in zip(slopes[case.fixed :], list(enumerate(parameters))[case.fixed :], strict=True):
        for entry in np.ndindex(array.shape):
            shifted = [each.astype(complex) for each in parameters]
            shifted[number][entry] += 1e-30j
            slope[entry] = np.imag(loss(case, shifted, target, noisy, weight)) / 1e-30
    return slopes


def _chain(factors, x):
    for factor in reversed(factors):
        x = x @ factor.T
    return x


def _ring(kernel, x):
    """Taps at the offsets -K//2, …: y_i = Σ_o w(o) x_{i+o}, one pixel and one tap at a time."""
    length, width = x.shape[1], len(kernel)
    columns = [sum(kernel[j] * x[:, (i + j - width // 2) % length] for j in range(width)) for i in range(length)]
    return np.stack(columns, axis=1)


def _image(kernel, x, height, length):
    images = x.reshape(len(x), height, length)
    output = np.zeros(images.shape, np.result_type(kernel, x))
    for row, column in np.ndindex(height, length):
        for tap in np.ndindex(kernel.shape):
            neighbour = (
                (row + tap[0] - kernel.shape[0] // 2) % height,
                (column + tap[1] - kernel.shape[1] // 2) % length,
            )
            output[:, row, column] += kernel[tap] * images[:, neighbour[0], neighbour[1]]
    return output.reshape(x.shape)


def _random(*shape):
    return jnp.asarray(0.4 * _RNG.normal(size=shape))


def _scales(*numbers):
    """c_skip, c_out and 1/c_in."""
    return [jnp.asarray(number) for number in numbers]


# Neither aligned with any data nor symmetric nor square.
CASES = {
    "linear": Case(LinearDenoiser(_random(6, 6)), lambda p, x: x @ p[0].T),
    "linear_biased": Case(LinearDenoiser(_random(6, 6), _random(6)), lambda p, x: x @ p[0].T + p[1]),
    "tied": Case(TiedTwoLayerDenoiser(_random(6, 4)), lambda p, x: x @ p[0] @ p[0].T),
    "tied_biased": Case(TiedTwoLayerDenoiser(_random(6, 4), _random(6)), lambda p, x: x @ p[0] @ p[0].T + p[1]),
    "two_layer": Case(TwoLayerDenoiser(_random(6, 4), _random(4, 6)), _chain),
    "two_layer_biased": Case(
        TwoLayerDenoiser(_random(6, 4), _random(4, 6), _random(6)), lambda p, x: _chain(p[:2], x) + p[2]
    ),
    "deep": Case(DeepLinearDenoiser((_random(6, 4), _random(4, 5), _random(5, 6))), _chain),
    "deep_biased": Case(
        DeepLinearDenoiser((_random(6, 5), _random(5, 6)), _random(6)), lambda p, x: _chain(p[:2], x) + p[2]
    ),
    "preconditioned": Case(
        PreconditionedDenoiser(*_scales(0.7, -0.3, 1.7), TwoLayerDenoiser(_random(6, 4), _random(4, 6))),
        lambda p, x: p[0] * x + p[1] * _chain(p[3:], x / p[2]),
        fixed=3,
    ),
    "preconditioned_biased": Case(
        PreconditionedDenoiser(*_scales(0.7, -0.3, 0.6), LinearDenoiser(_random(6, 6), _random(6))),
        lambda p, x: p[0] * x + p[1] * (x / p[2] @ p[3].T + p[4]),
        fixed=3,
    ),
    "ring": Case(ConvolutionDenoiser(_random(3), (6,)), lambda p, x: _ring(p[0], x)),
    "full_ring": Case(ConvolutionDenoiser(_random(6), (6,)), lambda p, x: _ring(p[0], x)),
    "image": Case(ConvolutionDenoiser(_random(2, 1), (2, 3)), lambda p, x: _image(p[0], x, 2, 3)),
    "preconditioned_ring": Case(
        PreconditionedDenoiser(*_scales(1.0, 0.5, 2.0), ConvolutionDenoiser(_random(3), (6,))),
        lambda p, x: p[0] * x + p[1] * _ring(p[3], x / p[2]),
        fixed=3,
    ),
}
