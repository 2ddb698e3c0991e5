"""Rules for one panel of an integral: Gauss-Legendre, and its kin for oscillations of any frequency (Levin 1982)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from theory.numerics.matrix_functions import diagonal_matrix

_legendre = np.polynomial.legendre
NODES, NODE_WEIGHTS = _legendre.leggauss(16)
_DEGREES = np.arange(NODES.size)
# From values at the nodes to Legendre coefficients, (2k+1)/2 Σ_i w_i P_k(x_i) f_i: exact for polynomials of degree 15.
COEFFICIENTS = (_DEGREES[:, None] + 0.5) * _legendre.legvander(NODES, NODES.size - 1).T * NODE_WEIGHTS
_SLOPES = np.stack([_legendre.legval(NODES, _legendre.legder(row)) for row in np.eye(NODES.size)], axis=-1)
_DERIVATIVE = _SLOPES @ COEFFICIENTS
_AT_ENDS = _legendre.legvander(np.array([-1.0, 1.0]), NODES.size - 1) @ COEFFICIENTS


class PanelIntegral(NamedTuple):
    """An integral over a panel, and about how wrong it is."""

    value: Float[Array, "*shape"]
    error: Float[Array, "*shape"]


def oscillating_panel(
    amplitude: Complex[Array, "*shape nodes"],
    phase: Float[Array, "*shape nodes"],
    end_phases: Float[Array, "*shape 2"],
    width: Array,
) -> PanelIntegral:
    """Re ∫ A e^{iφ} dx over a panel of this width, from values at its nodes and the phases at its two ends.

    The equation p' + iφ'p = A has a solution as smooth as A and φ', whatever the frequency, and the integral is the
    difference of p e^{iφ} between the ends. The polynomial that solves it at the 16 nodes is p to round-off for A and
    φ as smooth as the ordinary rule needs its integrand, from a turn of half a radian up to any frequency. Where the
    phase stands still inside the panel it is not, and where it does not turn the equation has no one solution. `error`
    judges this by the last Legendre coefficients of p and of φ. A place where the phase stands still is as narrow as
    the square root of the number of turns, and so many coefficients are like the last.
    """
    kind = amplitude.dtype
    turning = phase @ jnp.asarray(_DERIVATIVE.T, phase.dtype)
    derivative = jnp.asarray(_DERIVATIVE, phase.dtype)
    equation = jax.lax.complex(jnp.broadcast_to(derivative, (*turning.shape, NODES.size)), diagonal_matrix(turning))
    solution = jnp.linalg.solve(equation, (width / 2 * amplitude)[..., None])[..., 0]
    at_ends = jnp.real(solution @ jnp.asarray(_AT_ENDS.T, kind) * jnp.exp(1j * end_phases))
    last = jnp.asarray(COEFFICIENTS[-2:].T, phase.dtype)
    size, bend = jnp.max(jnp.abs(solution), axis=-1), jnp.max(jnp.abs(phase @ last), axis=-1)
    alike = jnp.sqrt(1 + jnp.ptp(phase, axis=-1))
    missed = alike * jnp.max(jnp.abs(solution @ last.astype(kind)), axis=-1) + size * bend
    return PanelIntegral(at_ends[..., 1] - at_ends[..., 0], missed)
