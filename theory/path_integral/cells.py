"""Densities on the line as masses of cells, and where the flow of a drift carries the cells.

Between data points the flow expands, without bound as the noise level falls: cells that are even at the start leave
next to none in a gap at the end (`gaussian_cells_ending_at`).
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import is_traced, jit
from theory.definitions.checks import check_one_number, check_times, checked_jit, nan_unless
from theory.path_integral.paths import Drift, Times, flow_path

Edges = Float[Array, " edges"]

Cells = Float[Array, " cells"]


def _check_interval(arguments: Mapping[str, Any]) -> None:
    low, high = arguments["low"], arguments["high"]
    if not is_traced(low, high) and not np.all(np.asarray(low) <= np.asarray(high)):
        raise ValueError(f"an interval must have low <= high; got low={low} and high={high}")


class CellMasses(eqx.Module):
    """A density on the line that is constant within cells: `edges` (cells + 1,) increasing, `mass` (cells,).

    Raises ValueError for other shapes and edges that do not increase.
    """

    edges: Edges
    mass: Cells

    def __check_init__(self) -> None:
        if jnp.ndim(self.mass) != 1 or jnp.shape(self.edges) != (jnp.shape(self.mass)[0] + 1,):
            shapes = (jnp.shape(self.edges), jnp.shape(self.mass))
            raise ValueError(f"cells must have edges (cells + 1,) and mass (cells,); got shapes {shapes}")
        if jnp.iscomplexobj(self.mass):
            raise ValueError("the masses of cells must be real; got complex ones")
        _check_increasing(self.edges)

    @property
    def density(self) -> Cells:
        """Mass per length, in each cell."""
        return self.mass / jnp.diff(self.edges)

    @property
    def centres(self) -> Cells:
        """Middle of each cell."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @jit
    def mass_below(self, x: ArrayLike) -> Array:
        """Mass to the left of each x, any shape."""
        cumulative = jnp.concatenate([jnp.zeros(1, self.mass.dtype), jnp.cumsum(self.mass)])
        return jnp.interp(jnp.asarray(x), self.edges, cumulative)

    @checked_jit(_check_interval)
    def mass_between(self, low: ArrayLike, high: ArrayLike) -> Array:
        """Mass in low < x < high; with the edges of a histogram, what each bin should hold.

        Raises ValueError unless low ≤ high; NaN where that is traced.
        """
        ordered = jnp.asarray(low) <= jnp.asarray(high)
        return nan_unless(ordered, self.mass_below(high) - self.mass_below(low))


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
    check_one_number("the variance", variance)
    if not isinstance(variance, Tracer) and not np.asarray(variance) > 0:
        raise ValueError(f"the variance must be positive; got {variance}")


def _check_increasing(edges: Edges) -> None:
    if not isinstance(edges, Tracer) and not np.all(np.diff(np.asarray(edges)) > 0):
        raise ValueError(f"edges must increase; got {edges}")


@jit
def _gaussian(edges: Edges, variance: ArrayLike) -> CellMasses:
    below = jax.scipy.stats.norm.cdf(edges[1:-1] / jnp.sqrt(variance))
    ends = jnp.zeros(1, below.dtype)
    return CellMasses(edges, jnp.diff(jnp.concatenate([ends, below, 1 + ends])))


def gaussian_cells_ending_at(edges: Edges, variance: ArrayLike, drift: Drift, times: Times) -> CellMasses:
    """N(0, `variance`) at the first time, on the cells that the flow of `drift` carries to the given edges at the last.

    A mesh that is even at the end resolves a gap of the data, and its centres are a quadrature for
    `first_order_expectation`. Raises ValueError as `gaussian_cells`, and for times that are not monotone.
    """
    check_times(times)
    _check_gaussian(edges, variance)
    return gaussian_cells(_carried_back(drift, edges, times), variance)


@jit
def _carried_back(drift: Drift, edges: Edges, times: Times) -> Edges:
    return flow_path(drift, edges[:, None], times[::-1])[-1, :, 0]
