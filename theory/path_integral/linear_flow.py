"""Drifts linear in the position, with noise that does not depend on it: the generated law exactly, for any V."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from theory.definitions.checks import check_times
from theory.path_integral.action import Kernel
from theory.path_integral.paths import Drift, Times, flow_path, trapezoid_weights
from theory.v_kernel.white_kernels import AbstractWhiteKernel


def linear_flow_covariance(
    kernel: Kernel, drift: Drift, prior_covariance: Float[Array, "dim dim"], times: Times
) -> Float[Array, "dim dim"]:
    """Cov x_ε = ΦS_TΦᵀ + ∫∫ Φ_t V(t; t') Φ_t'ᵀ dt dt' for a drift linear in x and a V that does not depend on x.

    Φ_t is the flow's linear map from t to the last time, Φ = Φ_T. For white V = Bδ the second term is ∫Φ_t B Φ_tᵀ|dt|.
    Exact, with q Gaussian: the corrected semiclassical limit (Vastola 2025, Eq. 18 corrected). Integrals by the
    trapezoidal rule, the kernel read at x = 0. Raises ValueError for times that are not monotone, and a covariance that
    is not symmetric.
    """
    check_times(times)
    if np.ndim(prior_covariance) != 2 or np.shape(prior_covariance)[0] != np.shape(prior_covariance)[1]:
        raise ValueError(f"prior_covariance must be a matrix (dim, dim); got shape {np.shape(prior_covariance)}")
    if not isinstance(prior_covariance, Tracer) and not np.allclose(prior_covariance, np.transpose(prior_covariance)):
        raise ValueError(f"prior_covariance must be symmetric; got {prior_covariance}")
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
