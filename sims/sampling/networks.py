"""Sampling from nonlinear networks: one, or an ensemble."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sims.networks.preconditioned import AbstractDenoisingNetwork, PreconditionedNetwork
from sims.sampling.feature_models import denoiser_drift
from sims.sampling.solvers import adaptive, heun
from sims.training.compilation import jit_with_fused_loops
from sims.training.training_triples import with_array_parameters
from theory.definitions.arrays import floating, is_traced
from theory.definitions.checks import check_times
from theory.definitions.processes import EDM, AbstractProcess, process_time

# D(x, σ): many positions and one noise level.
Denoiser = Callable[[Float[Array, "n dim"], Float[Array, ""]], Float[Array, "n dim"]]


def sample_networks(
    networks: AbstractDenoisingNetwork,
    process: AbstractProcess,
    initial: Float[Array, "n dim"],
    times: Float[Array, " times"],
) -> Float[Array, "objectives models n dim"]:
    """Carry the same initial positions through every network's probability-flow ODE, by Heun's method.

    Arrays of `networks` have the leading axes (objectives, models), as those of the samples do. Computed in the
    precision of `initial`; networks run one after the other inside one compiled loop. Raises ValueError for times
    that are not monotone, or that the process does not have.
    """
    check_times(times)
    process_time("times", times, process)
    return _sample(networks, with_array_parameters(process), initial, times)


@eqx.filter_jit
def _sample(networks, process, initial, times) -> Float[Array, "objectives models n dim"]:
    arrays, fixed = eqx.partition(networks, eqx.is_inexact_array)

    def of_network(arrays) -> Float[Array, "n dim"]:
        return heun(denoiser_drift(eqx.combine(arrays, fixed), process), initial, times)

    return jax.lax.map(lambda row: jax.lax.map(of_network, row), arrays)


def heun_sample(
    denoiser: Denoiser, noise: Float[Array, "n dim"], levels: Float[Array, " levels"]
) -> Float[Array, "n dim"]:
    """Samples of a variance-exploding denoiser by Heun's method (Karras et al. 2022, Alg. 1).

    From σ_0 × `noise`, unit normal, along dx/dσ = (x - D(x, σ))/σ through the decreasing `levels`, of which the last is
    zero; the step there is Euler's, which ends at D itself. N steps take 2N - 1 evaluations. Computed in the precision
    of the noise: records with the same noise differ by the network alone. Raises ValueError unless the levels fall
    strictly to zero.
    """
    _check_levels(levels)
    return _heun_sample(denoiser, floating(noise), jnp.asarray(levels))


@jit_with_fused_loops
def _heun_sample(denoiser: Denoiser, noise: Array, levels: Array) -> Float[Array, "n dim"]:
    levels = levels.astype(noise.dtype)
    end = heun(_exploding_drift(denoiser), levels[0] * noise, levels[:-1])
    return denoiser(end, levels[-2]).astype(noise.dtype)


def heun_sample_members(
    networks: PreconditionedNetwork, noise: Float[Array, "n dim"], levels: Float[Array, " levels"]
) -> Float[Array, "members n dim"]:
    """`heun_sample` of all members of an ensemble, from the same noise; their arrays have a leading axis."""
    _check_levels(levels)
    return eqx.filter_vmap(_heun_sample, in_axes=(eqx.if_array(0), None, None))(
        networks, floating(noise), jnp.asarray(levels)
    )


def converged_sample(
    denoiser: Denoiser, noise: Float[Array, "n dim"], process: EDM, *, tolerance: float
) -> Float[Array, "n dim"]:
    """Where the ODE itself takes the noise, to the solver's tolerance: what `heun_sample` tends to with many steps.

    From σ_max to σ_min with adaptive steps, and from there as `heun_sample`. Raises ValueError for a tolerance that is
    not positive and finite, and for one that the solver's steps do not suffice for.
    """
    noise = floating(noise)
    dtype = noise.dtype
    end = adaptive(_exploding_drift(denoiser), process.sigma_max * noise, process, tolerance=tolerance)
    return denoiser(end.astype(dtype), jnp.asarray(process.sigma_min, dtype)).astype(dtype)


def _exploding_drift(denoiser: Denoiser) -> Callable[[Array, Array, Array], Array]:
    def drift(index: Array, level: Array, x: Array) -> Array:
        del index
        return (x - denoiser(x, level.astype(x.dtype))) / level.astype(x.dtype)

    return drift


def _check_levels(levels: Float[Array, " levels"]) -> None:
    check_times(levels)
    if is_traced(levels):
        return
    values = np.asarray(levels)
    if values.size < 3 or values[0] < values[1] or values[-1] != 0:
        raise ValueError(f"noise levels must fall strictly to zero, in two steps or more; got {values}")
