"""The density of [q(x_0)] in one dimension for white V: Fokker-Planck, and its first order in the noise.

∂q/∂s = -∂(aq)/∂x + ∂²(Bq)/∂x²/2 with s the time elapsed, a = dx/ds the average drift and B the diffusion of the white
kernel (Itô). The cells are carried along by the ODE dx/ds = a. Relative to them there is no advection, so none of it is
smeared: without noise every cell keeps its mass exactly, and what is left to solve,

    dm_i/ds = (g_{i+1} - g_i)/(x_{i+1} - x_i) - (g_i - g_{i-1})/(x_i - x_{i-1}),   g_i = B(x_i) m_i/2w_i,

with m_i, w_i and x_i the mass, width and centre of a cell, conserves mass and keeps it non-negative under an implicit
step of any size.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_times
from theory.path_integral.cells import CellMasses, Cells, Edges
from theory.path_integral.paths import Drift, Times, flow_path, trapezoid_weights
from theory.v_kernel.white_kernels import AbstractWhiteKernel


def fokker_planck(kernel: AbstractWhiteKernel, drift: Drift, initial: CellMasses, times: Times) -> CellMasses:
    """The density at the last time of dx = v dt + B^(1/2) dW (Itô), from cells at the first time.

    ∂q/∂s = -∂(aq)/∂x + ∂²(Bq)/∂x²/2 on cells that the flow of v carries along; s = |t - t_0|. Implicit Euler steps
    through `times`: the error is of first order in the steps and of second in the width of the cells; the total mass
    is conserved to round-off and no cell becomes negative, at any step. `drift` and `kernel` take positions (n, 1).
    No flux passes the outermost edges. Raises ValueError for times that are not monotone.
    """
    check_times(times)
    return _implicit(kernel, drift, initial, times)


@eqx.filter_jit
def _implicit(kernel: AbstractWhiteKernel, drift: Drift, initial: CellMasses, times: Times) -> CellMasses:
    def step(mass: Cells, now: tuple[Edges, Array, Array]) -> tuple[Cells, None]:
        edges, time, size = now
        weight, gap = _exchange(kernel, edges, time)
        # Flux through the inner edge i + ½, to the left: (g_{i+1} - g_i)/gap_i with g = weight · mass.
        below = jnp.concatenate([jnp.zeros(1), -size * weight[:-1] / gap])  # effect of the left neighbour
        above = jnp.concatenate([-size * weight[1:] / gap, jnp.zeros(1)])  # effect of the right neighbour
        leaving = size * weight * (jnp.pad(1 / gap, (0, 1)) + jnp.pad(1 / gap, (1, 0)))
        return jax.lax.linalg.tridiagonal_solve(below, 1 + leaving, above, mass[:, None])[:, 0], None

    edges = _carried(drift, initial.edges, times)
    sizes = jnp.abs(jnp.diff(times))
    mass, _ = jax.lax.scan(step, initial.mass, (edges[1:], times[1:], sizes))
    return CellMasses(edges[-1], mass)


def first_order_fokker_planck(
    kernel: AbstractWhiteKernel, drift: Drift, initial: CellMasses, times: Times
) -> tuple[CellMasses, CellMasses]:
    """q = q_0 + q_1 + O(V²): the density of the probability-flow ODE, and the correction linear in the noise.

    The Fokker-Planck equation linearised about V = 0. On the moving cells q_0 has constant masses, so that the
    correction is an integral over time of the exchange between them, by the trapezoidal rule: the derivative of
    `fokker_planck` in κ at κ = 0, times κ. The masses of q_1 sum to zero and are of both signs; q_0 + q_1 may be
    negative where the noise is not small. Raises ValueError for times that are not monotone.
    """
    check_times(times)
    return _linearised(kernel, drift, initial, times)


@eqx.filter_jit
def _linearised(
    kernel: AbstractWhiteKernel, drift: Drift, initial: CellMasses, times: Times
) -> tuple[CellMasses, CellMasses]:
    def gain(total: Cells, now: tuple[Edges, Array, Array]) -> tuple[Cells, None]:
        edges, time, size = now
        weight, gap = _exchange(kernel, edges, time)
        flux = jnp.diff(weight * initial.mass) / gap
        return total + size * (jnp.pad(flux, (0, 1)) - jnp.pad(flux, (1, 0))), None

    edges = _carried(drift, initial.edges, times)
    change, _ = jax.lax.scan(gain, jnp.zeros_like(initial.mass), (edges, times, trapezoid_weights(times)))
    return CellMasses(edges[-1], initial.mass), CellMasses(edges[-1], change)


def _carried(drift: Drift, edges: Edges, times: Times) -> Float[Array, "times edges"]:
    """Edges at every time, moved by the ODE of the average drift."""
    return flow_path(drift, edges[:, None], times)[..., 0]


def _exchange(kernel: AbstractWhiteKernel, edges: Edges, time: Array) -> tuple[Cells, Float[Array, " inner"]]:
    """B(x_i)/2w_i, the factor of a cell's mass in g_i; and the distances between neighbouring centres."""
    centres = (edges[1:] + edges[:-1]) / 2
    diffusion = kernel.diffusion(centres[:, None], time)[:, 0, 0]
    return diffusion / (2 * jnp.diff(edges)), jnp.diff(centres)
