"""Small noise: first-order perturbation theory, the semiclassical limit in its corrected form, linear drifts exactly.

As the V-kernel goes to zero [q(x_0)] tends to the density p(x_0 | ε) that the probability-flow ODE generates, with a
correction of first order in V. Eq. 18 of Vastola 2025 multiplies p(x_0 | ε) by det(∂²S_cl/∂x_T²/κ)^(-1/2), a factor
that the integral over x_T has used up already, and so tends to zero like κ^(dim/2); Eq. 145 inherits it. Neither is
used.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_times
from theory.path_integral.action import Kernel
from theory.path_integral.fokker_planck import trapezoid_weights
from theory.path_integral.paths import Drift, Path, Positions, Times, flow_path
from theory.v_kernel.white import AbstractWhiteKernel


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
    Raises ValueError for weights that do not fit and times that are not monotone.

    Derived for this project from Prop. 4.1 of Vastola 2025.
    """
    check_times(times)
    if jnp.shape(weights) != jnp.shape(initial)[:1]:
        raise ValueError(f"one weight per initial position: {jnp.shape(initial)[:1]}; got {jnp.shape(weights)}")
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


class NoisyPaths(NamedTuple):
    """Where paths end to first order in the noise: x_ε ~ N(`end` + `shift`, `covariance`) for each start."""

    end: Positions  # φ_{T→ε}(x_T)
    shift: Positions
    covariance: Float[Array, "n dim dim"]


def semiclassical_paths(kernel: AbstractWhiteKernel, drift: Drift, initial: Positions, times: Times) -> NoisyPaths:
    """Gaussian fluctuations about each path of the probability-flow ODE, white V, to first order in V.

    With A = ∂a/∂x along the path and a = dx/ds: dΓ/ds = AΓ + ΓAᵀ + B and dm/ds = Am + ½ ∂_i∂_j a Γ_ij; Heun's method.
    Averaged over x_T ~ p_T, N(φ(x_T) + m, Γ) is [q(x_0)] = p(x_0 | ε) + O(κ), the corrected form of Eq. 18 of Vastola
    2025 with its first correction. Its expectations of smooth functions agree with `first_order_expectation` to first
    order. As a density it needs far smaller noise than that: where paths part between data points, Γ and m are large
    and the Gaussians spill into the gap that the noise in truth empties. Raises ValueError for times that are not
    monotone.
    """
    check_times(times)
    return _fluctuations(kernel, drift, initial, times)


@eqx.filter_jit
def _fluctuations(kernel: AbstractWhiteKernel, drift: Drift, initial: Positions, times: Times) -> NoisyPaths:
    direction = jnp.sign(times[-1] - times[0])

    def of_path(start: Array) -> NoisyPaths:
        dim = start.shape[0]

        def rate(state: Array, time: Array) -> Array:
            x, shift, covariance = state[0], state[1], state[2:]
            slope = jax.jacfwd(drift)(x, time)
            bend = jax.jacfwd(jax.jacfwd(drift))(x, time)
            # Derivatives in t; B is a density per |dt|.
            spread = slope @ covariance + covariance @ slope.T + direction * kernel.diffusion(x, time)
            mean = slope @ shift + jnp.sum(bend * covariance[None], axis=(1, 2)) / 2
            return jnp.concatenate([drift(x, time)[None], mean[None], spread])

        state = jnp.concatenate([start[None], jnp.zeros((dim + 1, dim), start.dtype)])
        last = flow_path(rate, state, times)[-1]
        return NoisyPaths(last[0], last[1], last[2:])

    return jax.vmap(of_path)(initial)


def linear_flow_covariance(
    kernel: Kernel, drift: Drift, prior_covariance: Float[Array, "dim dim"], times: Times
) -> Float[Array, "dim dim"]:
    """Cov x_ε = ΦS_TΦᵀ + ∫∫ Φ_t V(t; t') Φ_t'ᵀ dt dt' for a drift linear in x and a V that does not depend on x.

    Φ_t is the flow's linear map from t to the last time, Φ = Φ_T. For white V = Bδ the second term is ∫Φ_t B Φ_tᵀ|dt|.
    Exact, with q Gaussian: the corrected semiclassical limit (Vastola 2025, Eq. 18 corrected). Integrals by the
    trapezoidal rule, the kernel read at x = 0. Raises ValueError for times that are not monotone.
    """
    check_times(times)
    return _linear_covariance(kernel, drift, prior_covariance, times)


@eqx.filter_jit
def _linear_covariance(kernel: Kernel, drift: Drift, prior_covariance: Array, times: Times) -> Array:
    dim = prior_covariance.shape[0]
    origin, weight = jnp.zeros((times.shape[0], dim), times.dtype), trapezoid_weights(times)
    maps = jax.jacfwd(lambda y: flow_path(drift, y, times))(origin[0])  # from the first time to each
    to_end = maps[-1][None] @ jnp.linalg.inv(maps)
    carried = to_end[0] @ prior_covariance @ to_end[0].T
    if isinstance(kernel, AbstractWhiteKernel):
        density = jax.vmap(kernel.diffusion)(origin, times)
        return carried + jnp.einsum("t,tij,tjk,tlk->il", weight, to_end, density, to_end)
    pairs = (times.shape[0], times.shape[0])
    at = jnp.zeros((*pairs, dim), times.dtype)
    left, right = jnp.broadcast_to(times[:, None], pairs), jnp.broadcast_to(times[None], pairs)
    noise = kernel((at, left), (at, right))
    return carried + jnp.einsum("t,u,tij,tujk,ulk->il", weight, weight, to_end, noise, to_end)
