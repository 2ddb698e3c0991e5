"""The limit of a complete basis of features, in which V becomes white."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_count
from theory.definitions.features import Z
from theory.definitions.processes import AbstractProcess
from theory.exact_scores.point_masses import PointMasses


def complete_basis_limit(
    data: PointMasses, process: AbstractProcess, draws: float | Array, z: Z
) -> Float[Array, "*batch dim dim"]:
    """D_t C(z) D_t/(P p(z)), the factor of δ(z - z') in V for a complete basis trained to the end.

    p(z) = p(x|t)/|T - ε|, t uniform. Vastola 2025, Eq. 17, has the constant F Δz/P in place of 1/(P p(z)), which is
    only its average over the trace; the factor depends on z. Raises ValueError for fewer than one draw.
    """
    check_count("draws", draws)
    x, time = z
    log_density = data.log_density(x, time, process)
    factor = process.diffusion_coefficient(jnp.broadcast_to(time, x.shape[:-1])) ** 2 * jnp.exp(-log_density)
    factor = factor * abs(process.start_time - process.end_time) / draws
    return factor[..., None, None] * data.proxy_covariance(x, time, process)
