"""The action of generated paths, and the exponent of their path integral before the response field is integrated out.

The average distribution that a diffusion model learns is a sum over paths,

    [q(x_0 | x_T)] = ∫Dp Dx exp(M_1 - M_2/2),   M_1 = ∫ i p·(dx/dt - v) dt,   M_2 = ∫∫ pᵀ V p' dt dt',

with v the average drift and V the V-kernel (Vastola 2025, Prop. 3.1): the paths of dx/dt = v + ξ with <ξξ'> = V, in
Itô's sense. Everywhere below `drift(x, t)` is v = dx/dt, for positions (..., dim) and one time; `times` run the way of
sampling, from noise to data, and may be spaced unevenly; Δt is the signed difference of two of them. A kernel is
white (`AbstractWhiteKernel`) or any function of two places z = (x, t), with positions (..., dim) and times (...), that
gives (..., dim, dim).

"On average paths follow the probability-flow ODE" (Prop. 3.1 and App. J.4) holds for white V only: noise that
remembers is correlated with the position it has led to, and shifts the mean.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from theory.definitions.checks import check_finite, check_times
from theory.definitions.features import Z
from theory.path_integral.paths import Drift, Path, Times
from theory.v_kernel.white_kernels import AbstractWhiteKernel

Kernel = AbstractWhiteKernel | Callable[[Z, Z], Array]

_NO_DENSITY = "the action must be finite; V is singular along this path, which has no density"


def _check_path(path: Path, times: Times) -> None:
    check_times(times)
    if jnp.ndim(path) != 2 or jnp.shape(path)[0] != jnp.shape(times)[0]:
        raise ValueError(
            f"a path must have shape ({jnp.shape(times)[0]}, dim), one position per time; got {jnp.shape(path)}"
        )


def _check_response(path: Path, response: Array) -> None:
    expected = (jnp.shape(path)[0] - 1, jnp.shape(path)[1])
    if jnp.shape(response) != expected:
        raise ValueError(f"the response field must have shape {expected}, a vector per step; got {jnp.shape(response)}")


def _residual(path: Path, times: Times, drift: Drift) -> Float[Array, "steps dim"]:
    """r_k = x_{k+1} - x_k - Δt v(x_k, t_k), the noise that each step needs (Vastola 2025, App. D)."""
    expected = jax.vmap(drift)(path[:-1], times[:-1])
    return jnp.diff(path, axis=0) - jnp.diff(times)[:, None] * expected


def _white_covariance(path: Path, times: Times, kernel: AbstractWhiteKernel) -> Float[Array, "steps dim dim"]:
    """|Δt| B(x_k, t_k), the covariance of each step's noise; steps are independent."""
    return jnp.abs(jnp.diff(times))[:, None, None] * jax.vmap(kernel.diffusion)(path[:-1], times[:-1])


def _coloured_covariance(path: Path, times: Times, kernel: Kernel) -> Float[Array, "steps_dim steps_dim"]:
    """Δt_k V(z_k; z_l) Δt_l, the covariance of all steps' noises, indexed [(step, dim), (step, dim)]."""
    x, time, step = path[:-1], times[:-1], jnp.diff(times)
    count, dim = x.shape
    left = jnp.broadcast_to(x[:, None], (count, count, dim)), jnp.broadcast_to(time[:, None], (count, count))
    right = jnp.broadcast_to(x[None], (count, count, dim)), jnp.broadcast_to(time[None], (count, count))
    blocks = (step[:, None] * step[None, :])[..., None, None] * kernel(left, right)
    return jnp.swapaxes(blocks, 1, 2).reshape(count * dim, count * dim)


def _gaussian_cost(residual: Float[Array, "*batch k"], covariance: Float[Array, "*batch k k"]) -> Float[Array, ""]:
    """rᵀΣ⁻¹r/2 + ln det(2πΣ)/2, summed over the batch. NaN for a Σ without inverse."""
    root = jnp.linalg.cholesky(covariance)
    whitened = jax.scipy.linalg.solve_triangular(root, residual[..., None], lower=True)
    diagonal = jnp.diagonal(root, axis1=-2, axis2=-1)
    return jnp.sum(whitened**2) / 2 + jnp.sum(jnp.log(diagonal)) + residual.size * jnp.log(2 * jnp.pi) / 2


def path_action(path: Path, times: Times, drift: Drift, kernel: Kernel) -> Float[Array, ""]:
    """S = rᵀΣ⁻¹r/2 + ln det(2πΣ)/2, with e^-S the density of a discretised path that starts at path[0].

    r_k = x_{k+1} - x_k - Δt v(x_k, t_k). For white V, Σ has the blocks |Δt| B(x_k, t_k) and S is Onsager & Machlup's
    action; otherwise Σ = Δt_k V(z_k; z_l) Δt_l couples all times. Everything is taken at the start of each step, Itô's
    convention, so that the density is normalised with no further determinant. It is what integrating the response field
    out of `msr_exponent` leaves (Vastola 2025, Prop. 3.1, App. D).

    Raises ValueError for a path and times that do not fit, and where Σ is singular (NaN where that is traced): a V of
    fewer features than the path has steps confines the path to fewer dimensions, and only the form with the response
    field exists.
    """
    _check_path(path, times)
    action = _action(path, times, drift, kernel)
    check_finite(action, _NO_DENSITY)
    return action


def action_gradient(path: Path, times: Times, drift: Drift, kernel: Kernel) -> Path:
    """∂S/∂x_k of `path_action`, at every time; raises as `path_action` does."""
    _check_path(path, times)
    gradient = _action_gradient(path, times, drift, kernel)
    check_finite(gradient, _NO_DENSITY)
    return gradient


@eqx.filter_jit
def _action(path: Path, times: Times, drift: Drift, kernel: Kernel) -> Float[Array, ""]:
    residual = _residual(path, times, drift)
    if isinstance(kernel, AbstractWhiteKernel):
        return _gaussian_cost(residual, _white_covariance(path, times, kernel))
    return _gaussian_cost(residual.reshape(-1), _coloured_covariance(path, times, kernel))


@eqx.filter_jit
def _action_gradient(path: Path, times: Times, drift: Drift, kernel: Kernel) -> Path:
    return jax.grad(lambda positions: _action(positions, times, drift, kernel))(path)


def msr_exponent(
    path: Path, response: Complex[Array, "steps dim"], times: Times, drift: Drift, kernel: Kernel
) -> Complex[Array, ""]:
    """M_1 - M_2/2 = i Σ_k p_k·r_k - Σ_kl p_kᵀ Σ_kl p_l/2 of Martin, Siggia & Rose (Vastola 2025, Prop. 3.1).

    r and Σ are those of `path_action`; `response` is p, one vector per step, real on the contour of integration. At the
    saddle p = iΣ⁻¹r it equals -rᵀΣ⁻¹r/2, and ∫dp/(2π)^(steps·dim) of its exponential is e^-S. V need not be
    invertible. Raises ValueError for shapes that do not fit.
    """
    _check_path(path, times)
    _check_response(path, response)
    return _msr(path, jnp.asarray(response), times, drift, kernel)


def msr_gradient(
    path: Path, response: Float[Array, "steps dim"], times: Times, drift: Drift, kernel: Kernel
) -> tuple[Complex[Array, "times dim"], Complex[Array, "steps dim"]]:
    """Derivatives of `msr_exponent` with respect to the path and a real response field; raises as it does."""
    _check_path(path, times)
    _check_response(path, response)
    return _msr_gradient(path, response, times, drift, kernel)


@eqx.filter_jit
def _msr(path: Path, response: Array, times: Times, drift: Drift, kernel: Kernel) -> Complex[Array, ""]:
    linear = 1j * jnp.sum(response * _residual(path, times, drift))
    if isinstance(kernel, AbstractWhiteKernel):
        return linear - jnp.einsum("ki,kij,kj", response, _white_covariance(path, times, kernel), response) / 2
    flat = response.reshape(-1)
    return linear - flat @ _coloured_covariance(path, times, kernel) @ flat / 2


@eqx.filter_jit
def _msr_gradient(path, response, times, drift, kernel):
    # Forward mode: from real positions to a complex number, for which reverse mode is not defined.
    return jax.jacfwd(lambda x, p: _msr(x, p, times, drift, kernel), argnums=(0, 1))(path, response)
