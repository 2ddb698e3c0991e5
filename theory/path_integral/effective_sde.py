"""Equations that sample generated paths: stochastic ones for white V, an ordinary one per field otherwise."""

from collections.abc import Callable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, PyTree

from theory.definitions.checks import check_times
from theory.path_integral.paths import Drift, Positions, Times, flow_path
from theory.v_kernel.white_kernels import AbstractWhiteKernel


def sample_effective_sde(
    kernel: AbstractWhiteKernel, drift: Drift, initial: Positions, times: Times, *, key: PRNGKeyArray
) -> Positions:
    """dx = v dt + B^(1/2) dW (Itô) for white V, by the method of Euler & Maruyama; positions at the last time.

    x_{k+1} = x_k + Δt v(x_k, t_k) + √|Δt| B(x_k, t_k)^(1/2) n_k, an independent normal n for every path and step
    (Vastola 2025, Sec. 3). The law of the result converges like Δt. Raises ValueError for times that are not monotone.
    """
    check_times(times)
    return _euler_maruyama(kernel, drift, initial, times, key)


@eqx.filter_jit
def _euler_maruyama(kernel, drift: Drift, initial: Positions, times: Times, key: PRNGKeyArray) -> Positions:
    def step(x: Positions, now: tuple[Array, Array, PRNGKeyArray]) -> tuple[Positions, None]:
        time, size, step_key = now
        noise = jax.random.normal(step_key, x.shape, x.dtype)
        root = kernel.diffusion_root(x, time)
        return x + size * drift(x, time) + jnp.sqrt(jnp.abs(size)) * jnp.einsum("nij,nj->ni", root, noise), None

    times = times.astype(initial.dtype)
    keys = jax.random.split(key, times.shape[0] - 1)
    return jax.lax.scan(step, initial, (times[:-1], jnp.diff(times), keys))[0]


def solve_effective_sde(
    kernel: AbstractWhiteKernel, drift: Drift, initial: Positions, times: Times, *, key: PRNGKeyArray
) -> Positions:
    """The effective SDE of `sample_effective_sde` by diffrax, on a Brownian path that does not depend on the steps.

    `diffrax.Euler` is its Itô solver; with a `VirtualBrownianTree` per path, resolved to 2^-16 of the span, finer
    `times` between the same ends converge path by path, like √Δt. Slower than `sample_effective_sde` many times over.
    Raises ValueError for times that are not monotone.
    """
    check_times(times)
    return _solve_with_diffrax(kernel, drift, initial, times, key)


@eqx.filter_jit
def _solve_with_diffrax(kernel, drift: Drift, initial: Positions, times: Times, key: PRNGKeyArray) -> Positions:
    # Brownian motion needs a time that grows: s = |t - t_0|.
    direction = jnp.sign(times[-1] - times[0])
    elapsed = direction * (times - times[0])
    dim, resolution = initial.shape[-1], jnp.minimum(elapsed[-1] / 2**16, jnp.min(jnp.diff(elapsed)) / 2)

    def clock(s: ArrayLike) -> Array:
        return times[0] + direction * s

    def of_path(x: Array, path_key: PRNGKeyArray) -> Array:
        brownian = diffrax.VirtualBrownianTree(0.0, elapsed[-1], tol=resolution, shape=(dim,), key=path_key)
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(lambda s, y, _: direction * drift(y, clock(s))),
            diffrax.ControlTerm(lambda s, y, _: kernel.diffusion_root(y, clock(s)), brownian),
        )
        solution = diffrax.diffeqsolve(
            terms,
            diffrax.Euler(),
            elapsed[0],
            elapsed[-1],
            None,
            x,
            stepsize_controller=diffrax.StepTo(ts=elapsed),
            max_steps=elapsed.shape[0],
            adjoint=diffrax.DirectAdjoint(),  # derivatives in forward mode too
        )
        assert solution.ys is not None
        return solution.ys[0]

    return jax.vmap(of_path)(initial, jax.random.split(key, initial.shape[0]))


def sample_gaussian_field_ode(
    draws: PyTree, drift: Callable[[PyTree, Array, Array], Array], initial: Positions, times: Times
) -> Float[Array, "draws n dim"]:
    """dx/dt = v(x, t; θ) for every draw θ of the score field, by Heun's method; positions at the last time.

    For V with a memory this is the path integral: one field ŝ per draw, kept for the whole path, and an ordinary ODE.
    It is exact when the fields are Gaussian with the mean s_avg and the covariance of V (Vastola 2025, App. D, with the
    one draw per path that its discretisation implies). `draws` is a pytree with a leading axis of draws, for instance
    weights; `drift(draw, x, t)` gives dx/dt at positions (n, dim). Each draw carries the same initial positions.

    The mean over draws does not follow the ODE of the mean field, contrary to Prop. 3.1: dx/dt = (1 + x/2)z with
    z ~ N(0, κ) has E x(t) = 2(e^{κt²/8} - 1). Raises ValueError for times that are not monotone.
    """
    check_times(times)
    return _field_ode(draws, drift, initial, times)


@eqx.filter_jit
def _field_ode(draws: PyTree, drift, initial: Positions, times: Times) -> Float[Array, "draws n dim"]:
    def of_draw(draw: PyTree) -> Positions:
        return flow_path(lambda x, time: drift(draw, x, time), initial, times)[-1]

    return jax.lax.map(of_draw, draws)
