"""Sampling from ensembles of nonlinear networks."""

import equinox as eqx
import jax
from jaxtyping import Array, Float

from sims.networks.nonlinear import AbstractScoreNetwork
from sims.sampling.feature_models import denoiser_drift
from sims.sampling.solvers import heun
from sims.training.training_triples import with_array_parameters
from theory.definitions.checks import check_times
from theory.definitions.processes import AbstractProcess, process_time


def sample_networks(
    networks: AbstractScoreNetwork,
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
