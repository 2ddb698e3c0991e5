"""The semiclassical limit of small noise, in its corrected form.

As the V-kernel goes to zero [q(x_0)] tends to the density p(x_0 | ε) that the probability-flow ODE generates, with a
correction of first order in V. Eq. 18 of Vastola 2025 multiplies p(x_0 | ε) by det(∂²S_cl/∂x_T²/κ)^(-1/2), a factor
that the integral over x_T has used up already, and so tends to zero like κ^(dim/2); Eq. 145 inherits it. Neither is
used.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_times
from theory.path_integral.paths import Drift, Positions, Times, flow_path
from theory.v_kernel.white_kernels import AbstractWhiteKernel


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
