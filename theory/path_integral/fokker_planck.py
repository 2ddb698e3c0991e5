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
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.checks import check_times
from theory.path_integral.paths import Drift, Times, flow_path
from theory.v_kernel.white import AbstractWhiteKernel

Edges = Float[Array, " edges"]
Cells = Float[Array, " cells"]


class CellMasses(eqx.Module):
    """A density on the line that is constant within cells: `edges` (cells + 1,) increasing, `mass` (cells,).

    Raises ValueError for other shapes and edges that do not increase.
    """

    edges: Edges
    mass: Cells

    def __check_init__(self) -> None:
        if jnp.ndim(self.mass) != 1 or jnp.shape(self.edges) != (jnp.shape(self.mass)[0] + 1,):
            shapes = (jnp.shape(self.edges), jnp.shape(self.mass))
            raise ValueError(f"cells need edges (cells + 1,) and mass (cells,); got shapes {shapes}")
        _check_increasing(self.edges)

    @property
    def density(self) -> Cells:
        """Mass per length, in each cell."""
        return self.mass / jnp.diff(self.edges)

    @property
    def centres(self) -> Cells:
        """Middle of each cell."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @eqx.filter_jit
    def mass_below(self, x: ArrayLike) -> Array:
        """Mass to the left of each x, any shape."""
        cumulative = jnp.concatenate([jnp.zeros(1, self.mass.dtype), jnp.cumsum(self.mass)])
        return jnp.interp(jnp.asarray(x), self.edges, cumulative)

    @eqx.filter_jit
    def mass_between(self, low: ArrayLike, high: ArrayLike) -> Array:
        """Mass in low < x < high; with the edges of a histogram, what each bin should hold."""
        return self.mass_below(high) - self.mass_below(low)


def gaussian_cells(edges: Edges, variance: ArrayLike) -> CellMasses:
    """N(0, `variance`) on the cells between `edges`, the outermost with all the mass beyond them: the total is one.

    Raises ValueError unless the edges are three or more and increase, and for a variance that is not positive.
    """
    _check_gaussian(edges, variance)
    return _gaussian(edges, variance)


def _check_gaussian(edges: Edges, variance: ArrayLike) -> None:
    if jnp.ndim(edges) != 1 or jnp.shape(edges)[0] < 3:
        raise ValueError(f"edges must be a sequence of three or more; got shape {jnp.shape(edges)}")
    _check_increasing(edges)
    if not isinstance(variance, Tracer) and not np.all(np.asarray(variance) > 0):
        raise ValueError(f"the variance must be positive; got {variance}")


def _check_increasing(edges: Edges) -> None:
    if not isinstance(edges, Tracer) and not np.all(np.diff(np.asarray(edges)) > 0):
        raise ValueError("edges must increase")


@eqx.filter_jit
def _gaussian(edges: Edges, variance: ArrayLike) -> CellMasses:
    below = jax.scipy.stats.norm.cdf(edges[1:-1] / jnp.sqrt(variance))
    ends = jnp.zeros(1, below.dtype)
    return CellMasses(edges, jnp.diff(jnp.concatenate([ends, below, 1 + ends])))


def gaussian_cells_ending_at(edges: Edges, variance: ArrayLike, drift: Drift, times: Times) -> CellMasses:
    """N(0, `variance`) at the first time, on the cells that the flow of `drift` carries to the given edges at the last.

    Between data points the flow expands, without bound as the noise level falls: a mesh that is even at the start has
    next to no cells in a gap at the end. One that is even at the end resolves it, and its centres are a quadrature for
    `first_order_expectation`. Raises ValueError as `gaussian_cells`, and for times that are not monotone.
    """
    check_times(times)
    _check_gaussian(edges, variance)
    return gaussian_cells(_carried_back(drift, edges, times), variance)


@eqx.filter_jit
def _carried_back(drift: Drift, edges: Edges, times: Times) -> Edges:
    return flow_path(drift, edges[:, None], times[::-1])[-1, :, 0]


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


def trapezoid_weights(times: Times) -> Times:
    """Weights of the trapezoidal rule for ∫|dt| on the given times."""
    half = jnp.abs(jnp.diff(times)) / 2
    return jnp.pad(half, (0, 1)) + jnp.pad(half, (1, 0))


def _carried(drift: Drift, edges: Edges, times: Times) -> Float[Array, "times edges"]:
    """Edges at every time, moved by the ODE of the average drift."""
    return flow_path(drift, edges[:, None], times)[..., 0]


def _exchange(kernel: AbstractWhiteKernel, edges: Edges, time: Array) -> tuple[Cells, Float[Array, " inner"]]:
    """B(x_i)/2w_i, the factor of a cell's mass in g_i; and the distances between neighbouring centres."""
    centres = (edges[1:] + edges[:-1]) / 2
    diffusion = kernel.diffusion(centres[:, None], time)[:, 0, 0]
    return diffusion / (2 * jnp.diff(edges)), jnp.diff(centres)
