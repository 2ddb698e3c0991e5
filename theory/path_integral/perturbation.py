"""First order of perturbation theory in the V-kernel, for expectations of smooth functions."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from theory.definitions.checks import check_times
from theory.path_integral.paths import Drift, Path, Positions, Times, flow_path, trapezoid_weights
from theory.v_kernel.white_kernels import AbstractWhiteKernel

_ROUND_OFF = 1e-5  # of the sum of weights, in single precision


class FirstOrder(NamedTuple):
    """E h = `without_noise` + `correction` + O(V²)."""

    without_noise: Float[Array, ""]
    correction: Float[Array, ""]


def first_order_expectation(
    function: Callable[[Array], Array],
    kernel: AbstractWhiteKernel,
    drift: Drift,
    initial: Positions,
    weights: Float[Array, " n"],
    times: Times,
) -> FirstOrder:
    """E[h(x_ε)] = E_{p_ε} h + ½∫dt E_{p_t}[B_ij ∂_i∂_j (h∘φ_{t→ε})] + O(B²), B = κDCD for the naive kernel.

    φ is the flow of `drift`, its derivatives by automatic differentiation; h maps (dim,) to a number and must have two
    derivatives (for indicator functions use `first_order_fokker_planck`). `initial` (n, dim) with `weights` (n,) is a
    quadrature or a sample of the law at the first time: the mean over p_t is that over its images under the flow.
    Raises ValueError for weights that do not fit or do not sum to one, and times that are not monotone.

    Derived for this project from Prop. 4.1 of Vastola 2025.
    """
    check_times(times)
    if jnp.shape(weights) != jnp.shape(initial)[:1]:
        raise ValueError(
            f"weights must have shape {jnp.shape(initial)[:1]}, one per initial position; got {jnp.shape(weights)}"
        )
    if not isinstance(weights, Tracer) and not abs(np.sum(np.asarray(weights, dtype=float)) - 1) < _ROUND_OFF:
        raise ValueError(f"weights must sum to one; got the sum {np.sum(np.asarray(weights, dtype=float))}")
    return _first_order(function, kernel, drift, initial, weights, times)


@eqx.filter_jit
def _first_order(function, kernel, drift: Drift, initial: Positions, weights: Array, times: Times) -> FirstOrder:
    def of_path(start: Array) -> tuple[Array, Array]:
        x, slope, curvature = _path_with_derivatives(drift, start, times)
        end, end_gradient, end_hessian = x[-1], jax.grad(function)(x[-1]), jax.hessian(function)(x[-1])
        # Of H(y) = h(φ_{T→ε}(y)), y the start: the path is differentiated once for all times.
        total_slope = end_gradient @ slope[-1]
        total_curvature = slope[-1].T @ end_hessian @ slope[-1] + jnp.tensordot(end_gradient, curvature[-1], axes=1)

        def rate(position: Array, time: Array, jacobian: Array, bend: Array) -> Array:
            # H(y) = h_t(x_t(y)), h_t = h∘φ_{t→ε}: ∂_a H = J_ia ∂_i h_t, ∂_ab H = J_ia J_jb ∂_ij h_t + K_iab ∂_i h_t.
            inverse = jnp.linalg.inv(jacobian)
            hessian = inverse.T @ (total_curvature - jnp.tensordot(total_slope @ inverse, bend, axes=1)) @ inverse
            return jnp.sum(kernel.diffusion(position, time) * hessian) / 2

        return function(end), jax.vmap(rate)(x, times, slope, curvature) @ trapezoid_weights(times)

    zeroth, first = jax.vmap(of_path)(initial)
    return FirstOrder(weights @ zeroth, weights @ first)


def _path_with_derivatives(
    drift: Drift, start: Array, times: Times
) -> tuple[Path, Float[Array, "times dim dim"], Float[Array, "times dim dim dim"]]:
    """x_t, J_ia = ∂x_i/∂y_a and K_iab = ∂²x_i/∂y_a∂y_b at every time of the path that starts at y, in one pass."""

    def path(y: Array) -> tuple[Path, Path]:
        x = flow_path(drift, y, times)
        return x, x

    def with_slope(y: Array) -> tuple[Array, tuple[Path, Array]]:
        slope, x = jax.jacfwd(path, has_aux=True)(y)
        return slope, (x, slope)

    curvature, (x, slope) = jax.jacfwd(with_slope, has_aux=True)(start)
    return x, slope, curvature
